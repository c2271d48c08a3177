"""Fits of the initial values of the benchmark list: how long, how far, and against Adam.

    .venv/bin/python benchmarks/fits.py [reach|adam|refit ...] [--targets NAME ...]
        [--seeds 0 1 2] [--seconds 600] [--adam-steps 100000] [--adam-points Uniform] [--json FILE]

All times include compilation, but for `ratio_compiled`. Prints a row for each seed and the medians,
described by the docstrings of their functions, and writes the rows to FILE as lines of JSON.
"""

import contextlib
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
from records import Clock, Records, by_kind, parser


class OutOfTime(Exception):
    """The budget of the benchmark, which the library itself does not know."""


def targets(nivp):
    """Initial value, domain, problem if it has a boundary, options of the network, tolerance."""
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
    normal = {
        d: nivp.problems.HarmonicTrap(domain=nivp.Box((-1.0,) * d, (5.0,) * d)) for d in (5, 8)
    }
    return {
        "advection_2d": (bump.initial, bump.domain, bump, {}, 1e-4),
        "allen_cahn_1d": (allen_cahn, circle, None, {}, 3e-6),
        "burgers_1d": (burgers, nivp.Torus((2.0,), lower=(-1.0,)), None, {}, 3e-6),
        "teng_2d": (teng, square, None, waves, 1e-6),
        "normal_5d": (normal[5].initial, normal[5].domain, normal[5], {}, 1e-3),
        "normal_8d": (normal[8].initial, normal[8].domain, normal[8], {}, 1e-3),
    }


# Where an evenly spread point never meets the target, errors are taken in its own measure.
OWN_MEASURE = ("normal_5d", "normal_8d")
SHORT = ("advection_2d", "allen_cahn_1d", "burgers_1d")


def network(nivp, domain, problem, options, key):
    """A network and its trial function."""
    options = {"width": 25, "depth": 4, "num_frequencies": 4, "activation": "tanh", **options}
    made = nivp.SinusoidalMLP(domain, 1, **options, key=key)
    trials = nivp.trials
    return made, trials.Direct() if problem is None else trials.trial_for(problem, made)


def stage(nivp, name, tolerance):
    """Gauss-Newton without a limit of steps."""
    options = {"steps": 100_000, "patience": 1_000, "report_every": 10, "tolerance": tolerance}
    if name in OWN_MEASURE:
        options["sampler"] = nivp.SequentialMonteCarlo(1_000)
    return nivp.GaussNewton(**options)


def timed(nivp, start, trial, target, domain, one, key, seconds, held_out=None):
    """(seconds, CPU seconds, error, step) at each report until the stage or the time ends."""
    history, clock = [], Clock()

    def note(progress):
        history.append((*clock.read(), progress.error, progress.step))
        if history[-1][0] > seconds:
            raise OutOfTime

    with contextlib.suppress(OutOfTime):
        options = {"held_out": held_out, "key": key, "progress": note}
        nivp.fit(start, target, domain, (one,), trial=trial, **options)
    return history


def row_of(nivp, start, name, seed, history, tolerance):
    """The figures of one fit."""
    _, _, error, steps = best(history)
    missed = (math.nan, math.nan, math.nan, 0)
    reached = next((entry for entry in history if entry[2] <= tolerance), missed)
    return {
        "target": name,
        "seed": seed,
        "p": nivp.networks.flatten(start)[0].size,
        "tolerance": tolerance,
        "error": error,
        "steps": steps,
        "seconds_to_tolerance": round(reached[0], 3),
        "cpu_seconds_to_tolerance": round(reached[1], 3),
    }


def best(history):
    return min(history, key=lambda entry: entry[2])


def reach(nivp, records, name, seed, options):
    """`GaussNewton` without a limit of steps, from random weights until the held-out relative L2
    error meets the tolerance; the errors of the normal densities are in their own measure.
    """
    target, domain, problem, sizes, tolerance = targets(nivp)[name]
    key = jax.random.key(seed)
    start, trial = network(nivp, domain, problem, sizes, key)
    held_out = nivp.SequentialMonteCarlo(20_000, fraction=1.0) if name in OWN_MEASURE else None
    one = stage(nivp, name, tolerance)
    history = timed(nivp, start, trial, target, domain, one, key, options.seconds, held_out)
    records.add("reach", **row_of(nivp, start, name, seed, history, tolerance))


