"""One figure of a solution: fields above, the march below."""

import textwrap
from typing import Any

from matplotlib.figure import Figure

from ..problems import AbstractProblem
from ..solution import ErrorReport, Solution, describe, measure
from ..solution._errors import Reference, reference_for
from ._canvas import Canvas
from ._lines import draw_lines
from ._march import draw_march
from ._panels import draw_panels
from ._style import scientific, size_words


def figure(solution: Solution, reference: Reference | None = None) -> Figure:
    """Network, reference and pointwise error at a few times, and how the march went.

    **Arguments:**

    - `solution`: what `solve` returned, successful or not.
    - `reference`: a function of (t, points of shape (n, d)) with values (n, c); the problem's
      exact solution or independent reference if not given. Without any, the network alone is
      drawn, and the title says so.

    **Returns:** a matplotlib `Figure` with a canvas of its own: `savefig` needs no display.

    **Raises:** `InputError` for a reference whose values have the wrong shape.
    """
    problem = solution.problem
    if reference is None:
        reference = reference_for(problem, float(solution.ts[0]))
    error = None if reference is None else measure(solution, reference)
    canvas = Canvas(_name(solution))
    draw = draw_lines if problem.domain.dimension == 1 else draw_panels
    height, notes = draw(canvas.above, solution, reference)
    canvas.arrange(height, _subtitle(solution, error, notes))
    draw_march(canvas.below, solution, error)
    return canvas.figure


def _name(solution: Solution) -> str:
    d = solution.problem.domain.dimension
    name = f"{type(solution.problem).__name__} in {d} dimension{'s' if d > 1 else ''}"
    if solution.result == "successful":
        return name
    return f"{name}, ended early at $t$ = {solution.interval[1]:.4g}"


def _subtitle(solution: Solution, error: ErrorReport | None, notes: list[str]) -> list[str]:
    """Lines: coefficients and error, what the maps show, and why a solve ended early."""
    problem = solution.problem
    p = solution.segments[0].theta.shape[1]
    facts = [*_coefficients(problem), size_words(p)]
    if error is None:
        facts.append("no reference is known for this problem")
    else:
        facts.append(f"relative $L^2$ error {scientific(error.overall)} over all saved times")
    lines = [" · ".join(part) for part in (facts, notes) if part]
    if solution.result != "successful":
        words = f"{solution.result}: {solution.message}".replace("$", r"\$")
        lines += textwrap.wrap(words, 120)
    return lines


def _coefficients(problem: AbstractProblem) -> list[str]:
    """The physical coefficients of a problem of the catalogue, in words."""
    table = {name: _number(value) for name, value in describe(problem).items()}
    return [
        f"{name.replace('_', ' ')} {value}"
        for name, value in table.items()
        if value is not None and name != "dimension"
    ]


def _number(value: Any) -> str | None:
    """A number, or up to four of them, in print; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return f"{value:.3g}"
    if isinstance(value, list) and 0 < len(value) <= 4:
        parts = [_number(part) for part in value]
        if None not in parts:
            return f"({', '.join(part for part in parts if part)})"
    return None
