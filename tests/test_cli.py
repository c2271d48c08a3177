"""The command line: exit codes, the run folder and its files, the messages."""

import dataclasses
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import warnings
from pathlib import Path

import jax
import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.cli import _finish as finish_module
from neural_ivp.cli import _fit as fit_module
from neural_ivp.cli import _run as run_module
from neural_ivp.cli._environment import keep_compiled_functions
from neural_ivp.cli._finish import measured, metrics
from neural_ivp.cli._folder import write_text
from neural_ivp.cli._warnings import plain_warnings
from neural_ivp_cli import main

from .helpers import TINY

# A fit that compiles quickly.
LAST_LAYER = 'method.fit=[{name="LastLayer", num_points=200}]'
WARNING = "warning: the initial fit has a held-out relative L2 error of"
FILES = {
    "config.toml",
    "environment.json",
    "figure.png",
    "metrics.json",
    "record.csv",
    "run.log",
    "solution.nivp",
}
METRICS = {
    "problem",
    "result",
    "message",
    "seed",
    "parameters",
    "points",
    "dtype",
    "device",
    "versions",
    "times",
    "relative_l2_error",
    "relative_l2_error_overall",
    "fit",
    "evolution",
    "wall_seconds",
}


def read_json(path: Path) -> dict:
    def refuse(constant: str):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """The folder of one run by default name, made in a folder of its own."""
    root = tmp_path_factory.mktemp("run")
    (root / "tiny.toml").write_text(TINY)
    before = Path.cwd()
    os.chdir(root)
    try:
        assert main(["run", "tiny.toml"]) == 0
    finally:
        os.chdir(before)
    return root / "runs" / "tiny"


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A working folder that holds the tiny config."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path


@pytest.fixture
def undrawn(monkeypatch):
    """Runs without their picture, which is most of the time of a tiny one."""
    monkeypatch.setattr(finish_module, "draw", lambda solution, path: None)


class TestRunFolder:
    def test_files(self, done):
        assert {file.name for file in done.iterdir()} == FILES

    def test_metrics(self, done):
        found = read_json(done / "metrics.json")
        solution = nivp.load(done / "solution.nivp")
        assert found.keys() == METRICS
        assert (found["problem"], found["result"], found["message"]) == ("Heat", "successful", "")
        assert (found["seed"], found["points"], found["dtype"]) == (3, 64, "float64")
        assert found["parameters"] == solution.parameters.shape[1]
        assert found["times"] == [0.0, 0.025, 0.05]
        errors = solution.error()
        np.testing.assert_allclose(found["relative_l2_error"], errors.relative_l2, rtol=1e-12)
        np.testing.assert_allclose(found["relative_l2_error_overall"], errors.overall, rtol=1e-12)
        assert found["fit"].keys() == {"relative_l2_error", "steps"} and found["fit"]["steps"] == 50
        assert found["evolution"].keys() == {
            "accepted_steps",
            "rejected_steps",
            "num_linear_solves",
            "cg_iterations",
            "gram_products",
            "restarts",
        }
        assert found["evolution"]["accepted_steps"] == solution.record["accepted"].sum()
        assert found["wall_seconds"].keys() == {"compile", "fit", "evolve", "total"}
        assert found["versions"]["jax"] == jax.__version__

    def test_fit_alone_is_the_fit_of_the_run(self, done, here, capsys):
        assert main(["fit", "tiny.toml"]) == 0
        streams = capsys.readouterr()
        error = read_json(done / "metrics.json")["fit"]["relative_l2_error"]
        adam, layer, held_out, _, low_discrepancy_points, derivatives = streams.out.splitlines()
        assert adam.startswith("adam: 50 steps") and adam.endswith("all of its steps")
        assert layer.startswith("last layer: 0 steps") and f"of {error:.2e}; kept" in layer
        assert held_out.startswith(f"held-out relative L2 error {error:.2e}")
        message = float(re.search("relative L2 error ([^,]+)", low_discrepancy_points)[1])
        np.testing.assert_allclose(message, error, rtol=0.02)  # other points, three digits
        assert "first derivatives" in derivatives and "second ones" in derivatives
        assert "held-out error" in streams.err and "warning: the initial fit has" in streams.err
        assert main(["fit", "tiny.toml", "--quiet", "--set", "network.widht=3"]) == 2
        assert "widht" in capsys.readouterr().err

    def test_environment(self, done):
        found = read_json(done / "environment.json")
        packages = {"python", "neural_ivp", "jax", "jaxlib", "equinox", "diffrax", "lineax"}
        assert found["versions"].keys() == packages | {"optax", "numpy"}
        assert found["arguments"] == ["run", "tiny.toml"]
        assert (found["dtype"], found["cores"]) == ("float64", os.cpu_count())
        assert {"platform", "device", "git_commit"} <= found.keys()

    def test_log_holds_about_twenty_lines_of_each_phase(self, done):
        lines = (done / "run.log").read_text().splitlines()
        for phase in ("fit", "evolve"):
            assert 1 <= sum(line.startswith(phase) for line in lines) <= 22
        assert "relative L2 error" in lines[-3]
        assert sum(line.startswith(WARNING) for line in lines) == 1

    def test_picture(self, done):
        assert (done / "figure.png").read_bytes().startswith(b"\x89PNG")

    def test_the_resolved_config_is_the_same_run_bit_for_bit(self, done, here, undrawn):
        assert main(["run", str(done / "config.toml"), "--out", "again", "--quiet"]) == 0
        first, second = (nivp.load(folder / "solution.nivp") for folder in (done, here / "again"))
        for name in ("ts", "theta", "left", "right"):
            for a, b in zip(first.segments, second.segments, strict=True):
                np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert (here / "again/config.toml").read_text() == (done / "config.toml").read_text()
        assert tomllib.loads((done / "config.toml").read_text())["seed"] == 3


