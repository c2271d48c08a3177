"""Which velocity solver, damping and tolerance: the table behind `neural_ivp.defaults`.

    .venv/bin/python benchmarks/velocity_choice.py [advection|fisher] [float32|float64]

One fit, then the same march with each choice, in one process on one machine: compare the rows
with one another, not the seconds with another machine's. Prints one JSON record a row.
"""

import json
import sys

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

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


def case(nivp, name):
    """Problem, final time and reference of a case."""
    if name == "advection":
        return nivp.problems.Advection(2), 0.5, None

    def initial(points):
        return np.exp(-10 * (points[:, 0] - np.pi) ** 2)

    torus = nivp.Torus((2 * np.pi,))
    fisher = nivp.Problem(
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

    return fisher, 1.0, reference


def velocity(nivp, kind, size, damping):
    solver = getattr(nivp, kind)(damping=damping)
    return solver if size is None else nivp.RandomSubset(solver, size)


def main(name: str = "advection", dtype: str = "float64") -> None:
    jax.config.update("jax_enable_x64", dtype == "float64")
    import neural_ivp as nivp

    problem, end, reference = case(nivp, name)
    key = jax.random.key(0)
    start = nivp.default_network(problem, key=key)
    stages = (nivp.GaussNewton(tolerance=3e-5),)
    fitted = nivp.fit(start, problem.initial, problem.domain, stages, key=key)
    print(json.dumps({"case": name, "dtype": dtype, "fit": fitted.relative_l2_error}))
    for kind, size, damping, rtol, points in CHOICES:
        method = nivp.NeuralIVP(
            sampler=nivp.ImportanceSampling(points),
            velocity=velocity(nivp, kind, size, damping),
            integrator=nivp.AdaptiveStep(diffrax.Tsit5(), rtol=rtol, atol=1e-6, max_steps=200),
            fit=(nivp.LastLayer(),),
        )
        solution = nivp.solve(problem, fitted.network, method, ts=[0.0, end], key=key, throw=False)
        row = {
            "solver": kind,
            "subset": size,
            "damping": damping,
            "rtol": rtol,
            "points": points,
            "result": solution.result,
            "reached": float(solution.ts[-1]),
            "relative_l2_error": float(solution.error(reference).relative_l2[-1]),
            "steps": len(solution.record["accepted"]),
            "projection_residual": float(np.median(solution.record["projection_residual"])),
            "evolve_seconds": round(solution.seconds["evolve"], 1),
        }
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
