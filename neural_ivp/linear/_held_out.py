"""The damping that carries over best to points the solver has not seen."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray

from .._errors import InputError, check_kind, check_positive, check_share
from .._types import Theta, Values
from ._base import AbstractVelocitySolver, Prepared
from ._damping import Damping
from ._linearisation import AbstractLinearisation
from ._velocity import Velocity, projection_residual


class HeldOutDamping(AbstractVelocitySolver):
    r"""Chooses the damping of `inner` for each step: the largest that predicts as well as any.

    A fraction of the points is left out, the problem at the start of the step is solved with
    each candidate on the others, and the projection residual is taken on those left out. Of
    the dampings whose residual is within `slack` of the smallest, the largest is used for all
    stages: the smaller velocities make the larger steps. The solve itself uses all points.

    Chosen by `benchmarks/trajectories.py damping` among three rules at nine instants of advection,
    wave and heat. With fewer points than parameters (500 and 673, heat) its residual on other
    points was 1.0 to 1.3 times the best of ten dampings, that of generalised cross-validation
    1.7 to 2.2 times with velocities a hundred times as large; with 2 000 points both chose
    alike (1.0 to 1.1 times). At 500 points of a wave it was once 2.6 times off, cross-validation
    not. The discrepancy principle at 1e-4 was up to 6 times off.

    **Arguments:**

    - `inner`: the solver; its own damping is not used.
    - `candidates`: relative dampings; 1e-5 to 1e-11 in steps of 100 if not given.
    - `fraction`: of the points left out.
    - `slack`: factor above the smallest residual that is still as good.

    **Raises:** `InputError` for a candidate or slack out of range, no candidate, or an `inner`
    that chooses too.

    Source: hold-out validation; Hansen, "Rank-deficient and discrete ill-posed problems", 1998,
    chapter 7, for the alternatives.
    """

    inner: AbstractVelocitySolver
    candidates: tuple[float, ...]
    fraction: float
    slack: float

    def __init__(
        self,
        inner: AbstractVelocitySolver,
        candidates: Sequence[float] = (1e-5, 1e-7, 1e-9, 1e-11),
        *,
        fraction: float = 0.2,
        slack: float = 1.1,
    ):
        check_kind("inner", inner, AbstractVelocitySolver)
        if isinstance(inner, HeldOutDamping):
            raise InputError("`inner` must not choose a damping itself, got a HeldOutDamping")
        if np.ndim(candidates) != 1 or len(candidates) == 0:
            raise InputError(f"`candidates` must be one damping or more, got {candidates!r}")
        check_positive("candidates", candidates)
        check_share("fraction", fraction)
        check_positive("slack", slack)
        if not slack >= 1:
            raise InputError(f"`slack` must be at least 1, got {slack!r}")
        self.inner, self.candidates = inner, tuple(candidates)
        self.fraction, self.slack = fraction, slack

    def init(self, linearisation: AbstractLinearisation):
        return self.inner.init(linearisation)

    def prepare(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        guess: Theta,
        memory,
        key: PRNGKeyArray,
    ) -> Prepared:
        split_key, inner_key = jax.random.split(key)
        inner = self.inner.prepare(linearisation, target, guess, memory, inner_key)
        train, test = _split(linearisation, self.fraction, split_key)

        def tried(damping):
            found = self.inner.damped(damping).solve(train, target, guess, inner)
            return projection_residual(test, found.value, target), found.info.products

        candidates = jnp.asarray(self.candidates, guess.dtype)
        residuals, products = jax.lax.map(tried, candidates)
        good = residuals <= self.slack * jnp.min(residuals)
        # Where the points left out carry no weight there is nothing to choose by.
        chosen = jnp.max(jnp.where(good | ~jnp.any(good), candidates, 0))
        return Prepared((chosen, inner), inner.products + jnp.sum(products), inner.rebuilds)

    def solve(
        self, linearisation: AbstractLinearisation, target: Values, guess: Theta, prepared: Prepared
    ) -> Velocity:
        damping, inner = prepared.content
        return self.inner.damped(damping).solve(linearisation, target, guess, inner)

    def remember(self, prepared: Prepared, iterations: Int[Array, ""], unconverged: Int[Array, ""]):
        return self.inner.remember(prepared.content[1], iterations, unconverged)

    def damped(self, damping: Damping) -> AbstractVelocitySolver:
        """The inner solver with that damping: there is nothing left to choose."""
        return self.inner.damped(damping)


def _split(linearisation: AbstractLinearisation, fraction: float, key: PRNGKeyArray):
    """The same J with the weights of two disjoint parts of the points."""
    weights = linearisation.weights
    count = max(1, round(fraction * weights.size))
    out = jax.random.permutation(key, weights.size) < count
    parts = jnp.where(out, 0, weights), jnp.where(out, weights, 0)
    return tuple(linearisation.reweighted(part / jnp.sum(part)) for part in parts)
