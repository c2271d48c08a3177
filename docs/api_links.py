"""Links from public names in code, as `nivp.Box` in a page and `Box` in a docstring, to the
reference. An extension of griffe, which reads the docstrings."""

import ast
import re
from pathlib import Path

import griffe

SOURCE = Path(__file__).resolve().parents[1] / "neural_ivp/__init__.py"


def public_names() -> set[str]:
    """`neural_ivp.__all__`, read without importing it."""
    for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    raise SystemExit(f"{SOURCE} has no __all__")


NAMES = public_names() - {"problems", "references", "trials"}  # modules have no entry
# A link or a heading, which stay as they are, or a name with or without arguments.
SPAN = re.compile(
    # Without the module it must be a class, since `fit` is an argument too.
    r"\[[^\]]*\]\([^)]*\)|^#.*$|`((?:nivp\.|(?=[A-Z]))(\w+)(?:\([^`\n]*\))?)`",
    re.MULTILINE,
)


def linked(text: str, own: str = "") -> str:
    """Markdown in which public names but `own` link to their entry in the reference."""

    def link(found: re.Match) -> str:
        if found[2] not in NAMES or found[2] == own:
            return found[0]
        entry = "solve.solve" if found[2] == "solve" else found[2]  # a module has that name too
        return f"[`{found[1]}`][neural_ivp.{entry}]"

    return SPAN.sub(link, text)


class ApiLinks(griffe.Extension):
    """Links in docstrings, and the arguments of classes that equinox gives a constructor."""

    def on_object(self, *, obj: griffe.Object, **kwargs: object) -> None:
        if obj.docstring:
            parts = re.split(r"(```.*?```)", obj.docstring.value, flags=re.DOTALL)
            parts[::2] = [linked(part, obj.name) for part in parts[::2]]
            obj.docstring.value = "".join(parts)

    def on_class(self, *, cls: griffe.Class, **kwargs: object) -> None:
        fields = {
            name: field
            for name, field in cls.attributes.items()
            if field.annotation and "ClassVar" not in str(field.annotation)
        }
        own = "__init__" in cls.members or not fields or cls.name.startswith("Abstract")
        if own:
            return
        parameters = [griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)]
        for name, field in fields.items():
            value = str(field.value or "")
            default = re.fullmatch(r"eqx\.field\((?:.*\bdefault=(.+)|.*)\)", value)
            shown = default[1] if default else value
            kind = griffe.ParameterKind.positional_or_keyword
            parameters.append(
                griffe.Parameter(
                    name, annotation=field.annotation, kind=kind, default=shown or None
                )
            )
        arguments = griffe.Parameters(*parameters)
        cls.set_member("__init__", griffe.Function("__init__", parameters=arguments))
