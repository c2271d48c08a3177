"""Velocity solvers on networks along real trajectories: advection, wave and heat.

    .venv/bin/python benchmarks/trajectories.py [solvers|damping|reuse ...] [--problems NAME ...]
        [--json FILE]

For `solvers` and `damping` a small network is fitted and evolved with the default method, and J and
f are taken at the start, the middle and the end. Prints a table of each case, described by the
docstring of its function, and writes the rows to FILE as lines of JSON.
"""

import functools

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from linear import median_times
from records import Clock, Records, parser

# Class, dimension, and the end of the trajectory.
PROBLEMS = {
    "advection_2d": ("Advection", 2, 0.25),
    "wave_1d": ("Wave", 1, 0.5),
    "heat_2d": ("Heat", 2, 0.5),
}
# The dampings of `reuse`. Heat, where M changes slowly, needs one only.
REUSE = {"advection_2d": (1e-8, 1e-6), "heat_2d": (1e-8,)}


def trajectory(nivp, name, width=14, depth=3):
    """The problem and its network at three times."""
    kind, dimension, end = PROBLEMS[name]
    problem = getattr(nivp.problems, kind)(dimension)
    key = jax.random.key(0)
    network = nivp.default_network(problem, key=key, width=width, depth=depth)
    solution = nivp.solve(problem, network, ts=[0.0, end / 2, end], key=key)
    return problem, [(float(t), solution.network(t)) for t in solution.ts]


def velocity_problem(nivp, problem, network, t, points, seed=1):
    """J and f at points drawn by importance sampling."""
    key = jax.random.key(seed)
    sampler = nivp.ImportanceSampling(points)
    state = sampler.init(problem.domain, jnp.zeros(0).dtype, key)
    u = nivp.trials.trial_for(problem, network).field(network, t)
    sample, _ = sampler.draw(state, problem.domain, u, key)
    return eqx.filter_jit(nivp.velocity_problem)(problem, network, t, sample)


def rows_of(lin, target):
    """sqrt(W) J and sqrt(W) f as numpy arrays."""
    rows, right = eqx.filter_jit(lambda lin, f: lin.weighted_rows(f))(lin, target)
    return np.asarray(rows, float), np.asarray(right, float)


def catalogue(nivp, dtype):
    """The solvers, at a damping and tolerance that the dtype can bear."""
    damping, rtol = {"float64": (1e-10, 1e-8), "float32": (1e-6, 1e-4)}[dtype]
    options = {"damping": damping, "rtol": rtol, "preconditioner": nivp.Nystrom(200)}
    choices = {
        "RidgeCG": nivp.RidgeCG(**options),
        "RidgeCholesky": nivp.RidgeCholesky(damping=damping),
        "RidgeDual": nivp.RidgeDual(damping=damping),
        "RidgeDualCG": nivp.RidgeDualCG(damping=damping, rtol=rtol),
        "LeastSquares": nivp.LeastSquares(damping=damping),
        "AutoVelocitySolver": nivp.AutoVelocitySolver(damping=damping),
    }
    if dtype == "float32":
        choices["RidgeCG mixed"] = nivp.RidgeCG(precision="mixed", **options)
        choices["RidgeCG, out of reach"] = nivp.RidgeCG(**options | {"rtol": 1e-12})
    return choices


