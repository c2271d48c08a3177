"""Time stepping: tolerances against errors, and a stiff problem.

    .venv/bin/python benchmarks/evolution.py [tolerance|stiff ...] [--seed N] [--json FILE]

Prints a table of each case, described by the docstring of its function, and writes the rows to FILE
as lines of JSON.
"""

import dataclasses
import math

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
from records import Clock, Records, parser
from scipy.integrate import solve_ivp


def fixed_points(nivp, count):
    """A sampler whose points never change, so that the parameters follow one ODE."""

    class FixedPoints(nivp.samplers.AbstractSampler):
        num_points: int
        covers_domain = True

        def init(self, domain, dtype, key):
            return jnp.asarray(domain.low_discrepancy_points(count), dtype)

        def draw(self, state, domain, field, key):
            return nivp.WeightedPoints.equal(state), state

    return FixedPoints(count)


def row_of(solution, clock):
    record = solution.record
    accepted = record["accepted"]
    return {
        "result": solution.result,
        "steps": int(accepted.sum()),
        "rejected": int((~accepted).sum()),
        "solves": int(record["num_linear_solves"].sum()),
        **clock.row(),
    }


def tolerance(nivp, records, key):
    """The error at t = 1 of the time steps alone, against steps at rtol 1e-9 from the same fit, on
    fixed points, in one dimension; `norm` is where the step error is measured (in u or in the
    parameters), `solves` are linear solves.
    """
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
                sampler=fixed_points(nivp, 200),
                velocity_solver=nivp.RidgeCholesky(damping=1e-9),
                integrator=nivp.AdaptiveStep(rtol=rtol, atol=rtol / 100, error_norm=norm),
                # The network is fitted already.
                fit=(nivp.GaussNewton(steps=1, tolerance=1.0),),
            )
            return nivp.solve(problem, network, method, ts=[0.0, 1.0], key=key, throw=False)

        reference = np.asarray(march("function", 1e-9)(1.0, x))
        for norm in ("function", "parameters"):
            for rtol in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
                clock = Clock()
                solution = march(norm, rtol)
                row = {"problem": name, "norm": norm, "rtol": rtol} | row_of(solution, clock)
                error = np.linalg.norm(solution(1.0, x) - reference) / np.linalg.norm(reference)
                records.add("tolerance", **row, error=error, error_over_rtol=error / rtol)


def allen_cahn(nivp, diffusivity):
    """The Allen-Cahn equation from the initial value of `allen_cahn_1d`."""

    def initial(x):
        bumps = [(-1, 23.5, math.pi / 2), (1, 27.0, 4.2), (1, 38.0, 5.4)]
        value = jnp.tanh(2 * jnp.sin(x)) / 3
        return value + sum(sign * jnp.exp(-a * (x - c) ** 2) for sign, a, c in bumps)

    return nivp.Problem(
        domain=nivp.Torus((2 * math.pi,)),
        initial=initial,
        rhs=lambda u, t, x: diffusivity * nivp.laplacian(u)(x) + u(x) - u(x) ** 3,
    )


def fourier_reference(problem, diffusivity, times, n=256):
    """The points of a Fourier grid and u there at the times, by scipy's Radau method."""
    x = (np.arange(n) * 2 * math.pi / n)[:, None]
    k = np.fft.fftfreq(n, 1 / n)
    second = np.fft.ifft(-(k[:, None] ** 2) * np.fft.fft(np.eye(n), axis=0), axis=0).real
    solved = solve_ivp(
        lambda t, u: diffusivity * second @ u + u - u**3,
        (times[0], times[-1]),
        np.asarray(jax.vmap(problem.initial)(x))[:, 0],
        method="Radau",
        jac=lambda t, u: diffusivity * second + np.diag(1 - 3 * u**2),
        t_eval=times,
        rtol=1e-9,
        atol=1e-11,
    )
    return x, solved.y.T


def stiff(nivp, records, key):
    """u_t = 0.5 u_xx + u - u^3 until t = 4, by the default implicit steps and by explicit ones,
    against scipy's Radau method on a Fourier grid: the worst error at the five saved times and the
    error at the end; `solves` are linear solves.
    """
    diffusivity, times = 0.5, np.linspace(0, 4, 5)
    problem = allen_cahn(nivp, diffusivity)
    x, reference = fourier_reference(problem, diffusivity, times)
    network = nivp.default_network(problem, key=key)
    default = nivp.default_method(problem, network)
    explicit = dataclasses.replace(
        default,
        integrator=nivp.AdaptiveStep(dfx.Tsit5(), rtol=1e-4, atol=1e-6),
        velocity_solver=nivp.RandomSubset(nivp.RidgeCholesky(damping=1e-12), 300),
        sampler=nivp.ImportanceSampling(2_000),
    )
    for name, method in {"default": default, "tsit5": explicit}.items():
        clock = Clock()
        solution = nivp.solve(problem, network, method, ts=times, key=key, throw=False)
        row = row_of(solution, clock)
        errors = [
            np.linalg.norm(np.asarray(solution(t, x))[:, 0] - u) / np.linalg.norm(u)
            for t, u in zip(times, reference, strict=True)
            if t <= solution.ts[-1]
        ]
        records.add("stiff", method=name, worst=max(errors), end=errors[-1], **row)


CASES = {"tolerance": tolerance, "stiff": stiff}


def main() -> None:
    arguments = parser(__doc__, CASES)
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    jax.config.update("jax_enable_x64", True)
    import neural_ivp as nivp

    records = Records(options.json, CASES)
    for name in options.names or CASES:
        CASES[name](nivp, records, jax.random.key(options.seed))
    print(records.table())


if __name__ == "__main__":
    main()
