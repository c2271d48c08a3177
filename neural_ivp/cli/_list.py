"""`neural-ivp list`: the packaged configs, and the classes that a config can name."""

from pathlib import Path

import diffrax as dfx

from ..calculus import AbstractInnerProduct
from ..catalogue import registered, subclasses
from ..config import packaged_configs
from ..domains import AbstractDomain
from ..evolution import AbstractIntegrator, AbstractRestartRule, AbstractScheme
from ..fitting import AbstractFitStage
from ..linear import AbstractPreconditioner, AbstractVelocitySolver
from ..networks import AbstractNetwork, FourierSeries, RidgeSum, SinusoidalMLP
from ..problems import AbstractProblem
from ..samplers import AbstractSampler
from ._docstrings import summary_line

# Heading, place in a config, and base class.
KINDS = (
    ("Problems", "[problem]", AbstractProblem),
    ("Domains", "[problem.domain]", AbstractDomain),
    ("Networks", "[network]", AbstractNetwork),
    ("Samplers", "[method.sampler]", AbstractSampler),
    ("Velocity solvers", "[method.velocity_solver]", AbstractVelocitySolver),
    ("Preconditioners", "[method.velocity_solver.preconditioner]", AbstractPreconditioner),
    ("Integrators", "[method.integrator]", AbstractIntegrator),
    ("Runge-Kutta methods", "method.integrator.solver", (dfx.AbstractERK, dfx.Euler)),
    ("Other schemes", "[method.integrator.solver]", AbstractScheme),
    ("Fit stages", "[[method.fit]]", AbstractFitStage),
    ("Norms of a fit", "[method.fit_norm]", AbstractInnerProduct),
    ("Restart rules", "[method.restart]", AbstractRestartRule),
)


# Networks that `[network]` names; others are made of them.
NETWORKS = (SinusoidalMLP, FourierSeries, RidgeSum)


def can_name(cls: type) -> bool:
    """Whether a config can name a class of the catalogue."""
    return not issubclass(cls, AbstractNetwork) or issubclass(cls, NETWORKS)


def list_catalogue() -> int:
    """Print the packaged configs and the catalogue."""
    rows = [(name, first_comment(file)) for name, file in packaged_configs().items()]
    _print_rows("Configs  neural-ivp run NAME", rows)
    for heading, place, kind in KINDS:
        _print_rows(
            f"{heading}  {place}",
            [
                (name, summary_line(registered(name)))
                for name in subclasses(kind)
                if can_name(registered(name))
            ],
        )
    return 0


def first_comment(file: Path) -> str:
    """The comment on the first line of a config."""
    with file.open(encoding="utf-8") as lines:
        first = next(lines, "").strip()
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def _print_rows(heading: str, rows: list[tuple[str, str]]) -> None:
    print(heading)
    width = max(len(name) for name, _ in rows)
    for name, line in rows:
        print(f"  {name:<{width}}  {line}".rstrip())
    print()
