"""Runs of a script: the copy in the folder, and what `plot` and `resume` do with it."""

import contextlib

import numpy as np
import pytest

import neural_ivp as nivp
from neural_ivp.cli import _carry_out as carry_out_module
from neural_ivp.cli import _finish as finish_module
from neural_ivp.cli._script import execute
from neural_ivp_cli import main

from .helpers import refused

SCRIPT = """
import jax
import jax.numpy as jnp

import neural_ivp as nivp

problem = nivp.Problem(
    domain=nivp.Torus((1.0,)),
    initial=lambda x: jnp.sin(2 * jnp.pi * x),
    rhs=lambda u, t, x: 0.1 * nivp.laplacian(u)(x),
    reference=lambda t, x: jnp.exp(-0.4 * jnp.pi**2 * t) * jnp.sin(2 * jnp.pi * x),
)
ts = [0, 0.02, 0.05]
seed = 3
network = nivp.FourierSeries(problem.domain, 1, modes=2, key=jax.random.key(0))
method = nivp.NeuralIVP(
    sampler=nivp.Uniform(64),
    velocity_solver=nivp.RidgeCholesky(),
    integrator=nivp.AdaptiveStep(rtol=1e-6),
    fit=(nivp.LastLayer(num_points=200),),
)
if __name__ == "__main__":
    raise SystemExit("run as a program")
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The folder of a run of the script."""
    root = tmp_path_factory.mktemp("script")
    (root / "wave.py").write_text(SCRIPT)
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(root):
        patch.setattr(finish_module, "draw", lambda solution, path: None)
        assert main(["run", "wave.py", "--quiet", "--checkpoint-every", "0"]) == 0
    return root / "runs" / "wave"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with the script; runs without their picture."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(finish_module, "draw", lambda solution, path: None)
    (tmp_path / "wave.py").write_text(SCRIPT)
    return tmp_path


def test_the_folder_holds_a_copy_and_no_config(done):
    assert (done / "script.py").read_text() == SCRIPT
    assert not (done / "config.toml").exists()
    problem = execute(done / "script.py").problem
    solution = nivp.load(done / "solution.nivp", problem=problem)
    assert solution.ts.tolist() == [0, 0.02, 0.05]
    assert solution.error().overall < 1e-4


def test_plot(done):
    assert main(["plot", str(done)]) == 0
    assert (done / "figure.png").read_bytes().startswith(b"\x89PNG")


class Stop:
    """Interrupts at the second step."""

    left = 2

    def __call__(self, made):
        self.left -= made.phase == "evolve"
        if self.left == 0:
            raise KeyboardInterrupt


def test_an_interrupted_run_is_resumed_to_the_same_bits(done, here, monkeypatch, capsys):
    monkeypatch.setattr(carry_out_module, "Lines", lambda write: Stop())
    assert main(["run", "wave.py", "--quiet", "--out", "out"]) == 130
    assert "neural-ivp resume out" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.chdir(here)
    monkeypatch.setattr(finish_module, "draw", lambda solution, path: None)
    edited = SCRIPT.replace("0.1 * nivp", "0.2 * nivp")
    (here / "out/script.py").write_text(edited)
    assert main(["resume", "out", "--quiet"]) == 2
    (here / "out/script.py").write_text(SCRIPT)
    assert main(["resume", "out", "--quiet"]) == 0
    problem = execute(done / "script.py").problem
    first, second = (
        nivp.load(folder / "solution.nivp", problem=problem) for folder in (done, here / "out")
    )
    np.testing.assert_array_equal(first.parameters, second.parameters)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "must define `problem`"),
        ("problem = 1", "must define `ts`"),
        ("problem, ts = 1, [0, 1]", "`problem` must be an AbstractProblem"),
        ("\n\nproblem = nowhere", "line 3: NameError: name 'nowhere' is not defined"),
        ("import sys\nsys.exit(3)", "line 2: SystemExit: 3"),
        ("problem = (", "line 1: '(' was never closed"),
        ("import neural_ivp as nivp\nnivp.Uniform(0)", "line 2: `num_points` must be an integer"),
        (f"{SCRIPT}\nts = ['a']", "`ts` must be"),
        (f"{SCRIPT}\nseed = -1", "`seed` must be an integer between"),
        (f"{SCRIPT}\nrtol = 1e-3", "leave out `rtol` or `method`"),
    ],
)
def test_bad_scripts(tmp_path, text, message):
    (tmp_path / "bad.py").write_text(text)
    with refused() as raised:
        execute(tmp_path / "bad.py")
    assert message in str(raised.value)


@pytest.mark.parametrize("option", [["--seed", "1"], ["--set", "seed=1"]])
def test_a_script_is_changed_in_the_script(here, capsys, option):
    assert main(["run", "wave.py", *option]) == 2
    assert f"`{option[0]}` changes configs" in capsys.readouterr().err
    assert not (here / "runs").exists()


def test_no_other_file_is_executed(here, capsys):
    """Neither a config that is Python, nor a solution."""
    (here / "code.toml").write_text(f"open('executed', 'w')\n{SCRIPT}")
    (here / "run").mkdir()
    (here / "run/config.toml").write_text("open('executed', 'w')")
    (here / "run/solution.nivp").write_text("open('executed', 'w')")
    for command in (["run", "code.toml"], ["plot", "run"], ["resume", "run"]):
        assert main(command) == 2
    assert not (here / "executed").exists()
    assert all(line.startswith("error: ") for line in capsys.readouterr().err.splitlines())