class TestRun:
    def test_seed_and_set_change_the_run(self, done, here, undrawn, capsys):
        command = ["run", "tiny.toml", "--quiet", "--out"]
        assert main([*command, "same", "--seed", "3"]) == 0
        assert main([*command, "other", "--seed", "4", "--set", "time.num_saves=2"]) == 0
        first, same, other = (
            nivp.load(folder / "solution.nivp") for folder in (done, here / "same", here / "other")
        )
        np.testing.assert_array_equal(first.parameters, same.parameters)
        assert not np.array_equal(first.parameters[0], other.parameters[0])
        assert other.ts.tolist() == [0.0, 0.05]
        assert read_json(here / "other/metrics.json")["seed"] == 4
        captured = capsys.readouterr()
        assert all(line.startswith(WARNING) for line in captured.err.splitlines())
        assert captured.out.count("relative L2 error") == 2

    def test_what_it_prints(self, here, undrawn, capsys):
        changes = ["method.velocity_solver=AutoVelocitySolver", "network.num_frequencies=4"]
        assert main(["run", "tiny.toml", "--set", *changes]) == 0
        captured = capsys.readouterr()
        assert "RidgeDual for 81 parameters, 64 rows, float64: exact" in captured.err
        error = read_json(here / "runs/tiny/metrics.json")["relative_l2_error_overall"]
        assert f"{error:.2e} overall" in captured.out and "at t = 0.05" in captured.out
        assert f"picture: {Path('runs/tiny/figure.png')}" in captured.out
        assert "evolve  100%" in captured.err
        assert captured.err.endswith("computing the errors and the picture\n")

    def test_the_next_free_folder(self, here, undrawn):
        (here / "runs/tiny-2").mkdir(parents=True)
        for expected in ("tiny", "tiny-3"):
            assert main(["run", "tiny.toml", "--quiet"]) == 0
            assert (here / "runs" / expected / "metrics.json").is_file()

    def test_a_failed_solve(self, here, capsys):
        changes = ["method.integrator.max_steps=1", "method.integrator.dt0=1e-3"]
        assert main(["run", "tiny.toml", "--quiet", "--out", "out", "--set", *changes]) == 1
        captured = capsys.readouterr()
        assert "error: the solve ended early" in captured.err and "max_steps" in captured.err
        found = read_json(here / "out/metrics.json")
        solution = nivp.load(here / "out/solution.nivp")
        assert found["result"] == solution.result == "max_steps_reached"
        assert found["message"] == solution.message != ""
        assert found["times"] == solution.ts.tolist() and found["times"][-1] < 0.05
        assert solution(found["times"][-1], np.zeros(1)).shape == (1,)
        assert (here / "out/figure.png").is_file() or "no picture" in captured.out

    @pytest.mark.parametrize(
        ("error", "changes", "code"),
        [
            (ValueError, ["seed=3"], 0),  # a reference that refuses the problem
            (TypeError, ["method.integrator.max_steps=1", "method.integrator.dt0=1e-3"], 1),
        ],
    )
    def test_a_picture_that_cannot_be_drawn(self, here, monkeypatch, capsys, error, changes, code):
        def draw(solution, path):
            raise error("nothing to draw")

        monkeypatch.setattr(finish_module, "draw", draw)
        assert main(["run", "tiny.toml", "--quiet", "--out", "out", "--set", *changes]) == code
        assert "no picture: nothing to draw" in capsys.readouterr().out
        assert {file.name for file in (here / "out").iterdir()} == FILES - {"figure.png"}

    def test_a_full_disk_loses_nothing(self, here, done, undrawn, monkeypatch, capsys):
        """The solution is beside it, and resumed from the checkpoint once there is room."""
        save = nivp.Solution.save

        def full(*arguments):
            raise OSError(28, "No space left on device")

        def save_elsewhere(self, path):
            return full() if Path(path).parent.name == "out" else save(self, path)

        with monkeypatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(here))
            patch.setattr(nivp.Solution, "save", save_elsewhere)
            patch.setattr(finish_module, "write_json", full)
            command = ["run", "tiny.toml", "--quiet", "--out", "out", "--checkpoint-every", "1"]
            assert main(command) == 1
        message = capsys.readouterr()
        assert "relative L2 error" in message.out and "metrics.json could not be" in message.err
        (spare,) = re.findall(r"No space left on device\); it is (.*)", message.err)
        assert "neural-ivp resume out" in message.err
        assert main(["resume", "out", "--quiet"]) == 0
        assert {file.name for file in (here / "out").iterdir()} == FILES - {"figure.png"}
        wanted = nivp.load(done / "solution.nivp").parameters
        for file in (spare, here / "out/solution.nivp"):
            np.testing.assert_array_equal(nivp.load(file).parameters, wanted)

    def test_a_folder_that_cannot_be_written(self, here, monkeypatch, capsys):
        def full(path, text):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(run_module, "write_text", full)
        assert main(["run", "tiny.toml", "--quiet", "--out", "out"]) == 1
        assert "error: a file could not be read or written: [Errno 28]" in capsys.readouterr().err

    def test_ctrl_c(self, here, monkeypatch, capsys):
        def solve(*arguments, **options):
            raise KeyboardInterrupt

        monkeypatch.setattr(run_module, "solve", solve)
        assert main(["run", "tiny.toml", "--out", "out"]) == 130
        assert "interrupted" in capsys.readouterr().err
        assert "KeyboardInterrupt" in (here / "out/run.log").read_text()

    def test_the_precision_of_the_process_is_left_as_it_was(self, here, undrawn):
        command = ["run", "tiny.toml", "--quiet", "--out", "o", "--set", "dtype=float32"]
        assert main([*command, LAST_LAYER]) == 0
        assert jax.config.read("jax_enable_x64")
        assert read_json(here / "o/metrics.json")["dtype"] == "float32"


