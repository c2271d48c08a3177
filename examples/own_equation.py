# %% [markdown]
# # An equation of your own
#
# A rod in which something diffuses and grows, and which is in contact with its surroundings:
#
# $$u_t = \tfrac{1}{10} u_{xx} + 3 u (1 - u), \quad 0 < x < 1, \qquad
# u(t, 0) = \tfrac12 (1 - e^{-4 t^2}), \qquad u + u_x = 0 \text{ at } x = 1.$$
#
# It starts at $u(0, x) = \sin^4(\pi x)$. No exact solution is known, so the second half of the page
# checks the answer without one.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import solve_ivp

import neural_ivp as nivp

jax.config.update("jax_enable_x64", True)

# %% [markdown]
# ## The equation in ten lines
#
# `initial` and `rhs` are written for one point `x` of shape `(1,)` and return one value of shape
# `(1,)`; `u` is the function $u(t, \cdot)$, which `nivp.laplacian`, `nivp.partial` and others
# differentiate. `x0-` and `x0+` are the lower and upper end of axis 0. `Robin(a, b)` is
# $a u + b \, \partial u / \partial n = 0$ with the outward normal $n$.

# %%
rod = nivp.Problem(
    domain=nivp.Box((0.0,), (1.0,)),
    boundary={
        "x0-": nivp.Dirichlet(lambda t, x: (1 - jnp.exp(-4 * t**2)) / 2),
        "x0+": nivp.Robin(1.0, 1.0),
    },
    initial=lambda x: jnp.sin(jnp.pi * x) ** 4,
    rhs=lambda u, t, x: 0.1 * nivp.laplacian(u)(x) + 3 * u(x) * (1 - u(x)),
    name="Reacting rod",
)
ts = np.linspace(0, 1, 6)
solution = nivp.solve(rod, ts=ts, key=jax.random.key(0), rtol=1e-3)

# %%
x = np.linspace(0, 1, 201)[:, None]
fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
for t, values in zip(ts, solution(ts, x), strict=True):
    ax.plot(x[:, 0], values[:, 0], color=plt.get_cmap("viridis")(0.9 * t), label=f"t = {t:.1f}")
ax.set(xlabel="x", ylabel="u", title="Reacting rod")
ax.legend()
fig.savefig("own_equation.png")

# %% [markdown]
# A face without a condition, a value of the wrong shape or a misspelt face is an error before the
# solve, which says what is missing.

# %%
try:
    nivp.Problem(domain=rod.domain, initial=rod.initial, rhs=rod.rhs)
except nivp.InputError as error:
    print(error)

# %% [markdown]
# ## Check 1: what the solver measured
#
# The *residual* is the part of the equation that the network could not follow, the *boundary
# residual* that of the condition at $x = 1$. Dirichlet values hold exactly.

# %%
record, steps = solution.record, solution.record["accepted"]
print(f"residual, median over the steps: {np.median(record['held_out_residual'][steps]):.1e}")
print(f"boundary residual, largest: {record['boundary_residual'][steps].max():.1e}")
print("error at x = 0 and t = 0.5:", float(solution(0.5, x[0])[0] - (1 - np.exp(-1.0)) / 2))

# %% [markdown]
# ## Check 2: two tolerances
#
# A hundredth of the tolerance, other random numbers. The change estimates the error of the first.

# %%
finer = nivp.solve(rod, ts=ts, key=jax.random.key(1), rtol=1e-5)
print(solution.error(finer))  # any function of (t, points) can be the reference

# %% [markdown]
# ## Check 3: another method
#
# Two solves share one program and one statement of the equation. The method of lines shares
# neither: $u$ on a grid, second differences, and an implicit solver of scipy in time. At $x = 1$ a
# point outside of the rod brings in $u + u_x = 0$.


# %%
def method_of_lines(n):
    """u at the times ts and the points x, by n intervals, a multiple of 200."""
    h, grid = 1 / n, np.linspace(0, 1, n + 1)

    def left(t):
        return (1 - np.exp(-4 * t**2)) / 2

    def rate(t, inner):  # of the values at grid[1:]
        u = np.concatenate([[left(t)], inner, [0.0]])
        u[-1] = u[-3] - 2 * h * u[-2]  # (u[-1] - u[-3]) / (2 h) = -u[-2]
        return 0.1 * np.diff(u, 2) / h**2 + 3 * inner * (1 - inner)

    start, options = np.sin(np.pi * grid[1:]) ** 4, {"rtol": 1e-8, "atol": 1e-10, "t_eval": ts}
    marched = solve_ivp(rate, (0, 1), start, method="BDF", **options).y.T
    return np.column_stack([left(ts), marched])[:, :: n // 200]


coarse, fine = method_of_lines(200), method_of_lines(400)
lines = fine + (fine - coarse) / 3  # errors of second order in h cancel
print(f"change of the method of lines by halving h: {np.abs(fine - coarse).max():.1e}")
for name, u in (("rtol 1e-3", solution), ("rtol 1e-5", finer)):
    misfit = np.asarray(u(ts, x))[..., 0] - lines
    print(f"{name}: relative difference {np.linalg.norm(misfit) / np.linalg.norm(lines):.1e}")

# %% [markdown]
# The change between the two tolerances was a good estimate of the error. `nivp.references` has
# independent solvers for periodic equations, waves and densities, ready for use.
