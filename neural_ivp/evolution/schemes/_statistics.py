"""Statistics of the linear solves of a step."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from ...linear import RESULTS, SolverSetup, Velocity, is_failure

COUNTS = ("solves", "iterations", "num_unconverged", "num_products", "rebuilds")
MEASURES = ("linear_residual", "projection_residual", "damping", "effective_rank", "condition")


class SolveStats(eqx.Module):
    """Statistics of a linear solve, or, with an axis in front, of several."""

    solves: Array
    iterations: Array
    num_unconverged: Array
    num_products: Array
    rebuilds: Array
    linear_residual: Array
    projection_residual: Array
    damping: Array
    effective_rank: Array
    condition: Array
    refused: Array

    @classmethod
    def of(cls, velocity: Velocity, *, remainder: bool = False) -> "SolveStats":
        """Of one solve; with `remainder`, one whose target may lie outside the range of J."""
        info = velocity.info
        unknown = jnp.full_like(info.damping, jnp.nan)
        unconverged = velocity.result != RESULTS.successful
        # A failed solve that is no better than v = 0 would leave u unchanged, with zero step error.
        idle = ~(info.projection_residual < 1)
        return cls(
            solves=jnp.asarray(1, jnp.int32),
            iterations=info.iterations,
            num_unconverged=unconverged.astype(jnp.int32),
            num_products=info.products,
            rebuilds=info.rebuilds,
            linear_residual=info.linear_residual,
            projection_residual=info.projection_residual,
            damping=info.damping,
            effective_rank=unknown if info.effective_rank is None else info.effective_rank,
            condition=info.condition,
            refused=is_failure(velocity.result) | (unconverged & idle & (not remainder)),
        )

    @classmethod
    def none(cls, dtype: Any) -> "SolveStats":
        """Before the first solve."""
        counts = dict.fromkeys(COUNTS, jnp.asarray(0, jnp.int32))
        measures = dict.fromkeys(MEASURES, jnp.zeros((), dtype))
        return cls(**counts, **measures, refused=jnp.asarray(False))

    def plus(self, other: "SolveStats") -> "SolveStats":
        """With one more solve: counts add up, measures are those of the last."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in COUNTS}
        measures = {name: getattr(other, name) for name in MEASURES}
        return SolveStats(**counts, **measures, refused=self.refused | other.refused)


def step_statistics(stages: SolveStats, setup: SolverSetup) -> dict[str, Array]:
    """The entries of `StepRecord` on the linear solves of all stages."""
    return {
        "num_linear_solves": jnp.sum(stages.solves),
        "iterations": jnp.sum(stages.iterations),
        "num_unconverged": jnp.sum(stages.num_unconverged),
        "num_products": jnp.sum(stages.num_products) + setup.products,
        "rebuilds": jnp.sum(stages.rebuilds) + setup.rebuilds,
        "linear_residual": jnp.max(stages.linear_residual),
        "projection_residual": stages.projection_residual[0],
        "damping": stages.damping[0],
        "effective_rank": stages.effective_rank[0],
        "condition": stages.condition[0],
    }
