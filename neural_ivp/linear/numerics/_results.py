"""Results of least-squares solves, in words."""

import lineax as lx
from jaxtyping import Array, Bool


class RESULTS(lx.RESULTS):  # pyright: ignore[reportGeneralTypeIssues]
    """The results of a least-squares solve, as sentences: `lineax.RESULTS` and those below.

    ```python
    print(nivp.RESULTS[nivp.RESULTS.factorisation_failed])
    ```
    """

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
    rank_too_small = (
        "The effective rank comes close to the rank of the subspace, and part of the velocity may "
        "be missing. Take a `LandmarkSubspace` of more landmarks and a larger rank, or a larger "
        "damping."
    )
    indefinite_system = (
        "Rounding made M + mu I indefinite along a direction of the iteration; the best iterate "
        "is returned. Try a larger damping, or float64."
    )


def to_result(solution: lx.Solution) -> RESULTS:
    """Return the result of a solve by `PCG` in terms of this library's arguments."""
    result = RESULTS.promote(solution.result)
    result = RESULTS.where(result == RESULTS.stagnation, RESULTS.tolerance_out_of_reach, result)
    breakdown = result == RESULTS.breakdown
    result = RESULTS.where(breakdown, RESULTS.indefinite_system, result)
    indefinite = breakdown & solution.stats["indefinite_preconditioner"]
    return RESULTS.where(indefinite, RESULTS.indefinite_preconditioner, result)


def is_failure(result: RESULTS) -> Bool[Array, ""]:
    """Return True if the solve failed and its velocity was set to 0: the step must be rejected."""
    return (  # pyright: ignore[reportReturnType] (arrays, not bools)
        (result == RESULTS.nonfinite_target)
        | (result == RESULTS.nonfinite_jacobian)
        | (result == RESULTS.factorisation_failed)
    )
