"""`list`, `describe`, `init`, `completion` and packaged configs: names without a solve."""

import re
import subprocess
import sys
import tomllib

import pytest

import neural_ivp as nivp
from neural_ivp.catalogue import registered
from neural_ivp.cli import names
from neural_ivp.cli._docstrings import argument_texts, summary_line
from neural_ivp.cli._places import EXAMPLES, example_section, example_table, options_of, place_of
from neural_ivp.config import config_path, make_config, packaged_configs, read_table
from neural_ivp.config._parts import build_part
from neural_ivp_cli import main

from .helpers import TINY

NAMES = names()
OWN = [n for n in NAMES["classes"] if registered(n).__module__.startswith("neural_ivp.")]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working folder outside of the repository."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_list_names_the_catalogue_and_the_packaged_configs(capsys):
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    for name in ("Heat", "Wave", "Box", "SinusoidalMLP", "Uniform", "RidgeCG", "Nystrom", "Tsit5"):
        assert f"\n  {name} " in printed
    for name, path in packaged_configs().items():
        comment = path.read_text().splitlines()[0].removeprefix("#").strip()
        assert re.search(rf"^  {name} +{re.escape(comment)}$", printed, flags=re.MULTILINE)
    assert "\\" not in printed and "$" not in printed


class TestDescribe:
    @pytest.mark.parametrize("name", OWN)
    def test_it_has_every_argument_and_no_tex(self, name, capsys):
        assert main(["describe", name]) == 0
        printed = capsys.readouterr().out
        text = " ".join(printed.split())
        assert f"{name}: {summary_line(registered(name))[:40]}" in text
        texts = argument_texts(registered(name))
        for argument in options_of(registered(name)):
            assert texts.get(argument), f"{argument} is not explained"
            assert re.search(rf"^  {argument}( =|:| \(required)", printed, flags=re.MULTILINE)
        assert "\\" not in printed and "$" not in printed

    @pytest.mark.parametrize("name", [name for name in OWN if place_of(registered(name))])
    def test_the_example_is_valid(self, name):
        """The section is TOML, and its table makes an object of the class."""
        cls = registered(name)
        section = tomllib.loads("\n".join(example_section(cls)))
        for key in place_of(cls).strip("[]").split("."):
            section = section[key]
        section = section[0] if isinstance(section, list) else section
        assert section == example_table(cls)
        if not issubclass(cls, nivp.networks.AbstractNetwork):
            assert type(build_part(section, cls, "part")) is cls

    @pytest.mark.parametrize("name", ["Euler", "Nystrom", "Rodas4", "GaussNewton"])
    def test_the_example_stands_in_a_config(self, name):
        table = tomllib.loads("\n".join(example_section(registered(name))))
        heat = tomllib.loads(TINY)
        for key, value in table["method"].items():
            heat["method"][key] = value
        if name == "Rodas4":
            heat["method"]["velocity_solver"] = "LandmarkSubspace"
        make_config(heat)

    def test_a_config(self, capsys):
        assert main(["describe", "burgers_sine__sharp"]) == 0
        printed = capsys.readouterr().out
        assert "a shock three" in printed and 'name = "BurgersSine"' in printed
        assert "neural-ivp run burgers_sine__sharp" in printed
        # An empty line of the first comment stays one.
        assert main(["describe", "advection_2d__paper"]) == 0
        assert "`advection_2d`.\n\nFrom the README's command" in capsys.readouterr().out

    def test_unknown_names(self, capsys):
        assert main(["describe", "Burgrs"]) == 2
        assert "Did you mean 'Burgers'?" in capsys.readouterr().err
        assert main(["describe", "none.toml"]) == 2
        assert main(["describe", "qwertz"]) == 2
        assert "Did you mean" not in capsys.readouterr().err

    @pytest.mark.parametrize("command", ["describe", "init"])
    def test_scripts_are_for_run(self, command, capsys):
        assert main([command, "my_equation.py"]) == 2
        assert "`neural-ivp run my_equation.py`" in capsys.readouterr().err

    @pytest.mark.parametrize("name", sorted(set(nivp.__all__) - set(NAMES["classes"])))
    def test_names_of_python(self, name, capsys):
        assert main(["describe", name]) == 0
        printed = capsys.readouterr().out
        assert printed.startswith(f"{name}: ") and f"help(neural_ivp.{name})" in printed
        assert "\\" not in printed and "$" not in printed


