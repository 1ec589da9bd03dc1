"""Sphinx directives that write the reference from the code itself.

Texts that code cannot give (what an operator does about an error) stand in TOML files beside the
pages. A code without a text, or a text without a code, fails the build.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from sphinx.util.docutils import SphinxDirective

from ageassure import errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from docutils import nodes
    from sphinx.application import Sphinx

REFERENCE = Path(__file__).resolve().parent.parent / "reference"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars inside a cell are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in lines)


def texts(name: str, codes: Iterable[str]) -> dict[str, dict[str, str]]:
    """The texts of a TOML file, which must be exactly those of ``codes``.

    Raises:
        ValueError: If a code has no text, or a text has no code.
    """
    found = tomllib.loads((REFERENCE / name).read_text(encoding="utf-8"))
    known = set(codes)
    if found.keys() != known:
        without, stray = sorted(known - found.keys()), sorted(found.keys() - known)
        raise ValueError(f"{name}: codes without a text {without}, texts without a code {stray}")
    return found


def error_classes(
    root: type[errors.AgeAssuranceError] = errors.AgeAssuranceError,
) -> Iterator[type[errors.AgeAssuranceError]]:
    """``root`` and everything under it, in the order of the source."""
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from error_classes(child)


def error_table(branch: str) -> str:
    """The codes of one branch of the error tree."""
    every = texts("errors.toml", {code for cls in error_classes() for code in cls.codes})
    root = getattr(errors, branch)
    stepped = root is errors.VerificationError
    head = ["code", "class", *(["step"] if stepped else []), "meaning", "what the operator does"]
    rows = []
    for cls in [root] if root is errors.AgeAssuranceError else error_classes(root):
        for code in sorted(cls.codes, key=list(every).index):
            text = every[code]
            step = [text.get("step", "")] if stepped else []
            rows.append([f"`{code}`", f"`{cls.__name__}`", *step, text["meaning"], text["do"]])
    return table(head, rows)


class Generated(SphinxDirective):
    """A directive whose content is Markdown made by a function of its arguments."""

    optional_arguments = 1
    makers: ClassVar[Mapping[str, object]] = {}

    def run(self) -> list[nodes.Node]:
        """Make the Markdown and parse it in place."""
        maker = self.makers[self.name]
        if not callable(maker):
            raise TypeError(self.name)
        return self.parse_text_to_nodes(str(maker(*self.arguments)))


class Catalogue(Generated):
    """``error-codes BRANCH`` and its siblings."""

    makers: ClassVar[Mapping[str, object]] = {"error-codes": error_table}


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    for name in Catalogue.makers:
        app.add_directive(name, Catalogue)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
