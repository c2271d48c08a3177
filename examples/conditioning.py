# %% [markdown]
# # Conditioning and restarts
#
# The velocity $v$ of the parameters is the solution of a least-squares problem at $n$ points,
#
# $$\min_v \; \tfrac1n |J v - f|^2 + \mu |v|^2, \qquad J = \partial u / \partial \theta, \quad
# f = L[u].$$
#
# $J$ is nearly singular for every network of practical size. This page shows how nearly, what the
# damping $\mu$ makes of it, how both change during a solve, and what a restart changes.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import neural_ivp as nivp

jax.config.update("jax_enable_x64", True)
key = jax.random.key(0)

# %% [markdown]
# ## A march without restarts
#
# Burgers' equation $u_t = -u u_x + \nu u_{xx}$ with a small viscosity $\nu$: a bump steepens and
# moves on as a front. The network is small on purpose, and the damping is written out.

# %%
problem = nivp.problems.Burgers()
ts = np.linspace(0, 4, 9)
network = nivp.default_network(problem, width=8, depth=3, num_frequencies=2, key=key)
DAMPING = 1e-10
stages = (nivp.GaussNewton(steps=1_000, tolerance=1e-5),)


def march(restart):
    method = nivp.NeuralIVP(
        sampler=nivp.ImportanceSampling(500),
        velocity_solver=nivp.RidgeCholesky(damping=DAMPING),  # relative to the largest eigenvalue
        integrator=nivp.AdaptiveStep(rtol=1e-4, atol=1e-6),
        fit=stages,
        restart=restart,
        refit=nivp.Refit(stages=stages, tolerance=1e-3),
    )
    return nivp.solve(problem, network, method, ts=ts, key=key)


plain = march(nivp.NoRestart())
print("parameters:", plain.parameters.shape[1])

# %% [markdown]
# ## Singular values of J
#
# `nivp.velocity_problem` gives $J$ and $f$ of one instant. The singular values $\sigma_k$ of
# $J / \sqrt n$ fall to the size of rounding errors. Directions with small ones hardly change $u$,
# and their velocities would be enormous without damping, which holds back those below $\sqrt \mu$
# of the largest. The *effective rank*, $\sum_k \sigma_k^2 / (\sigma_k^2 + \mu)$, counts the others.

# %%
x = jnp.asarray(problem.domain.low_discrepancy_points(1_000))
uniform = nivp.WeightedPoints(x, jnp.full(len(x), 1 / len(x)))


def draw_spectra(solution, times, file):
    fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
    for t in times:
        J = nivp.velocity_problem(problem, solution.network(t), t, uniform)[0].jacobian()
        sigma = np.linalg.svd(np.asarray(J)[:, 0], compute_uv=False)
        sigma /= sigma[0]
        rank = np.sum(sigma**2 / (sigma**2 + DAMPING))
        ax.semilogy(sigma, label=f"t = {t:g}, effective rank {rank:.0f}")
        print(f"t = {t:g}: largest / smallest singular value {sigma[0] / sigma[-1]:.0e}")
    ax.axhline(np.sqrt(DAMPING), color="k", ls="--", lw=1, label=r"$\sqrt{\mu}$")
    ax.set(xlabel="number", ylabel="singular value / largest", ylim=(1e-12, 2))
    ax.legend()
    fig.savefig(file)


draw_spectra(plain, (0.0, 1.0, 4.0), "conditioning_plain.png")

# %% [markdown]
# ## With restarts
#
# A restart fits a network with newly drawn weights to $u$ and goes on with it, here at the times 1,
# 2 and 3. `Refit` refuses a fit that is worse than its tolerance.

# %%
restarted = march(nivp.PeriodicRestart(every=1.0))
for fit in restarted.fits[1:]:
    print(f"t = {fit['t']:g}: refit to {fit['relative_l2_error']:.1e}, refused: {fit['refused']}")
draw_spectra(restarted, (0.0, 1.0, 4.0), "conditioning_restarted.png")

# %% [markdown]
# ## The two marches
#
# Steps record the effective rank, and the residual $|J v - f| / |f|$ at points they did not use.

# %%
solutions = {"no restart": plain, "restarts at 1, 2, 3": restarted}
fig, axes = plt.subplots(1, 3, figsize=(9.5, 3), layout="constrained")
for name, solution in solutions.items():
    steps = solution.record["accepted"]
    times = solution.record["t0"][steps]
    error, late = solution.error().relative_l2, times > 3
    residual = solution.record["held_out_residual"][steps]
    axes[0].plot(times, solution.record["effective_rank"][steps], label=name)
    axes[1].semilogy(times, residual)
    axes[2].semilogy(ts, error, "o-")
    row = f"median residual {np.median(residual[late]):.0e}, error {error[-1]:.0e} at t = 4"
    print(f"{name}: {steps.sum()} steps, after t = 3 {row}")
for ax, title in zip(axes, ("effective rank", "residual", "relative $L^2$ error"), strict=True):
    ax.set(xlabel="t", title=title)
axes[0].legend()
fig.savefig("conditioning_marches.png")

# %% [markdown]
# A network that was just fitted follows the equation better: the residual is several times smaller,
# with fewer directions. The error hardly gains from it: a refit reproduces $u$ with the error that
# it has by then. So the default does not restart. Try it where the residual grows.
