"""Arrows of imports only point down, and the library leaves JAX's configuration alone."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "neural_ivp"
LAYERS = [
    {"_types", "_errors"},
    {"calculus", "domains"},
    {"targets"},
    {"samplers", "networks", "problems", "references"},
    {"linear"},
    {"fitting", "evolution"},
    # plotting stands beside the solution, whose `plot` method calls it
    {"solution", "plotting"},
    {"solve"},
    {"config", "cli"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def imported_parts(path):
    """Names of the parts of the library that a file imports, also inside functions."""
    part = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 2:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 1 and part in ("_types", "_errors"):
            yield (node.module or "").split(".")[0]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("neural_ivp."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("neural_ivp."):
                    yield alias.name.split(".")[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    part = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for other in imported_parts(path):
        assert LEVEL[other] <= LEVEL[part], f"{part} imports {other} from above"
        assert (
            other == part or LEVEL[other] < LEVEL[part] or part in LAYERS[5] | LAYERS[6] | {"cli"}
        )
    if part in ("networks", "problems"):
        assert not {"networks", "problems"} - {part} & set(imported_parts(path))


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_references_and_pictures_stand_apart(path):
    part = path.relative_to(ROOT).parts[0]
    modules = {name.split(".")[0] for name in imports(path)}
    if part == "references":
        assert "jax" not in modules
    if part != "plotting" and "TYPE_CHECKING" not in path.read_text():
        assert "matplotlib" not in modules
    if part != "cli":
        assert "jax.config" not in path.read_text().replace('jax.config.update("jax_enable', "")
    assert "pickle" not in modules
