"""Reports of a solve and the displays of them: bars, a text in a notebook, plain lines."""

import io
import sys
import types

import pytest
from rich.console import Console

import neural_ivp as nivp
from neural_ivp.progress import Bars, Lines, Notebook, Progress, _display, displayed, no_progress

from .helpers import KEY, TORUS, refused

PROBLEM = nivp.problems.Heat(domain=TORUS, diffusivity=0.5)
NETWORK = nivp.default_network(PROBLEM, width=6, depth=1, num_frequencies=1, key=KEY)
STAGES = (nivp.LastLayer(num_points=60),)


def reports(phase: str, count: int, t: float = 0.0, compiling: bool = True):
    numbers = {"step": 1, "error": 0.1, "dt": 0.1, "iterations": 3, "residual": 0.01}
    first = [Progress(phase, 0.0, t, stage="compiling")] if compiling else []
    steps = ({"steps": k, "attempts": k + 1} for k in range(1, count + 1))
    return first + [Progress(phase, k["steps"] / count, t, numbers | k) for k in steps]


class Seconds:
    """A clock that advances by `tick` whenever it is read."""

    def __init__(self, tick: float):
        self.now, self.tick = 0.0, tick

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


def solve(restart=None, **options):
    method = nivp.NeuralIVP(
        sampler=nivp.Uniform(40),
        velocity_solver=nivp.RidgeCholesky(),
        integrator=nivp.AdaptiveStep(rtol=1e-2),
        fit=STAGES,
        restart=restart,
        refit=nivp.Refit(stages=STAGES),
    )
    return nivp.solve(PROBLEM, NETWORK, method, ts=[0.0, 0.01], key=KEY, **options)


@pytest.fixture(scope="module")
def told():
    """All reports of a solve."""
    found = []
    solve(progress=found.append)
    return found


class TestReports:
    def test_each_phase_says_first_that_it_compiles(self, told):
        for phase in ("fit", "evolve"):
            first, *rest = [report for report in told if report.phase == phase]
            assert first.compiling and first.fraction == 0 and first.record is None
            assert rest and not any(report.compiling for report in rest)
        assert told[-1].fraction == 1

    def test_it_is_one_short_line(self, told):
        for report in told:
            for text in (str(report), repr(report)):
                assert "\n" not in text and len(text) < 100
        assert "compiling" in str(told[0]) and "residual" in str(told[-1])

    def test_a_refit_compiles_and_the_steps_after_it_do_not(self):
        found = []
        solve(progress=found.append, restart=nivp.PeriodicRestart(0.005))
        phases = [report.phase for report in found if report.compiling]
        assert phases == ["fit", "evolve", "refit"]


class TestLines:
    def test_they_are_few_and_say_what_is_left(self):
        ticks, lines = iter(range(10_000)), []
        show = Lines(lines.append, clock=lambda: float(next(ticks)))
        for made in reports("fit", 20) + reports("evolve", 1000):
            show(made)
        fit, evolve = ([x for x in lines if x.startswith(phase)] for phase in ("fit", "evolve"))
        assert 15 <= len(fit) <= 22 and 15 <= len(evolve) <= 22
        assert "compiling" in fit[0] and "compiling" in evolve[0]
        assert "CG iterations 3" in evolve[1] and "residual 1.0e-02" in evolve[1]
        halfway = next(line for line in evolve if " 50%" in line)
        assert "about 500 s left" in halfway
        assert "left" not in evolve[-1]

    def test_each_refit_has_lines_of_its_own(self):
        lines = []
        show = Lines(lines.append)
        for made in reports("refit", 20, t=0.1) + reports("refit", 20, t=0.2):
            show(made)
        assert sum("t = 0.1 " in line for line in lines) == 6
        assert sum("t = 0.2 " in line for line in lines) == 6

    def test_a_compilation_on_the_way_is_not_in_the_time_left(self):
        clock, lines = Seconds(0.0), []
        show = Lines(lines.append, clock=clock)
        for made in reports("evolve", 10)[:6]:
            clock.now += 1
            show(made)
        show(Progress("evolve", 0.5, 0.5, stage="compiling"))
        clock.now += 100
        for made in reports("evolve", 10, compiling=False)[5:]:
            show(made)
            clock.now += 1
        assert "about 3 s left" in next(line for line in lines if " 70%" in line)


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (reports("fit", 2)[:1], ""),
        (reports("fit", 2), "fit to a held-out error of 1.00e-01, 2.0 s"),
        (reports("fit", 2) + reports("evolve", 1)[:1], "fit to a held-out error of 1.00e-01, "),
        (reports("evolve", 9, t=0.25) + reports("refit", 1), "t = 0.25 reached in 9 steps (1 rej"),
    ],
)
def test_it_ends_with_what_was_reached(made, wanted):
    clock, lines = Seconds(0.0), []
    with pytest.raises(KeyboardInterrupt), Lines(lines.append, clock) as show:
        for report in made:
            show(report)
        clock.now, count = 2.0, len(lines)
        raise KeyboardInterrupt
    assert "".join(lines[count:]).startswith(wanted) and len(lines) - count == bool(wanted)


