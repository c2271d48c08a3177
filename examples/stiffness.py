# %% [markdown]
# # Stiffness and the explicit limit
#
# With a network as the state, $u_t = L[u]$ becomes an ordinary differential equation for its
# parameters, $\dot\theta = v(\theta)$. This page takes steps of it by hand, by forward and backward
# Euler, for the heat equation on a circle, $u_t = u_{xx}$, and measures how long a step may be.

# %%
import diffrax
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import neural_ivp as nivp

jax.config.update("jax_enable_x64", True)
key = jax.random.key(0)

# %% [markdown]
# ## The equation of the parameters
#
# The simplest network is a Fourier series with $N$ modes; its coefficients are $\theta$. Each mode
# decays on its own, $\dot\theta_k = -k^2 \theta_k$: the Jacobian $\partial v / \partial \theta$ has
# the eigenvalues $0, -1, -1, -4, -4, \dots, -N^2, -N^2$. `nivp.parameter_ode` gives $v$.

# %%
heat = nivp.Problem(
    domain=nivp.Torus((2 * jnp.pi,)),
    initial=lambda x: jnp.exp(-5 * (x - jnp.pi) ** 2),
    rhs=lambda u, t, x: nivp.laplacian(u)(x),
)
points = nivp.QuasiMonteCarlo(200)
by_hand = nivp.NeuralIVP(sampler=points, velocity_solver=nivp.RidgeCholesky(damping=1e-13))


def fourier(N):  # coefficients of a series with N modes, and their velocity
    series = nivp.FourierSeries(heat.domain, 1, modes=N, key=key)
    term = nivp.parameter_ode(heat, series, by_hand, key=key)
    return nivp.networks.flatten(series)[0], jax.jit(lambda theta: term.vf(0.0, theta, None))


theta, velocity = fourier(16)
jacobian = jax.jacobian(velocity)(theta)
eigenvalues = np.linalg.eigvals(jacobian).real
print(np.sort(eigenvalues).round(2))

# %% [markdown]
# ## Forward Euler and the law $2 / \lambda$
#
# A forward Euler step multiplies a mode of the rate $-\lambda$ by $1 - \lambda \Delta t$. Beyond
# $\Delta t = 2 / \lambda$ that is below -1: the mode grows, although the exact one decays. Backward
# Euler, $\theta_1 = \theta_0 + \Delta t \, v(\theta_1)$, multiplies by $1 / (1 + \lambda \Delta t)$
# and has no limit; each step costs the solution of an equation.


# %%
def forward(theta, dt):
    return theta + dt * velocity(theta)


def backward(theta, dt):  # one Newton iteration, which is exact since v is linear here
    return theta + jnp.linalg.solve(jnp.eye(theta.size) - dt * jacobian, dt * velocity(theta))


def march(step, theta, dt):  # sizes of theta during 200 steps, relative to the first
    thetas = [theta]
    for _ in range(200):
        thetas.append(step(thetas[-1], dt))
    return np.linalg.norm(thetas, axis=1) / np.linalg.norm(theta)


limit = nivp.max_stable_step(diffrax.Euler(), eigenvalues)
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for step, factor in ((forward, 0.9), (forward, 1.1), (backward, 100)):
    sizes = march(step, theta, factor * limit)
    ax.semilogy(sizes, label=f"{step.__name__} Euler, {factor} x {limit:.4f}")
ax.set(xlabel="step", ylabel=r"$|\theta|$, relative to the start", ylim=(0.1, 1e12))
ax.legend()
fig.savefig("stiffness_euler.png")

# %% [markdown]
# ## The limit falls as $N^{-2}$
#
# By bisection: the longest step with which forward Euler has not grown after 200 steps. Twice as
# many modes want a quarter of the step, even though heat makes $u$ smoother all the time.

# %%
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for N in (2, 4, 8, 16):
    theta, velocity = fourier(N)
    low, high = 0.2 / N**2, 20 / N**2
    while high > 1.001 * low:
        dt = np.sqrt(low * high)
        low, high = (dt, high) if march(forward, theta, dt)[-1] <= 1 else (low, dt)
    print(f"N = {N:2d}: longest stable step {low:.5f}, 2 / N^2 = {2 / N**2:.5f}")
    ax.loglog(N, low, "o")
ax.loglog([2, 16], [2 / 2**2, 2 / 16**2], "k--")
ax.set(xlabel="modes N", ylabel="longest stable step", title="dashed: $2 / N^2$")
fig.savefig("stiffness_limit.png")

# %% [markdown]
# ## A perceptron, and the default
#
# It has no $N$: it represents ever finer scales, but more and more weakly, and the damping of the
# velocities decides which of them move: with less damping more do, and the equation is stiffer. The
# default method is implicit here, by the L-stable scheme `Rodas4`, with steps beyond these limits.

# %%
network = nivp.default_network(heat, width=12, depth=2, key=key)
solution = nivp.solve(heat, network, ts=[0, 1, 2], key=key, rtol=1e-4)
steps = (solution.record["t1"] - solution.record["t0"])[solution.record["accepted"]]
for damping in (1e-4, 1e-6, 1e-8):
    solver = nivp.RidgeCholesky(damping=damping)
    method = nivp.NeuralIVP(sampler=points, velocity_solver=solver)
    rates = nivp.jacobian_spectrum(heat, solution.network(0), method, 0.0, key=key)
    limit = nivp.max_stable_step(diffrax.Tsit5(), rates)
    print(f"damping {damping:.0e}: fastest rate {abs(rates[0]):.0f}, limit of Tsit5 {limit:.1e}")
print("default:", type(nivp.default_method(heat, network).integrator.solver).__name__)
print(f"{steps.size} steps, the longest {steps.max():.2f}: {steps.max() / limit:.0f} x the limit")
