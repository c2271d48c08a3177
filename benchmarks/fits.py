"""Fits of the initial values of the benchmark list: how long, how far, and against Adam.

    .venv/bin/python benchmarks/fits.py [reach|adam|refit ...] [--targets NAME ...]
        [--seeds 0 1 2] [--seconds 600] [--adam-steps 100000] [--adam-points Uniform] [--json FILE]

`reach` fits each target with `GaussNewton` as it is until a goal and says when it was met. `adam`
runs Adam alone for 100 000 steps, as the paper does, and then asks how long Gauss-Newton takes, on
the same network in the same process, to Adam's best error (`ratio`; `ratio_compiled` once its code
is compiled, as in a second fit). `refit` fits a freshly drawn network to the
fitted one, as a restart does, until 1e-5. All times include compilation. Prints a row for each
seed and the medians, and writes the rows to FILE as lines of JSON.
"""

import argparse
import contextlib
import math
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from records import Records


class OutOfTime(Exception):
    """The budget of the benchmark, which the library itself does not know."""


def targets(nivp):
    """Initial value, domain, whether u = 0 on the boundary, options of the network, and goal."""
    circle = nivp.Torus((2 * math.pi,))
    square = nivp.Torus((2 * math.pi, 2 * math.pi))

    def allen_cahn(x):
        bumps = [(-1, 23.5, math.pi / 2), (1, 27.0, 4.2), (1, 38.0, 5.4)]
        value = jnp.tanh(2 * jnp.sin(x)) / 3
        return value + sum(sign * jnp.exp(-a * (x - c) ** 2) for sign, a, c in bumps)

    def teng(x):
        s, t = jnp.sin(x[0]), jnp.sin(x[1])
        parts = [(1, 3, 1), (1, -3, 1), (-1, 3, -1), (-1, -3, -1)]
        return jnp.stack([sum(sign * jnp.exp(a * s + b * t) for sign, a, b in parts) / 100])

    def burgers(x):
        return (1 - x**2) * jnp.exp(-30 * (x + 0.5) ** 2)

    bump = nivp.problems.Advection(2)
    waves = {"width": 30, "num_frequencies": 6, "activation": "sin"}
    normal = {d: nivp.problems.FokkerPlanck(d) for d in (5, 8)}
    return {
        "advection_2d": (bump.initial, bump.domain, True, {}, 1e-4),
        "allen_cahn_1d": (allen_cahn, circle, False, {}, 3e-6),
        "burgers_1d": (burgers, nivp.Torus((2.0,), lower=(-1.0,)), False, {}, 3e-6),
        "teng_2d": (teng, square, False, waves, 1e-6),
        "normal_5d": (normal[5].initial, normal[5].domain, True, {}, 1e-3),
        "normal_8d": (normal[8].initial, normal[8].domain, True, {}, 1e-3),
    }


# Where an evenly spread point never meets the target, errors are taken in its own measure.
OWN_MEASURE = ("normal_5d", "normal_8d")
SHORT = ("advection_2d", "allen_cahn_1d", "burgers_1d")


def network(nivp, domain, zero_boundary, options, key):
    options = {"width": 25, "depth": 4, "num_frequencies": 4, "activation": "tanh", **options}
    plain = nivp.SinusoidalMLP(domain, 1, **options, key=key)
    return nivp.HardDirichlet(plain, domain) if zero_boundary else plain


def stage(nivp, name, tolerance=0.0):
    """Gauss-Newton without a limit of steps."""
    options = {"steps": 100_000, "patience": 1_000, "report_every": 10, "tolerance": tolerance}
    if name in OWN_MEASURE:
        options["sampler"] = nivp.SequentialMonteCarlo(1_000)
    return nivp.GaussNewton(**options)


def timed(nivp, start, target, domain, one, key, seconds, held_out=None):
    """(seconds, error, step) after each report until the stage ends or the time is up."""
    history, fitted = [], None
    began = time.perf_counter()

    def note(progress):
        history.append((time.perf_counter() - began, progress.error, progress.step))
        if history[-1][0] > seconds:
            raise OutOfTime

    with contextlib.suppress(OutOfTime):
        fitted = nivp.fit(
            start, target, domain, (one,), held_out=held_out, key=key, progress=note
        ).network
    return history, fitted


