"""What tells two problems apart whose functions no file can hold."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..domains import low_discrepancy_unit_points
from ..errors import InputError
from ._base import AbstractProblem

POINTS = 3
# Not only the start: functions of t and of its powers agree there, or at 1.
TIMES = (0.0, 0.37, 1.9)
# Relative to the largest value: room for a file written in the other precision.
TOLERANCE = 1e-3


def fingerprint(problem: AbstractProblem) -> dict[str, Any]:
    """Domain and components of a problem, and its initial value, right-hand side and conditions at
    the boundary at fixed points and times, as plain data."""
    domain = problem.domain
    points = jnp.asarray(domain.low_discrepancy_points(POINTS), float)
    initial = jax.vmap(problem.initial)(points)
    times = [jnp.asarray(t) for t in TIMES]
    # Not only of the initial value, which may be zero or constant.
    fields = problem.initial, _waves(problem)
    rates = [
        jax.vmap(lambda x, t=t, u=u: problem.rhs(u, t, x))(points) for t in times for u in fields
    ]
    return {
        "domain": [
            type(domain).__name__,
            [list(corner) for corner in (domain.lower, domain.upper)],
            list(domain.periodic),
            domain.low_discrepancy_points(POINTS).tolist(),
            domain.fraction,
        ],
        "components": problem.components,
        "boundary": _boundary(problem),
        "initial": np.asarray(initial, float).tolist(),
        "rhs": np.asarray(rates, float).tolist(),
    }


def _waves(problem: AbstractProblem):
    """The initial value and waves of all components on it, whose derivatives do not vanish."""
    c = problem.components

    def field(x):
        phase = jnp.sum(problem.domain.to_reference(x)) + jnp.arange(c, dtype=x.dtype)
        return problem.initial(x) + jnp.sin(2 * phase) / 3

    return field


def _boundary(problem: AbstractProblem) -> list:
    """The residuals of the conditions at a few points of each face, for two values and slopes."""
    domain, c = problem.domain, problem.components
    unit = jnp.asarray(low_discrepancy_unit_points(POINTS, domain.dimension), float)
    pairs = (jnp.ones(c), jnp.zeros(c)), (jnp.full(c, 0.3), jnp.full(c, -1.7))
    return [
        np.asarray(problem.conditions.residual(face, *pair, jnp.asarray(t), x), float).tolist()
        for face in problem.conditions.by_face
        for x in domain.face_points(face, unit)
        for pair in pairs
        for t in TIMES
    ]


def check_fingerprint(problem: AbstractProblem, saved: Mapping[str, Any]) -> None:
    """Raise `InputError`, naming what differs, unless a problem has the fingerprint of a file."""
    for name, value in fingerprint(problem).items():
        if name in ("initial", "rhs", "boundary"):
            finite = np.abs(np.asarray(saved[name], float))
            size = TOLERANCE * np.max(finite[np.isfinite(finite)], initial=0.0)
            same = np.allclose(value, saved[name], rtol=0, atol=size, equal_nan=True)
        else:
            same = value == saved[name]
        if not same:
            raise InputError(
                f"`problem` has another `{name}` than the one that was solved: {value}, and the "
                f"file {saved[name]}: pass the problem of the file"
            )