def test_bars():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    with pytest.raises(RuntimeError), Bars(console) as show:
        for made in reports("fit", 2) + reports("fit", 2) + reports("evolve", 3, t=0.25)[:3]:
            show(made)
            show.bars.refresh()
        raise RuntimeError
    shown = screen.getvalue()
    assert "compiling ..." in shown and "held-out error 1.00e-01" in shown and "100%" in shown
    last = shown.splitlines()[-1]
    assert "t = 0.25 reached in 2 steps" in last and "\x1b[?25h" in shown  # the cursor is back


class Cell:
    """Stands for a cell of a notebook: what IPython's `display` shows there."""

    def __init__(self):
        self.texts = []

    def display(self, content, raw, display_id=None):
        self.texts.append(content["text/plain"])
        return types.SimpleNamespace(update=self.display)


def test_notebook(monkeypatch):
    cell, clock = Cell(), Seconds(0.0)
    module = types.SimpleNamespace(display=cell.display)
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    with Notebook(clock) as show:
        for made in reports("fit", 20) + reports("evolve", 1000):
            clock.now += 0.1
            show(made)
    assert 90 <= len(cell.texts) <= 110  # of 102 seconds
    assert "compiling" in cell.texts[0]
    fit, evolve = cell.texts[-2].splitlines()
    assert fit.startswith("fit     100%") and evolve.startswith("evolve")
    assert cell.texts[-1].startswith("t = 0 reached in 1000 steps")


class TestArgument:
    def test_nothing_is_shown_where_nobody_looks(self, capsys):
        with displayed(None) as show, displayed(False) as never:
            assert show is never is no_progress
        solve()
        assert capsys.readouterr() == ("", "")

    def test_a_function_is_called_itself(self):
        with displayed(print) as show:
            assert show is print

    def test_true_shows_lines_anywhere(self, capsys):
        solve(progress=True)
        out, err = capsys.readouterr()
        assert out == "" and "fit       0%  compiling" in err
        assert err.splitlines()[-1].startswith("t = 0.01 reached in ")

    @pytest.mark.parametrize(("notebook", "kind"), [(True, Notebook), (False, Bars)])
    @pytest.mark.parametrize("progress", [None, True])
    def test_a_terminal_and_a_notebook_have_a_display(self, monkeypatch, notebook, kind, progress):
        monkeypatch.setattr(_display, "is_terminal", lambda: True)
        monkeypatch.setattr(_display, "_is_notebook", lambda: notebook)
        with displayed(progress) as show:
            assert isinstance(show, kind)
        with displayed(False) as show:
            assert show is no_progress

    @pytest.mark.parametrize("progress", ["on", 1, 0.5, []])
    def test_bad_values(self, progress):
        with refused("`progress` must be True, False, None"):
            solve(progress=progress)
        with refused("`progress` must be True, False, None"):
            nivp.resume("none.nivp", progress=progress)