class TestFit:
    def test_figure_and_warning(self, here, capsys):
        assert main(["fit", "tiny.toml", "--quiet", "--figure", "fit.png"]) == 0
        captured = capsys.readouterr()
        assert (here / "fit.png").read_bytes().startswith(b"\x89PNG")
        assert captured.out.splitlines()[-1] == "picture: fit.png"
        (line,) = captured.err.splitlines()
        assert line.startswith(WARNING) and "FitWarning" not in line
        assert {file.name for file in here.iterdir()} == {"tiny.toml", "fit.png"}

    @pytest.mark.parametrize(("rtol", "bad", "code"), [(1.0, False, 0), (1e-4, True, 1)])
    def test_the_code_is_of_the_error_and_the_warning_of_the_tolerance(
        self, here, monkeypatch, capsys, rtol, bad, code
    ):
        made = nivp.fitting.FitErrors(0.1, np.nan if bad else 0.1, 0.1, 0.1)
        monkeypatch.setattr(fit_module, "fit_errors", lambda *arguments, **options: made)
        changes = [f"method.integrator.rtol={rtol}", LAST_LAYER]
        assert main(["fit", "tiny.toml", "--quiet", "--set", *changes]) == code
        assert capsys.readouterr().err.startswith(WARNING) == (rtol < 1)

    def test_a_figure_in_the_place_of_a_folder(self, here, capsys):
        (here / "taken.png").mkdir()
        assert main(["fit", "tiny.toml", "--figure", "taken.png"]) == 2
        assert "is a folder" in capsys.readouterr().err


