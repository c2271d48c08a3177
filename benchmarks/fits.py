"""Gauss-Newton against Adam on the initial values of the benchmark list.

    .venv/bin/python benchmarks/fits.py [name ...] [--seeds 0 1 2] [--seconds 60] [--adam]

For each target and seed one JSON record: the held-out relative L2 error, the steps and the
seconds of Gauss-Newton (its compile time is within), stopped at a report after `--seconds`. With
`--adam`, Adam runs first on the same network, and the record says how long each took to Adam's
best error: compare these two numbers, which come from one process, not with another machine's.
"""

import argparse
import contextlib
import json
import math
import time

import jax
import jax.numpy as jnp


class OutOfTime(Exception):
    """The budget of the benchmark, which the library itself does not know."""


def targets(nivp):
    """Initial value, domain and options of the network; definitions as in the benchmark list."""
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
    return {
        "advection_2d": (bump.initial, bump.domain, True, {}),
        "allen_cahn_1d": (allen_cahn, circle, False, {}),
        "burgers_1d": (burgers, nivp.Torus((2.0,), lower=(-1.0,)), False, {}),
        "teng_2d": (teng, square, False, {"width": 40}),
    }


def network(nivp, domain, zero_boundary, options, key):
    options = {"width": 25, "depth": 4, "num_frequencies": 4, "activation": "tanh", **options}
    plain = nivp.SinusoidalMLP(domain, 1, **options, key=key)
    return nivp.HardDirichlet(plain, domain) if zero_boundary else plain


def timed(nivp, start, target, domain, stage, key, seconds):
    """(seconds, error) after each report, until the stage ends or the time is up."""
    history = []
    began = time.perf_counter()

    def note(progress):
        history.append((round(time.perf_counter() - began, 2), progress.error, progress.step))
        if history[-1][0] > seconds:
            raise OutOfTime

    with contextlib.suppress(OutOfTime):
        nivp.fit(start, target, domain, (stage,), key=key, report=note)
    return history


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--adam", action="store_true")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    import neural_ivp as nivp

    table = targets(nivp)
    for name in options.names or table:
        target, domain, zero_boundary, sizes = table[name]
        for seed in options.seeds:
            key = jax.random.key(seed)
            start = network(nivp, domain, zero_boundary, sizes, key)
            row = {"target": name, "seed": seed, "p": nivp.flatten(start)[0].size}
            stage = nivp.GaussNewton(steps=100_000, tolerance=0.0, patience=1_000)
            history = timed(nivp, start, target, domain, stage, key, options.seconds)
            best = min(history, key=lambda entry: entry[1])
            row |= {"error": best[1], "seconds": best[0], "steps": best[2]}
            if options.adam:
                adam = timed(nivp, start, target, domain, nivp.Adam(), key, options.seconds)
                goal = min(adam, key=lambda entry: entry[1])
                reached = next((t for t, error, _ in history if error <= goal[1]), None)
                row |= {"adam_error": goal[1], "adam_seconds": goal[0], "same_error_in": reached}
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
