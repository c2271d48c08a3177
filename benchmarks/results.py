"""RESULTS.md and the tables of the documentation, from benchmarks/results/*.jsonl.

    .venv/bin/python benchmarks/results.py

The scripts of this folder write such files (`--json`); one that is to stay is copied to
benchmarks/results/DATE_NAME.jsonl and committed. Each file becomes a section, the newest first.
"""

import json
from pathlib import Path

from page_tables import fill_pages
from records import by_kind, columns, shown

FOLDER = Path(__file__).resolve().parent
HEAD = """\
# Measurements

Generated from `benchmarks/results/*.jsonl` by `make results` (`benchmarks/results.py`): edit those
files, not this one. Every section says by which command, on which machine and at which commit its
numbers were measured.
"""


def main() -> None:
    files = sorted((FOLDER / "results").glob("*.jsonl"), reverse=True)
    text = "\n".join([HEAD, *(section(path) for path in files)])
    (FOLDER / "RESULTS.md").write_text(text, encoding="utf-8")
    fill_pages()


def section(path: Path) -> str:
    """The section of one file: where its numbers come from, and a table of each kind of row."""
    lines = path.read_text(encoding="utf-8").splitlines()
    source, *rows = (json.loads(line) for line in lines if line.strip())
    if source["bench"] != "provenance":
        raise SystemExit(f"{path}: the first line must be the provenance")
    parts = [f"## {path.stem}\n", origin(source)]
    captions = source.get("captions", {})
    for kind, own in by_kind(rows).items():
        parts += [f"### {kind}\n"]
        if captions.get(kind):
            parts += [f"{captions[kind]}\n"]
        parts += [table(own)]
    return "\n".join(parts)


def origin(source: dict) -> str:
    """Command, machine, commit and date, as far as they are known."""
    versions = ", ".join(f"{name} {value}" for name, value in source.get("versions", {}).items())
    known = {
        "Command": f"`{source['command']}`",
        "Machine": machine(source["machine"]),
        "Commit": f"{source['commit']}, {source['date']}",
        "Software": versions,
        "Precision": source.get("dtype"),
        "Device": source.get("device"),
        "Note": source.get("note"),
    }
    return "".join(f"- {name}: {value}\n" for name, value in known.items() if value)


def machine(value: str | dict) -> str:
    if isinstance(value, str):
        return value
    parts = [value["processor"], f"{value['cores']} cores", f"{value['memory_gib']} GiB"]
    return ", ".join([*parts, *filter(None, [value.get("accelerator")])])


def table(rows: list[dict]) -> str:
    """Aligned markdown: numbers to the right, everything else to the left."""
    names = columns(rows)
    cells = [[shown(row.get(name)).replace("|", "\\|") for name in names] for row in rows]
    right = [all(isinstance(row.get(n), int | float | None) for row in rows) for n in names]
    widths = [max(len(line[k]) for line in [names, *cells]) for k in range(len(names))]

    def line(entries: list[str]) -> str:
        padded = (
            entry.rjust(width) if aligned else entry.ljust(width)
            for entry, width, aligned in zip(entries, widths, right, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    rule = (
        "-" * (width + 1) + ":" if aligned else "-" * (width + 2)
        for width, aligned in zip(widths, right, strict=True)
    )
    return "\n".join([line(names), f"|{'|'.join(rule)}|", *map(line, cells)]) + "\n"


if __name__ == "__main__":
    main()