def test_a_fit_warning_is_a_line_and_others_stay():
    message = []
    with warnings.catch_warnings(record=True) as kept:
        warnings.simplefilter("always")
        with plain_warnings(message.append):
            for _ in range(2):
                warnings.warn("is bad", nivp.FitWarning, stacklevel=1)
                warnings.warn("of another kind", RuntimeWarning, stacklevel=1)
    assert message == ["warning: is bad"] * 2
    assert [str(entry.message) for entry in kept] == ["of another kind"] * 2


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "the following arguments are required: COMMAND"),
            (["rnu"], "invalid choice: 'rnu'"),
            (["run"], "the following arguments are required: CONFIG"),
            (["run", "tiny.toml", "--seed", "x"], "invalid int value: 'x'"),
            (["run", "tiny.toml", "--sed", "1"], "unrecognized arguments: --sed 1"),
            (["run", "none.toml"], "there is no file 'none.toml'"),
            (["run", "burgers1d"], "no packaged config 'burgers1d'. Did you mean 'burgers_1d'?"),
            (["run", "none.py"], "there is no file 'none.py'"),
            (["run", "tiny.toml", "--set", "nokey"], "section.key=value"),
            (["run", "tiny.toml", "--set", "method.velocity_solver.dampin=1"], "'damping'"),
            (["run", "tiny.toml", "--set", "problem.diffusivity=-1"], "`problem.diffusivity`"),
            (["run", "tiny.toml", "--set", "problem.diffusivity=hot"], "`problem.diffusivity`"),
            (["run", "tiny.toml", "--set", "time.end=-1"], "`time.end`"),
            (["run", "tiny.toml", "--set", "time.saves=[0.02, 0.01]"], "`time.saves`"),
            (["run", "tiny.toml", "--set", "time.saves=[0.9]"], "`time.saves`"),
            (["run", "tiny.toml", "--set", "dtype=double"], "`dtype`"),
            (["run", "tiny.toml", "--seed", "-1"], "`seed`"),
            (["run", "tiny.toml", "--out", "tiny.toml"], "the run folder cannot be made"),
            (["fit", "tiny.toml", "--figure", "no/fit.png"], "there is no folder 'no'"),
            (["fit", "tiny.toml", "--figure", "fit.pdf"], "ends in .png, got 'fit.pdf'"),
            (["fit", "tiny.toml", "--figure", "fit"], "ends in .png, got 'fit'"),
            (["run", "tiny.toml", "--figure", "fit.png"], "unrecognized arguments: --figure"),
            (["plot", "none"], "is not a run folder"),
            (["plot", "."], "is not a run folder"),
        ],
    )
    def test_one_line_and_exit_code_2(self, here, capsys, arguments, message):
        assert main(arguments) == 2
        captured = capsys.readouterr()
        assert captured.err.startswith("error: ") and message in captured.err
        assert "Traceback" not in captured.err and captured.out == ""
        assert not (here / "runs").exists()

    @pytest.mark.parametrize("sign", ["config.toml", "metrics.json"])
    def test_a_folder_that_holds_a_run(self, here, capsys, sign):
        (here / "old").mkdir()
        (here / "old" / sign).write_text("kept")
        assert main(["run", "tiny.toml", "--out", "old"]) == 2
        assert "already holds a run" in capsys.readouterr().err
        assert [file.read_text() for file in (here / "old").iterdir()] == ["kept"]

    def test_help_and_version_are_no_errors(self, capsys):
        assert main(["--help"]) == 0 and main(["run", "--help"]) == 0 and main(["--version"]) == 0
        assert "--set" in capsys.readouterr().out


class TestPlot:
    def test_redraws(self, done, tmp_path, capsys):
        for name in ("config.toml", "solution.nivp"):
            (tmp_path / name).write_bytes((done / name).read_bytes())
        assert main(["plot", str(tmp_path)]) == 0
        assert str(tmp_path / "figure.png") in capsys.readouterr().out
        assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")

    @pytest.mark.parametrize("damage", ["truncated", "foreign", "missing"])
    def test_a_damaged_run(self, done, tmp_path, capsys, damage):
        (tmp_path / "config.toml").write_bytes((done / "config.toml").read_bytes())
        content = (done / "solution.nivp").read_bytes()
        if damage != "missing":
            content = content[:-9] if damage == "truncated" else b"PNG\n"
            (tmp_path / "solution.nivp").write_bytes(content)
        assert main(["plot", str(tmp_path)]) == 2
        assert capsys.readouterr().err.startswith("error: ")
        assert not (tmp_path / "figure.png").exists()


