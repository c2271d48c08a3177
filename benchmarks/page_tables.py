"""Medians over seeds in the pages of the documentation, from benchmarks/results/*.jsonl.

A page names what it shows in a comment, and this writes the table between it and the next one:

    <!-- zoo: wave_string wave_2d -->
    <!-- end -->

The kinds are `zoo` and `density`, of the default method, and `methods`: all methods of `zoo` where
others than the default were measured. Of several files with a problem and tolerance the newest
counts.
"""

import json
import re
from pathlib import Path
from statistics import median

FOLDER = Path(__file__).resolve().parent
DOCS = FOLDER.parent / "docs"
BLOCK = re.compile(r"(<!-- (zoo|methods|density): ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
METHODS = {"tsit5", "dopri8", "rodas4", "subset"}  # of `zoo.py`, to compare the default with
# Columns of a page: the heading, and the entry of a row.
COLUMNS = {
    "zoo": {"relative L2 error": "overall", "largest later": "largest", "drift": "drift"},
    "methods": {"relative L2 error": "overall", "largest later": "largest"},
    "density": {"sd of log u": "sd", "total variation": "tv", "entropy error": "entropy_error"},
}


def fill_pages() -> None:
    """Write the tables of all pages."""
    rows = newest_rows()
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        filled = BLOCK.sub(
            lambda found: found[1] + table(rows, *found.group(2, 3)) + found[4], text
        )
        path.write_text(filled, encoding="utf-8")


def newest_rows() -> dict[tuple, list[dict]]:
    """Rows by kind, problem and tolerance, of the newest file with any.

    Those of `methods` have a problem and its method, "heat_2d, rodas4".
    """
    found: dict[tuple, list[dict]] = {}
    for path in sorted((FOLDER / "results").glob("*.jsonl"), reverse=True):
        source, *rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        if source.get("dtype") == "float32":
            continue
        compared = {row.get("problem") for row in rows if row.get("method") in METHODS}
        own: dict[tuple, list[dict]] = {}
        for row in rows:
            kind, problem, method = row["bench"], row.get("problem"), row.get("method", "default")
            names = [(kind, problem)] if kind in COLUMNS and method == "default" else []
            if kind == "zoo" and problem in compared:
                names.append(("methods", f"{problem}, {method}"))
            for name in names:
                own.setdefault((*name, row.get("rtol")), []).append(
                    row | {"commit": source["commit"]}
                )
        found = own | found
    return found


def table(found: dict[tuple, list[dict]], kind: str, problems: str) -> str:
    wanted = COLUMNS[kind]
    lines = ["| problem | rtol | seeds | " + " | ".join(wanted) + " | CPU s | rejected | commit |"]
    lines.append("|---|" + "--:|" * (len(wanted) + 4) + "---|")
    for problem in problems.split():
        for (bench, name, rtol), rows in sorted(found.items(), key=lambda item: -(item[0][2] or 0)):
            if bench == kind and name.split(",")[0] == problem:
                lines.append(_line(name, rtol, rows, list(wanted.values())))
    return "\n".join(lines) + "\n"


def _line(problem: str, rtol: float | None, rows: list[dict], wanted: list[str]) -> str:
    done = [row for row in rows if row["result"] == "successful"]
    name = problem if len(done) == len(rows) else f"{problem} ({len(done)} of {len(rows)} ended)"
    medians = [_median([row.get(key) for row in done]) for key in wanted]
    attempts = sum(row["steps"] + row["rejected"] for row in rows) or 1
    share = sum(row["rejected"] for row in rows) / attempts
    seconds = median(row["cpu_seconds"] for row in rows)
    tolerance = "default" if rtol is None else f"{rtol:g}"
    numbers = [tolerance, str(len(rows)), *medians, f"{seconds:.0f}", f"{share:.0%}"]
    return f"| {' | '.join([name, *numbers, rows[0]['commit'][:7]])} |"


def _median(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{median(known):.1e}" if known else "-"


if __name__ == "__main__":
    fill_pages()
