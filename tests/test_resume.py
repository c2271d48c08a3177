"""`neural-ivp resume`: runs that were interrupted or killed."""

import contextlib
import json
import subprocess
import sys
import time

import pytest

import neural_ivp as nivp
from neural_ivp.cli import _carry_out as carry_out_module
from neural_ivp.cli import _finish as finish_module
from neural_ivp_cli import main

from .helpers import TINY
from .interrupted import Stop, assert_same

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
