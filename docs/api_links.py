"""Links from public names in code, as `nivp.Box` in a page and `Box` in a docstring, to the
reference. An extension of griffe, which reads the docstrings."""

import re
from pathlib import Path

import griffe

PAGES = sorted(Path(__file__).resolve().parent.glob("api/*.md"))
# The entries of the reference, without "neural_ivp.".
ENTRIES = {
    entry
    for page in PAGES
    for entry in re.findall(r"^::: neural_ivp\.(\S+)", page.read_text(), flags=re.MULTILINE)
}
SPAN = re.compile(
    # A link or a heading, which stay as they are, or a name, with or without arguments. Without a
    # module it must be a class, since `fit` is an argument too.
    r"\[[^\]]*\]\([^)]*\)|^#.*$"
    r"|`((?:nivp\.|neural_ivp\.|(?=[A-Z]))([\w.]+)(?:\([^`\n]*\))?)`",
    re.MULTILINE,
)


def linked(text: str, own: str = "") -> str:
    """Markdown in which public names but `own` link to their entry in the reference."""

    def link(found: re.Match) -> str:
        entry = "solve.solve" if found[2] == "solve" else found[2]  # a module has that name too
        if entry not in ENTRIES or entry == own:
            return found[0]
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
