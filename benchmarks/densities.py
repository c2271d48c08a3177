"""Densities in R^d by their logarithms: errors at exact draws, of moments and of marginals.

    python benchmarks/densities.py [name ...] [--seeds 1] [--limit 300] [--json FILE] [--reports]

The problems are those of `configs/` with a density in all of R^d, solved by the defaults.
"""

import sys
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from records import Clock, Records, parser
from zoo import load

import neural_ivp as nivp
from neural_ivp.references import GaussianDensity, RotatedProduct, linear_moments

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
    "fokker_planck_50d",
    "fokker_planck_100d",
    "interacting_4d",
]
DRAWS, PARTICLES = 4_000, 100_000
# Coordinates of a normal density whose marginals are compared, at most.
AXES = 8


class Normal:
    """The normal density of a problem with a linear drift at one time, by its moments."""

    def __init__(self, problem, t: float, t0: float):
        process, d = problem.process, problem.domain.dimension
        offset = jax.jit(lambda t: process.drift(t, jnp.zeros(d)))
        means, covariances = linear_moments(
            [t],
            matrix=np.asarray(jax.jacfwd(lambda x: process.drift(t0, x))(jnp.zeros(d))),
            offset=lambda t: np.asarray(offset(t)),
            diffusion=np.asarray(process.constant),
            mean0=np.asarray(process.initial.mean),
            covariance0=np.asarray(process.initial.covariance),
            t0=t0,
        )
        self.mean, self.covariance = means[0], covariances[0]
        self.entropy = GaussianDensity(self.mean, self.covariance).entropy()
        self.axes = np.eye(d)[np.unique(np.linspace(0, d - 1, min(d, AXES)).astype(int))]

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return rng.multivariate_normal(self.mean, self.covariance, n)

    def marginal(self, k: int, grid: np.ndarray) -> np.ndarray:
        a = self.axes[k]
        return _normal(grid, a @ self.mean, a @ self.covariance @ a)


class Wells:
    """Independent blocks along hidden axes at one time."""

    def __init__(self, product: RotatedProduct, t: float):
        self.product, self.t = product, t
        self.entropy, self.axes = product.entropy(t), product.rotation.T
        mean, covariance = np.zeros(product.dimension), np.zeros((product.dimension,) * 2)
        moments = cache(self._moments)
        for factor, block in zip(product.factors, product.blocks, strict=True):
            mean[block], covariance[np.ix_(block, block)] = moments(factor)
        self.mean = product.rotation @ mean
        self.covariance = product.rotation @ covariance @ product.rotation.T

    def _moments(self, factor) -> tuple[np.ndarray, np.ndarray]:
        """By the trapezoidal rule on even nodes, within rounding for such functions."""
        nodes = np.linspace(-4, 4, 2001 if factor.dimension == 1 else 401)
        grids = np.meshgrid(*[nodes] * factor.dimension, indexing="ij")
        y = np.stack([grid.ravel() for grid in grids], axis=1)
        mass = factor.density(self.t, y[:, 0] if factor.dimension == 1 else y)
        mass = mass / mass.sum()
        off = y - mass @ y
        return mass @ y, (mass[:, None] * off).T @ off

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return self.product.sample(self.t, n, rng)

    def marginal(self, k: int, grid: np.ndarray) -> np.ndarray:
        return self.product.marginal(self.t, k, grid)


