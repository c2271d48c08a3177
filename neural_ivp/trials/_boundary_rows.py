"""Conditions that no trial function satisfies, as rows of the least squares of a step."""

import functools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from ..domains import low_discrepancy_unit_points
from ..networks import AbstractNetwork, WithVelocity, flatten
from ..problems import AbstractProblem
from ..types import Field, Point, Points, Scalar, Theta, Time, Value, Values, Weights
from ._trial import AbstractTrial

MOST_POINTS = 256  # on all faces: their rows of J are formed
# Length over which a boundary value acts, in terms of the size of the domain: it makes a normal
# derivative comparable with a value.
LENGTH = 0.1


class BoundaryRows(eqx.Module):
    r"""Points on faces, and the conditions there that do not hold by construction.

    With the residual $B(\theta, t)$ of a condition, a step follows $dB/dt = -\kappa B$: the rows of
    the least squares are $\partial B / \partial \theta$ and their target is $-\partial_t B - \kappa
    B$, where the second term pulls back what has drifted. Rows are divided by $|\partial B /
    \partial u| + |\partial B / \partial u_n| / \ell$ and the scale of the component, which makes
    them relative errors of u as those of the interior are, and the weights of a face sum to 1.

    Where the initial value contradicts a condition by $B_0$, no function is close to the solution
    at first. B is then measured from $B_0 \varphi((t - t_0) / \tau)$, a ramp that ends at $t_0 +
    \tau$ and whose first two moments vanish, so that u is changed little later.

    Source: Jiang & Luo, "TENG-BC: unified time-evolving natural gradient for neural PDE solvers
    with general boundary conditions", 2026, for the rows; their scaling and the term in kappa are
    our own.
    """

    problem: AbstractProblem
    trial: AbstractTrial
    faces: tuple[str, ...] = eqx.field(static=True)
    # For each face whether the condition of a component is a row.
    weak: tuple[tuple[bool, ...], ...] = eqx.field(static=True)
    points: tuple[Points, ...]
    normals: tuple[Points, ...]
    contradictions: tuple[Values, ...]  # B_0 at the points
    start: Scalar
    ramp: Scalar  # tau

    @property
    def weights(self) -> Weights:
        return jnp.concatenate([jnp.full(len(x), 1 / len(x), x.dtype) for x in self.points])

    def values(self, network: AbstractNetwork, t: Time) -> Values:
        """The scaled residuals, one row per point, shape (n, c)."""
        time = jnp.asarray(t, self.points[0].dtype)
        parts = self._on_faces(self.trial.field(network, time), time, self._scaled)
        return jnp.concatenate(parts)

    def target(self, network: AbstractNetwork, t: Time, rate: Scalar) -> Values:
        """$-\\partial_t B - \\kappa B$, with `rate` for kappa; for the conditions B_v of u_t of a
        network with a velocity, $-dB_v/dt - 2 \\kappa B_v - \\kappa^2 B_u$ at a fixed w."""
        time, (theta, rebuild) = jnp.asarray(t, self.points[0].dtype), flatten(network)
        moving = isinstance(network, WithVelocity)
        tangent = jnp.zeros_like(theta)
        if isinstance(network, WithVelocity):
            tangent = tangent.at[: network.velocity.size].set(network.velocity)
        value, change = jax.jvp(
            lambda theta, t: self.values(rebuild(theta), t),
            (theta, time),
            (tangent, jnp.ones_like(time)),
        )
        if not moving:
            return -change - rate * value
        (u, v), change = jnp.split(value, 2, axis=1), jnp.split(change, 2, axis=1)[1]
        return -change - 2 * rate * v - rate**2 * u

    def residual(self, network: AbstractNetwork, t: Time) -> Scalar:
        """The largest root mean square over a face of B, of components relative to their scales."""
        time = jnp.asarray(t, self.points[0].dtype)
        parts = self._on_faces(self.trial.field(network, time), time, self._plain)
        return jnp.max(jnp.stack([jnp.sqrt(jnp.mean(part**2, axis=0)) for part in parts]))

    def rows(self, rebuild, theta: Theta, t: Time) -> Float[Array, "n c p"]:
        """The derivatives of `values` in theta."""
        t = jnp.asarray(t, theta.dtype)

        def derivative(k, *point):
            def value(theta):
                return self._scaled(k, self.trial.field(rebuild(theta), t), t, *point)

            return jax.jacrev(value)(theta)

        return jnp.concatenate(self._map(derivative))

    def _on_faces(self, u: Field, t: Time, evaluate) -> list[Values]:
        return self._map(lambda k, *point: evaluate(k, u, t, *point))

    def _map(self, evaluate) -> list[Array]:
        """`evaluate(k, x, normal, contradiction)` at the points of each face k."""
        faces = zip(self.points, self.normals, self.contradictions, strict=True)
        return [jax.vmap(functools.partial(evaluate, k))(*arrays) for k, arrays in enumerate(faces)]

    def _residual_of(self, k: int, value: Value, slope: Value, t: Time, x: Point) -> Value:
        residual = self.problem.conditions.residual(self.faces[k], value, slope, t, x)
        return jnp.where(jnp.asarray(self.weak[k]), residual, 0).astype(x.dtype)

    def _plain(
        self, k: int, u: Field, t: Time, x: Point, normal: Point, contradiction: Value
    ) -> Value:
        del contradiction
        value, slope = jax.jvp(u, (x,), (normal,))
        return self._residual_of(k, value, slope, t, x) / self._scales(x)

    def _scaled(
        self, k: int, u: Field, t: Time, x: Point, normal: Point, contradiction: Value
    ) -> Value:
        value, slope = jax.jvp(u, (x,), (normal,))
        residual = self._residual_of(k, value, slope, t, x)
        residual = residual - contradiction * _ramp((t - self.start) / self.ramp)
        one, zero = jnp.ones_like(value), jnp.zeros_like(value)

        def along(directions):
            def function(value, slope):
                return self._residual_of(k, value, slope, t, x)

            return jnp.abs(jax.jvp(function, (value, slope), directions)[1])

        domain = self.problem.domain
        length = LENGTH * min(b - a for a, b in zip(domain.lower, domain.upper, strict=True))
        unit = along((one, zero)) + along((zero, one)) / length
        unit = jax.lax.stop_gradient(jnp.where(unit > 0, unit, 1))
        return residual / unit / self._scales(x)

    def _scales(self, x: Point) -> Value:
        return self.problem.norm.scales.astype(x.dtype)


