"""Conserved quantities: integrals by a fixed quadrature, and their restoration after a step."""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..domains import AbstractDomain
from ..problems import AbstractProblem, Density
from ..types import Field, Points, Scalar, Theta, Weights
from .schemes import StepEquation

NUM_POINTS = 4_096  # of the quadrature: 64 x 64 in two dimensions, 16 x 16 x 16 in three
PANEL = 16  # Gauss-Legendre points in each panel of a box
ITERATIONS = 4  # of Newton's method: it converges quadratically from a small error


def quadrature(domain: AbstractDomain) -> tuple[np.ndarray, np.ndarray]:
    """Quadrature points (n, d) and weights (n,), whose sum is the volume.

    Equispaced points along periodic axes and Gauss-Legendre panels along intervals, both of high
    order for smooth functions; low-discrepancy points in more than three dimensions and in domains
    that do not fill their box.
    """
    d = domain.dimension
    if d > 3 or domain.fraction < 1:
        points = domain.low_discrepancy_points(NUM_POINTS)
        return points, np.full(NUM_POINTS, domain.volume / NUM_POINTS)
    rules = [_unit_rule(round(NUM_POINTS ** (1 / d)), periodic) for periodic in domain.periodic]
    unit, shares = ([rule[part] for rule in rules] for part in (0, 1))
    grid = np.stack(np.meshgrid(*unit, indexing="ij"), axis=-1).reshape(-1, d)
    share = np.prod(np.stack(np.meshgrid(*shares, indexing="ij"), axis=-1), axis=-1)
    low, high = np.asarray(domain.lower), np.asarray(domain.upper)
    return low + grid * (high - low), domain.volume * share.ravel()


def _unit_rule(count: int, periodic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights, of sum 1, of a quadrature rule of [0, 1] with about `count` points."""
    if periodic:
        return (np.arange(count) + 0.5) / count, np.full(count, 1 / count)
    nodes, weights = np.polynomial.legendre.leggauss(PANEL)
    panels = count // PANEL
    unit = np.concatenate([(k + (nodes + 1) / 2) / panels for k in range(panels)])
    return unit, np.tile(weights / 2 / panels, panels)


class Invariants(eqx.Module):
    r"""$I_k[u] = \int \rho_k[u](x) \, dx$ for the densities of `problem.invariants`."""

    problem: AbstractProblem
    points: Points
    weights: Weights

    @classmethod
    def of(cls, problem: AbstractProblem, dtype) -> "Invariants":
        empty = np.zeros((0, problem.domain.dimension)), np.zeros(0)
        points, weights = quadrature(problem.domain) if problem.invariants else empty
        return cls(problem, jnp.asarray(points, dtype), jnp.asarray(weights, dtype))

    def __call__(self, u: Field) -> Float[Array, " k"]:
        return self._integrals(u, self.problem.invariants)

    def _integrals(self, u: Field, densities: Mapping[str, Density]) -> Float[Array, " k"]:
        if not densities:
            return jnp.zeros((0,), self.weights.dtype)

        def evaluate(x):
            return jnp.stack([jnp.asarray(d(u, x), x.dtype) for d in densities.values()])

        return self.weights @ jax.vmap(evaluate)(self.points)

    def sizes(self, u: Field) -> Float[Array, " k"]:
        r"""The integrals of $|\rho_k[u](x)|$, which do not cancel."""
        magnitudes = {
            name: lambda u, x, density=density: jnp.abs(density(u, x))
            for name, density in self.problem.invariants.items()
        }
        return self._integrals(u, magnitudes)

    def restore(
        self,
        equation: StepEquation,
        theta: Theta,
        t: Scalar,
        target: Float[Array, " k"],
        names: tuple[str, ...],
    ) -> tuple[Theta, Bool[Array, ""]]:
        """Parameters near `theta` at which the named invariants at time t are those of `target`, by
        Newton's method; and whether it converged to rounding."""
        if not names:
            return theta, jnp.asarray(True)
        indices = jnp.asarray([list(self.problem.invariants).index(name) for name in names])

        def excess(theta):
            return (self(equation.field(theta, t)) - target)[indices]

        def improve(_, theta):
            # The least-norm update, defined also where gradients vanish or are linearly dependent.
            return theta - jnp.linalg.lstsq(jax.jacrev(excess)(theta), excess(theta))[0]

        restored = jax.lax.fori_loop(0, ITERATIONS, improve, theta)
        size = jnp.max(jnp.abs(target)) + jnp.max(jnp.abs(excess(theta)))
        rounding = 1_000 * jnp.finfo(theta.dtype).eps * size
        return restored, jnp.all(jnp.abs(excess(restored)) <= rounding)
