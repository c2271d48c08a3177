"""How the solution of one least-squares problem ended, in words."""

import lineax as lx
from jaxtyping import Array, Bool


class RESULTS(lx.RESULTS):  # pyright: ignore[reportGeneralTypeIssues]
    """`lineax.RESULTS`, and the ends that only this problem knows."""

    nonfinite_target = (
        "The right-hand side L[u] is not finite at one or more points; the velocity is 0."
    )
    nonfinite_jacobian = (
        "The derivative of the network in its parameters is not finite; the velocity is 0."
    )
    factorisation_failed = (
        "The factorisation met a matrix that is not positive definite in this arithmetic; the "
        "velocity is 0. Try a larger damping, `LeastSquares`, or float64."
    )
    indefinite_preconditioner = (
        "The preconditioner is not positive definite: the best iterate before it showed is "
        "returned. Try a larger damping, a smaller rank, or `NoPreconditioner`."
    )
    tolerance_out_of_reach = (
        "The iteration stopped improving before its tolerance; the best iterate is returned. Try "
        "a larger `rtol`, a larger damping, or float64."
    )
    indefinite_system = (
        "Rounding made M + mu I indefinite along a direction of the iteration; the best iterate "
        "is returned. Try a larger damping, or float64."
    )


def promoted(result: lx.RESULTS) -> RESULTS:
    """lineax's result of an iteration, in words that speak of this library's arguments."""
    own = RESULTS.promote(result)
    own = RESULTS.where(own == RESULTS.stagnation, RESULTS.tolerance_out_of_reach, own)
    return RESULTS.where(own == RESULTS.breakdown, RESULTS.indefinite_system, own)


def refused(result: RESULTS) -> Bool[Array, ""]:
    """Whether there is no velocity to speak of: the step that asked for it must not be taken."""
    return (  # pyright: ignore[reportReturnType] (arrays, not bools)
        (result == RESULTS.nonfinite_target)
        | (result == RESULTS.nonfinite_jacobian)
        | (result == RESULTS.factorisation_failed)
    )
