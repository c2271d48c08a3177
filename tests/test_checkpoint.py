"""Marches that go on from a checkpoint: to the bit the same, whatever ended them."""

import json
import os
import warnings

import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.cli._environment import precision

from .helpers import KEY, PROBLEMS, TORUS, Fourier, Grid, refused, small_network
from .interrupted import Copies, Stop, assert_same

PROBLEM = PROBLEMS["heat_torus"]


NETWORK = small_network(PROBLEM, width=12, depth=1)  # the last layer alone fits


PARAMETERS = nivp.networks.flatten(NETWORK)[0].size


FIT = (nivp.LastLayer(num_points=100),)


FINE = nivp.AdaptiveStep(rtol=1e-5, atol=1e-8)


TS = np.linspace(0.0, 0.25, 3)


# Solvers and samplers that remember, and one march of several segments.
METHODS = {
    "refits": nivp.NeuralIVP(
        sampler=nivp.SequentialMonteCarlo(60, measure="uniform", num_mcmc_steps=2),
        velocity_solver=nivp.LeastSquares(damping=1e-9),
        integrator=FINE,
        fit=FIT,
        restart=nivp.PeriodicRestart(every=0.1),
    ),
    "anchored": nivp.NeuralIVP(
        sampler=nivp.ImportanceSampling(80, oversampling=4),
        velocity_solver=nivp.ProximalDamping(
            nivp.RidgeCG(damping=1e-6, preconditioner=nivp.Nystrom(20))
        ),
        integrator=FINE,
        fit=FIT,
    ),
}


REFITS = METHODS["refits"]


def header_of(data):
    return json.loads(data.partition(b"\n")[0])


@pytest.mark.parametrize("name", METHODS)
def test_resumed_is_uninterrupted_to_the_bit(name, tmp_path):
    path, again, method = tmp_path / "march.nivp", tmp_path / "again.nivp", METHODS[name]
    whole = nivp.solve(PROBLEM, NETWORK, method, ts=TS, key=KEY)
    copies = Copies(path)
    watched = nivp.solve(
        PROBLEM,
        NETWORK,
        method,
        ts=TS,
        key=KEY,
        checkpoint=nivp.Checkpoint(path, 3),
        progress=copies,
    )
    assert_same(watched, whole)
    headers = [header_of(data) for data in copies.found]
    counts = [header["segments"] for header in headers]
    starts = [counts.index(count) for count in sorted(set(counts))]
    assert len(starts) == len(whole.segments) == (3 if name == "refits" else 1)
    for k in starts:
        assert [f"segment{counts[k] - 1}.left", "float64", [0, PARAMETERS]] in headers[k]["arrays"]
    assert len(headers) > len(starts) + 1
    for k in {*starts, 1, len(headers) // 2, len(headers) - 1}:
        again.write_bytes(copies.found[k])
        made = nivp.resume(again)
        assert_same(made, whole)
        assert made.seconds["total"] >= headers[k]["seconds"]["total"]
    assert header_of(again.read_bytes())["every"] == 3  # it went on writing


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("parts") / "own.nivp"
    problem = nivp.Problem(
        domain=TORUS,
        initial=lambda x: jnp.sin(x),
        rhs=lambda u, t, x: -nivp.partial(u, 0)(x),
    )
    method = nivp.NeuralIVP(
        sampler=Grid(16), velocity_solver=nivp.LeastSquares(), integrator=FINE, fit=FIT
    )
    whole = nivp.solve(
        problem,
        Fourier(2),
        method,
        ts=[0.0, 0.5],
        key=KEY,
        checkpoint=nivp.Checkpoint(path, 7),
    )
    return path, problem, method, whole


class TestParts:
    """What is not of the catalogue is passed, and checked."""

    def test_a_problem_of_functions(self, written, tmp_path):
        path, problem, method, whole = written
        with refused("pass `problem=` to `resume`"):
            nivp.resume(path)
        place = nivp.Checkpoint(tmp_path / "else.nivp")
        before = path.read_bytes()
        assert_same(nivp.resume(path, problem=problem, checkpoint=place), whole)
        assert path.read_bytes() == before
        given = dict(problem=problem, network=Fourier(2), method=method)
        assert_same(nivp.resume(path, **given, checkpoint=place), whole)

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("problem", PROBLEM, r"`problem` is .* but the file holds one of"),
            ("network", Fourier(3), r"`network` is .* but the file holds one of"),
            ("method", METHODS["refits"], r"`method` is .* but the file holds one of"),
            ("method", "best", "`method` must be a NeuralIVP"),
            ("checkpoint", "here", r"`checkpoint` must be made by `nivp\.Checkpoint"),
        ],
    )
    def test_others_are_refused(self, written, name, value, words):
        given = {"problem": written[1], name: value}
        with refused(words):
            nivp.resume(written[0], **given)

    @pytest.mark.parametrize(
        ("damage", "words"),
        [
            ("missing", "there is no file"),
            ("truncated", "truncated or altered"),
            ("foreign", "is not a checkpoint file of neural_ivp$"),
            ("solution", "it is a neural_ivp solution file"),
            ("version", "has format version 3, this library reads 4"),
        ],
    )
    def test_damaged_files_are_refused(self, written, tmp_path, damage, words):
        path, data = tmp_path / "march.nivp", written[0].read_bytes()
        damaged = {
            "truncated": data[:-10],
            "foreign": b"PK\x03\x04 not ours",
            "version": data.replace(b'"version": 4', b'"version": 3', 1),
        }
        if damage == "solution":
            written[3].save(path)
        elif damage != "missing":
            path.write_bytes(damaged[damage])
        with refused(words):
            nivp.resume(path, problem=written[1])

    def test_the_other_precision(self, written):
        with (
            precision("float32"),
            refused(r"64-bit mode \(its parameters are float64\)"),
        ):
            nivp.resume(written[0], problem=written[1])

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: nivp.Checkpoint(3), "`path` must be the path"),
            (lambda: nivp.Checkpoint("march.nivp", 0), "`every` must be an integer"),
            (lambda: place("none/march.nivp"), "there is no folder 'none'"),
            (lambda: place("."), "is a folder"),
        ],
    )
    def test_bad_places(self, make, words):
        with refused(words):
            make()


