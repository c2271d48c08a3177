# %% [markdown]
# # A wave
#
# A pulse on a string that is fixed at both ends,
#
# $$u_{tt} = u_{xx}, \quad -1 < x < 1, \qquad u = 0 \text{ at both ends},$$
#
# at first $u = e^{-40 x^2}$, moving to the right: $u_t = -u_x$. Equations of second order in time
# have a form of their own, `nivp.SecondOrderProblem`. It asks for the acceleration $u_{tt}$ as a
# function of $u$ and $v = u_t$.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import neural_ivp as nivp

jax.config.update("jax_enable_x64", True)

# %% [markdown]
# ## The equation
#
# `time_scale` is the time over which $u$ varies, here the width of the pulse over its speed: errors
# are those of $u$ and of `time_scale` times $u_t$. `invariants` are densities whose integrals over
# the domain are recorded at every step; `u` is the pair $(u, u_t)$ in them.


# %%
def energy(u, x):
    slope, speed = nivp.partial(u, 0)(x)[0], u(x)[1]
    return (speed**2 + slope**2) / 2


def string(right_end):
    return nivp.SecondOrderProblem(
        domain=nivp.Box((-1.0,), (1.0,)),
        boundary={"x0-": nivp.Dirichlet(0.0), "x0+": right_end},
        initial=lambda x: jnp.exp(-40 * x**2),
        initial_velocity=lambda x: 80 * x * jnp.exp(-40 * x**2),
        acceleration=lambda u, v, t, x: nivp.laplacian(u)(x),
        time_scale=0.1,
        invariants={"energy": energy},
        name="Pulse on a string",
    )


ts = np.linspace(0, 2, 21)
solution = nivp.solve(string(nivp.Dirichlet(0.0)), ts=ts, key=jax.random.key(0), rtol=1e-4)

# %% [markdown]
# A time and points give $u$ and $u_t$, in this order. d'Alembert's formula is the exact solution
# until $t = 3$: the pulse, and a mirror image of the opposite sign that comes in through the right
# end. At $t = 1$ the two cancel; later the pulse runs to the left, upside down.


# %%
def exact(t, x):
    ahead, back = x - t, x + t - 2  # the pulse, and its mirror image
    right, left = np.exp(-40 * ahead**2), np.exp(-40 * back**2)
    return np.concatenate([right - left, 80 * (ahead * right + back * left)], axis=1)


x = np.linspace(-1, 1, 401)[:, None]
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for k in (0, 6, 10, 14, 20):
    ax.plot(x, solution(ts[k], x)[:, 0], label=f"t = {ts[k]:.1f}")
    ax.plot(x, exact(ts[k], x)[:, 0], "k:", lw=1)
ax.set(xlabel="x", ylabel="u", title="The pulse is reflected upside down (dotted: exact)")
ax.legend(ncols=2)
fig.savefig("wave_pulse.png")
print(f"relative L2 error over all saved times: {solution.error(exact).overall:.1e}")

# %% [markdown]
# ## Energy
#
# The energy $E = \frac12 \int (u_t^2 + u_x^2) \, dx$ of the string is constant. The solver does not
# enforce that: the least squares behind each step keep it, up to errors of about the tolerance
# (`docs/waves.md` says why). With an absorbing right end, $u_t + u_x = 0$ there, the pulse leaves,
# and takes the energy with it.

# %%
open_string = string(nivp.Absorbing(1.0))
leaving = nivp.solve(open_string, ts=ts, key=jax.random.key(0), rtol=1e-4)


def energies(solution):
    density = jax.jit(lambda u: jax.vmap(lambda x: energy(u, x))(jnp.asarray(x)))
    return np.trapezoid([density(solution.field(t)) for t in times], x[:, 0], axis=1)


times = np.linspace(*solution.interval, 81)
fixed, opened = energies(solution), energies(leaving)
fig, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
ax.plot(times, fixed / fixed[0], label="fixed right end")
ax.plot(times, opened / opened[0], label="absorbing right end")
ax.set(xlabel="t", ylabel="E(t) / E(0)", title="Energy")
ax.legend()
fig.savefig("wave_energy.png")
print(f"fixed: largest relative change {np.max(np.abs(fixed / fixed[0] - 1)):.1e}")
print(f"absorbing: {opened[-1] / opened[0]:.1e} of the energy is left")

# %% [markdown]
# ## An animation
#
# Between the saved times the solution is known too, so that an animation can have any number of
# frames.

# %%
solution.animate("wave.gif", num_frames=40, seconds=4.0)

# %% [markdown]
# ![The pulse between two fixed ends, u and its rate of change](wave.gif)
