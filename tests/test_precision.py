"""Products of compiled functions in the full precision of their arrays, and float32 solves."""

import json
import re
import subprocess
import sys
from pathlib import Path

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.precision import compiled

from .helpers import KEY, TORUS

ROOT = Path(__file__).parent.parent
PRODUCT = re.compile(r"stablehlo\.(?:dot_general|convolution)\b.*")
PENDULUM = nivp.SecondOrderProblem(
    domain=TORUS,
    initial=lambda x: jnp.cos(x),
    initial_velocity=lambda x: 0 * x,
    acceleration=lambda u, v, t, x: nivp.laplacian(u)(x) - u(x),
)
HEAT = nivp.Problem(
    domain=nivp.Box((0.0,), (1.0,)),
    initial=lambda x: jnp.sin(np.pi * x),
    rhs=lambda u, t, x: nivp.laplacian(u)(x),
    boundary=nivp.Dirichlet(0.0),
)
WELL = nivp.FokkerPlanck(lambda t, x: x - x**3, 0.2, nivp.Gaussian([0.3, 0.1], 0.15))


def small(problem):
    sizes = dict(width=7, depth=2, num_frequencies=2, dtype="float32")
    return nivp.SinusoidalMLP(problem.domain, 1, **sizes, key=KEY)


def method(solver, integrator):
    return nivp.NeuralIVP(
        sampler=nivp.ImportanceSampling(90),
        velocity_solver=solver,
        integrator=integrator,
        fit=(nivp.GaussNewton(steps=3), nivp.LastLayer()),
    )


CASES = {
    "implicit": (HEAT, method(nivp.LandmarkSubspace(20), nivp.AdaptiveStep(nivp.Rodas4()))),
    "iterative": (HEAT, method(nivp.RidgeCG(damping=1e-4), nivp.ConstantStep(dfx.Heun(), dt=1e-4))),
    "second order": (PENDULUM, method(nivp.RidgeDual(), nivp.AdaptiveStep(dfx.Dopri8()))),
    "density": (WELL, None),
}


@pytest.mark.parametrize("name", CASES)
def test_all_products_of_a_solve_are_of_full_precision(name, tmp_path):
    problem, chosen = CASES[name]
    if name == "density":
        options = dict(num_directions=2, num_bumps=5, dtype="float32", key=KEY)
        network = nivp.default_network(problem, **options)
        chosen = nivp.default_method(problem, network, rtol=1e-2)
    else:
        network = small(problem)
    jax.clear_caches()
    jax.config.update("jax_dump_ir_to", str(tmp_path))
    try:
        solution = nivp.solve(problem, network, chosen, ts=[0.0, 1e-3], key=KEY, throw=False)
        solution(5e-4, jnp.full((3, problem.domain.dimension), 0.4))
    finally:
        jax.config.update("jax_dump_ir_to", "")
    programs = [path.read_text() for path in tmp_path.rglob("*.mlir")]
    products = [line for text in programs for line in PRODUCT.findall(text)]
    assert len(products) > 20 and any("_step" in path.name for path in tmp_path.rglob("*"))
    loose = [line for line in products if "precision = [HIGHEST, HIGHEST]" not in line]
    assert not [line for line in loose if "xf32" in line], loose[:3]


def test_no_setting_is_left_behind():
    @compiled
    def product(a, b):
        return a @ b

    a = jnp.ones((2, 2), jnp.float32)
    assert "HIGHEST" in product.lower(a, a).as_text()
    assert "HIGHEST" not in jax.jit(lambda a, b: a @ b).lower(a, a).as_text()
    assert jax.config.jax_default_matmul_precision is None


def test_the_benchmark_of_accelerators_runs_small(tmp_path):
    """Products alone: the solves are those of the zoo."""
    script, rows = ROOT / "benchmarks" / "gpu.py", tmp_path / "rows.jsonl"
    command = [sys.executable, str(script), "--small", "--only", "product", "--dtype", "float32"]
    run = subprocess.run([*command, "--json", str(rows)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-1000:]
    found = [json.loads(line) for line in rows.read_text().splitlines()]
    assert len(found) == 5 and all(row["tera_per_second"] > 0 for row in found[1:])
