"""A report in short, as Markdown: verdicts, a few figures, limits, digests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.report.page import boxes
from ageassure.audit.report.wording import number_cell, share_cell

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&])")


def summary_bytes(report: dict[str, Any]) -> bytes:
    """The file ``summary.md``: the same report, the same bytes; texts of others are inert."""
    return ("\n".join(_lines(report)) + "\n").encode()


def inert(text: str) -> str:
    """Markdown that shows ``text`` and nothing else."""
    return _SPECIAL.sub(r"\\\1", text)


def _lines(report: dict[str, Any]) -> Iterator[str]:
    evaluation = report["evaluation"]
    statement, counts = evaluation["statement"], evaluation["counts"]
    yield f"# Audit report: {inert(statement['name'])}"
    yield ""
    yield (
        f"{counts['rows']} samples of {counts['subjects']} people. Ages proved by: "
        f"{inert(statement['age_proof'])}."
    )
    for box in boxes(report):
        yield from (
            "",
            f"## {box['verdict']}",
            "",
            inert(box["claim"]),
            "",
            "| | |",
            "| --- | --- |",
        )
        for name, value in box["rows"]:
            yield f"| {inert(name)} | {inert(str(value))} |"
    errors = evaluation["years"]["cells"][0]["figures"]
    failed = evaluation["failures"][0]["figures"]["ftp"]
    yield from ("", "## Errors", "", "| | |", "| --- | --- |")
    yield f"| Mean absolute error, years | {inert(str(number_cell(errors['mae'])))} |"
    yield f"| Bias, years | {inert(str(number_cell(errors['bias'])))} |"
    yield f"| Failures to process | {inert(str(share_cell(failed)))} |"
    yield from ("", "## What it cannot support", "")
    yield from (f"- {inert(limit['sentence'])}" for limit in report["limits"])
    yield from ("", "## Made from", "")
    for name in ("manifest_sha256", "predictions_sha256", "plan_sha256", "pipeline_digest"):
        yield f"- `{name}`: `{report['provenance'][name] or 'not known'}`"
