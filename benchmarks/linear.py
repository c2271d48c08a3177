"""The linear layer: products, their memory, and the exact dual solve against conjugate gradients.

    .venv/bin/python benchmarks/linear.py [products|rate|dual|memory ...] [--points N] [--json FILE]

Times are medians of repeated calls in one process; the matrix-product peak they are compared
with is measured in the same run. Prints a table of each case, described by the docstring of its
function, and writes the rows to FILE as lines of JSON.
"""

import statistics

import equinox as eqx
import jax
from records import Clock, Records, parser


def median_times(function, *arguments, repeats=5):
    """Median wall and CPU seconds of a compiled call."""
    jax.block_until_ready(function(*arguments))
    times = []
    for _ in range(repeats):
        clock = Clock()
        jax.block_until_ready(function(*arguments))
        times.append(clock.read())
    walls, cpus = zip(*times, strict=True)
    return statistics.median(walls), statistics.median(cpus)


def peak(dtype, size=3_000):
    """Floating-point operations per second of a square matrix product."""
    a = jax.random.normal(jax.random.key(0), (size, size), dtype)
    return 2 * size**3 / median_times(jax.jit(lambda a: a @ a), a)[0]


def case(nivp, width, points, dtype):
    """The 2-D advection problem and the norm of its unknown, a network of depth 3, its parameters,
    and points."""
    problem = nivp.problems.Advection(2)
    key = jax.random.key(0)
    network = nivp.default_network(problem, key=key, width=width, depth=3, dtype=dtype)
    theta, _ = nivp.networks.flatten(network)
    sampler = nivp.Uniform(points)
    state = sampler.init(problem.domain, theta.dtype, key)
    trial = nivp.trials.trial_for(problem, network)
    sample, _ = sampler.draw(state, problem.domain, trial.field(network, 0.0), key)
    return problem, nivp.trials.UnknownNorm(problem.norm, trial), network, theta, sample


@eqx.filter_jit
def linearised(maker, network, theta, sample, norm):
    return maker(network, theta, sample, norm)


@eqx.filter_jit
def gram_product(lin, v):
    return lin.gram_product(v)


@eqx.filter_jit
def ten_products(lin, v):
    """As an iterative solver makes them, in one compiled loop."""

    def body(_, v):
        v = lin.gram_product(v)
        return v / jax.numpy.linalg.norm(v)

    return jax.lax.fori_loop(0, 10, body, v)


def products(nivp, points, records):
    """Time and temporary memory of one product with M against the parameters p, from the structure
    of the layers and by automatic differentiation (`generic`), in float64;
    `temporary_over_n_p` is the memory of the former over that of J.
    """
    makers = {"structured": nivp.linear.linearise, "generic": nivp.linear.linearise_generic}
    for width in (64, 128, 256, 512, 724):
        _, norm, network, theta, sample = case(nivp, width, points, "float64")
        row = {"p": theta.size, "points": points}
        for name, maker in makers.items():
            lin = linearised(maker, network, theta, sample, norm)
            compiled = gram_product.lower(lin, theta).compile().compiled
            entries = compiled.memory_analysis().temp_size_in_bytes // 8
            wall, cpu = median_times(gram_product, lin, theta)
            row |= {f"{name}_seconds": wall, f"{name}_cpu_seconds": cpu}
            row[f"{name}_temporary_entries"] = entries
        row["temporary_over_n_p"] = row["structured_temporary_entries"] / (points * theta.size)
        records.add("products", **row)


def rate(nivp, points, records):
    """Rate of the structured product over the matrix-product peak (operations per second), at
    4 n p operations a product, and the time of the generic product over its own: one call alone,
    and in a compiled loop of ten, as an iterative solver makes it.
    """
    for dtype in ("float32", "float64"):
        best = peak(dtype)
        for width in (256, 512):
            _, norm, *parts = case(nivp, width, points, dtype)
            theta = parts[1]
            lin, generic = (
                linearised(maker, *parts, norm)
                for maker in (nivp.linear.linearise, nivp.linear.linearise_generic)
            )
            row = {"dtype": dtype, "width": width, "p": theta.size, "points": points, "peak": best}
            for name, product, count in (
                ("alone", gram_product, 1),
                ("in_a_loop", ten_products, 10),
            ):
                wall, _ = median_times(product, lin, theta, repeats=9)
                row[f"of_peak_{name}"] = 4 * points * theta.size * count / wall / best
                row[f"generic_{name}"] = median_times(product, generic, theta, repeats=9)[0] / wall
            records.add("rate", **row)


