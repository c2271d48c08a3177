"""Damping towards the previous velocity instead of towards zero."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ...errors import check_kind
from ...types import Theta, Values
from ..linearisation import AbstractLinearisation
from ..numerics import RESULTS, DampingLike, is_failure, safe_ratio
from ._base import AbstractVelocitySolver, SolverSetup, Velocity, projection_residual


class ProximalDamping(AbstractVelocitySolver):
    r"""$\min_v \overline{|J v - f|^2} + \mu |v - v_0|^2$, v_0 the velocity of the previous step.

    Directions that the points do not determine keep the previous velocity instead of stopping, so
    that a larger damping costs less accuracy.

    **Arguments:**

    - `inner`: any velocity solver; it solves for v - v_0, and has the damping.

    **Raises:** `InputError` for something that is no velocity solver.

    Source: "Dirac-Frenkel-Onsager" and inertial regularisations of the Dirac-Frenkel principle;
    Tikhonov regularisation with a prior estimate (Hansen, 1998, section 5.1).

    ```python
    solver = nivp.ProximalDamping(nivp.RidgeCholesky(damping=1e-6))
    method = nivp.NeuralIVP(sampler=nivp.Uniform(1_000), velocity_solver=solver)
    ```
    """

    inner: AbstractVelocitySolver

    def __check_init__(self):
        check_kind("inner", self.inner, AbstractVelocitySolver)

    def setup(
        self, linearisation: AbstractLinearisation, velocity: Theta, key: PRNGKeyArray
    ) -> SolverSetup:
        centre = jnp.where(jnp.all(jnp.isfinite(velocity)), velocity, 0)
        inner = self.inner.setup(linearisation, linearisation.zeros, key)
        return SolverSetup((centre, inner), inner.products, inner.rebuilds)

    def solve(
        self,
        linearisation: AbstractLinearisation,
        target: Values,
        velocity: Theta,
        setup: SolverSetup,
    ) -> Velocity:
        centre, inner = setup.state
        difference = target - linearisation.push(centre)
        change = self.inner.solve(linearisation, difference, velocity - centre, inner)
        # If the target is finite, J is not.
        from_jacobian = jnp.all(jnp.isfinite(target)) & (change.result == RESULTS.nonfinite_target)
        result = RESULTS.where(from_jacobian, RESULTS.nonfinite_jacobian, change.result)
        value = jnp.where(is_failure(result), 0, centre + change.value)
        sizes = (jnp.linalg.norm(linearisation.force(f)) for f in (difference, target))
        info = eqx.tree_at(
            lambda info: (info.linear_residual, info.projection_residual),
            change.info,
            (
                change.info.linear_residual * safe_ratio(*sizes),
                projection_residual(linearisation, value, target),
            ),
        )
        return Velocity(value, result, info)

    def with_damping(self, damping: DampingLike) -> "ProximalDamping":
        return ProximalDamping(self.inner.with_damping(damping))