def rows(path: Path) -> dict[str, np.ndarray]:
    """The columns of a CSV file by their names."""
    names, *lines = path.read_text().splitlines()
    values = np.array([line.split(",") for line in lines], float)
    return dict(zip(names.split(","), values.T, strict=True))


class TestEvaluate:
    def test_points_and_times(self, done, here):
        (here / "points.csv").write_text("x0\n0.25\n\n0.1\n")
        command = ["evaluate", str(done), "--points", "points.csv", "--out", "u.csv"]
        assert main([*command, "--times", "0", "0.03", "--reference"]) == 0
        found, solution = rows(here / "u.csv"), nivp.load(done / "solution.nivp")
        assert list(found) == ["t", "x0", "u", "u_reference", "u_error"]
        assert found["t"].tolist() == [0, 0, 0.03, 0.03]
        assert found["x0"].tolist() == [0.25, 0.1] * 2
        points = np.array([[0.25], [0.1]])
        wanted = np.ravel(solution(np.array([0, 0.03]), points))
        np.testing.assert_array_equal(found["u"], wanted)
        exact = [solution.problem.reference(0.0)(t, points) for t in (0.0, 0.03)]
        np.testing.assert_array_equal(found["u_reference"], np.ravel(exact))
        np.testing.assert_array_equal(found["u_error"], wanted - np.ravel(exact))

    def test_a_grid(self, done, here):
        """The same numbers in a CSV and a NetCDF file, at the saved times."""
        xarray = pytest.importorskip("xarray")
        for name in ("u.csv", "u.nc"):
            command = ["evaluate", str(done), "--grid", "x0=0:0.5:5", "--out", name]
            assert main([*command, "--reference"]) == 0
        found = rows(here / "u.csv")
        with xarray.open_dataset(here / "u.nc", engine="h5netcdf") as data:
            assert data["u"].dims == ("t", "x0") and data["u"].shape == (3, 5)
            np.testing.assert_array_equal(data["x0"], np.linspace(0, 0.5, 5))
            for name in ("u", "u_reference", "u_error"):
                np.testing.assert_allclose(
                    np.ravel(data[name]), found[name], rtol=1e-14, atol=1e-15
                )
        assert main(["evaluate", str(done), "--grid", "x0=7", "--out", "u.csv"]) == 0
        assert len(rows(here / "u.csv")["u"]) == 21

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--points", "none.csv"], "`--points`: 'none.csv' does not exist"),
            (["--points", "."], "`--points`: '.' is a directory"),
            (["--points", "text.csv"], "line 2: 'one' is not one number"),
            (["--points", "header.csv"], "has the columns"),
            (["--points", "empty.csv"], "has no points"),
            (["--points", "wide.csv"], "line 1: '0.1,0.2' is not one number"),
            (["--points", "nan.csv"], "`--points`: `x` has 1 of 1 points outside"),
            (["--points", "wide.csv", "--out", "u.nc"], "a .nc file holds a `--grid`"),
            (["--grid", "x=5"], "there is no axis 'x'"),
            (["--grid", "x0=1.5"], "got 'x0=1.5'"),
            (["--grid", "x0=1"], "`--grid`: `x0` must be"),
            (["--grid", "x0=1e9"], "got 'x0=1e9'"),
            (["--grid", "x0=1000000000000"], "`--grid`: a grid of"),
            (["--grid", "x0=5", "x0=6"], "has the axis x0 twice"),
            (["--grid", "x0=5", "--times", "9"], "`--times`: 9.0 lies outside"),
            (["--grid", "x0=5", "--times", "0.02", "0.01"], "`--times` must increase"),
            (["--grid", "x0=5", "--out", "u.txt"], "ends in .csv or .nc"),
            (["--grid", "x0=5", "--out", "no/u.csv"], "there is no folder 'no'"),
            ([], "one of the arguments --points --grid is required"),
        ],
    )
    def test_bad_input(self, done, here, capsys, arguments, message):
        texts = {
            "text": "0.1\none",
            "header": "t,y\n0,1",
            "empty": "",
            "wide": "0.1,0.2",
            "nan": "nan",
        }
        for name, text in texts.items():
            (here / f"{name}.csv").write_text(text)
        assert main(["evaluate", str(done), "--out", "u.csv", *arguments]) == 2
        captured = capsys.readouterr()
        assert captured.err.startswith("error: ") and message in captured.err
        assert captured.err.count("\n") == 1 and not (here / "u.csv").exists()

    def test_netcdf_without_the_extra(self, done, here, monkeypatch, capsys):
        monkeypatch.setitem(sys.modules, "h5netcdf", None)
        assert main(["evaluate", str(done), "--grid", "x0=5", "--out", "u.nc"]) == 2
        message = "error: h5netcdf is not installed: pip install 'neural-ivp[data]'\n"
        assert capsys.readouterr().err == message