class Particles:
    """The mixture of the normal densities of the last step of many particles.

    Constant D = a number times the unit matrix. Heun's method is of weak second order for it.
    """

    entropy, last, steps = None, 0.01, 500

    def __init__(self, problem, t: float, t0: float):
        process = problem.process
        drift = jax.jit(jax.vmap(process.drift, (None, 0)))
        x = np.asarray(process.initial.sample(PARTICLES, jax.random.key(1)))
        self.spread = 2 * float(process.constant[0, 0])
        rng, dt = np.random.default_rng(1), (t - self.last - t0) / self.steps
        for k in range(self.steps):
            now, noise = t0 + k * dt, np.sqrt(self.spread * dt) * rng.standard_normal(x.shape)
            first = np.asarray(drift(now, x))
            second = np.asarray(drift(now + dt, x + dt * first + noise))
            x = x + dt / 2 * (first + second) + noise
        self.centres = x + self.last * np.asarray(drift(t - self.last, x))
        self.mean, self.axes = self.centres.mean(axis=0), np.eye(x.shape[1])
        self.covariance = np.cov(self.centres.T) + self.spread * self.last * self.axes

    def marginal(self, k: int, grid: np.ndarray) -> np.ndarray:
        centres = self.centres[:, k]
        return np.array([_normal(s, centres, self.spread * self.last).mean() for s in grid])


def _normal(s, mean, variance):
    return np.exp(-((s - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


class Errors:
    """Errors of a solution at its last time."""

    def __init__(self, solution, exact):
        self.solution, self.exact, self.t = solution, exact, float(solution.ts[-1])

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
        reference = self.solution.problem.reference(float(self.solution.ts[0]))
        if reference is None:
            return {"bias": None, "sd": None}
        x = self.exact.sample(DRAWS, np.random.default_rng(0))
        log_u = jax.jit(jax.vmap(self.solution.network(self.t)))(jnp.asarray(x))[:, 0]
        off = np.asarray(log_u) - np.log(reference(self.t, x))[:, 0]
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


@cache
def exact_density(name: str, t: float):
    problem, times = load(name)
    t0 = float(times[0])
    if isinstance(problem, nivp.problems.InteractingParticles):
        return Particles(problem, t, t0)
    if isinstance(problem, nivp.problems.DoubleWells):
        return Wells(problem.density(), t - t0)
    if isinstance(problem, nivp.problems.Relaxation):
        return Wells(RotatedProduct([problem.density()], np.eye(1), [[0]]), t - t0)
    return Normal(problem, t, t0)


def density(name: str, seed: int, limit: float, reports: bool) -> dict:
    """One solve by the defaults: mean (bias) and standard deviation (sd) of log u - log u_exact at
    4 000 exact draws at the last time; the largest total variation of marginals there (tv);
    relative errors of the mean (to its size or that of the standard deviation, the larger one) and
    of the covariance (Frobenius), absolute ones of the entropy; se is the standard error of the
    estimate before it. The residual is the median over the steps of the root mean square of that
    of log u on held-out points, 1 / time. CPU seconds are of the solve with compiling. The errors
    of `interacting_4d` are against 1e5 particles. A solve without a step has none.
    """
    problem, times = load(name)
    # Each solve compiles, as the first one of a process; many programs also fill the memory.
    jax.clear_caches()
    clock, key = Clock(), jax.random.key(seed)

    def stop_at_the_limit(progress):
        if progress.phase == "evolve" and clock.read()[1] > limit:
            raise KeyboardInterrupt

    options = dict(key=key, throw=False, progress=stop_at_the_limit)
    try:
        solution = nivp.solve(problem, ts=np.linspace(times[0], times[-1], 5), **options)
        result = solution.result
    except nivp.SolveInterrupted as interrupt:
        solution, result = interrupt.solution, "out of time"
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
        **(Errors(solution, exact_density(name, t)).row() if t > times[0] else {}),
        **seconds,
    }


def main() -> None:
    arguments = parser(__doc__, NAMES)
    arguments.add_argument("--seeds", type=int, default=1)
    arguments.add_argument("--limit", type=float, default=300, help="CPU seconds of one solve")
    arguments.add_argument("--reports", action="store_true", help="print the report of each solve")
    given = arguments.parse_args()
    records = Records(given.json, {"density": density})
    for name in given.names or NAMES:
        for seed in range(given.seeds):
            records.add("density", **density(name, seed, given.limit, given.reports))
    print(records.table())


if __name__ == "__main__":
    main()