def place(path):
    return nivp.solve(PROBLEM, NETWORK, REFITS, ts=TS, key=KEY, checkpoint=nivp.Checkpoint(path))


@pytest.fixture(scope="module")
def whole():
    return nivp.solve(PROBLEM, NETWORK, REFITS, ts=TS, key=KEY)


class TestTrouble:
    def test_a_full_disk_does_not_end_the_march(self, whole, tmp_path, monkeypatch):
        path, calls, sync = tmp_path / "march.nivp", [], os.fsync

        def full(number):
            calls.append(path.read_bytes() if path.exists() else b"")
            if len(calls) > 2:
                raise OSError(28, "No space left on device")
            sync(number)

        monkeypatch.setattr(os, "fsync", full)
        with warnings.catch_warnings(record=True) as header:
            warnings.simplefilter("always")
            made = nivp.solve(
                PROBLEM, NETWORK, REFITS, ts=TS, key=KEY, checkpoint=nivp.Checkpoint(path, 2)
            )
        assert_same(made, whole)
        (line,) = [str(w.message) for w in header if w.category is nivp.CheckpointWarning]
        assert str(path) in line and "No space left" in line and "continues" in line
        assert len(calls) > 3 and path.read_bytes() == calls[-1] == calls[2]
        assert list(tmp_path.iterdir()) == [path]
        monkeypatch.undo()
        assert_same(nivp.resume(path), whole)

    @pytest.mark.parametrize(("phase", "count"), [("evolve", 2), ("evolve", 5), ("refit", 1)])
    def test_ctrl_c_keeps_what_was_reached(self, whole, tmp_path, phase, count):
        path = tmp_path / "march.nivp"
        with pytest.raises(
            nivp.SolveInterrupted, match=r"interrupted at t = .* of 0\.25"
        ) as caught:
            nivp.solve(
                PROBLEM,
                NETWORK,
                REFITS,
                ts=TS,
                key=KEY,
                throw=False,
                progress=Stop(phase, count),
                checkpoint=nivp.Checkpoint(path, 100),
            )
        assert isinstance(caught.value, KeyboardInterrupt)
        part = caught.value.solution
        assert part.result == "interrupted" and part.interval[1] == part.ts[-1] < 0.25
        reached = len(part.record["t0"])
        assert reached == count if phase == "evolve" else part.ts[-1] == 0.1
        np.testing.assert_array_equal(part.record["error"], whole.record["error"][:reached])
        # Twice interrupted, and resumed at the very step that was the last one.
        with pytest.raises(nivp.SolveInterrupted):
            nivp.resume(path, progress=Stop("evolve", 1))
        assert_same(nivp.resume(path), whole)

    def test_ctrl_c_before_the_first_step_keeps_the_fit(self, whole):
        def stop(made):
            if made.phase == "evolve" and made.compiling:
                raise KeyboardInterrupt

        with pytest.raises(nivp.SolveInterrupted, match=r"interrupted at t = 0 of 0\.25") as caught:
            nivp.solve(PROBLEM, NETWORK, REFITS, ts=TS, key=KEY, progress=stop)
        part = caught.value.solution
        assert part.interval == (0.0, 0.0) and not len(part.record["t0"])
        np.testing.assert_array_equal(part.parameters, whole.parameters[:1])

    def test_ctrl_c_during_the_fit_has_nothing_to_keep(self, tmp_path):
        path = tmp_path / "march.nivp"
        with pytest.raises(KeyboardInterrupt) as caught:
            nivp.solve(
                PROBLEM,
                NETWORK,
                REFITS,
                ts=TS,
                key=KEY,
                progress=Stop("fit", 1),
                checkpoint=nivp.Checkpoint(path),
            )
        assert not isinstance(caught.value, nivp.SolveInterrupted) and not path.exists()
