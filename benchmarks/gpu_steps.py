"""The steps of `gpu.py`: each yields rows of a table."""

import resource
import time

import jax
import jax.numpy as jnp

import neural_ivp as nivp
from neural_ivp.memory import memory_limit

# Problems of the zoo with the tolerance of each; TENG's trio first.
SOLVES = {
    "heat_2d_periodic": 1e-7,
    "allen_cahn_2d": 1e-6,
    "burgers_2d": 1e-6,
    "wave_2d": 1e-5,
    "wave_3d": 1e-4,
    "advection_2d": 1e-4,
    "allen_cahn_1d": 1e-4,
    "fokker_planck_100d": 1e-3,
    "vlasov_3d3v": 1e-3,
}
SMALL_SOLVE, SMALL_RTOL = "allen_cahn_1d", 1e-2


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


def memory(small: bool, dtype: str):
    """Memory of a step as it is predicted, and as the device or the process takes it more."""
    for name, method in _methods(2_000 if small else 50_000).items():
        problem, network, key = _allen_cahn()
        predicted = nivp.step_memory(problem, network, method)
        before = _peak_bytes()
        _one_step(problem, network, method, key)
        yield {"solver": name, "predicted": predicted, "taken": _peak_bytes() - before}


def sizes(small: bool, dtype: str):
    """The largest sizes at which a step in two dimensions fits, by its predicted memory: the number
    of points, from the memory of two numbers, and the parameters, doubled in width; then one step
    of each."""
    limit = 10**8 if small else memory_limit() or 0
    for name in _methods(1):
        problem, network, _ = _allen_cahn()
        few, more = (nivp.step_memory(problem, network, _methods(n)[name]) for n in (2_000, 4_000))
        points = int(0.9 * (2_000 + 2_000 * (limit - few) / (more - few)))
        yield {"solver": name, **_largest(_allen_cahn(), _methods(points)[name])}
        width, fitting = 16 if small else 128, None
        while True:
            parts = _allen_cahn(width)
            if nivp.step_memory(*parts[:2], _methods(2_000)[name]) > limit:
                break
            width, fitting = 2 * width, parts
        if fitting is not None:
            yield {"solver": name, **_largest(fitting, _methods(2_000)[name])}


def _largest(parts, method) -> dict:
    problem, network, key = parts
    row = {
        "points": method.sampler.num_points,
        "parameters": nivp.networks.flatten(network)[0].size,
        "predicted": nivp.step_memory(problem, network, method),
    }
    start = time.perf_counter()
    _one_step(problem, network, method, key)
    return row | {"seconds": time.perf_counter() - start}


def scaling(small: bool, dtype: str):
    """Seconds of a step on 1, 2, 4, ... devices: with the same points, and with as many each."""
    count = 2_000 if small else 100_000
    for devices in (2**k for k in range(len(jax.devices()).bit_length())):
        axis = (jax.sharding.AxisType.Auto,)
        mesh = jax.make_mesh((devices,), ("points",), axis, devices=jax.devices()[:devices])
        for kind, points in (("strong", count), ("weak", count * devices)):
            problem, network, key = _allen_cahn()
            method = _methods(points)["LandmarkSubspace"]
            parts = problem, network, method

            def step(state, parts=parts):
                return nivp.step(*parts, state, 1.0)[0].theta

            with jax.set_mesh(mesh):
                seconds = fastest(step, nivp.init(*parts, 0.0, 1.0, key))
            yield {"scaling": kind, "devices": devices, "points": points, "seconds": seconds}


def _methods(points: int) -> dict[str, nivp.NeuralIVP]:
    solvers = nivp.LandmarkSubspace(300), nivp.RidgeCG(damping=1e-6, max_steps=20)
    return {
        type(solver).__name__: nivp.NeuralIVP(sampler=nivp.Uniform(points), velocity_solver=solver)
        for solver in solvers
    }


def _allen_cahn(width: int = 30):
    problem, key = nivp.problems.AllenCahn(2), jax.random.key(0)
    return problem, nivp.default_network(problem, width=width, key=key), key


def _one_step(problem, network, method, key) -> None:
    state = nivp.init(problem, network, method, 0.0, 1.0, key, start=jnp.asarray(0.0))
    jax.block_until_ready(nivp.step(problem, network, method, state, 1.0)[0].theta)


def _peak_bytes() -> int:
    """The largest memory so far: of the accelerator, or of the process."""
    statistics = jax.devices()[0].memory_stats()
    if statistics:
        return statistics["peak_bytes_in_use"]
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def solve(name: str, small: bool, dtype: str):
    """A solve by the defaults: see `zoo.py`."""
    import zoo

    jax.config.update("jax_enable_x64", dtype == "float64")  # which importing it changes
    rtol = SMALL_RTOL if small else SOLVES[name]
    row = zoo.solve(name, "default", rtol if dtype == "float64" else max(rtol, 1e-4), 0, 420)
    kept = ("problem", "rtol", "result", "t", "overall", "last", "steps", "seconds")
    yield {key: row[key] for key in kept}


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
