"""Many turns around a torus with and without restarts: conditioning and error.

    .venv/bin/python benchmarks/restarts.py [--turns 10] [--damping 1e-8] [--figure FILE]
        [--json FILE]

Prints a table, described by the docstring of `restarts`, writes its rows to FILE as lines of JSON,
and draws effective rank, residual and error against time.
"""

import jax
import numpy as np
from records import Clock, Records, parser

KEY = jax.random.key(0)
LENGTH = 2.0


def restarts(nivp, records, turns, damping):
    """A bump goes around a torus of two dimensions along its diagonal, all parameters of a small
    network moving at once: without restarts (`none`), and with a restart where the residual on
    points not used has doubled (`measured`). `residual` and `rank` are medians over the first and
    the last tenth of the steps, `refused` refits are those that missed their tolerance.
    """
    torus = nivp.Torus((LENGTH, LENGTH), lower=(-1.0, -1.0))
    problem = nivp.problems.Advection(domain=torus, width=0.3)
    network = nivp.default_network(problem, width=16, depth=3, num_frequencies=2, key=KEY)
    rules = {"none": nivp.NoRestart(), "measured": nivp.RestartOnResidual(growth=2.0, min_steps=8)}
    solutions = {}
    for name, rule in rules.items():
        method = nivp.NeuralIVP(
            sampler=nivp.ImportanceSampling(1_000),
            velocity_solver=nivp.RidgeCholesky(damping=damping),
            integrator=nivp.AdaptiveStep(rtol=1e-4, atol=1e-6),
            restart=rule,
            refit=nivp.Refit(
                stages=(nivp.GaussNewton(steps=2_000, tolerance=1e-4),), tolerance=1e-3
            ),
        )
        ts = np.linspace(0, turns * LENGTH, 10 * turns + 1)
        clock = Clock()
        solution = nivp.solve(problem, network, method, ts=ts, key=KEY, throw=False)
        times = clock.row()
        solutions[name] = solution
        records.add("restarts", restart=name, damping=damping, **row_of(solution), **times)
    return solutions


def row_of(solution):
    record = solution.record
    accepted = record["accepted"]
    error = solution.error().relative_l2
    few = max(accepted.sum() // 10, 1)
    row = {
        "result": solution.result,
        "restarts": sum(not fit["refused"] for fit in solution.fits[1:]),
        "refused": sum(bool(fit["refused"]) for fit in solution.fits[1:]),
        "fit": solution.fits[0]["relative_l2_error"],
        "first turn": error[min(10, len(error) - 1)],
        "end": error[-1],
    }
    for short, column in (("residual", "held_out_residual"), ("rank", "effective_rank")):
        values = record[column][accepted]
        row[short] = f"{np.median(values[:few]):.2g} to {np.median(values[-few:]):.2g}"
    return row | {"steps": int(accepted.sum()), "rejected": int((~accepted).sum())}


def draw(solutions, damping, file):
    """Effective rank, residual and error against time."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, 1, figsize=(7, 7), sharex=True, layout="constrained")
    for name, solution in solutions.items():
        record = solution.record
        accepted = record["accepted"]
        t0 = record["t0"][accepted]
        axes[0].plot(t0, record["effective_rank"][accepted], lw=1, label=name)
        axes[1].semilogy(t0, record["held_out_residual"][accepted], lw=1)
        axes[2].semilogy(solution.ts, solution.error().relative_l2, lw=1)
    labels = (f"effective rank\nat damping {damping:g}", "residual on\npoints not used", "error")
    for ax, label in zip(axes, labels, strict=True):
        ax.set_ylabel(label)
        ax.grid(alpha=0.3)
    axes[0].legend(title="restarts", loc="upper left")
    axes[2].set_xlabel("t (one turn takes 2)")
    figure.savefig(file, dpi=110)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--turns", type=int, default=10)
    arguments.add_argument("--damping", type=float, default=1e-8)
    arguments.add_argument("--figure")
    options = arguments.parse_args()
    jax.config.update("jax_enable_x64", True)
    import neural_ivp as nivp

    records = Records(options.json, {"restarts": restarts})
    solutions = restarts(nivp, records, options.turns, options.damping)
    if options.figure:
        draw(solutions, options.damping, options.figure)
    print(records.table())


if __name__ == "__main__":
    main()
