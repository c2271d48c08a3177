"""Build the documentation site from docs/ into build/site: `make docs`.

Pages link to files outside of docs/, as `../benchmarks/RESULTS.md`, which hold on GitHub but not in
a site. So docs/ is copied to build/docs with those files as pages of their own, and links are
rewritten. Public names in code become links to the reference. Zensical builds the site with
warnings as errors, and then every link of the result is checked. Nothing is downloaded.
"""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from api_links import linked

ROOT = Path(__file__).resolve().parents[1]
DOCS, STAGE, SITE = ROOT / "docs", ROOT / "build/docs", ROOT / "build/site"
# Files outside of docs/ that are pages of the site.
OUTSIDE = {
    ROOT / "benchmarks/RESULTS.md": "benchmarks.md",
    ROOT / "CHANGELOG.md": "changelog.md",
    ROOT / "CONTRIBUTING.md": "contributing.md",
}
LINK = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")
FENCE = re.compile(r"(^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)


def main() -> None:
    stage()
    zensical = Path(sys.executable).parent / "zensical"
    command = [zensical, "build", "--clean", "--strict", "-f", ROOT / "mkdocs.yml"]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    # It colours single letters, and ends with a traceback of its own.
    shown = re.sub(r"\x1b\[[\d;]*m", "", built.stdout + built.stderr).split("Traceback")[0]
    if built.returncode:
        raise SystemExit(shown)
    if problems := broken_links():
        raise SystemExit("\n".join(problems))
    print(f"{len(list(SITE.rglob('*.html')))} pages in {SITE.relative_to(ROOT)}, all links checked")


def stage() -> None:
    """Copy docs/ and the pages from outside of it to build/docs, and remove the last site."""
    for folder in (STAGE, SITE):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, STAGE, ignore=shutil.ignore_patterns("*.py", "*.md", "__pycache__"))
    pages = {path: path.relative_to(DOCS) for path in DOCS.rglob("*.md")}
    pages |= {path: Path(name) for path, name in OUTSIDE.items()}
    for path, page in pages.items():
        target = STAGE / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(staged(path, page, pages), encoding="utf-8")


def staged(path: Path, page: Path, pages: dict[Path, Path]) -> str:
    """The text of a page with the links of its place in the site."""

    def moved(found: re.Match) -> str:
        there = (path.parent / found[2]).resolve()
        if there in pages:
            inside = pages[there]
        elif there.is_relative_to(DOCS):  # a picture
            inside = there.relative_to(DOCS)
        elif there.is_file():  # a script or a config, to look at
            inside = Path("files") / there.relative_to(ROOT)
            (STAGE / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(there, STAGE / inside)
        else:
            raise SystemExit(f"{path.relative_to(ROOT)} links to {found[2]}, which is not there")
        return found[1] + os.path.relpath(inside, page.parent) + found[3]

    parts = FENCE.split(path.read_text(encoding="utf-8"))
    parts[::2] = [linked(LINK.sub(moved, part)) for part in parts[::2]]
    return "".join(parts)


class Page(HTMLParser):
    """The anchors of a page, what it links to, and what it loads."""

    def __init__(self, path: Path):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        elif tag != "a":
            self.loaded |= {given[name] for name in ("src", "href") if name in given}


def broken_links() -> list[str]:
    """A sentence for each link of the site without a target, and for what comes from elsewhere."""
    pages = {path: Page(path) for path in sorted(SITE.rglob("*.html"))}
    problems = []
    del pages[SITE / "404.html"]  # its links are absolute
    for path, page in pages.items():
        name = path.relative_to(SITE)
        for link in sorted(page.links | page.loaded):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loaded:
                    problems.append(f"{name} loads {link} from elsewhere")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                problems.append(f"{name} links to {link}, which is not there")
            elif target in pages and parts.fragment not in ("", *pages[target].anchors):
                problems.append(f"{name} links to {link}, and that page has no such anchor")
    return problems


if __name__ == "__main__":
    main()