def _ramp(s: ArrayLike) -> Array:
    """From 1 at s = 0 to 0 at 1, with three continuous derivatives there; the integrals of it and
    of s times it vanish."""
    s = jnp.minimum(s, 1)
    return (1 - s) ** 4 * (1 - 14 * s + 28 * s**2)


def draw_boundary_rows(
    problem: AbstractProblem,
    trial: AbstractTrial,
    num_points: int,
    start: Scalar,
    ramp: Scalar,
    key: PRNGKeyArray,
) -> BoundaryRows | None:
    """Points on the faces where `trial` leaves a condition, as dense as `num_points` in the
    interior; None if there are no such faces.

    `start` is the time of the initial value, and `ramp` that over which a contradiction between it
    and a condition is removed, see `BoundaryRows`.
    """
    domain, components = problem.domain, range(problem.components)
    weak = {
        face: tuple(not trial.holds(face, k) and _imposes(problem, face, k) for k in components)
        for face in problem.conditions.by_face
    }
    faces = tuple(face for face, own in weak.items() if any(own))
    if not faces:
        return None
    d = domain.dimension
    count = min(math.ceil(2 * num_points ** ((d - 1) / d)), MOST_POINTS // len(faces))
    count = 1 if d == 1 else max(count, 1)
    unit = jnp.asarray(low_discrepancy_unit_points(count, d), start.dtype)
    points, normals, contradictions = [], [], []
    for face, face_key in zip(faces, jax.random.split(key, len(faces)), strict=True):
        shifted = unit + jax.random.uniform(face_key, (1, d), unit.dtype)
        own = domain.face_points(face, shifted - jnp.floor(shifted))
        points.append(own)
        normals.append(jax.vmap(functools.partial(domain.normal, face))(own))
        residual = functools.partial(_residual_at, problem, problem.initial, face, start)
        contradictions.append(jax.vmap(residual)(own).astype(unit.dtype))
    return BoundaryRows(
        problem=problem,
        trial=trial,
        faces=faces,
        weak=tuple(weak[face] for face in faces),
        points=tuple(points),
        normals=tuple(normals),
        contradictions=tuple(contradictions),
        start=start,
        ramp=ramp,
    )


def _imposes(problem: AbstractProblem, face: str, component: int) -> bool:
    return problem.conditions.at(face, component).imposes


def face_residual(
    problem: AbstractProblem, u: Field, face: str, t: float
) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, d) of a face, and the residuals (n, c) of its conditions there."""
    domain = problem.domain
    count = 1 if domain.dimension == 1 else MOST_POINTS
    unit = jnp.asarray(low_discrepancy_unit_points(count, domain.dimension), float)
    points = domain.face_points(face, unit)
    time = jnp.asarray(t, unit.dtype)
    residuals = jax.vmap(functools.partial(_residual_at, problem, u, face, time))(points)
    return np.asarray(points), np.asarray(residuals)


def _residual_at(problem: AbstractProblem, u: Field, face: str, t: Time, x: Point) -> Value:
    value, slope = jax.jvp(u, (x,), (problem.domain.normal(face, x),))
    return problem.conditions.residual(face, value, slope, t, x)
