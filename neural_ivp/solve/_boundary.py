"""Checks of the conditions at the boundary before a solve."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np

from ..boundary import Absorbing, evaluated
from ..errors import BoundaryWarning, InputError
from ..networks import AbstractNetwork
from ..problems import AbstractProblem
from ..trials import face_residual, trial_for

# A residual of the initial value relative to it, above which a condition contradicts it.
CONTRADICTION = 1e-3


def check_boundary(problem: AbstractProblem, network: AbstractNetwork, times: np.ndarray) -> None:
    """Check that the conditions are finite, and warn of contradictions at the first time."""
    _check_boundary_values(problem, times)
    _check_initial_boundary(problem, network, float(times[0]))


def _check_boundary_values(problem: AbstractProblem, times: np.ndarray) -> None:
    """Raise `InputError` for a condition that is not finite at the start, midway or at the end."""
    for t in (times[0], times[len(times) // 2], times[-1]):
        for face in problem.conditions.by_face:
            x, residual = face_residual(problem, problem.initial, face, float(t))
            bad = np.argwhere(~np.isfinite(residual))
            if len(bad):
                raise InputError(
                    f"`boundary`: the condition at {face!r} is not finite at t = {t:g}, "
                    f"x = {np.round(x[bad[0][0]], 6).tolist()}: look at its values there and at "
                    "those of `initial`"
                )
            _check_speeds(problem, face, t, x)


def _check_speeds(problem: AbstractProblem, face: str, t: float, points: np.ndarray) -> None:
    """Raise `InputError` where waves of an absorbing face do not run outwards."""
    for condition in problem.conditions.by_face[face]:
        if isinstance(condition, Absorbing):
            speed, time = condition.speed, jnp.asarray(t, points.dtype)
            speeds = jax.vmap(lambda x, c=speed, time=time: evaluated(c, time, x))(points)
            if not np.all(speeds > 0):
                raise InputError(
                    f"`boundary`: the speed of Absorbing at {face!r} must be positive, got "
                    f"{speeds.min():.3g} at t = {t:g}"
                )


def _check_initial_boundary(problem: AbstractProblem, network: AbstractNetwork, t0: float) -> None:
    """Warn where the initial value contradicts a condition, or adjacent faces one another."""
    _check_corners(problem, network, t0)
    points = jnp.asarray(problem.domain.low_discrepancy_points(256), float)
    scales = np.asarray(problem.norm.scales, float)
    size = np.max(np.abs(jax.vmap(problem.initial)(points)), axis=0) / scales
    # Of a component that is zero at first: that of the others, in units of their scales.
    size = scales * np.where(size > 0, size, np.max(size))
    sentences = []
    for face in problem.conditions.by_face:
        x, residual = face_residual(problem, problem.initial, face, t0)
        worst, component = np.unravel_index(np.argmax(np.abs(residual)), residual.shape)
        largest = float(np.abs(residual[worst, component]))
        if largest > CONTRADICTION * size[component]:
            sentences.append(
                f"at {face}, by {largest:.2g} in component {problem.component_names[component]} at "
                f"x = {np.round(x[worst], 6).tolist()}"
            )
    if sentences:
        warnings.warn(
            "the initial value does not satisfy the condition at the boundary "
            f"{'; '.join(sentences)}: u jumps there at the first instant, and is less accurate "
            "near that time and place. If the solve fails, let the condition begin at the initial "
            "value, as by a factor 1 - exp(-t / tau) with a short time tau",
            BoundaryWarning,
            stacklevel=4,
        )


def _check_corners(problem: AbstractProblem, network: AbstractNetwork, t0: float) -> None:
    """Warn where the lift misses a value, since adjacent faces have other ones at their corner."""
    trial, c = trial_for(problem, network), problem.components

    def lift(x):
        return jnp.zeros(c, x.dtype)

    inside = jnp.asarray(problem.domain.low_discrepancy_points(256), float)
    size = float(np.max(np.abs(jax.vmap(trial.field(lift, t0))(inside))))
    for face in problem.conditions.by_face:
        _, residual = face_residual(problem, trial.field(lift, t0), face, t0)
        held = [trial.holds(face, k) for k in range(c)]
        gap = np.where(held, np.abs(residual), 0)
        worst, component = np.unravel_index(np.argmax(gap), gap.shape)
        if gap[worst, component] > CONTRADICTION * size:
            warnings.warn(
                f"the Dirichlet values of {face} and of an adjacent face differ where they meet: "
                f"the condition of component {problem.component_names[component]} at {face} is "
                f"missed by up to {gap[worst, component]:.2g}, all along the face, at t = {t0:g}. "
                "Give values that agree at the corners, such as one that falls to the other near "
                "them",
                BoundaryWarning,
                stacklevel=5,
            )