def solvers(nivp, records, names):
    """Every solver on J and f of a trajectory: `excess` is its projection residual over that of
    numpy's SVD of the float64 J at the same damping, less one; `rank_exactly` is the effective rank
    by the SVD, `held_out` the residual on other points. `RidgeCG, out of reach` asks for rtol 1e-12
    in float32.
    """
    solve = eqx.filter_jit(nivp.solve_velocity)
    for name in names:
        problem, networks = trajectory(nivp, name)
        for t, network in networks:
            exact = velocity_problem(nivp, problem, network, t, 2_000)
            other = velocity_problem(nivp, problem, network, t, 1_000, seed=2)
            rows, right = rows_of(*exact)
            svd = np.linalg.svd(rows, full_matrices=False)
            for dtype in ("float64", "float32"):
                (lin, f), held_out = (
                    [part.astype(dtype) for part in pair] for pair in (exact, other)
                )
                for kind, solver in catalogue(nivp, dtype).items():
                    options = {"key": jax.random.key(3), "held_out": tuple(held_out)}
                    call = functools.partial(solve, solver, lin, f, **options)
                    wall, cpu = median_times(call, repeats=1)
                    row = {"problem": name, "t": t, "dtype": dtype, "solver": kind}
                    row |= {"p": lin.num_parameters}
                    row |= {"seconds": round(wall, 3), "cpu_seconds": round(cpu, 3)}
                    records.add("solvers", **row | compared(nivp, call(), svd, rows, right))


def compared(nivp, velocity, svd, rows, right):
    """The residual of a velocity over that of the SVD at the same damping."""
    u, sigma, _ = svd
    info = velocity.info
    shares = sigma**2 / (sigma**2 + float(info.damping))
    best = np.linalg.norm(u @ (shares * (u.T @ right)) - right)
    residual = np.linalg.norm(rows @ np.asarray(velocity.value, float) - right)
    return {
        "residual": residual / np.linalg.norm(right),
        "excess": residual / best - 1,
        "held_out": info.held_out_residual,
        "result": nivp.RESULTS[velocity.result].split(".")[0] or "successful",
        "linear_residual": info.linear_residual,
        "iterations": info.iterations,
        "effective_rank": info.effective_rank,
        "rank_exactly": np.sum(shares),
        "condition": info.condition,
    }


def damping(nivp, records, names):
    """Rules for the damping, by the residual on 8 000 other points over that of the best of ten
    dampings: held-out points (a fifth), generalised cross-validation, and the discrepancy principle
    at the residual 1e-4 that the default tolerance asks for; `speed` is |v|.
    """
    candidates = 10.0 ** -np.arange(4, 14)
    for name in names:
        problem, networks = trajectory(nivp, name)
        for t, network in networks:
            validation = rows_of(*velocity_problem(nivp, problem, network, t, 8_000, seed=9))
            for points in (500, 2_000):
                rows, right = rows_of(*velocity_problem(nivp, problem, network, t, points))
                chosen = rules(rows, right, candidates)
                errors = [misfit(validation, ridge(rows, right, c)) for c in candidates]
                row = {"problem": name, "t": t, "points": points, "p": rows.shape[1]}
                row["best"], row["best_residual"] = candidates[np.argmin(errors)], min(errors)
                for rule, c in chosen.items():
                    over = errors[list(candidates).index(c)] / min(errors)
                    row[rule], row[f"{rule}_over_best"] = c, round(over, 3)
                    row[f"{rule}_speed"] = np.linalg.norm(ridge(rows, right, c))
                records.add("damping", **row)


def ridge(rows, right, relative):
    u, sigma, vt = np.linalg.svd(rows, full_matrices=False)
    return vt.T @ (sigma / (sigma**2 + relative * sigma[0] ** 2) * (u.T @ right))


def misfit(validation, v):
    rows, right = validation
    return float(np.linalg.norm(rows @ v - right) / np.linalg.norm(right))


