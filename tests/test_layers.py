"""Arrows between rooms only point down and chains are short; what stands apart does so."""

import ast
import functools
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "neural_ivp"
# From the bottom up; a room sees those above it in this list and itself.
ROOMS = [
    {"types", "errors", "extras", "precision", "devices", "display"},
    {"progress", "files", "memory", "calculus", "domains", "references"},
    {"data", "boundary", "densities"},
    {"samplers", "networks", "problems", "plotting"},
    {"trials"},
    {"linear.numerics"},
    {"linear.linearisation"},
    {"linear.preconditioners"},
    {"linear.solvers"},
    {"linear"},
    {"fitting"},
    {"evolution.schemes", "evolution.restart"},
    {"evolution"},
    {"diagnostics", "catalogue", "defaults"},
    {"solution"},
    {"solve", "config"},
    {"cli"},
    {""},  # the top level
]
LEVEL = {name: level for level, names in enumerate(ROOMS) for name in names}
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix("__init__").strip("."): path
    for path in sorted(ROOT.rglob("*.py"))
}
MOST_LINES, LONGEST_FUNCTION, DEEPEST = 250, 60, 21


def room_of(module):
    parts = module.split(".")
    inner = ".".join(parts[:2])
    return inner if inner in LEVEL else parts[0]


def imports(module, *, everywhere):
    """Modules of the library that a module imports, also inside functions with `everywhere`."""
    path = FILES[module]
    tree = ast.parse(path.read_text())
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    package = [part for part in package if part]
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            assert not [a for a in node.names if a.name.startswith("neural_ivp")], (
                "relative, please"
            )
        if not isinstance(node, ast.ImportFrom):
            continue
        assert node.level or not (node.module or "").startswith("neural_ivp"), "relative, please"
        if node.level == 0:
            continue
        base = package[: len(package) - node.level + 1]
        target = ".".join([*base, *((node.module or "").split(".") if node.module else [])])
        for alias in node.names:
            inner = f"{target}.{alias.name}".strip(".")
            yield inner if inner in FILES else target


@pytest.mark.parametrize("module", FILES)
def test_imports_point_down(module):
    here = room_of(module)
    for other in imports(module, everywhere=True):
        there = room_of(other)
        inside = there == here or there.startswith(f"{here}.") or here == ""
        assert inside or LEVEL[there] < LEVEL[here], f"{module} imports {other} from above"
        private = other.removeprefix(f"{there}.").startswith("_") and there != here
        assert not private, f"{module} imports the private {other}"
        assert {here, there} != {"networks", "problems"}


def test_no_private_name_is_imported_by_another_room():
    for module, path in FILES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level > 1:
                assert not [a.name for a in node.names if a.name.startswith("_")], module


def test_there_is_no_circle_and_no_long_chain():
    """The longest chain of files that import one another, `__init__` and `__main__` not counted."""

    @functools.cache
    def depth(module):
        assert module not in on_the_way, f"a circle through {module}"
        on_the_way.append(module)
        below = max((depth(other) for other in set(imports(module, everywhere=False))), default=0)
        on_the_way.pop()
        return below + (FILES[module].name not in ("__init__.py", "__main__.py"))

    on_the_way: list[str] = []
    assert max(depth(module) for module in FILES) <= DEEPEST


@pytest.mark.parametrize("module", FILES)
def test_files_and_functions_are_short(module):
    text = FILES[module].read_text()
    assert text.count("\n") <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= LONGEST_FUNCTION, node.name


def packages(path):
    """Top-level packages outside of the library that a file imports when it runs."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)


@pytest.mark.parametrize("module", FILES)
def test_what_stands_apart(module):
    """Oracles from JAX, pictures from the rest, and the library from JAX's configuration."""
    path, room = FILES[module], room_of(module)
    used = set(packages(path))
    assert "pickle" not in used
    if room == "references":
        assert "jax" not in used
    if room != "plotting":
        assert "matplotlib" not in used
    if room != "cli":
        shown = re.sub(r"jax\.config\.update\(.jax_enable_x64", "", path.read_text())
        assert "jax.config" not in shown


def test_the_parser_of_the_command_line_imports_nothing_slow():
    """At the top of its modules, `neural_ivp_cli` imports the standard library and itself."""
    for path in sorted((ROOT.parent / "neural_ivp_cli").glob("*.py")):
        tree = ast.parse(path.read_text())
        assert path.read_text().count("\n") <= MOST_LINES
        for node in tree.body:
            if isinstance(node, ast.Import):
                used = {alias.name.split(".")[0] for alias in node.names}
                assert used <= sys.stdlib_module_names
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                assert node.module.split(".")[0] in sys.stdlib_module_names