class TestAnimate:
    def test_a_gif(self, done, here):
        assert main(["animate", str(done), "--frames", "2", "--out", "u.gif"]) == 0
        assert (here / "u.gif").read_bytes().startswith(b"GIF89a")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--frames", "0"], "`--frames` must be"),
            (["--out", "u.txt"], "`--out`"),
            (["--out", "no/u.gif"], "'no'"),
        ],
    )
    def test_bad_input(self, done, here, capsys, arguments, message):
        assert main(["animate", str(done), *arguments]) == 2
        captured = capsys.readouterr()
        assert captured.err.startswith("error: ") and message in captured.err
        assert captured.err.count("\n") == 1


def test_a_file_is_whole_or_absent(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half of it, then \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


class TestMetrics:
    def test_without_a_reference_and_with_numbers_that_are_not_finite(self, done):
        solution = nivp.load(done / "solution.nivp")
        solution.fits[0]["relative_l2_error"] = float("inf")
        found = metrics(solution, None, seed=1, points=2, device="cpu", versions={})
        assert found.keys() == METRICS
        assert found["relative_l2_error"] is None and found["relative_l2_error_overall"] is None
        assert found["fit"]["relative_l2_error"] is None
        json.dumps(found, allow_nan=False)

    def test_several_components(self, here, undrawn):
        """The wave's velocity vanishes at the start: its relative error is undefined there."""
        changes = ["problem.name=Wave", "problem.dimension=1", "problem.width=0.1"]
        changes += ["network.width=20", "network.num_frequencies=3"]
        changes += ["time.end=0.01", "time.num_saves=2", LAST_LAYER]
        assert main(["run", "tiny.toml", "--quiet", "--out", "o", "--set", *changes]) == 0
        found = read_json(here / "o/metrics.json")
        assert found.keys() == METRICS | {"relative_l2_error_components"}
        rows = found["relative_l2_error_components"]
        assert [len(row) for row in rows] == [2, 2] and rows[0][1] is None
        assert all(np.isfinite(found["relative_l2_error"]))

    def test_a_reference_that_refuses_the_problem(self, done):
        """The sine series of a bump that is not zero on the boundary does not converge."""
        solution = nivp.load(done / "solution.nivp")
        wide = nivp.problems.Wave(1, width=0.5)
        errors, why = measured(dataclasses.replace(solution, problem=wide))
        assert errors is None and "fits into the box" in why
        own = nivp.Problem(
            domain=solution.problem.domain, initial=lambda x: x, rhs=lambda u, t, x: u(x)
        )
        errors, why = measured(dataclasses.replace(solution, problem=own))
        assert errors is None and "no reference is known" in why


def test_compiled_functions_are_kept_in_the_users_cache_folder(monkeypatch, tmp_path):
    before = (
        jax.config.jax_compilation_cache_dir,
        jax.config.jax_persistent_cache_min_compile_time_secs,
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    try:
        jax.config.update("jax_compilation_cache_dir", None)
        keep_compiled_functions()
        assert jax.config.jax_compilation_cache_dir == str(tmp_path / "neural_ivp")
        jax.config.update("jax_compilation_cache_dir", "elsewhere")  # the user's own choice
        keep_compiled_functions()
        assert jax.config.jax_compilation_cache_dir == "elsewhere"
    finally:
        jax.config.update("jax_compilation_cache_dir", before[0])
        jax.config.update("jax_persistent_cache_min_compile_time_secs", before[1])


def test_a_reader_that_leaves_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -m neural_ivp_cli list | head -1; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
    )
    assert done.stderr == "" and done.stdout.endswith("\n0\n")
