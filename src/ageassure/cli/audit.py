"""``ageassure audit``: checks that users run on their own machines."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import click

from ageassure.cli.output import ExitStatus, command_with_json, emit
from ageassure.extras import require_extra

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageassure.audit.retention.report import Line, RetentionReport


@click.group()
def audit() -> None:
    """Measure an estimator, and check what it keeps (extra audit; demo for retention)."""


@audit.command()
@click.option(
    "--estimator",
    default="facial",
    show_default=True,
    help="The shipped one, or the name of an entry point of your own.",
)
@command_with_json
def retention(estimator: str, *, as_json: bool) -> None:
    """Search a process's memory for what is left of the pictures that it assessed.

    Linux only; ten to fifteen minutes; needs strace, to see what native code writes. The plain
    flow is the control: it has to be found, or the check itself does not work. Exit status 8 if
    anything was found, written or sent. Exit status 4 if nothing was, but not all was looked at:
    without strace, if nothing was estimated, if the process could not be hardened, or if the
    control was not found.
    """
    require_extra("demo", "numpy", "cv2", "onnxruntime", "ageassure_models", "skimage")
    from ageassure.audit.retention.harness import audit_retention
    from ageassure.audit.retention.report import RetentionVerdict

    with ExitStack() as stack:
        report = audit_retention(estimator=estimator, progress=partial(_bar, stack))
    emit(_document(report), _table(report), as_json=as_json)
    if not report.passed:
        failed = report.verdict is RetentionVerdict.FAILED
        raise SystemExit(ExitStatus.RETAINED if failed else ExitStatus.INCONCLUSIVE)


def _bar(stack: ExitStack, pictures: int) -> Callable[[int], object] | None:
    """A bar on standard error, where a terminal reads it; the extra demo brings no tqdm.

    It hides the cursor; closing the stack shows it again.
    """
    if not sys.stderr.isatty():
        return None
    bar = click.progressbar(length=pictures, label="pictures", file=sys.stderr)
    return stack.enter_context(bar).update


def _document(report: RetentionReport) -> dict[str, object]:
    return {
        "passed": report.passed,
        "verdict": report.verdict,
        "found": list(report.found),
        "not_shown": list(report.not_shown),
        "limits": list(report.limits),
        "runs_left": report.runs_left,
        "control_found": report.control_found,
        "not_hardened": list(report.not_hardened),
        "files_written": report.files_written,
        "files_open": report.files_open,
        "unread": report.unread,
        "network_events": report.network_events,
        "traced_calls": report.trace.calls,
        "not_traced": report.trace.problem,
        "least_share_of_a_form": report.coverage.least_share,
        "found_from_bytes": report.coverage.found_from_bytes,
        "lines": [_row(line) for line in report.lines],
    }


def _row(line: Line) -> dict[str, object]:
    return {
        "subject": line.subject,
        "threads": line.threads,
        "encoding": line.encoding,
        "long_side_pixels": line.long_side,
        "case": line.wanted,
        "outcomes": list(line.outcomes),
        "runs": line.runs.total(),
        "runs_by_form": dict(line.runs.most_common()),
        "searched_bytes": line.searched_bytes,
    }


def _table(report: RetentionReport) -> list[str]:
    titles = ("process", "threads", "file", "pixels", "case", "outcome", "runs ≥ 64 bytes")
    rows = [
        (
            line.subject,
            str(line.threads),
            line.encoding,
            str(line.long_side),
            line.wanted,
            ", ".join(sorted(set(line.outcomes))),
            str(line.runs.total()),
        )
        for line in report.lines
    ]
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (titles, *rows)
    ]
    traced = "not looked at" if report.trace.calls is None else str(report.trace.calls)
    return [
        *table,
        "",
        f"runs left by the estimator: {report.runs_left}",
        f"control found: {'yes' if report.control_found else 'NO'}",
        f"not hardened: {', '.join(report.not_hardened) or 'nothing'}",
        f"files written: {report.files_written}, open for writing: {report.files_open}, "
        f"network events: {report.network_events}, by strace: {traced}",
        *(f"found: {text}" for text in report.found),
        *(f"not shown: {text}" for text in report.not_shown),
        *(f"limit: {text}" for text in report.limits),
        report.verdict if report.passed else report.verdict.upper(),
    ]
