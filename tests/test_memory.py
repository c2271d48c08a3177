"""Memory that is predicted: against the sizes of arrays, and solves that do not fit."""

import contextlib

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp import memory
from neural_ivp.precision import compiled

from .helpers import KEY, PROBLEMS, small_network

PROBLEM = PROBLEMS["heat_torus"]
NETWORK = small_network(PROBLEM, width=20, depth=1)
POINTS = 64
NUMBER = 8  # bytes of a float64


def method(num_points=POINTS):
    return nivp.NeuralIVP(
        sampler=nivp.Uniform(num_points),
        velocity_solver=nivp.RidgeDual(damping=1e-6),
        integrator=nivp.ConstantStep(diffrax.Euler(), dt=1e-3),
        fit=(nivp.LastLayer(num_points=100),),
    )


@contextlib.contextmanager
def count_compilations():
    counts = []

    def listen(event, seconds, **more):
        if event == "/jax/core/compile/backend_compile_duration":
            counts.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield counts
    jax.monitoring.unregister_event_duration_listener(listen)


def test_memory_of_products():
    n = 300
    a = jnp.ones((n, n))
    needed = memory.memory_of(compiled(lambda a, b: (a @ b) @ a), a, a)
    # Two arguments, the result and one array between them, and what the compiler adds.
    assert 4 <= needed / (n * n * NUMBER) < 5.5


def test_a_step_holds_the_kernel_and_is_compiled_once():
    few = nivp.step_memory(PROBLEM, NETWORK, method())
    many = nivp.step_memory(PROBLEM, NETWORK, method(20 * POINTS))
    kernel = NUMBER * POINTS**2  # of RidgeDual, n x n
    assert many - few > 399 * kernel
    state = nivp.init(PROBLEM, NETWORK, method(), 0.0, 1.0, KEY)
    with count_compilations() as counts:
        nivp.step(PROBLEM, NETWORK, method(), state, 1.0)
    assert not counts


def solve(progress=lambda report: None):
    parts = PROBLEM, NETWORK, method()
    return nivp.solve(*parts, ts=[0.0, 1e-3], key=KEY, throw=False, progress=progress)


def test_a_solve_that_does_not_fit_ends_before_its_fit(monkeypatch):
    monkeypatch.setattr(memory, "memory_limit", lambda: 10_000)
    reports = []
    with pytest.raises(
        nivp.InputError, match=r"a step needs .* 1e-05 GB: take fewer than 64 points"
    ):
        solve(reports.append)
    assert all(report.compiling for report in reports)


def test_a_march_that_outgrows_the_memory_returns_what_it_has(monkeypatch):
    limits = [10**12]
    monkeypatch.setattr(memory, "memory_limit", lambda: limits[-1])
    # Less memory from the fit on.
    solution = solve(lambda report: None if report.compiling else limits.append(10_000))
    assert solution.result == "out_of_memory" and "a step needs" in solution.message
    assert solution.ts.tolist() == [0.0]
    assert np.isfinite(solution(0.0, jnp.array([0.3]))).all()


def test_a_fit_that_does_not_fit(monkeypatch):
    monkeypatch.setattr(memory, "memory_limit", lambda: 10_000)
    fit = nivp.GaussNewton(steps=2, sampler=nivp.Uniform(50))
    with pytest.raises(nivp.InputError, match=r"a step of the fit needs .* fewer than 50 points"):
        nivp.fit(NETWORK, PROBLEM.initial, PROBLEM.domain, (fit,), key=KEY)


def test_the_memory_of_this_machine_is_known():
    limit = memory.memory_limit()
    assert limit is None or limit > 10**8
