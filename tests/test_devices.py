"""Whole solves on four simulated devices, and on one of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
PROGRAM = """
import contextlib, json
import diffrax, jax, jax.numpy as jnp, numpy as np
import neural_ivp as nivp
jax.config.update("jax_enable_x64", True)
circle, key = nivp.Torus((2 * np.pi,)), jax.random.key(0)
burgers = nivp.Problem(
    domain=circle,
    initial=lambda x: jnp.exp(jnp.cos(x)),
    rhs=lambda u, t, x: 0.3 * nivp.laplacian(u)(x) - u(x) * nivp.grad(u)(x)[:, 0],
)
wave = nivp.SecondOrderProblem(
    domain=circle,
    initial=lambda x: jnp.exp(jnp.cos(x)),
    initial_velocity=lambda x: jnp.sin(x),
    acceleration=lambda u, v, t, x: nivp.laplacian(u)(x),
)
wells = nivp.FokkerPlanck(lambda t, x: x - x**3, 0.2, nivp.Gaussian([0.3], 0.15))
mesh = jax.make_mesh((4,), ("points",), axis_types=(jax.sharding.AxisType.Auto,))
rows = {}
for name, problem in {"burgers": burgers, "wave": wave, "wells": wells}.items():
    density = name == "wells"
    kind = {"num_bumps": 8} if density else {"kind": nivp.FourierSeries, "modes": 8}
    method = nivp.NeuralIVP(
        sampler=(nivp.DiffusionParticles if density else nivp.ImportanceSampling)(100),
        velocity_solver=nivp.RidgeCholesky() if density else nivp.LandmarkSubspace(30),
        integrator=nivp.ConstantStep(diffrax.Heun(), dt=0.05),
        fit=(nivp.LastLayer(),),
    )
    for dtype in ("float64", "float32"):
        network = nivp.default_network(problem, **kind, dtype=dtype, key=key)
        for devices in (1, 4):
            with jax.set_mesh(mesh) if devices == 4 else contextlib.nullcontext():
                solution = nivp.solve(problem, network, method, ts=[0, 0.1], key=key, throw=False)
                values = solution(0.1, np.linspace(-1, 1, 5)[:, None])
            assert solution.result == "successful", solution.message
            rows[f"{name} {dtype} {devices}"] = np.asarray(values, float)[:, 0].tolist()
print(json.dumps(rows))
"""


def with_four_devices(program: str):
    flags = "--xla_force_host_platform_device_count=4"
    environment = os.environ | {"XLA_FLAGS": flags, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout.splitlines()[-1])


def test_points_are_split_over_the_mesh_in_context():
    program = """
import json
import jax, jax.numpy as jnp
from neural_ivp.linear import linearise
import neural_ivp as nivp
line = nivp.Box((0.0,), (1.0,))
network = nivp.FourierSeries(line, 1, modes=3, key=jax.random.key(0))
theta, _ = nivp.networks.flatten(network)
sample = nivp.WeightedPoints.equal(jnp.linspace(0.1, 0.9, 8)[:, None])
values = jax.jit(lambda theta: linearise(network, theta, sample).values)
alone = values(theta)
mesh = jax.make_mesh((4,), ("points",), axis_types=(jax.sharding.AxisType.Auto,))
with jax.set_mesh(mesh):
    split = values(theta)
sizes = [len(array.sharding.device_set) for array in (alone, split)]
print(json.dumps([sizes, float(jnp.max(jnp.abs(jnp.asarray(split) - alone)))]))
"""
    sizes, difference = with_four_devices(program)
    assert sizes == [1, 4] and difference < 1e-6


@pytest.mark.slow
def test_devices_and_precisions_agree():
    """Devices to the rounding of sums in another order, which the march amplifies; precisions to
    that of float32, or where numbers drawn in another precision make another network, as for a
    density, to the accuracy of its fit."""
    rows = with_four_devices(PROGRAM)
    for name, loss in {"burgers": 1e-5, "wave": 1e-5, "wells": 1e-2}.items():
        whole = rows[f"{name} float64 1"]
        np.testing.assert_allclose(rows[f"{name} float64 4"], whole, rtol=1e-6)
        for devices in (1, 4):
            np.testing.assert_allclose(rows[f"{name} float32 {devices}"], whole, rtol=loss)
