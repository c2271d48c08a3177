"""Densities in R^d by their logarithms: errors at exact draws, of moments and of marginals.

    python benchmarks/densities.py [name ...] [--seeds 1] [--limit 300] [--json FILE] [--reports]
                                   [--dtype float32]

The problems are those of `configs/` with a density in all of R^d and of `density_problems.py`,
solved by the defaults.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from density_problems import MADE, network_of, times
from exact_densities import exact_density
from records import Clock, Records, parser
from zoo import load as load_config
from zoo import solved

jax.config.update("jax_enable_x64", True)

NAMES = [
    "fokker_planck_2d",
    "fokker_planck_8d",
    "fokker_planck_20d",
    "double_well_1d",
    "double_well_4d",
    "double_well_10d",
    "double_well_20d",
    "coupled_wells_10d",
    "rotating_8d",
    "relaxation",
    "heat_space_10d",
    *MADE,
    "fokker_planck_50d",
    "fokker_planck_100d",
    "interacting_4d",
]
DRAWS = 4_000


def load(name: str):
    """A problem and the times to save."""
    if name not in MADE:
        problem, ts = load_config(name)
        return problem, np.linspace(ts[0], ts[-1], 5)
    problem, end = MADE[name]()
    return problem, times(end)


class Errors:
    """Errors of a solution at its last time."""

    def __init__(self, solution, name: str):
        self.solution, self.t = solution, float(solution.ts[-1])
        with jax.enable_x64(True):  # the exact density of a solve in single precision, too
            problem, t0 = load(name)[0], float(solution.ts[0])
            self.exact = exact_density(name, problem, self.t, t0)
            self.reference = problem.reference(t0)

    def row(self) -> dict:
        exact, found = self.exact, self.solution
        size = max(np.linalg.norm(exact.mean), np.sqrt(np.trace(exact.covariance)))
        norm = np.linalg.norm(exact.covariance)
        return {
            **self._logs(),
            **self._total_variation(),
            **_error("mean", found.mean(self.t), exact.mean, size),
            **_error("covariance", found.covariance(self.t), exact.covariance, norm),
            **_error("entropy", found.entropy(self.t), exact.entropy, 1),
        }

    def _logs(self) -> dict:
        """Mean and standard deviation of log u - log u_exact at exact draws."""
        if self.reference is None:
            return {"bias": None, "sd": None}
        x = self.exact.sample(DRAWS, np.random.default_rng(0))
        log_u = jax.jit(jax.vmap(self.solution.network(self.t)))(jnp.asarray(x))[:, 0]
        with jax.enable_x64(True):
            exact = np.log(self.reference(self.t, x))[:, 0]
        off = np.asarray(log_u) - exact
        return {"bias": off.mean(), "sd": off.std()}

    def _total_variation(self) -> dict:
        """The largest of the marginals on the axes of the exact density."""
        found = []
        for k, axis in enumerate(self.exact.axes):
            centre, spread = axis @ self.exact.mean, np.sqrt(axis @ self.exact.covariance @ axis)
            grid = np.linspace(centre - 6 * spread, centre + 6 * spread, 401)
            marginal = self.solution.marginal(self.t, axis, grid)
            off = np.abs(marginal.value - self.exact.marginal(k, grid))
            found.append([np.trapezoid(y, grid) / 2 for y in (off, marginal.standard_error)])
        return dict(zip(("tv", "tv_se"), max(found), strict=True))


def _error(name: str, estimate, exact, size: float) -> dict:
    """Error and standard error of an estimate, relative to a size."""
    if exact is None:
        return {f"{name}_error": None, f"{name}_se": None}
    sizes = [np.linalg.norm(v) / size for v in (estimate.value - exact, estimate.standard_error)]
    return {f"{name}_error": sizes[0], f"{name}_se": sizes[1]}


def density(name: str, seed: int, limit: float, reports: bool) -> dict:
    """One solve by the defaults: mean (bias) and standard deviation (sd) of log u - log u_exact at
    4 000 exact draws at the last time; the largest total variation of marginals there (tv);
    relative errors of the mean (to its size or that of the standard deviation, the larger one) and
    of the covariance (Frobenius), absolute ones of the entropy; se is the standard error of the
    estimate before it. The residual is the median over the steps of the root mean square of that
    of log u on held-out points, 1 / time. CPU seconds are of the solve with compiling. The errors
    of `interacting_4d` are against 1e5 particles. A solve without a step has none.
    """
    problem, ts = load(name)
    # Each solve compiles, as the first one of a process; many programs also fill the memory.
    jax.clear_caches()
    clock, key = Clock(), jax.random.key(seed)
    network = network_of(name, problem, key)
    solution, result = solved(limit, clock, problem, network, ts=ts, key=key)
    seconds, record, t = clock.row(), solution.record, float(solution.ts[-1])
    if reports:
        print(f"\n== {name}, seed {seed}\n{solution.report()}", file=sys.stderr, flush=True)
    accepted = record["accepted"]
    residual = (record["held_out_residual"] * record["rhs_norm"])[accepted]
    return {
        "problem": name,
        "seed": seed,
        "result": result,
        "t": t,
        "p": solution.parameters.shape[1],
        "steps": int(accepted.sum()),
        "rejected": int((~accepted).sum()),
        "residual": np.median(residual) if accepted.any() else None,
        **(Errors(solution, name).row() if t > ts[0] else {}),
        **seconds,
    }


def main() -> None:
    arguments = parser(__doc__, NAMES)
    arguments.add_argument("--seeds", type=int, default=1)
    arguments.add_argument("--limit", type=float, default=300, help="CPU seconds of one solve")
    arguments.add_argument("--reports", action="store_true", help="print the report of each solve")
    arguments.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    given = arguments.parse_args()
    jax.config.update("jax_enable_x64", given.dtype == "float64")
    records = Records(given.json, {"density": density})
    for name in given.names or NAMES:
        for seed in range(given.seeds):
            records.add("density", **density(name, seed, given.limit, given.reports))
    print(records.table())


if __name__ == "__main__":
    main()