def adam(nivp, records, name, seed, options):
    """Adam alone with a decaying rate, and `GaussNewton` on the same network in the same process
    until Adam's best error, the tolerance here: `ratio` is Adam's time to that error over
    Gauss-Newton's, `ratio_compiled` the same once the code of Gauss-Newton is compiled.
    """
    target, domain, problem, sizes, _ = targets(nivp)[name]
    key, steps = jax.random.key(seed), options.adam_steps
    start, trial = network(nivp, domain, problem, sizes, key)
    rule = optax.adam(optax.cosine_decay_schedule(5e-3, steps))
    points = getattr(nivp, options.adam_points)(1_000)
    one = nivp.OptaxDescent(rule, steps=steps, sampler=points, reports=200)
    seconds, cpu_seconds, error, _ = best(
        timed(nivp, start, trial, target, domain, one, key, options.seconds)
    )
    one = stage(nivp, name, error)
    history, compiled = (
        timed(nivp, start, trial, target, domain, one, key, options.seconds) for _ in range(2)
    )
    row = row_of(nivp, start, name, seed, history, error)
    row |= {"adam_seconds": round(seconds, 1), "adam_cpu_seconds": round(cpu_seconds, 1)}
    row |= {"ratio": seconds / row["seconds_to_tolerance"]}
    row |= {"ratio_compiled": seconds / compiled[-1][0]}
    records.add("adam", **row, adam_steps=steps, points=options.adam_points)


def refit(nivp, records, name, seed, options):
    """`GaussNewton` from random weights to a network that is fitted already, as in a restart."""
    target, domain, problem, sizes, _ = targets(nivp)[name]
    first, second = jax.random.split(jax.random.key(seed))
    start, trial = network(nivp, domain, problem, sizes, first)
    stages = (nivp.GaussNewton(),)
    fitted = nivp.fit(start, target, domain, stages, trial=trial, key=first).network
    fresh, u = start.reinitialised(second), trial.field(fitted, 0.0)
    one = stage(nivp, name, 1e-5)
    history = timed(nivp, fresh, trial, u, domain, one, second, options.seconds)
    records.add("refit", **row_of(nivp, fresh, name, seed, history, 1e-5))


CASES = {"reach": (reach, None), "adam": (adam, SHORT), "refit": (refit, (*SHORT, "teng_2d"))}


def medians(records):
    """Medians over the seeds."""
    names = ("tolerance", "error", "seconds_to_tolerance", "cpu_seconds_to_tolerance")
    names = (*names, "adam_seconds", "adam_cpu_seconds", "ratio", "ratio_compiled")
    for kind, rows in by_kind(records.rows).items():
        for target in dict.fromkeys(row["target"] for row in rows):
            own = [row for row in rows if row["target"] == target]
            row = {"of": kind, "target": target, "seeds": len(own)}
            for name in names:
                if name in own[0]:
                    values = [math.nan if r[name] is None else r[name] for r in own]
                    row[name] = np.median(values)
            records.add("medians", **row)


def main() -> None:
    arguments = parser(__doc__, CASES)
    arguments.add_argument("--targets", nargs="+")
    arguments.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    arguments.add_argument("--seconds", type=float, default=600)
    arguments.add_argument("--adam-steps", type=int, default=100_000)
    points = ["Uniform", "ImportanceSampling"]
    arguments.add_argument("--adam-points", choices=points, default=points[0])
    options = arguments.parse_args()
    jax.config.update("jax_enable_x64", True)
    import neural_ivp as nivp

    makers = {name: run for name, (run, _) in CASES.items()}
    records = Records(options.json, makers | {"medians": medians})
    for case in options.names or CASES:
        run, default = CASES[case]
        for name in options.targets or default or targets(nivp):
            for seed in options.seeds:
                run(nivp, records, name, seed, options)
    medians(records)
    print(records.table())


if __name__ == "__main__":
    main()
