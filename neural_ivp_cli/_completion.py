"""`neural-ivp completion SHELL`: a script for bash or zsh, by shtab."""

from ._parser import make_parser

# What completes an argument of the parser, for the word $1: names and files by their ending.
_BASH = """
_neural_ivp_configs() {{
  compgen -W "{configs}" -- "$1"
  compgen -f -X '!*.toml' -- "$1"
  compgen -f -X '!*.py' -- "$1"
  compgen -d -S / -- "$1"
}}
_neural_ivp_names() {{
  compgen -W "{configs} {classes}" -- "$1"
  compgen -f -X '!*.toml' -- "$1"
}}
_neural_ivp_inits() {{ compgen -W "{configs} {problems}" -- "$1"; }}
_neural_ivp_folders() {{ compgen -d -- "$1"; }}
"""
_ZSH = """
_neural_ivp_configs() {{ compadd {configs}; _files -g '*.(toml|py)' }}
_neural_ivp_names() {{ compadd {configs} {classes}; _files -g '*.toml' }}
_neural_ivp_inits() {{ compadd {configs} {problems} }}
_neural_ivp_folders() {{ _files -/ }}
"""


def completion(shell: str) -> str:
    """The script that completes commands, options, and the names of configs and classes."""
    import shtab

    from neural_ivp.cli import names  # here, since it imports JAX

    words = {kind: " ".join(found) for kind, found in names().items()}
    preamble = {"bash": _BASH.format(**words), "zsh": _ZSH.format(**words)}
    # Its annotation says str, its documentation a text for each shell.
    return shtab.complete(make_parser(), shell=shell, preamble=preamble)  # pyright: ignore[reportArgumentType]
