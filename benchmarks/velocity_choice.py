"""Which velocity solver, damping and tolerance: the table behind `neural_ivp.defaults`.

    .venv/bin/python benchmarks/velocity_choice.py [advection|fisher ...] [--dtype float32]
        [--json FILE]

Compare the rows of one run with one another, not the seconds with another machine's. Prints a table
and writes its rows to FILE as lines of JSON.
"""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from records import Clock, Records, parser

# Solver, size of the subset, damping, rtol, points.
CHOICES = [
    ("RidgeCholesky", 700, 1e-10, 1e-4, 4_000),
    ("RidgeCholesky", 700, 1e-9, 1e-4, 4_000),
    ("RidgeCholesky", 700, 1e-10, 1e-4, 2_000),
    ("RidgeCholesky", 1_000, 1e-10, 1e-4, 4_000),
    ("RidgeDual", None, 1e-9, 1e-4, 2_000),
    ("LeastSquares", 500, 1e-9, 1e-4, 4_000),
    ("RidgeCG", None, 1e-8, 1e-4, 4_000),
]


def advection(nivp):
    """Problem, final time and reference: None for the problem's own."""
    return nivp.problems.Advection(2), 0.5, None


def fisher(nivp):
    """The same for the Fisher-KPP equation in one dimension."""

    def initial(points):
        return np.exp(-10 * (points[:, 0] - np.pi) ** 2)

    torus = nivp.Torus((2 * np.pi,))
    problem = nivp.Problem(
        domain=torus,
        initial=lambda x: jnp.exp(-10 * (x - jnp.pi) ** 2),
        rhs=lambda u, t, x: 0.1 * nivp.laplacian(u)(x) + u(x) * (1 - u(x)),
    )
    spectral = nivp.references.FourierReference(
        torus.lengths, torus.lower, initial, lambda k: -0.1 * k[0] ** 2, lambda u, _: u * (1 - u)
    )

    def reference(t, points):
        values = initial(points) if t == 0 else spectral.evaluate([t], points)[0]
        return values[:, None]

    return problem, 1.0, reference


PROBLEMS = {"advection": advection, "fisher": fisher}


def velocity_choice(nivp, records, name):
    """Explicit steps (Tsit5) from one fit with each velocity solver, on `subset` random parameters
    a step where that is given: the relative L2 error at the end, and the median projection
    residual. Seconds include compilation, `evolve_seconds` do not.
    """
    problem, end, reference = PROBLEMS[name](nivp)
    key = jax.random.key(0)
    start = nivp.default_network(problem, key=key)
    trial, stages = nivp.trials.trial_for(problem, start), (nivp.GaussNewton(tolerance=3e-5),)
    fit = nivp.fit(start, problem.initial, problem.domain, stages, trial=trial, key=key)
    for kind, subset, damping, rtol, points in CHOICES:
        solver = getattr(nivp, kind)(damping=damping)
        method = nivp.NeuralIVP(
            sampler=nivp.ImportanceSampling(points),
            velocity_solver=solver if subset is None else nivp.RandomSubset(solver, subset),
            integrator=nivp.AdaptiveStep(diffrax.Tsit5(), rtol=rtol, atol=1e-6, max_steps=200),
            fit=(nivp.LastLayer(),),
        )
        clock = Clock()
        solution = nivp.solve(problem, fit.network, method, ts=[0.0, end], key=key, throw=False)
        times = clock.row()
        row = {"problem": name, "solver": kind, "subset": subset, "damping": damping, "rtol": rtol}
        records.add(
            "velocity_choice",
            **row,
            points=points,
            fit_error=fit.relative_l2_error,
            result=solution.result,
            reached=solution.ts[-1],
            error=solution.error(reference).relative_l2[-1],
            steps=len(solution.record["accepted"]),
            projection_residual=np.median(solution.record["projection_residual"]),
            **times,
            evolve_seconds=round(solution.seconds["evolve"], 1),
        )


def main() -> None:
    arguments = parser(__doc__, PROBLEMS)
    arguments.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    options = arguments.parse_args()
    jax.config.update("jax_enable_x64", options.dtype == "float64")
    import neural_ivp as nivp

    records = Records(options.json, {"velocity_choice": velocity_choice})
    for name in options.names or PROBLEMS:
        velocity_choice(nivp, records, name)
    print(records.table())


if __name__ == "__main__":
    main()
