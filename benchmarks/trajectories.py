"""Velocity solvers on networks along real trajectories: advection, wave and heat.

    .venv/bin/python benchmarks/trajectories.py [solvers|damping|reuse ...] [--json FILE]

A small network is fitted and marched with the default method; J and f are taken at the start, the
middle and the end. `solvers` compares each solver with numpy's SVD at the same damping, `damping`
compares rules for choosing it, `reuse` runs a whole march with a preconditioner rebuilt for every
right-hand side and with one that is kept for a step. Prints a table, and writes its rows to FILE
as lines of JSON.
"""

import argparse
import functools

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from linear import seconds
from records import Records

PROBLEMS = {
    "advection": (("Advection", 2), 0.25),
    "wave": (("Wave", 1), 0.5),
    "heat": (("Heat", 2), 0.5),
}


def trajectory(nivp, name, width=14, depth=3):
    """The problem and its network at three times."""
    (kind, dimension), end = PROBLEMS[name]
    problem = getattr(nivp.problems, kind)(dimension)
    key = jax.random.key(0)
    network = nivp.default_network(problem, key=key, width=width, depth=depth)
    solution = nivp.solve(problem, network, ts=[0.0, end / 2, end], key=key)
    return problem, [(float(t), solution.network(t)) for t in solution.ts]


def tangent(nivp, problem, network, t, points, seed=1):
    """J and f at points that follow the solution."""
    key = jax.random.key(seed)
    sampler = nivp.ImportanceSampling(points)
    memory = sampler.init(problem.domain, jnp.zeros(0).dtype, key)
    sample, _ = sampler.draw(memory, problem.domain, network, key)
    return eqx.filter_jit(nivp.velocity_problem)(problem, network, t, sample)


def rows_of(lin, target):
    """sqrt(W) J and sqrt(W) f as numpy arrays."""
    rows, right = eqx.filter_jit(lambda lin, f: lin.weighted_rows(f))(lin, target)
    return np.asarray(rows, float), np.asarray(right, float)


def catalogue(nivp, dtype):
    """The solvers, at a damping and tolerance that the dtype can bear."""
    damping, rtol = {"float64": (1e-10, 1e-8), "float32": (1e-6, 1e-4)}[dtype]
    options = {"damping": damping, "rtol": rtol, "preconditioner": nivp.Nystrom(200)}
    found = {
        "RidgeCG": nivp.RidgeCG(**options),
        "DampedLSMR": nivp.DampedLSMR(**options),
        "RidgeCholesky": nivp.RidgeCholesky(damping=damping),
        "RidgeDual": nivp.RidgeDual(damping=damping),
        "RidgeDualCG": nivp.RidgeDualCG(damping=damping, rtol=rtol),
        "LeastSquares": nivp.LeastSquares(damping=damping),
        "AutoVelocitySolver": nivp.AutoVelocitySolver(damping=damping),
    }
    if dtype == "float32":
        found["RidgeCG mixed"] = nivp.RidgeCG(precision="mixed", **options)
        found["RidgeCG, out of reach"] = nivp.RidgeCG(**options | {"rtol": 1e-12})
    return found


def solvers(nivp, records):
    """Every solver against the SVD at the same damping, with float64 J in both dtypes."""
    solve = eqx.filter_jit(nivp.solve_velocity)
    for name in PROBLEMS:
        problem, networks = trajectory(nivp, name)
        for t, network in networks:
            exact = tangent(nivp, problem, network, t, 2_000)
            other = tangent(nivp, problem, network, t, 1_000, seed=2)
            rows, right = rows_of(*exact)
            svd = np.linalg.svd(rows, full_matrices=False)
            for dtype in ("float64", "float32"):
                (lin, f), held_out = (
                    [part.astype(dtype) for part in pair] for pair in (exact, other)
                )
                for kind, solver in catalogue(nivp, dtype).items():
                    options = {"key": jax.random.key(3), "held_out": tuple(held_out)}
                    call = functools.partial(solve, solver, lin, f, **options)
                    row = {"case": name, "t": t, "dtype": dtype, "solver": kind}
                    row |= {"p": lin.num_parameters, "seconds": round(seconds(call, repeats=1), 3)}
                    records.add("solvers", **row | compared(nivp, call(), svd, rows, right))


def compared(nivp, velocity, svd, rows, right):
    """The residual of a velocity over that of the SVD at the same damping."""
    u, sigma, _ = svd
    info = velocity.info
    kept = sigma**2 / (sigma**2 + float(info.damping))
    best = np.linalg.norm(u @ (kept * (u.T @ right)) - right)
    residual = np.linalg.norm(rows @ np.asarray(velocity.value, float) - right)
    rank = info.effective_rank
    return {
        "residual": residual / np.linalg.norm(right),
        "over_svd": residual / best,
        "held_out": float(info.held_out_residual),
        "result": nivp.RESULTS[velocity.result].split(".")[0] or "successful",
        "linear_residual": float(info.linear_residual),
        "iterations": int(info.iterations),
        "effective_rank": None if rank is None else float(rank),
        "rank_exactly": float(np.sum(kept)),
        "condition": float(info.condition),
    }


