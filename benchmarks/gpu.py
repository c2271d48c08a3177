"""The library on an accelerator: products, sizes that fit, and solves, in both precisions.

    python benchmarks/gpu.py [--only STEP] [--dtype float32] [--small] [--json FILE]

Needs the repository and JAX with CUDA. Without `--only` each step runs in a process of its own, for
at most eight minutes, in float64 and in float32, and the solves once more on the CPU. `--small`
takes sizes for a machine without an accelerator.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
from records import Records, parser

MOST_SECONDS = 480
# Problems of the zoo with the tolerance of each; TENG's trio first.
SOLVES = {
    "heat_2d": 1e-5,
    "allen_cahn_2d": 1e-5,
    "burgers_2d": 3e-6,
    "wave_2d": 1e-5,
    "wave_3d": 1e-4,
    "advection_2d": 1e-4,
    "allen_cahn_1d": 1e-4,
    "fokker_planck_100d": 1e-3,
}
SMALL_SOLVES = {"allen_cahn_1d": 1e-2}


def product(small: bool, dtype: str):
    """Square matrix products, in the precision of the library and as JAX does them by default, and
    J v and J^T w of a network: seconds of the fastest of five, and 10^12 operations a second."""
    n = 512 if small else 8192
    a = jax.random.normal(jax.random.key(0), (n, n))
    for precision in ("highest", "default"):
        with jax.default_matmul_precision(precision):
            seconds = fastest(jax.jit(lambda a: a @ a), a)
        yield {"product": f"{n} x {n}, {precision}", **rate(2 * n**3, seconds)}
    yield from network_products(100 if small else 4_000, 16 if small else 256)


def network_products(points: int, width: int):
    import neural_ivp as nivp

    domain = nivp.Box((-1.0,) * 3, (1.0,) * 3)
    network = nivp.SinusoidalMLP(domain, 1, width=width, depth=3, key=jax.random.key(0))
    theta, _ = nivp.networks.flatten(network)
    sample = nivp.WeightedPoints.equal(jnp.asarray(domain.low_discrepancy_points(points)))
    J = nivp.linear.linearise(network, theta, sample)
    v, w = jnp.ones_like(theta), jnp.ones((points, 1))
    size = f"n = {points}, p = {theta.size}"
    for name, function, vector in (("J v", J.push, v), ("J^T w", J.pull, w)):
        seconds = fastest(nivp.precision.compiled(function), vector)
        yield {"product": f"{name}, {size}", **rate(2 * points * theta.size, seconds)}


def sizes(small: bool, dtype: str):
    """The largest number of points at which a step of the default method in two dimensions fits,
    doubled until the memory of the device is exhausted."""
    import neural_ivp as nivp

    problem, key = nivp.problems.AllenCahn(2), jax.random.key(0)
    network = nivp.default_network(problem, key=key)
    count, last = 1_000, 4_000 if small else 10**8
    while count <= last:
        method = nivp.NeuralIVP(
            sampler=nivp.Uniform(count), velocity_solver=nivp.LandmarkSubspace(500)
        )
        try:
            start = time.perf_counter()
            state = nivp.init(problem, network, method, 0.0, 1.0, key)
            state, _ = nivp.step(problem, network, method, state, 1.0)
            jax.block_until_ready(state.theta)
        except jax.errors.JaxRuntimeError as error:
            yield {"points": count, "fits": False, "why": str(error)[:60]}
            return
        yield {"points": count, "fits": True, "seconds": time.perf_counter() - start}
        count *= 2


def solves(small: bool, dtype: str):
    """Solves of the zoo by the defaults: see `zoo.py`."""
    import zoo

    jax.config.update("jax_enable_x64", dtype == "float64")  # which importing it changes
    for name, rtol in (SMALL_SOLVES if small else SOLVES).items():
        row = zoo.solve(name, "default", rtol if dtype == "float64" else max(rtol, 1e-4), 0, 300)
        kept = ("problem", "rtol", "result", "t", "overall", "last", "steps", "seconds")
        yield {key: row[key] for key in kept}


STEPS = {"product": product, "sizes": sizes, "solves": solves}


def fastest(function, *arguments) -> float:
    """Seconds of the fastest of five calls after the first."""
    jax.block_until_ready(function(*arguments))
    found = []
    for _ in range(5):
        start = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        found.append(time.perf_counter() - start)
    return min(found)


def rate(operations: float, seconds: float) -> dict[str, float]:
    return {"seconds": seconds, "tera_per_second": operations / seconds / 1e12}


def run(step: str, dtype: str, small: bool, json_file: Path | None) -> None:
    """One step in this process."""
    jax.config.update("jax_enable_x64", dtype == "float64")
    records, device = Records(json_file, dict(STEPS)), jax.devices()[0].device_kind
    for row in STEPS[step](small, dtype):
        records.add(step, device=device, dtype=dtype, **row)
    print(records.table())


def run_all(small: bool, json_file: Path | None) -> None:
    """Each step in a process of its own, in both precisions; the solves on the CPU too."""
    lines: list[str] = []
    accelerated = jax.default_backend() != "cpu"
    for step in STEPS:
        for dtype in ("float64", "float32"):
            for platform in ("", "cpu") if accelerated and step == "solves" else ("",):
                with tempfile.TemporaryDirectory() as folder:
                    own = Path(folder) / "rows.jsonl"
                    command = [sys.executable, __file__, "--only", step, "--dtype", dtype]
                    command += ["--json", str(own), *(["--small"] if small else [])]
                    environment = os.environ | ({"JAX_PLATFORMS": platform} if platform else {})
                    try:
                        subprocess.run(command, env=environment, timeout=MOST_SECONDS, check=True)
                    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
                        print(f"{step} in {dtype} did not end: {error}", file=sys.stderr)
                    if own.exists():
                        rows = own.read_text().splitlines()
                        lines += rows if not lines else rows[1:]
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text("\n".join(lines) + "\n")


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--only", choices=STEPS, help="one step, in this process")
    arguments.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    arguments.add_argument("--small", action="store_true", help="sizes for a CPU")
    given = arguments.parse_args()
    file = None if given.json is None else Path(given.json)
    if given.only:
        run(given.only, given.dtype, given.small, file)
    else:
        run_all(given.small, file)


if __name__ == "__main__":
    main()