def rules(rows, right, candidates):
    """The candidate that each rule takes: the largest within a tenth of its best score."""
    u, sigma, _ = np.linalg.svd(rows, full_matrices=False)
    inside, outside = u.T @ right, np.sum((right - u @ (u.T @ right)) ** 2)
    out = np.random.default_rng(0).permutation(len(rows)) < len(rows) // 5
    scores = {"held_out": [], "gcv": []}
    residuals = []
    for c in candidates:
        left = c * sigma[0] ** 2 / (sigma**2 + c * sigma[0] ** 2)
        squared = np.sum((left * inside) ** 2) + outside
        free = 1 - (len(sigma) - np.sum(left)) / len(rows)
        residuals.append(np.sqrt(squared) / np.linalg.norm(right))
        scores["gcv"].append(np.sqrt(squared) / free)
        v = ridge(rows[~out], right[~out], c)
        scores["held_out"].append(misfit((rows[out], right[out]), v))
    chosen = {
        rule: max(c for c, s in zip(candidates, values, strict=True) if s <= 1.1 * min(values))
        for rule, values in scores.items()
    }
    enough = [c for c, r in zip(candidates, residuals, strict=True) if r <= 1e-4]
    return chosen | {"discrepancy": max(enough, default=candidates[-1])}


def reuse(nivp, records, names):
    """Explicit steps (Tsit5) until t = 0.5 with the default network, from one fit: a `Nystrom`
    sketch built for every solve or once a step, `Landmarks` chosen once a step, and columns of the
    kernel (`RidgeDualCG`). `products_per_evaluation` are multiplications by M for each right-hand
    side; seconds include compilation, `evolve_seconds` do not.
    """
    for name in [name for name in names if name in REUSE]:
        kind, dimension, _ = PROBLEMS[name]
        problem, key = getattr(nivp.problems, kind)(dimension), jax.random.key(0)
        network = nivp.default_network(problem, key=key)
        trial, stages = nivp.trials.trial_for(problem, network), (nivp.GaussNewton(),)
        parts = network, problem.initial, problem.domain, stages
        fit = nivp.fit(*parts, trial=trial, key=key)
        for damping in REUSE[name]:
            for label, solver in reusing(nivp, damping=damping, rtol=1e-6).items():
                method = nivp.NeuralIVP(
                    sampler=nivp.ImportanceSampling(4_000),
                    velocity_solver=solver,
                    integrator=nivp.AdaptiveStep(diffrax.Tsit5(), rtol=1e-4, atol=1e-6),
                    fit=(nivp.GaussNewton(steps=1),),
                )
                clock, ts = Clock(), [0, 0.5]
                solution = nivp.solve(problem, fit.network, method, ts=ts, key=key, throw=False)
                row = {"problem": name, "solver": label, "damping": damping}
                records.add("reuse", **row | row_of(solution, clock))


def reusing(nivp, **options):
    sketch, landmarks = nivp.Nystrom(250), nivp.Landmarks()
    return {
        "Nystrom, solve": nivp.RidgeCG(preconditioner=sketch, rebuild="solve", **options),
        "Landmarks, step": nivp.RidgeCG(preconditioner=landmarks, rebuild="step", **options),
        "RidgeDualCG": nivp.RidgeDualCG(**options),
        "Nystrom, step": nivp.RidgeCG(preconditioner=sketch, rebuild="step", **options),
    }


def row_of(solution, clock):
    times, record = clock.row(), solution.record
    evaluations = np.sum(record["num_linear_solves"])
    return {
        "p": solution.segments[0].theta.shape[1],
        "products_per_evaluation": np.sum(record["num_products"]) / evaluations,
        "evaluations": evaluations,
        "rebuilds": np.sum(record["rebuilds"]),
        "unconverged": np.sum(record["num_unconverged"]),
        "error": solution.error().relative_l2[-1],
        "reached": solution.ts[-1],
        **times,
        "evolve_seconds": round(solution.seconds["evolve"], 1),
    }


CASES = {"solvers": solvers, "damping": damping, "reuse": reuse}


def main() -> None:
    arguments = parser(__doc__, CASES)
    arguments.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    options = arguments.parse_args()
    jax.config.update("jax_enable_x64", True)
    import neural_ivp as nivp

    records = Records(options.json, CASES)
    for name in options.names or CASES:
        CASES[name](nivp, records, options.problems)
    print(records.table())


if __name__ == "__main__":
    main()
