# %% [markdown]
# # A density in eight dimensions
#
# A grid with 50 points per axis has $4 \cdot 10^{13}$ points in eight dimensions. The Fokker-Planck
# equation of a stochastic process $dX = b(t, X) \, dt + \sqrt{2 D} \, dW$,
#
# $$u_t = -\nabla \cdot (b u) + D \Delta u,$$
#
# is solved here without one: the network is $\log u$, and its points are particles of the process.

# %%
import jax
import matplotlib.pyplot as plt
import numpy as np

import neural_ivp as nivp

jax.config.update("jax_enable_x64", True)
DIMENSION = 8

# %% [markdown]
# ## A harmonic trap
#
# Eight particles on a line that attract one another, in a trap whose centre $a(t)$ moves:
# $b_i = a(t) - x_i - \frac14 (x_i - \bar x)$, $D = \frac1{100}$. The drift is linear in $x$: the
# density is normal, and its mean and covariance follow from ordinary differential equations.

# %%
trap = nivp.problems.HarmonicTrap(DIMENSION)
ts = np.linspace(0, 4, 9)
solution = nivp.solve(trap, ts=ts, key=jax.random.key(0))
t = 4.0
mean, covariance, entropy = (f(t) for f in (solution.mean, solution.covariance, solution.entropy))
print("mean:", mean.value.round(4))
print("standard deviations:", np.sqrt(np.diag(covariance.value)).round(4))
print("entropy:", entropy)
print("mass:", solution.mass(t))

# %% [markdown]
# Each of these is an estimate with a standard error, the error of the sampling by which it is
# computed. It does not contain the error of $u$ itself, which the exact values show.

# %%
means, covariances = nivp.references.fokker_planck_moments(
    [t],
    dimension=DIMENSION,
    mean0=np.asarray(trap.mean),
    variance0=0.1,
    alpha=0.25,
    beta=100.0,
    drift=lambda t: 1.25 * (np.sin(np.pi * t) + 1.5),
)
exact_entropy = np.linalg.slogdet(2 * np.pi * np.e * covariances[0])[1] / 2
print(f"mean: error {np.abs(mean.value - means[0]).max():.1e}")
print(f"covariance: error {np.abs(covariance.value - covariances[0]).max():.1e}")
print(f"entropy: exact {exact_entropy:.6f}, error {abs(entropy.value - exact_entropy):.1e}")

# %% [markdown]
# These errors are tiny because the network contains a normal density that moves with the process,
# which is the solution here but for the time steps.
#
# ## Double wells
#
# A drift that is not linear is the real test. Each of eight hidden coordinates $y = Q^T x$ moves in
# a double well, $b = -\nabla \sum_i (y_i^2 - 1)^2 / 4$, $D = \frac15$. $Q$ is a rotation that the
# solver does not know. The density begins as one normal bump and splits along every hidden axis,
# into $2^8 = 256$ peaks. The reference solves the equation on each hidden axis by finite volumes.

# %%
wells = nivp.problems.DoubleWells(DIMENSION)
ts = np.linspace(0, 3, 7)
split = nivp.solve(wells, ts=ts, key=jax.random.key(0))
exact = wells.density()
entropies = [split.entropy(t) for t in ts]
exact_entropies = [exact.entropy(t) for t in ts]
for t, estimate, value in zip(ts, entropies, exact_entropies, strict=True):
    print(f"t = {t:.1f}: entropy {estimate}, exact {value:.4f}")

# %% [markdown]
# The exact entropy is within two standard errors of the estimate at each of these times. The error
# of the density itself, relative to it and at points of it:

# %%
print(split.error())

# %% [markdown]
# ## Marginals
#
# The density of one coordinate or of any combination of coordinates: that of the hidden $y_0$, with
# two wells (dashed: exact), and of $x_0$, in which the wells of all hidden axes are mixed. The grid
# must contain the mass, since the values are normalised on it.

# %%
grid = np.linspace(-3.2, 3.2, 161)
hidden = wells.rotation[:, 0]
fig, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
for k, t in enumerate((0.0, 1.0, 3.0)):
    color = plt.get_cmap("viridis")(0.4 * k)
    axes[0].plot(grid, split.marginal(t, hidden, grid), color=color, label=f"t = {t:g}")
    axes[0].plot(grid, exact.marginal(t, 0, grid), "k--", lw=1)
    axes[1].plot(grid, split.marginal(t, 0, grid), color=color)
axes[0].set(xlabel="$y_0$", title="marginal of $y_0$")
axes[0].legend()
axes[1].set(xlabel="$x_0$", title="marginal of $x_0$")
values, errors = zip(*((float(e), float(e.standard_error)) for e in entropies), strict=True)
axes[2].errorbar(ts, values, yerr=errors, fmt="o", label="network")
axes[2].plot(ts, exact_entropies, "k--", lw=1, label="exact")
axes[2].set(xlabel="t", title="entropy")
axes[2].legend()
fig.savefig("density_8d.png")

# %% [markdown]
# `solution.sample(t, n, key)` draws from the process, as a check that does not use the network: the
# share of particles in the right well of $y_0$, against the integral of the marginal.

# %%
particles = np.asarray(split.sample(3.0, 20_000, jax.random.key(1))) @ hidden
grid = np.linspace(-3, 3, 601)  # zero is number 300
share = np.trapezoid(np.asarray(split.marginal(3.0, hidden, grid))[300:], grid[300:])
print(f"right well: {np.mean(particles > 0):.3f} of the particles, {share:.3f} by the network")
