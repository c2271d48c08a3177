"""Error against CPU seconds over all problems, for the default method and for fixed choices.

    python benchmarks/zoo.py [name ...] [--rtol 1e-4 1e-5] [--seeds 3] [--methods default rodas4]
                             [--dtype float32]

The problems are those of `configs/`, `boundary.py`, `waves.py` and `kinetic.py`. A default is
chosen by this table. The method `paper` is that of `configs/<name>__paper.toml` with 2 000 of its
Adam steps.
"""

import tomllib
from pathlib import Path

import boundary
import diffrax as dfx
import equinox as eqx
import jax
import kinetic
import numpy as np
import waves
from records import Clock, Records, parser

import neural_ivp as nivp
from neural_ivp.catalogue import build
from neural_ivp.config import load_config
from neural_ivp.defaults import solve_keys

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def _from_config(name: str):
    table = tomllib.loads((CONFIGS / f"{name}.toml").read_text())
    time = table["time"]
    problem = build(table["problem"], key=jax.random.key(0))
    return problem, np.linspace(time.get("start", 0.0), time["end"], 11)


NAMES = sorted(
    {path.stem.removesuffix("__paper") for path in CONFIGS.glob("*.toml")}
    - {"interacting_4d"}  # no reference; `densities.py` measures it
    | set(boundary.PROBLEMS)
    | set(waves.PROBLEMS)
    | set(kinetic.PROBLEMS)
)


def load(name: str):
    """A problem and the times to save."""
    made = boundary.PROBLEMS | waves.PROBLEMS | kinetic.PROBLEMS
    if name in made:
        return made[name]()
    return _from_config(name)


def _with_scheme(scheme):
    def method(problem, network, rtol):
        default = nivp.default_method(problem, network, rtol=rtol)
        integrator = nivp.AdaptiveStep(scheme, rtol=rtol, atol=rtol / 100)
        return eqx.tree_at(lambda m: m.integrator, default, integrator)

    return method


def _subset(problem, network, rtol):
    line = problem.domain.dimension == 1
    size = 300 if line else 700
    solver = nivp.RandomSubset(nivp.RidgeCholesky(damping=max(rtol**2, 1e-13)), size)
    sampler = nivp.ImportanceSampling(1_000 if line else 2_500)
    method = _with_scheme(dfx.Tsit5())(problem, network, rtol)
    return eqx.tree_at(lambda m: (m.velocity_solver, m.sampler), method, (solver, sampler))


# Of the 100 000 steps of the paper's recipe, which would take days on two cores.
ADAM_STEPS = ["method.fit.0.steps=2000"]
METHODS = {
    "default": lambda problem, network, rtol: nivp.default_method(problem, network, rtol=rtol),
    "tsit5": _with_scheme(dfx.Tsit5()),
    "dopri8": _with_scheme(dfx.Dopri8()),
    "rodas4": _with_scheme(nivp.Rodas4()),
    "subset": _subset,
}


def solved(limit: float, clock: Clock, *arguments, **options) -> tuple[nivp.Solution, str]:
    """`nivp.solve` until a limit of CPU seconds, and its result in words."""

    def stop_at_the_limit(progress):
        if progress.phase == "evolve" and clock.read()[1] > limit:
            raise KeyboardInterrupt

    try:
        solution = nivp.solve(*arguments, **options, throw=False, progress=stop_at_the_limit)
    except nivp.SolveInterrupted as interrupt:
        return interrupt.solution, "out of time"
    return solution, solution.result


def solve(name: str, method: str, rtol: float, seed: int, limit: float) -> dict:
    """One solve each: relative L2 errors over all saved times, the largest after the first, at the
    last one and of the fit; the medians of the residual on the points of a step and on others; the
    largest effective rank; the relative drift of the first invariant; CPU seconds with compiling.
    """
    problem, ts = load(name)
    # Each solve compiles, as the first one of a process; many programs also fill the memory.
    jax.clear_caches()
    clock, key = Clock(), jax.random.key(seed)
    if method == "paper":
        config = load_config(CONFIGS / f"{name}__paper.toml", ADAM_STEPS)
        network, chosen, rtol = config.network, config.method, config.method.integrator.rtol
    else:
        network = nivp.default_network(problem, key=solve_keys(key)[0])
        chosen = METHODS[method](problem, network, rtol)
    solution, result = solved(limit, clock, problem, network, chosen, ts=ts, key=key)
    times, record = clock.row(), solution.record
    accepted = record["accepted"]

    def median(quantity):
        return float(np.nanmedian(record[quantity][accepted])) if accepted.any() else None

    error = solution.error()
    more = {"phase": waves.phase(solution)} if name == "pulse_circle" else {}
    return {
        "problem": name,
        "method": method,
        "rtol": rtol,
        "seed": seed,
        "result": result,
        "t": float(solution.ts[-1]),
        "overall": error.overall,
        "largest": float(np.max(error.relative_l2[1:])) if len(error.relative_l2) > 1 else None,
        "last": float(error.relative_l2[-1]),
        "fit": solution.fits[0]["relative_l2_error"],
        "scheme": type(chosen.integrator.solver).__name__,
        "steps": int(accepted.sum()),
        "rejected": int((~accepted).sum()),
        "residual": median("projection_residual"),
        "held_out": median("held_out_residual"),
        "rank": float(np.nanmax(record["effective_rank"])) if len(accepted) else None,
        "drift": _drift(record["invariants"][accepted]),
        **more,
        **times,
    }


def _drift(values: np.ndarray) -> float | None:
    """The largest change of the first invariant since the first step, relative to it."""
    if not values.size or values[0, 0] == 0:
        return None
    return float(np.max(np.abs(values[:, 0] - values[0, 0])) / abs(values[0, 0]))


def main() -> None:
    arguments = parser(__doc__, NAMES)
    arguments.add_argument("--rtol", type=float, nargs="+", default=[1e-5])
    arguments.add_argument("--methods", nargs="+", choices=[*METHODS, "paper"], default=["default"])
    arguments.add_argument("--seeds", type=int, default=1)
    arguments.add_argument("--limit", type=float, default=600, help="CPU seconds of one solve")
    arguments.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    given = arguments.parse_args()
    jax.config.update("jax_enable_x64", given.dtype == "float64")
    records = Records(given.json, {"zoo": solve})
    for name in given.names or NAMES:
        for method in given.methods:
            for rtol in given.rtol:
                for seed in range(given.seeds):
                    records.add("zoo", **solve(name, method, rtol, seed, given.limit))
    print(records.table())


if __name__ == "__main__":
    main()
