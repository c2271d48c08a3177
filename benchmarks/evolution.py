"""Time stepping: tolerances against errors, and a stiff problem.

    .venv/bin/python benchmarks/evolution.py [tolerance|stiff ...] [--seed N] [--json FILE]

`tolerance` marches advection, a wave and heat at several tolerances, on points that stay, and
compares with a march at 1e-9 from the same fit: `error_over_rtol` is what the time steps alone did,
with the step error measured in u and in the parameters. `stiff` solves the Allen-Cahn equation with
a large diffusivity by explicit and by implicit steps, against scipy on a Fourier grid; `solves` are
linear solves. Prints a table of each and writes the rows to FILE as lines of JSON.
"""

import argparse
import dataclasses
import math
import time

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
from records import Records
from scipy.integrate import solve_ivp


def still(nivp, count):
    """Evenly spread points that stay, so that the equation for the parameters is one ODE."""

    class Still(nivp.samplers.AbstractSampler):
        num_points: int
        covers_domain = True

        def init(self, domain, dtype, key):
            return jnp.asarray(domain.low_discrepancy_points(count), dtype)

        def draw(self, state, domain, field, key):
            return nivp.WeightedPoints(state, jnp.full(count, 1 / count, state.dtype)), state

    return Still(count)


def row_of(solution, began):
    record = solution.record
    accepted = record["accepted"]
    return {
        "result": solution.result,
        "steps": int(accepted.sum()),
        "rejected": int((~accepted).sum()),
        "solves": int(record["rhs_evaluations"].sum()),
        "seconds": round(time.perf_counter() - began, 1),
    }


def tolerance(nivp, records, key):
    circle = nivp.Torus((2 * math.pi,))
    problems = {
        "advection": nivp.problems.Advection(domain=circle, width=0.6),
        "wave": nivp.problems.Wave(domain=circle, width=0.6, speed=1.0),
        "heat": nivp.problems.Heat(domain=circle, diffusivity=0.2),
    }
    x = jnp.asarray(circle.low_discrepancy_points(400))
    for name, problem in problems.items():
        network = nivp.default_network(problem, width=8, depth=2, num_frequencies=2, key=key)
        fit = nivp.fit(network, problem.initial, circle, (nivp.GaussNewton(steps=500),), key=key)

        def march(norm, rtol, network=fit.network, problem=problem):
            method = nivp.NeuralIVP(
                sampler=still(nivp, 200),
                velocity=nivp.RidgeCholesky(damping=1e-9),
                integrator=nivp.AdaptiveStep(rtol=rtol, atol=rtol / 100, error_norm=norm),
                # The fit is there already.
                fit=(nivp.GaussNewton(steps=1, tolerance=1.0),),
            )
            return nivp.solve(problem, network, method, ts=[0.0, 1.0], key=key, throw=False)

        wanted = np.asarray(march("function", 1e-9)(1.0, x))
        for norm in ("function", "parameters"):
            for rtol in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
                began = time.perf_counter()
                made = march(norm, rtol)
                error = np.linalg.norm(made(1.0, x) - wanted) / np.linalg.norm(wanted)
                row = {"problem": name, "norm": norm, "rtol": rtol, "error": float(error)}
                row |= {"error_over_rtol": float(error) / rtol}
                records.add("tolerance", **row, **row_of(made, began))


def stiff(nivp, records, key):
    """u_t = 0.5 u_xx + u - u^3 from the initial value of `allen_cahn_1d`, T = 4."""
    circle, diffusivity, n, times = nivp.Torus((2 * math.pi,)), 0.5, 256, np.linspace(0, 4, 5)

    def initial(x):
        bumps = [(-1, 23.5, math.pi / 2), (1, 27.0, 4.2), (1, 38.0, 5.4)]
        value = jnp.tanh(2 * jnp.sin(x)) / 3
        return value + sum(sign * jnp.exp(-a * (x - c) ** 2) for sign, a, c in bumps)

    problem = nivp.Problem(
        domain=circle,
        initial=initial,
        rhs=lambda u, t, x: diffusivity * nivp.laplacian(u)(x) + u(x) - u(x) ** 3,
    )
    x = (np.arange(n) * 2 * math.pi / n)[:, None]
    k = np.fft.fftfreq(n, 1 / n)
    second = np.fft.ifft(-(k[:, None] ** 2) * np.fft.fft(np.eye(n), axis=0), axis=0).real
    reference = solve_ivp(
        lambda t, u: diffusivity * second @ u + u - u**3,
        (0, 4),
        np.asarray(initial(x))[:, 0],
        method="Radau",
        jac=lambda t, u: diffusivity * second + np.diag(1 - 3 * u**2),
        t_eval=times,
        rtol=1e-9,
        atol=1e-11,
    ).y
    network = nivp.default_network(problem, key=key)
    chosen = nivp.default_method(problem, network)
    explicit = nivp.RandomSubset(nivp.RidgeCholesky(damping=1e-12), 300)
    cases = {
        "default": chosen,
        "tsit5": dataclasses.replace(
            chosen,
            integrator=nivp.AdaptiveStep(dfx.Tsit5(), rtol=1e-4, atol=1e-6),
            velocity=explicit,
            sampler=nivp.ImportanceSampling(2_000),
        ),
    }
    for name, method in cases.items():
        began = time.perf_counter()
        made = nivp.solve(problem, network, method, ts=times, key=key, throw=False)
        errors = [
            np.linalg.norm(np.asarray(made(t, x))[:, 0] - wanted) / np.linalg.norm(wanted)
            for t, wanted in zip(times, reference.T, strict=False)
            if t <= made.ts[-1]
        ]
        row = {"method": name, "worst": max(errors), "end": errors[-1]}
        records.add("stiff", **row, **row_of(made, began))


CASES = {"tolerance": tolerance, "stiff": stiff}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*CASES, []])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    import neural_ivp as nivp

    records = Records(options.json)
    for name in options.names or CASES:
        CASES[name](nivp, records, jax.random.key(options.seed))
    print(records.table())


if __name__ == "__main__":
    main()