def leaves(table):
    """The numbers and words of nested tables and lists, in their order."""
    inner = table.values() if isinstance(table, dict) else table
    for entry in inner:
        yield from leaves(entry) if isinstance(entry, dict | list) else (entry,)


class TestInit:
    @pytest.mark.parametrize("name", ["allen_cahn_1d", "HarmonicTrap"])
    def test_it_is_the_run_of_the_packaged_config(self, name, elsewhere, capsys):
        assert main(["init", name, "--out", "mine.toml"]) == 0
        assert capsys.readouterr().out.endswith("neural-ivp run mine.toml\n")
        stem = "fokker_planck_2d" if name == "HarmonicTrap" else name
        wanted = make_config(read_table(config_path(stem))).resolved
        assert make_config(read_table("mine.toml")).resolved == wanted
        # With every default in effect it is still the same run.
        text = re.sub(
            r"^# (?=\w+ = |    \{|\])", "", (elsewhere / "mine.toml").read_text(), flags=re.M
        )
        assert len(tomllib.loads(text)["method"]) > 4
        found = list(leaves(make_config(tomllib.loads(text)).resolved))
        assert found == [
            w if isinstance(w, str | bool) else pytest.approx(w) for w in leaves(wanted)
        ]

    def test_it_never_overwrites(self, elsewhere, capsys):
        (elsewhere / "Heat.toml").write_text("mine")
        assert main(["init", "Heat"]) == 2
        assert "exists already" in capsys.readouterr().err
        assert (elsewhere / "Heat.toml").read_text() == "mine"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["Heta"], "Did you mean 'Heat'?"),
            (["RidgeCG"], "no problem and no packaged config"),
            (["Heat", "--out", "heat.txt"], "ends in .toml"),
            (["Heat", "--out", "no/heat.toml"], "there is no folder 'no'"),
        ],
    )
    def test_bad_input(self, elsewhere, capsys, arguments, message):
        assert main(["init", *arguments]) == 2
        streams = capsys.readouterr()
        assert streams.err.startswith("error: ") and message in streams.err
        assert not list(elsewhere.iterdir())


class TestPackagedConfigs:
    def test_a_file_comes_before_a_packaged_config(self, elsewhere):
        assert config_path("heat_2d") == packaged_configs()["heat_2d"]
        (elsewhere / "heat_2d").write_text("")
        assert str(config_path("heat_2d")) == "heat_2d"

    def test_its_name_with_a_suffix(self, capsys):
        for command in ("run", "describe"):
            assert main([command, "heat_2d.toml"]) == 2
            assert "the packaged config is 'heat_2d'" in capsys.readouterr().err

    def test_a_folder_of_that_name_does_not(self, elsewhere):
        (elsewhere / "heat_2d").mkdir()
        assert config_path("heat_2d") == packaged_configs()["heat_2d"]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_commands_and_names(shell, elsewhere, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert (
        "burgers_1d" in script and "LandmarkSubspace" in script and "--checkpoint-every" in script
    )
    if shell == "bash":
        (elsewhere / "script").write_text(script)
        words = "COMP_WORDS=(neural-ivp run burgers_s); COMP_CWORD=2"
        call = "_shtab_neural_ivp neural-ivp burgers_s; echo ${COMPREPLY[@]}"
        done = subprocess.run(
            ["bash", "-c", f"source ./script; {words}; {call}"], capture_output=True, text=True
        )
        assert done.stdout.split() == ["burgers_sine", "burgers_sine__sharp"]


def test_every_example_value_is_used():
    used = {name for n in OWN for name in options_of(registered(n))}
    assert set(EXAMPLES) <= used


def test_the_import_leaves_to_their_users_what_takes_long():
    """Parts of scipy, drawing, tables and displays are imported where they are used."""
    late = ("scipy.linalg", "scipy.interpolate", "scipy.stats", "scipy.integrate", "matplotlib")
    late += ("xarray", "h5netcdf", "rich", "IPython", "PIL")
    code = f"import sys, neural_ivp; print([m for m in {late!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert nivp.references.__name__ == "neural_ivp.references"
