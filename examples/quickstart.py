# %% [markdown]
# # Quickstart
#
# This library solves equations of the form $u_t = L[u]$ from a given $u(0, x)$. The solution at
# each time is a small neural network $u_{\theta(t)}(x)$. There is no training on data and no mesh:
# the network is fitted to $u(0, x)$ once, and from then on its parameters $\theta(t)$ follow an
# ordinary differential equation, chosen so that $u_t$ equals $L[u]$ as nearly as the network can.
#
# Equations want 64-bit numbers. JAX uses 32 bits unless told otherwise before the first array.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import neural_ivp as nivp

jax.config.update("jax_enable_x64", True)

# %% [markdown]
# ## A first solve
#
# The Allen-Cahn equation on a circle,
#
# $$u_t = 0.005 \, u_{xx} + u - u^3, \qquad 0 \le x < 2 \pi,$$
#
# separates two phases: $u$ goes to 1 or to -1, with a narrow layer between them. `ts` are the times
# to save, `key` seeds the random numbers (the same key gives the same result), and `rtol` is the
# tolerance of the time steps. Part of the time goes into compiling; the report below says how much.

# %%
problem = nivp.problems.AllenCahn()
ts = np.linspace(0, 4, 9)
solution = nivp.solve(problem, ts=ts, key=jax.random.key(0), rtol=1e-4)

# %% [markdown]
# The solution is a function: of any time of the interval, saved or not, and of one point of shape
# `(1,)` or of many.

# %%
print("u at one point:", solution(1.23, jnp.array([0.5])))
x = jnp.linspace(0, 2 * jnp.pi, 400)[:, None]
print("shape at 400 points and 9 times:", solution(ts, x).shape)
slope = nivp.partial(solution.field(1.23), 0)  # du/dx, a function of one point
print("du/dx at the same point:", slope(jnp.array([0.5])))

# %% [markdown]
# ## A picture
#
# Above: the network with the reference, their difference, and the network over space and time.
# Below: the error, the step size and the residual (see below) over time.

# %%
figure = solution.plot()
figure.savefig("quickstart_solution.png")
figure

# %% [markdown]
# ## How far to trust it
#
# Three questions, from the strongest evidence to the weakest.
#
# **1. Is there a reference?** Problems of the library have an exact solution, or an independent
# numerical one that shares no code with the solver. The error is relative, in the $L^2$ norm.

# %%
error = solution.error()
print(error)

# %% [markdown]
# **2. Does the answer change with the tolerance?** Without a reference, solve again with a smaller
# tolerance and compare. The two answers differ about as much as the first of them is wrong, as the
# reference confirms here.

# %%
finer = nivp.solve(problem, ts=ts, key=jax.random.key(1), rtol=1e-6)
change = solution.error(finer)  # any function of (t, points) can be the reference
for name, value in (
    ("rtol 1e-4, against rtol 1e-6", change.overall),
    ("rtol 1e-4, against the reference", error.overall),
    ("rtol 1e-6, against the reference", finer.error().overall),
):
    print(f"{name:34s}{value:.1e}")

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.semilogy(ts, change.relative_l2, "o-", label="change to rtol 1e-6")
ax.semilogy(ts, error.relative_l2, "x--", label="error against the reference")
ax.set(xlabel="t", ylabel="relative $L^2$", title="rtol 1e-4: estimated and true error")
ax.legend()
fig.savefig("quickstart_errors.png")

# %% [markdown]
# Another `key` for the second solve means another network with other random points, so that errors
# which come from these differ too.
#
# **3. What does the solver say?** The report lists what was measured during the solve, and names
# signs of trouble with what to change. The *residual* is $|u_t - L[u]| / |L[u]|$: the part of the
# equation that the network could not follow. It is no bound of the error, but a residual near 1
# means that the answer is not one, unless $u$ hardly changes any more. Lines that begin with
# `finding` are remarks; here there is none.

# %%
print(solution.report())

# %% [markdown]
# ## Keep it
#
# A file holds numbers and names only, never code. A loaded solution evaluates to the same bits.

# %%
solution.save("allen_cahn.nivp")
again = nivp.load("allen_cahn.nivp")
print("the same bits:", bool(jnp.all(again(ts, x) == solution(ts, x))))