def row_of(start, nivp, name, seed, history, objective):
    """The figures of one fit."""
    best = min(history, key=lambda entry: entry[1])
    reached = next((t for t, error, _ in history if error <= objective), math.nan)
    size = nivp.networks.flatten(start)[0].size
    named = {"target": name, "seed": seed, "p": size, "goal": objective}
    return named | {"error": best[1], "steps": best[2], "seconds_to_goal": round(reached, 1)}


def reach(nivp, records, name, seed, seconds):
    """Seconds to the goal."""
    target, domain, zero_boundary, sizes, objective = targets(nivp)[name]
    key = jax.random.key(seed)
    start = network(nivp, domain, zero_boundary, sizes, key)
    held_out = nivp.SequentialMonteCarlo(20_000, fraction=1.0) if name in OWN_MEASURE else None
    one = stage(nivp, name, objective)
    history, _ = timed(nivp, start, target, domain, one, key, seconds, held_out)
    records.add("reach", **row_of(start, nivp, name, seed, history, objective))


def adam(nivp, records, name, seed, seconds, steps=100_000, sampler="Uniform"):
    """Adam alone, and how long Gauss-Newton takes to its best error."""
    target, domain, zero_boundary, sizes, _ = targets(nivp)[name]
    key = jax.random.key(seed)
    start = network(nivp, domain, zero_boundary, sizes, key)
    rule = optax.adam(optax.cosine_decay_schedule(5e-3, steps))
    points = getattr(nivp, sampler)(1_000)
    one = nivp.OptaxDescent(rule, steps=steps, sampler=points, reports=200)
    slow, _ = timed(nivp, start, target, domain, one, key, seconds)
    best = min(slow, key=lambda entry: entry[1])
    one = stage(nivp, name, best[1])
    history, _ = timed(nivp, start, target, domain, one, key, seconds)
    again, _ = timed(nivp, start, target, domain, one, key, seconds)  # nothing left to compile
    row = row_of(start, nivp, name, seed, history, best[1])
    row |= {"adam_seconds": round(best[0], 1), "ratio": best[0] / row["seconds_to_goal"]}
    row |= {"ratio_compiled": best[0] / again[-1][0], "adam_steps": steps, "points": sampler}
    records.add("adam", **row)


def refit(nivp, records, name, seed, seconds):
    """A fresh network to a fitted one."""
    target, domain, zero_boundary, sizes, _ = targets(nivp)[name]
    first, second = jax.random.split(jax.random.key(seed))
    start = network(nivp, domain, zero_boundary, sizes, first)
    fitted = nivp.fit(start, target, domain, (nivp.GaussNewton(),), key=first).network
    fresh = start.reinitialised(second)
    one = stage(nivp, name, 1e-5)
    history, _ = timed(nivp, fresh, fitted, domain, one, second, seconds)
    records.add("refit", **row_of(fresh, nivp, name, seed, history, 1e-5))


CASES = {"reach": (reach, None), "adam": (adam, SHORT), "refit": (refit, (*SHORT, "teng_2d"))}


def medians(records):
    """One row for each benchmark and target over its seeds."""
    groups = {}
    for row in records.rows:
        groups.setdefault((row["bench"], row["target"]), []).append(row)
    for (bench, name), rows in groups.items():
        names = ("error", "seconds_to_goal", "ratio", "ratio_compiled")
        found = {n: float(np.median([r[n] for r in rows])) for n in names if n in rows[0]}
        records.add(
            "medians", of=bench, target=name, seeds=len(rows), objective=rows[0]["goal"], **found
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[*CASES, []])
    parser.add_argument("--targets", nargs="+")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--adam-steps", type=int, default=100_000)
    parser.add_argument(
        "--adam-points", choices=["Uniform", "ImportanceSampling"], default="Uniform"
    )
    parser.add_argument("--json")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    import neural_ivp as nivp

    records = Records(options.json)
    for case in options.names or CASES:
        run, known = CASES[case]
        for name in options.targets or known or targets(nivp):
            for seed in options.seeds:
                more = (options.adam_steps, options.adam_points) if case == "adam" else ()
                run(nivp, records, name, seed, options.seconds, *more)
    medians(records)
    print(records.table())


if __name__ == "__main__":
    main()
