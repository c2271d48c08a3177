"""The stages of a Runge-Kutta step, and what is kept of the linear solve of each."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._types import Theta
from ..linear import RESULTS, Prepared, Velocity
from ..linear._results import refused
from ._integrator import Adaptive


class Solved(eqx.Module):
    """What is kept of the velocity of each stage, besides its value."""

    iterations: Array
    unconverged: Array
    products: Array
    rebuilds: Array
    linear_residual: Array
    projection_residual: Array
    damping: Array
    effective_rank: Array
    condition: Array
    refused: Array


def _kept(solved: Velocity) -> Solved:
    info = solved.info
    unknown = jnp.full_like(info.damping, jnp.nan)
    short = solved.result != RESULTS.successful
    return Solved(
        iterations=info.iterations,
        unconverged=short.astype(jnp.int32),
        products=info.products,
        rebuilds=info.rebuilds,
        linear_residual=info.linear_residual,
        projection_residual=info.projection_residual,
        damping=info.damping,
        effective_rank=unknown if info.effective_rank is None else info.effective_rank,
        condition=info.condition,
        # A solve that failed and got no nearer to f than v = 0 would leave u where it is, with a
        # step error of zero.
        refused=refused(solved.result) | (short & ~(info.projection_residual < 1)),
    )


def of_solves(stages: Solved, prepared: Prepared) -> dict[str, Array]:
    """What the linear solves of all stages add to the record of a step."""
    return {
        "iterations": jnp.sum(stages.iterations),
        "unconverged": jnp.sum(stages.unconverged),
        "products": jnp.sum(stages.products) + prepared.products,
        "rebuilds": jnp.sum(stages.rebuilds) + prepared.rebuilds,
        "linear_residual": jnp.max(stages.linear_residual),
        "projection_residual": stages.projection_residual[0],
        "damping": stages.damping[0],
        "effective_rank": stages.effective_rank[0],
        "condition": stages.condition[0],
    }


def _tableau(solver):
    """a, b, error weights and c of an explicit method, the last stage being (t1, theta1).

    Methods without that stage get it, for dense output and as the next guess.
    """
    tableau = solver.tableau
    count = tableau.num_stages
    a = np.zeros((count, count))
    for row, entries in enumerate(tableau.a_lower, start=1):
        a[row, : len(entries)] = entries
    c = np.concatenate([[0.0], tableau.c])
    b, b_error = np.asarray(tableau.b_sol), np.asarray(tableau.b_error)
    if tableau.fsal:
        return a, b, b_error, c
    a = np.block([[a, np.zeros((count, 1))], [b, np.zeros((1, 1))]])
    return a, np.append(b, 0.0), np.append(b_error, 0.0), np.append(c, 1.0)


def run_stages(integrator: Adaptive, velocity, theta: Theta, t0, t1, guess):
    """The Runge-Kutta stages: k_i = velocity(theta + dt sum_j a_ij k_j, t0 + c_i dt)."""
    dt, dtype = t1 - t0, theta.dtype
    a, b, b_error, c = (jnp.asarray(x, dtype) for x in _tableau(integrator.solver))

    def stage(carry, inputs):
        ks, guess = carry
        i, row, node = inputs
        solved, speed, sound = velocity(theta + dt * (row @ ks), t0 + node * dt, guess)
        return (ks.at[i].set(solved.value), solved.value), (_kept(solved), (speed, sound))

    ks = jnp.zeros((len(c), theta.size), dtype)
    (ks, _), (kept, speeds) = jax.lax.scan(stage, (ks, guess), (jnp.arange(len(c)), a, c))
    return theta + dt * (b @ ks), dt * (b_error @ ks), ks[0], ks[-1], kept, speeds