def dual(nivp, points, records):
    """One solve through the kernel J J^T, exact and by conjugate gradients, against conjugate
    gradients on M with a sketch built for the solve, at the damping 1e-8, after 300 steps of Adam
    on a network of width 256; `in_products` is its time in products by automatic differentiation.
    """
    problem, norm, network, theta, sample = case(nivp, 256, points, "float64")
    parts, key = (network, problem.initial, problem.domain), jax.random.key(1)
    network = nivp.fit(*parts, (nivp.Adam(steps=300),), trial=norm.trial, key=key).network
    theta, _ = nivp.networks.flatten(network)
    target = jax.vmap(norm.trial.target(problem, network, 0.0))(sample.points)
    lin, generic = (
        linearised(maker, network, theta, sample, norm)
        for maker in (nivp.linear.linearise, nivp.linear.linearise_generic)
    )
    product, _ = median_times(gram_product, generic, theta)
    solvers = {
        "RidgeDual": nivp.RidgeDual(damping=1e-8),
        "RidgeDualCG": nivp.RidgeDualCG(damping=1e-8, rtol=1e-8),
        "RidgeCG, Nystrom(250)": nivp.RidgeCG(
            damping=1e-8, rtol=1e-6, preconditioner=nivp.Nystrom(250)
        ),
    }
    solve = eqx.filter_jit(nivp.solve_velocity)
    for name, solver in solvers.items():

        def call(solver=solver):
            return solve(solver, lin, target, key=jax.random.key(2))

        wall, cpu = median_times(call, repeats=1)
        info = call().info
        records.add(
            "dual",
            solver=name,
            p=theta.size,
            points=points,
            generic_product_seconds=product,
            seconds=wall,
            cpu_seconds=cpu,
            in_products=wall / product,
            linear_residual=info.linear_residual,
            projection_residual=info.projection_residual,
            iterations=info.iterations,
        )


def memory(nivp, points, records):
    """Temporary memory of one whole solve with a million parameters, in entries of float64 and over
    n p, the entries of J; compiled only.
    """
    _, norm, network, theta, sample = case(nivp, 724, points, "float64")
    lin = linearised(nivp.linear.linearise, network, theta, sample, norm)
    solvers = {
        "RidgeCG, no sketch": nivp.RidgeCG(preconditioner=nivp.linear.NoPreconditioner()),
        "RidgeCG, Nystrom(150)": nivp.RidgeCG(),
        "RidgeCG, Nystrom(250)": nivp.RidgeCG(preconditioner=nivp.Nystrom(250)),
        "RidgeDualCG": nivp.RidgeDualCG(),
    }
    solve = eqx.filter_jit(nivp.solve_velocity)
    for name, solver in solvers.items():
        compiled = solve.lower(solver, lin, lin.values, key=jax.random.key(0)).compile().compiled
        entries = compiled.memory_analysis().temp_size_in_bytes // 8
        sizes = {"p": theta.size, "points": points, "temporary_entries": entries}
        records.add("memory", solver=name, **sizes, over_n_p=entries / points / theta.size)


CASES = {"products": products, "rate": rate, "dual": dual, "memory": memory}


def main() -> None:
    arguments = parser(__doc__, CASES)
    arguments.add_argument("--points", type=int)
    options = arguments.parse_args()
    jax.config.update("jax_enable_x64", True)
    import neural_ivp as nivp

    records = Records(options.json, CASES)
    for name in options.names or CASES:
        CASES[name](nivp, options.points or (1_024 if name == "products" else 4_096), records)
    print(records.table())


if __name__ == "__main__":
    main()