def damping(nivp, records):
    """Rules for the damping, by the residual on 8 000 other points over the best of all.

    Held-out points (a fifth), generalised cross-validation, and the discrepancy principle at
    the residual 1e-4 that the default tolerance asks for.
    """
    candidates = 10.0 ** -np.arange(4, 14)
    for name in PROBLEMS:
        problem, networks = trajectory(nivp, name)
        for t, network in networks:
            truth = rows_of(*tangent(nivp, problem, network, t, 8_000, seed=9))
            for points in (500, 2_000):
                rows, right = rows_of(*tangent(nivp, problem, network, t, points))
                chosen = rules(rows, right, candidates)
                errors = [misfit(truth, fitted(rows, right, c)) for c in candidates]
                row = {"case": name, "t": t, "points": points, "p": rows.shape[1]}
                row["best"], row["best_residual"] = candidates[np.argmin(errors)], min(errors)
                for rule, c in chosen.items():
                    over = errors[list(candidates).index(c)] / min(errors)
                    row[rule], row[f"{rule}_over_best"] = c, round(over, 3)
                    row[f"{rule}_speed"] = np.linalg.norm(fitted(rows, right, c))
                records.add("damping", **row)


def fitted(rows, right, relative):
    u, sigma, vt = np.linalg.svd(rows, full_matrices=False)
    return vt.T @ (sigma / (sigma**2 + relative * sigma[0] ** 2) * (u.T @ right))


def misfit(truth, v):
    rows, right = truth
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
        v = fitted(rows[~out], right[~out], c)
        scores["held_out"].append(misfit((rows[out], right[out]), v))
    chosen = {
        rule: max(c for c, s in zip(candidates, values, strict=True) if s <= 1.1 * min(values))
        for rule, values in scores.items()
    }
    enough = [c for c, r in zip(candidates, residuals, strict=True) if r <= 1e-4]
    return chosen | {"discrepancy": max(enough, default=candidates[-1])}


def reuse(nivp, records):
    """A march with a Nystrom sketch for every right-hand side or for every step, with landmarks
    chosen once a step, and with columns of the kernel."""
    problem, key = nivp.problems.Advection(2), jax.random.key(0)
    network = nivp.default_network(problem, key=key)
    fitted = nivp.fit(network, problem.initial, problem.domain, (nivp.GaussNewton(),), key=key)
    for damping in (1e-8, 1e-6):
        options = {"damping": damping, "rtol": 1e-6}
        sketch, landmarks = nivp.Nystrom(250), nivp.Landmarks()
        choices = {
            "Nystrom, solve": nivp.RidgeCG(preconditioner=sketch, rebuild="solve", **options),
            "Landmarks, step": nivp.RidgeCG(preconditioner=landmarks, rebuild="step", **options),
            "RidgeDualCG": nivp.RidgeDualCG(**options),
            "Nystrom, step": nivp.RidgeCG(preconditioner=sketch, rebuild="step", **options),
        }
        for name, solver in choices.items():
            method = nivp.NeuralIVP(
                sampler=nivp.ImportanceSampling(4_000),
                velocity=solver,
                integrator=nivp.AdaptiveStep(diffrax.Tsit5(), rtol=1e-4, atol=1e-6),
                fit=(nivp.GaussNewton(steps=1),),
            )
            end = [0, 0.5]
            solution = nivp.solve(problem, fitted.network, method, ts=end, key=key, throw=False)
            record = solution.record
            evaluations = int(np.sum(record["rhs_evaluations"]))
            records.add(
                "reuse",
                solver=name,
                damping=damping,
                p=nivp.networks.flatten(network)[0].size,
                products_per_evaluation=float(np.sum(record["num_products"]) / evaluations),
                evaluations=evaluations,
                rebuilds=int(np.sum(record["rebuilds"])),
                unconverged=int(np.sum(record["num_unconverged"])),
                error=float(solution.error().relative_l2[-1]),
                reached=float(solution.ts[-1]),
                evolve_seconds=round(solution.seconds["evolve"], 1),
            )


def main() -> None:
    cases = {"solvers": solvers, "damping": damping, "reuse": reuse}
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[*cases, []])
    parser.add_argument("--json")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    import neural_ivp as nivp

    records = Records(options.json)
    for name in options.names or cases:
        cases[name](nivp, records)
    print(records.table())


if __name__ == "__main__":
    main()
