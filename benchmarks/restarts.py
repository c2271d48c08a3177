"""A long march with and without restarts: what becomes of the conditioning, and of the error.

    .venv/bin/python benchmarks/restarts.py [--turns 10] [--damping 1e-8] [--figure FILE]
        [--json FILE]

A bump goes around a torus of two dimensions along its diagonal, all parameters of a small network
moving at once, with the damping of the paper if no other is given. `none` never restarts,
`measured` does when the residual on points not used has doubled. Prints a table, writes its rows
to FILE as lines of JSON, and draws effective rank, residual and error against time.
"""

import argparse
import time

import jax
import numpy as np
from records import Records

KEY = jax.random.key(0)
LENGTH = 2.0


def march(nivp, problem, network, rule, turns, damping):
    """The whole march by one rule, and the seconds it took."""
    method = nivp.NeuralIVP(
        sampler=nivp.ImportanceSampling(1_000),
        velocity=nivp.RidgeCholesky(damping=damping),
        integrator=nivp.AdaptiveStep(rtol=1e-4, atol=1e-6),
        restart=rule,
        refit=nivp.Refit(stages=(nivp.GaussNewton(steps=2_000, tolerance=1e-4),), tolerance=1e-3),
    )
    began = time.perf_counter()
    ts = np.linspace(0, turns * LENGTH, 10 * turns + 1)
    made = nivp.solve(problem, network, method, ts=ts, key=KEY, throw=False)
    return made, time.perf_counter() - began


def row_of(name, made, seconds):
    """Restarts, errors, and the medians of residual and rank over the first and the last tenth."""
    record = made.record
    accepted = record["accepted"]
    error = made.error().relative_l2
    few = max(accepted.sum() // 10, 1)
    row = {
        "restart": name,
        "result": made.result,
        "restarts": sum(not fit["refused"] for fit in made.fits[1:]),
        "refused": sum(bool(fit["refused"]) for fit in made.fits[1:]),
        "fit": made.fits[0]["relative_l2_error"],
        "first turn": float(error[min(10, len(error) - 1)]),
        "end": float(error[-1]),
    }
    for short, column in (("residual", "held_out_residual"), ("rank", "effective_rank")):
        kept = record[column][accepted]
        row[short] = f"{np.median(kept[:few]):.2g} to {np.median(kept[-few:]):.2g}"
    return row | {
        "steps": int(accepted.sum()),
        "rejected": int((~accepted).sum()),
        "seconds": round(seconds, 1),
    }


def draw(marches, damping, file):
    """Effective rank, residual and error against time."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, 1, figsize=(7, 7), sharex=True, layout="constrained")
    for name, made in marches.items():
        record = made.record
        kept = record["accepted"]
        axes[0].plot(record["t0"][kept], record["effective_rank"][kept], lw=1, label=name)
        axes[1].semilogy(record["t0"][kept], record["held_out_residual"][kept], lw=1)
        axes[2].semilogy(made.ts, made.error().relative_l2, lw=1)
    labels = (f"effective rank\nat damping {damping:g}", "residual on\npoints not used", "error")
    for ax, label in zip(axes, labels, strict=True):
        ax.set_ylabel(label)
        ax.grid(alpha=0.3)
    axes[0].legend(title="restarts", loc="upper left")
    axes[2].set_xlabel("t (one turn takes 2)")
    figure.savefig(file, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--damping", type=float, default=1e-8)
    parser.add_argument("--figure")
    parser.add_argument("--json")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    import neural_ivp as nivp

    torus = nivp.Torus((LENGTH, LENGTH), lower=(-1.0, -1.0))
    problem = nivp.problems.Advection(domain=torus, width=0.3)
    network = nivp.default_network(problem, width=16, depth=3, num_frequencies=2, key=KEY)
    rules = {"none": nivp.NoRestart(), "measured": nivp.RestartOnResidual(growth=2.0, min_steps=8)}
    records, marches = Records(options.json), {}
    for name, rule in rules.items():
        given = problem, network, rule, options.turns, options.damping
        marches[name], seconds = march(nivp, *given)
        records.add("restarts", **row_of(name, marches[name], seconds))
        if options.figure:
            draw(marches, options.damping, options.figure)
    print(records.table())


if __name__ == "__main__":
    main()
