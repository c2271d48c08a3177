"""Run the examples and write them as pages into docs/examples: `make examples`.

    .venv/bin/python docs/render_examples.py [NAME ...]

Each script of examples/, all if no name is given, is executed as a notebook in a temporary folder.
Its page has the text, the code, what was printed, and the pictures. The first line of the page has
the checksum of the script, by which `tests/test_examples.py` knows that the page is current.
"""

import hashlib
import io
import re
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES, PAGES = ROOT / "examples", ROOT / "docs" / "examples"
SECONDS = 3_600  # at most, for a cell


def stamp(name: str) -> str:
    """The first line of the page of a script."""
    checksum = hashlib.sha256((EXAMPLES / f"{name}.py").read_bytes()).hexdigest()
    return f"<!-- From examples/{name}.py by `make examples`; SHA-256 {checksum} -->"


def render(name: str) -> None:
    """Execute a script and write its page and pictures."""
    import jupytext
    from nbclient import NotebookClient
    from nbconvert import MarkdownExporter

    notebook = jupytext.read(EXAMPLES / f"{name}.py", fmt="py:percent")
    with tempfile.TemporaryDirectory() as folder:
        place = {"metadata": {"path": folder}}
        options = {"timeout": SECONDS, "kernel_name": "python3", "coalesce_streams": True}
        NotebookClient(notebook, resources=place, **options).execute()
        for cell in notebook.cells:
            cell.outputs = [output for output in cell.get("outputs", []) if shown(output)]
        body, resources = MarkdownExporter().from_notebook_node(notebook)
        for old in PAGES.glob(f"{name}*"):
            old.unlink()
        PAGES.mkdir(exist_ok=True)
        for picture, content in resources["outputs"].items():
            number = re.findall(r"\d+", picture)
            file = f"{name}_{'_'.join(number)}.png"
            body = body.replace(f"]({picture})", f"]({file})")
            (PAGES / file).write_bytes(smaller(content))
        for animation in Path(folder).glob("*.gif"):
            shutil.copy(animation, PAGES)
    body = body.replace("![png]", f"![{name}]")
    parts = re.split(r"(^```.*?^```$)", body.strip(), flags=re.DOTALL | re.MULTILINE)
    parts[::2] = [re.sub(r"\n(?:[ \t]*\n){2,}", "\n\n", part) for part in parts[::2]]
    body = "".join(parts)
    (PAGES / f"{name}.md").write_text(f"{stamp(name)}\n\n{body}\n", encoding="utf-8")


def shown(output) -> bool:
    """Whether an output belongs on the page: what was printed and pictures, no progress display."""
    if output.output_type == "stream":
        return output.name == "stdout"
    return output.output_type == "execute_result" or "image/png" in output.get("data", {})


def smaller(png: bytes) -> bytes:
    """The picture with a palette of 256 colours."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(buffer, "png", optimize=True)
    return buffer.getvalue()


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted(path.stem for path in EXAMPLES.glob("*.py")):
        print(name, flush=True)
        render(name)
