"""`neural-ivp list`: the classes that a config can name."""

import inspect
import re
from pathlib import Path

import diffrax as dfx

from ..calculus import AbstractInnerProduct
from ..catalogue import registered, subclasses
from ..domains import AbstractDomain
from ..evolution import AbstractIntegrator, AbstractRestartRule, AbstractScheme
from ..fitting import AbstractFitStage
from ..linear import AbstractPreconditioner, AbstractVelocitySolver
from ..networks import AbstractNetwork
from ..problems import AbstractProblem
from ..samplers import AbstractSampler

# Heading, place in a config, and base class.
_KINDS = (
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
_SYMBOLS = {
    "alpha": "α",
    "beta": "β",
    "kappa": "κ",
    "mu": "μ",
    "xi": "ξ",
    "pi": "π",
    "rho": "ρ",
    "phi": "φ",
    "Delta": "Δ",
    "nabla": "∇",
    "partial": "∂",
    "cdot": "·",
    "propto": "∝",
    "sum": "Σ",
    "prod": "Π",
    "overline": "mean ",
}


def list_catalogue(configs: str = "configs") -> int:
    """Print the catalogue and the configs of a folder."""
    for heading, place, kind in _KINDS:
        _print_rows(
            f"{heading}  {place}",
            [(name, summary_line(registered(name))) for name in subclasses(kind)],
        )
    files = sorted(Path(configs).glob("*.toml"))
    if files:
        _print_rows("Configs", [(str(file), _first_comment(file)) for file in files])
    return 0


def summary_line(cls: type) -> str:
    """The first paragraph of a docstring, with TeX as plain text."""
    text = " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())
    text = re.sub(r"\\([A-Za-z]+)", lambda word: _SYMBOLS.get(word[1], word[1]), text)
    return re.sub(r" +", " ", re.sub(r"\\[,; ]|[${}]", "", text))


def _print_rows(heading: str, rows: list[tuple[str, str]]) -> None:
    print(heading)
    width = max(len(name) for name, _ in rows)
    for name, line in rows:
        print(f"  {name:<{width}}  {line}".rstrip())
    print()


def _first_comment(file: Path) -> str:
    with file.open(encoding="utf-8") as lines:
        first = next(lines, "").strip()
    return first.removeprefix("#").strip() if first.startswith("#") else ""
