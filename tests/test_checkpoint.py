"""Marches that go on from a checkpoint: to the bit the same, whatever ended them."""

import contextlib
import json
import os
import subprocess
import sys
import time
import warnings

import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.cli import _carry_out as carry_out_module
from neural_ivp.cli import _finish as finish_module
from neural_ivp.cli._environment import precision
from neural_ivp_cli import main

from .helpers import KEY, PROBLEMS, TINY, TORUS, Fourier, Grid, refused, small_network

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


def assert_same(got, wanted):
    assert got.result == wanted.result and got.fits == wanted.fits
    np.testing.assert_array_equal(got.ts, wanted.ts)
    for a, b in zip(got.segments, wanted.segments, strict=True):
        for part in ("ts", "theta", "left", "right"):
            np.testing.assert_array_equal(getattr(a, part), getattr(b, part))
            assert getattr(a, part).dtype == getattr(b, part).dtype
    assert got.record.keys() == wanted.record.keys()
    for name, values in wanted.record.items():
        np.testing.assert_array_equal(got.record[name], values, err_msg=name)
        assert got.record[name].dtype == values.dtype
    np.testing.assert_array_equal(got.parameters, wanted.parameters)


def header_of(data):
    return json.loads(data.partition(b"\n")[0])


class Copies:
    """Keeps every checkpoint that was written; used as `progress`."""

    def __init__(self, path):
        self.path, self.found = path, []

    def __call__(self, made):
        if self.path.is_file() and self.path.read_bytes() not in self.found[-1:]:
            self.found.append(self.path.read_bytes())


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


class Stop:
    """Raises KeyboardInterrupt at the given report of a phase, the one before it compiles not
    counted; used as `progress`."""

    def __init__(self, phase, count):
        self.phase, self.left = phase, count

    def __call__(self, made):
        self.left -= made.phase == self.phase and not made.compiling
        if self.left == 0:
            self.left = -1
            raise KeyboardInterrupt


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


# Steps enough to be interrupted among, and no fit to wait for.
CHANGES = ["--set", "method.integrator.rtol=1e-6", 'method.fit=[{name="LastLayer"}]', "--quiet"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder that holds the tiny config; runs without their picture."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(finish_module, "draw", lambda solution, path: None)
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The folder of an uninterrupted run."""
    root = tmp_path_factory.mktemp("whole")
    (root / "tiny.toml").write_text(TINY)
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(root):
        patch.setattr(finish_module, "draw", lambda solution, path: None)
        assert main(["run", "tiny.toml", "--out", "out", *CHANGES]) == 0
    return root / "out"


def assert_same_run(folder, wanted):
    assert_same(*(nivp.load(f / "solution.nivp") for f in (folder, wanted)))
    got, header = (json.loads((f / "metrics.json").read_text()) for f in (folder, wanted))
    assert got.pop("wall_seconds").keys() == header.pop("wall_seconds").keys()
    assert got == header
    assert not list(folder.glob("checkpoint*"))
    streamed, whole = ((f / "record.csv").read_text() for f in (folder, wanted))
    assert streamed == whole
    record = nivp.load(folder / "solution.nivp").record
    lines = streamed.splitlines()
    assert len(lines) == 1 + len(record["t0"]) and lines[0].startswith("t0,t1,accepted")
    assert float(lines[-1].split(",")[1]) == record["t1"][-1]


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    """A folder with the config and a checkpoint of an interrupted run."""
    root = tmp_path_factory.mktemp("edited")
    (root / "tiny.toml").write_text(TINY)
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(root):
        patch.setattr(finish_module, "draw", lambda solution, path: None)
        patch.setattr(carry_out_module, "Lines", lambda write: Stop("evolve", 2))
        assert main(["run", "tiny.toml", "--out", "out", *CHANGES]) == 130
    return root / "out"


class TestCommandLine:
    def test_ctrl_c_and_resume(self, here, done, monkeypatch, capsys):
        monkeypatch.setattr(carry_out_module, "Lines", lambda write: Stop("evolve", 4))
        assert main(["run", "tiny.toml", "--out", "out", *CHANGES]) == 130
        header = capsys.readouterr()
        assert "interrupted at t = " in header.err and "resume out` goes on" in header.err
        found = json.loads((here / "out/metrics.json").read_text())
        assert found["result"] == "interrupted" and found["times"][-1] < 0.05
        assert nivp.load(here / "out/solution.nivp").result == "interrupted"
        assert (here / "out/run.log").read_text().splitlines()[-1] in header.err
        monkeypatch.undo()
        monkeypatch.chdir(here)
        monkeypatch.setattr(finish_module, "draw", lambda solution, path: None)
        assert main(["resume", "out", "--checkpoint-every", "3"]) == 0
        assert "resumed at t = " in capsys.readouterr().err
        assert_same_run(here / "out", done)
        assert main(["resume", "out"]) == 2
        assert "has ended (successful)" in capsys.readouterr().err

    def test_kill_9_and_resume(self, here, done):
        command = [sys.executable, "-m", "neural_ivp_cli", "run"]
        options = ["--checkpoint-every", "1", "--out", "out", *CHANGES]
        process = subprocess.Popen([*command, "tiny.toml", *options])
        try:
            for _ in range(3000):
                if (here / "out/checkpoint.nivp").exists() or process.poll() is not None:
                    break
                time.sleep(0.02)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == -9 and not (here / "out/metrics.json").exists()
        assert main(["resume", "out", "--quiet"]) == 0
        assert_same_run(here / "out", done)

    def test_no_checkpoints(self, here, monkeypatch, capsys):
        monkeypatch.setattr(carry_out_module, "Lines", lambda write: Stop("evolve", 2))
        command = ["run", "tiny.toml", "--out", "out", "--checkpoint-every", "0", *CHANGES]
        assert main(command) == 130
        assert "resume" not in capsys.readouterr().err
        assert main(["resume", "out"]) == 2
        assert "run it anew, `neural-ivp run out" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "header"),
        [
            (["resume", "none"], "is not a run folder"),
            (["resume"], "the following arguments are required: DIR"),
            (["resume", "out", "--seed", "1"], "unrecognized arguments: --seed 1"),
            (
                ["run", "tiny.toml", "--checkpoint-every", "-1"],
                "`--checkpoint-every` must be an integer",
            ),
            (["run"], "the following arguments are required: CONFIG"),
        ],
    )
    def test_bad_input(self, here, capsys, arguments, header):
        assert main(arguments) == 2
        captured = capsys.readouterr()
        assert captured.err.startswith("error: ") and header in captured.err
        assert {file.name for file in here.iterdir()} == {"tiny.toml"}

    @pytest.mark.parametrize(
        ("old", "new", "header"),
        [
            ("seed = 3", "seed = 4", "`seed` in"),
            ("end = 0.05", "end = 0.07", "`time` in"),
            ("diffusivity = 0.1", "diffusivity = 0.2", "`problem` is"),
        ],
    )
    def test_a_config_that_was_edited(self, here, edited, capsys, old, new, header):
        text = (edited / "config.toml").read_text()
        assert old in text
        (here / "out").mkdir()
        (here / "out/config.toml").write_text(text.replace(old, new))
        (here / "out/checkpoint.nivp").write_bytes((edited / "checkpoint.nivp").read_bytes())
        assert main(["resume", "out"]) == 2
        assert header in capsys.readouterr().err
