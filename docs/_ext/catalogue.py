"""Sphinx directives that write the reference from the code itself.

Texts that code cannot give (what an operator does about an error) stand in TOML files beside the
pages. A code without a text, or a text without a code, fails the build.
"""

from __future__ import annotations

import inspect
import tomllib
from enum import EnumType
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
from sphinx.util.docutils import SphinxDirective

from ageassure import errors
from ageassure.audit.datasets.layouts import LAYOUTS
from ageassure.cli.app import app
from ageassure.cli.output import ExitStatus
from ageassure.policy import preset_names, read_preset
from ageassure.policy.presets import PROFILES
from ageassure.policy.presets.preset import NO_LEGAL_ADVICE
from ageassure.policy.reasons import SENTENCES, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from docutils import nodes
    from sphinx.application import Sphinx

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
MODELS = REFERENCE.parents[1] / "models"


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


def reason_table() -> str:
    """The reasons that arise in a policy, a chain or the provider."""
    outcomes = texts("reasons.toml", Reason)
    return table(
        ["code", "sentence", "leads to"],
        [[f"`{reason}`", SENTENCES[reason], outcomes[reason]["do"]] for reason in Reason],
    )


def exit_table() -> str:
    """The exit statuses of the command line."""
    meanings = texts("exit-statuses.toml", [status.name for status in ExitStatus])
    return table(
        ["status", "meaning"], [[str(s.value), meanings[s.name]["meaning"]] for s in ExitStatus]
    )


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _commands(command.commands[name], f"{path} {name}")
    else:
        yield path, command


def _parameter(parameter: click.Parameter) -> list[str]:
    if isinstance(parameter, click.Option):
        name = ", ".join(f"`{option}`" for option in parameter.opts)
        meaning = parameter.help or ""
    else:
        name = f"`{parameter.make_metavar(click.Context(click.Command('')))}`"
        meaning = ""
    if parameter.required:
        default = "required"
    elif getattr(parameter, "show_default", False):
        default = f"`{parameter.default}`"
    else:
        default = ""
    return [name, default, meaning]


def command_reference() -> str:
    """One section for each command: what it does, its arguments and options."""
    sections = []
    for path, command in _commands(app, "ageassure"):
        rows = [_parameter(parameter) for parameter in command.params]
        help_text = inspect.cleandoc(command.help or "")
        sections += [f"### `{path}`", help_text, table(["argument", "default", "meaning"], rows)]
    return "\n\n".join(sections)


def _manifests() -> Iterator[dict[str, Any]]:
    for path in sorted(MODELS.glob("*/model.toml")):
        yield tomllib.loads(path.read_text(encoding="utf-8"))


def model_reference() -> str:
    """One section for each shipped model, from its manifest."""
    sections = []
    for manifest in _manifests():
        file, source, licence = manifest["file"], manifest["source"], manifest["licence"]
        sections += [
            f"### {manifest['id']}",
            manifest["intended_use"],
            table(
                ["", ""],
                [
                    ["file", f"`{file['name']}`, {file['bytes']:,} bytes"],
                    ["SHA-256", f"`{file['sha256']}`"],
                    ["origin", f"{source['origin']}"],
                    ["licence", f"{licence['spdx']}. {licence['attribution']}"],
                    ["changes", licence["changes"]],
                    ["cost", f"{manifest['cost']['macs']:,} multiply-adds for one input"],
                ],
            ),
            "Not for:",
            "\n".join(f"- {use}" for use in manifest["not_for"]),
            "Known limits:",
            "\n".join(f"- {limit}" for limit in manifest["known_limits"]),
        ]
    return "\n\n".join(sections)


def preset_reference() -> str:
    """One section for each preset, from its data file."""
    sections = [NO_LEGAL_ADVICE]
    for preset in map(read_preset, preset_names()):
        followed = preset.needs_profile in PROFILES
        sections += [
            f"## {preset.name}",
            f"{preset.title}. Version {preset.version}, drawn up on {preset.drawn_up_on}."
            + ("" if followed else f" **Refuses to load: no profile {preset.needs_profile} yet.**"),
            table(
                ["step", "settled by", "greatest error of one attempt", "attempts", "seconds"],
                [
                    [
                        f"`{step.name}`",
                        ", ".join(sorted(step.methods)),
                        "–" if step.bar_alpha is None else f"{step.bar_alpha * 100:g} %",
                        str(step.max_attempts),
                        "–" if step.time_limit_seconds is None else str(step.time_limit_seconds),
                    ]
                    for step in preset.steps
                ],
            ),
            "Sources:",
            "\n".join(
                f"- {source.title} ({source.publisher}, {source.dated}); {source.reference}"
                for source in preset.sources
            ),
            "Chosen here, by no source:",
            "\n".join(f"- {choice}" for choice in preset.choices),
            "Left to the operator:",
            "\n".join(f"- {left}" for left in preset.left_to_operator),
        ]
    return "\n\n".join(sections)


def layout_table() -> str:
    """The layouts of published data sets, and whether they were run on the real ones."""
    head = ["layout", "data set", "ages", "licence", "files", "run on the real set"]
    rows = []
    for layout in LAYOUTS:
        ages = f"{layout.age_proof}: {layout.age_proof_detail}"
        title = f"{layout.title} ({layout.source})" if layout.source else layout.title
        run = layout.run_on or "**no**: made-up files only"
        rows.append([f"`{layout.name}`", title, ages, layout.licence, layout.files, run])
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
        return self.parse_text_to_nodes(str(maker(*self.arguments)), allow_section_headings=True)


class Catalogue(Generated):
    """``error-codes BRANCH`` and its siblings."""

    makers: ClassVar[Mapping[str, object]] = {
        "error-codes": error_table,
        "reason-codes": reason_table,
        "exit-statuses": exit_table,
        "command-reference": command_reference,
        "model-reference": model_reference,
        "preset-reference": preset_reference,
        "data-set-layouts": layout_table,
    }


def list_members(
    _app: Sphinx, what: str, _name: str, found: object, _options: object, lines: list[str]
) -> None:
    """Name the members of an enumeration whose docstring does not."""
    if what == "class" and isinstance(found, EnumType) and "Members:" not in lines:
        values = ", ".join(f"``{m.name}`` ({m.value})" for m in found.__members__.values())
        lines += [f"Members: {values}.", ""]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    for name in Catalogue.makers:
        app.add_directive(name, Catalogue)
    app.connect("autodoc-process-docstring", list_members)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
