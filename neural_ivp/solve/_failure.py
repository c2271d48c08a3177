"""Why a march cannot go on, in a word and a sentence."""

from typing import TYPE_CHECKING

from ..evolution import Fixed, State, StepRecord

if TYPE_CHECKING:
    from ._march import March


def failure(march: "March", state: State, record: StepRecord) -> tuple[str, str] | None:
    """What ends the march after this attempt; None if it goes on."""
    t, attempts = march.t, len(march.records)
    if t >= march.t1:
        return None
    if not float(state.dt) >= march.dtmin:
        if not bool(record.target_finite):
            cause = "the right-hand side is not finite there"
        elif not bool(record.finite):
            cause = (
                "no velocity was found, it or the new values are not finite, or the stages of an "
                "implicit step or the invariants to conserve could not be solved for (try a larger "
                "damping; for implicit steps also more `iterations`, or a smaller fixed `dt`)"
            )
        else:
            cause = (
                "the error estimate stays above the tolerance (try larger rtol and atol, or "
                "a larger damping)"
            )
        word = "dt_min_reached" if bool(record.finite) else "nonfinite"
        if isinstance(march.method.integrator, Fixed):
            return word, f"at t = {t:.6g} a step of the fixed size could not be taken: {cause}"
        return word, f"at t = {t:.6g} the step size fell below {march.dtmin:.1e}: {cause}"
    if attempts >= march.method.integrator.max_steps:
        return (
            "max_steps_reached",
            f"at t = {t:.6g} of {march.t1:g}, {attempts} steps were tried, as many as "
            "`max_steps` allows",
        )
    return None
