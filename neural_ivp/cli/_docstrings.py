"""Docstrings of the library as plain text for a terminal."""

import inspect
import re
from typing import Any

_SYMBOLS = {
    "alpha": "α",
    "beta": "β",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "xi": "ξ",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ",
    "phi": "φ",
    "psi": "ψ",
    "omega": "ω",
    "ell": "ℓ",
    "Delta": "Δ",
    "Lambda": "Λ",
    "Sigma": "Σ",
    "nabla": "∇",
    "partial": "∂",
    "cdot": "·",
    "times": "×",
    "propto": "∝",
    "pm": "±",
    "in": "∈",
    "le": "≤",
    "ge": "≥",
    "to": "→",
    "approx": "≈",
    "infty": "∞",
    "sqrt": "√",
    "sum": "Σ",
    "prod": "Π",
    "int": "∫",
    "dots": "...",
    "ldots": "...",
    "overline": "mean ",
    "top": "T",
}
_NO_SIGN = ("mathbb", "mathrm", "left", "right", "text", "operatorname", "big", "Big")


def plain(text: str) -> str:
    """A docstring's paragraph on one line, with TeX as plain text."""
    text = " ".join(text.split())
    text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1) / (\2)", text)
    text = re.sub(r"\^\{([^{}]*[^{}\w][^{}]*)\}", r"^(\1)", text)
    text = re.sub(r"\\[,; ]|\\quad", " ", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda word: _symbol(word[1]), text)
    return re.sub(r" +", " ", re.sub(r"\\[{}|!]|[${}]", "", text)).strip()


def _symbol(word: str) -> str:
    return "" if word in _NO_SIGN else _SYMBOLS.get(word, word)


def summary_line(what: Any) -> str:
    """The first paragraph of a class, function or module."""
    return plain(_paragraphs(what)[0])


def explanation(what: Any) -> list[str]:
    """The paragraphs between the first and the arguments."""
    found = []
    for paragraph in _paragraphs(what)[1:]:
        if re.match(r"\*\*|- `|```|Source:|\?\?\?", paragraph):
            break
        found.append(plain(paragraph))
    return found


def source(cls: type) -> str:
    """The literature that a docstring names, or nothing."""
    found = [p for p in _paragraphs(cls) if p.startswith("Source:")]
    return plain(found[0]) if found else ""


def argument_texts(cls: type) -> dict[str, str]:
    """What the docstring says of each argument, also where it describes several at once."""
    texts = {}
    for paragraph in _paragraphs(cls):
        for bullet in re.split(r"^- (?=`)", paragraph, flags=re.MULTILINE)[1:]:
            head, colon, text = bullet.partition(":")
            if colon:
                texts |= dict.fromkeys(re.findall(r"`(\w+)`", head), plain(text))
    return texts


def _paragraphs(what: Any) -> list[str]:
    return (inspect.getdoc(what) or "").split("\n\n")
