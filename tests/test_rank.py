"""The rank of a landmark subspace, which a solve chooses and enlarges."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.evolution import _sizes
from neural_ivp.files import read_file

from .helpers import KEY, PROBLEMS, refused, small_network
from .interrupted import Copies, assert_same

PROBLEM = PROBLEMS["heat_torus"]
NETWORK = small_network(PROBLEM, width=12, depth=1)
METHOD = nivp.NeuralIVP(
    sampler=nivp.ImportanceSampling(40, oversampling=4),
    velocity_solver=nivp.LandmarkSubspace(damping=1e-8),
    integrator=nivp.AdaptiveStep(rtol=1e-5, atol=1e-8),
    fit=(nivp.LastLayer(num_points=100),),
)
TS = np.linspace(0.0, 0.1, 3)


@pytest.fixture
def narrow(monkeypatch):
    """The first measurement finds an effective rank of 4, and ranks may be small."""
    monkeypatch.setattr(_sizes, "_effective_rank", lambda *_: jnp.asarray(4.0))
    monkeypatch.setattr(_sizes, "LEAST", 4)


def chosen(path):
    """The rank in a checkpoint."""
    return read_file(path, "checkpoint", 4)[0]["sizes"][0]


def test_the_rank_follows_the_effective_rank(tmp_path):
    path = tmp_path / "march.nivp"
    solution = nivp.solve(
        PROBLEM, NETWORK, METHOD, ts=TS, key=KEY, checkpoint=nivp.Checkpoint(path)
    )
    largest = np.max(solution.record["effective_rank"])
    assert 1.2 * largest <= chosen(path) <= max(1.7 * largest, _sizes.LEAST)
    assert not np.any(solution.record["num_unconverged"])


def test_a_rank_too_small_is_enlarged_before_a_step_counts(narrow, tmp_path):
    """To the bit the same when it goes on from any checkpoint."""
    path, again = tmp_path / "march.nivp", tmp_path / "again.nivp"
    copies = Copies(path)
    place = nivp.Checkpoint(path, 1)
    whole = nivp.solve(PROBLEM, NETWORK, METHOD, ts=TS, key=KEY, checkpoint=place, progress=copies)
    assert not np.any(whole.record["num_unconverged"])
    again.write_bytes(copies.found[0])
    first, last = chosen(again), chosen(path)
    assert first == 10 and last > 1.2 * np.max(whole.record["effective_rank"]) > first
    for data in (copies.found[0], copies.found[len(copies.found) // 2], copies.found[-1]):
        again.write_bytes(data)
        assert_same(nivp.resume(again), whole)


def test_points_grow_with_the_rank():
    method = _sizes.sized(METHOD, 60)
    assert method.velocity_solver.rank == 60 and method.sampler.num_points == 180
    assert _sizes.sized(METHOD, 10).sampler == METHOD.sampler


def test_a_step_solves_at_the_points_that_count():
    """A sixth of the points of the sampler, chosen by leverage: the residual on others is near."""
    solver = nivp.LandmarkSubspace(30, num_landmarks=30, damping=1e-8, oversampling=6)
    method = nivp.NeuralIVP(
        sampler=nivp.ImportanceSampling(600, oversampling=4),
        velocity_solver=solver,
        integrator=METHOD.integrator,
        fit=METHOD.fit,
    )
    solution = nivp.solve(PROBLEM, NETWORK, method, ts=TS, key=KEY)
    record = solution.record
    assert np.all(record["held_out_residual"] < 2 * record["projection_residual"] + 1e-4)
    error = solution.error().relative_l2
    assert error[-1] < error[0]  # that of the fit
    larger = _sizes.sized(method, 60)
    assert larger.sampler.num_points == 60 * _sizes.POINTS_BY_LEVERAGE * 6
    assert larger.velocity_solver.num_landmarks == 60


def test_points_do_not_grow_while_u_is_at_rest():
    """Then L[u] is rounding, and so is what is left of it on other points."""
    parts = dict(boundary_residual=0.0, t0=0.0, t1=0.1, norm=jnp.asarray(1.0))
    rest = SimpleNamespace(
        **parts, projection_residual=0.9, held_out_residual=np.inf, rhs_norm=1e-17
    )
    assert not _sizes._overfits(METHOD, rest)
    moving = SimpleNamespace(
        **parts, projection_residual=1e-5, held_out_residual=1e-4, rhs_norm=1e-6
    )
    assert _sizes._overfits(METHOD, moving)


def test_a_given_rank_stays():
    method = nivp.NeuralIVP(
        sampler=METHOD.sampler,
        velocity_solver=nivp.LandmarkSubspace(6, damping=1e-8),
        integrator=METHOD.integrator,
        fit=METHOD.fit,
    )
    solution = nivp.solve(PROBLEM, NETWORK, method, ts=[0.0, 0.01], key=KEY, throw=False)
    assert np.all(solution.record["num_unconverged"] > 0)  # it is too small, and said so
    assert "more landmarks" in solution.report() or len(solution.record["t0"]) < 8


def test_bad_input():
    for make, words in (
        (lambda: nivp.LandmarkSubspace(0), "`rank` must be an integer of at least 1"),
        (
            lambda: nivp.LandmarkSubspace(9, num_landmarks=8),
            "got 8 and the rank 9",
        ),
        (lambda: nivp.LandmarkSubspace(num_landmarks=8), "got 8 and the rank None"),
        (lambda: nivp.LandmarkSubspace(damping=-1.0), "`damping`"),
        (lambda: nivp.LandmarkSubspace(oversampling=0), "`oversampling` must be an integer"),
        (lambda: nivp.LandmarkSubspace(block=True), "`block` must be an integer"),
    ):
        with refused(words):
            make()
    assert jax.tree.leaves(nivp.LandmarkSubspace(9, num_landmarks=9)) == []
