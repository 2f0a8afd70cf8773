"""How a comment of one line is written in a language."""

from __future__ import annotations

# By the editors' words for languages; in all others, two slashes.
_OPENINGS = {
    "#": """
        python ruby shellscript perl perl6 r yaml toml makefile dockerfile elixir julia
        nim powershell coffeescript cmake properties ini graphql tcl nix fish awk
        crystal gdscript starlark jupyter git-commit terraform hcl
    """,
    "--": "sql lua haskell ada elm vhdl purescript agda idris",
    "%": "latex tex bibtex erlang matlab octave prolog postscript",
    ";": "lisp clojure scheme racket emacs-lisp commonlisp asm nasm autohotkey",
    '"': "vim viml",
    "!": "fortran fortran-modern FortranFreeForm",
    "<!--": "html xml markdown vue svelte astro xsl svg handlebars mdx",
    "/*": "css",
    "(*": "ocaml fsharp pascal coq",
}
_CLOSINGS = {"<!--": " -->", "/*": " */", "(*": " *)"}
_BY_LANGUAGE = {
    language: opening
    for opening, languages in _OPENINGS.items()
    for language in languages.split()
}


def around(language_id: str) -> tuple[str, str]:
    """What a comment begins and ends with."""
    opening = _BY_LANGUAGE.get(language_id, "//")
    return opening, _CLOSINGS.get(opening, "")
