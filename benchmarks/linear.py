"""The linear layer: products, their memory, and the exact dual solve against conjugate gradients.

    .venv/bin/python benchmarks/linear.py [products|rate|dual|memory ...] [--points N] [--json FILE]

Times are medians of repeated calls in one process; the matrix-product peak they are compared
with is measured in the same run. Prints a table, and writes its rows to FILE as lines of JSON.
"""

import argparse
import statistics
import time

import equinox as eqx
import jax
from records import Records


def seconds(function, *arguments, repeats=5):
    """Median time of a compiled call."""
    jax.block_until_ready(function(*arguments))
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def peak(dtype, size=3_000):
    """Floating-point operations per second of a square matrix product."""
    a = jax.random.normal(jax.random.key(0), (size, size), dtype)
    return 2 * size**3 / seconds(jax.jit(lambda a: a @ a), a)


def case(nivp, width, depth, points, dtype):
    """Network, its parameters and points of the 2-D advection problem."""
    problem = nivp.problems.Advection(2)
    key = jax.random.key(0)
    network = nivp.default_network(problem, key=key, width=width, depth=depth, dtype=dtype)
    theta, _ = nivp.networks.flatten(network)
    sampler = nivp.Uniform(points)
    sample, _ = sampler.draw(
        sampler.init(problem.domain, theta.dtype, key), problem.domain, network, key
    )
    return problem, network, theta, sample


def products(nivp, points, records):
    """Cost and temporary memory of a product against p, by structure and by differentiation."""

    for width in (64, 128, 256, 512, 724):
        problem, network, theta, sample = case(nivp, width, 3, points, "float64")
        row = {"p": theta.size, "points": points}
        makers = {"structured": nivp.linear.linearise, "generic": generic}
        for name, maker in makers.items():
            lin = eqx.filter_jit(maker)(network, theta, sample, problem.norm)
            gram = eqx.filter_jit(lambda lin, v: lin.gram_product(v))
            memory = gram.lower(lin, theta).compile().compiled.memory_analysis()
            row[f"{name}_seconds"] = seconds(gram, lin, theta)
            row[f"{name}_temporary_entries"] = memory.temp_size_in_bytes // 8
        row["temporary_over_n_p"] = row["structured_temporary_entries"] / (points * theta.size)
        records.add("num_products", **row)


def rate(nivp, points, records):
    """Achieved rate of the structured product over the peak, 4 n p operations counted, and the
    time of the generic one over its own: a call alone, and within a compiled loop of ten, as an
    iterative solver makes it."""

    gram = eqx.filter_jit(lambda lin, v: lin.gram_product(v))
    ten = eqx.filter_jit(
        lambda lin, v: jax.lax.fori_loop(0, 10, lambda _, v: unit(lin.gram_product(v)), v)
    )
    for dtype in ("float32", "float64"):
        best = peak(dtype)
        for width in (256, 512):
            problem, network, theta, sample = case(nivp, width, 3, points, dtype)
            given = (network, theta, sample, problem.norm)
            lin, plain = (
                eqx.filter_jit(nivp.linear.linearise)(*given),
                eqx.filter_jit(generic)(*given),
            )
            row = {"dtype": dtype, "width": width, "p": theta.size}
            row |= {"points": points, "peak": best}
            for name, product, count in (("alone", gram, 1), ("in_a_loop", ten, 10)):
                spent = seconds(product, lin, theta, repeats=9)
                row[f"of_peak_{name}"] = 4 * points * theta.size * count / spent / best
                row[f"generic_{name}"] = seconds(product, plain, theta, repeats=9) / spent
            records.add("rate", **row)


def unit(v):
    return v / jax.numpy.linalg.norm(v)


def dual(nivp, points, records):
    """The exact solve through the kernel against CG with a sketch rebuilt for the solve."""

    problem, network, theta, sample = case(nivp, 256, 3, points, "float64")
    network = nivp.fit(
        network, problem.initial, problem.domain, (nivp.Adam(steps=300),), key=jax.random.key(1)
    ).network
    theta, rebuild = nivp.networks.flatten(network)
    target = jax.vmap(lambda x: problem.rhs(rebuild(theta), 0.0, x))(sample.points)
    lin = eqx.filter_jit(nivp.linear.linearise)(network, theta, sample, problem.norm)
    plain = eqx.filter_jit(generic)(network, theta, sample, problem.norm)
    product = seconds(eqx.filter_jit(lambda lin, v: lin.gram_product(v)), plain, theta)
    sketched = nivp.RidgeCG(
        damping=1e-8, rtol=1e-6, preconditioner=nivp.Nystrom(250), rebuild="solve"
    )
    size = {"p": theta.size, "points": points, "generic_product_seconds": product}
    solvers = {
        "RidgeDual": nivp.RidgeDual(damping=1e-8),
        "RidgeDualCG": nivp.RidgeDualCG(damping=1e-8, rtol=1e-8),
        "RidgeCG, Nystrom(250)": sketched,
    }
    for name, solver in solvers.items():

        def solve(lin, target, solver=solver):
            return nivp.solve_velocity(solver, lin, target, key=jax.random.key(2))

        compiled = eqx.filter_jit(solve)
        spent = seconds(compiled, lin, target, repeats=1)
        info = compiled(lin, target).info
        records.add(
            "dual",
            solver=name,
            **size,
            seconds=spent,
            in_products=spent / product,
            linear_residual=float(info.linear_residual),
            projection_residual=float(info.projection_residual),
            iterations=int(info.iterations),
        )


def memory(nivp, points, records):
    """Temporary memory of one whole solve with a million parameters over n p; only compiled."""
    problem, network, theta, sample = case(nivp, 724, 3, points, "float64")
    lin = eqx.filter_jit(nivp.linear.linearise)(network, theta, sample, problem.norm)
    solvers = {
        "RidgeCG, no sketch": nivp.RidgeCG(preconditioner=nivp.linear.NoPreconditioner()),
        "RidgeCG, Nystrom(150)": nivp.RidgeCG(),
        "RidgeCG, Nystrom(250)": nivp.RidgeCG(preconditioner=nivp.Nystrom(250)),
        "DampedLSMR, Nystrom(150)": nivp.DampedLSMR(),
        "RidgeDualCG": nivp.RidgeDualCG(),
    }
    for name, solver in solvers.items():
        solve = eqx.filter_jit(nivp.solve_velocity)
        made = solve.lower(solver, lin, lin.values, key=jax.random.key(0)).compile()
        entries = made.compiled.memory_analysis().temp_size_in_bytes // 8
        sizes = {"p": theta.size, "points": points, "temporary_entries": entries}
        records.add("memory", solver=name, **sizes, over_n_p=entries / points / theta.size)


def main() -> None:
    cases = {"num_products": products, "rate": rate, "dual": dual, "memory": memory}
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[*cases, []])
    parser.add_argument("--points", type=int)
    parser.add_argument("--json")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    import neural_ivp as nivp

    records = Records(options.json)
    for name in options.names or cases:
        cases[name](nivp, options.points or (1_024 if name == "num_products" else 4_096), records)
    print(records.table())


if __name__ == "__main__":
    main()
