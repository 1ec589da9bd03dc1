"""Nothing of a picture is left in memory: the check that ships, on a small set of pictures.

``ageassure audit retention`` runs the whole set. That ``repr``, errors, tracebacks and pickles hold
nothing is tested beside the modules, in ``tests/unit/imaging/test_retention.py`` for one.
"""

from __future__ import annotations

import ctypes
import io
import json
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from ageassure.audit.retention import harness
from ageassure.audit.retention.harness import audit_retention
from ageassure.audit.retention.pictures import SMALL_PIXELS, VARIANTS, Encoding
from ageassure.audit.retention.report import Line, RetentionReport, RetentionVerdict, Trace
from ageassure.audit.retention.sampling import SampledShare
from ageassure.audit.retention.watched import CONTROL
from ageassure.cli.app import app
from ageassure.cli.audit import _bar
from ageassure.errors import (
    ConfigurationError,
    FaceError,
    PictureError,
    PresentationAttackError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HIDE_CURSOR, SHOW_CURSOR = "\33[?25l", "\33[?25h"

glibc_only = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"),
    reason="the check needs Linux's /proc, and what it proves glibc's allocator",
)


@glibc_only
def test_the_shipped_estimator_leaves_nothing() -> None:
    told: list[int] = []

    def progress(pictures: int) -> Callable[[int], object]:
        told.append(pictures)
        return told.append

    report = audit_retention(
        encodings=[Encoding.PNG, *VARIANTS], sizes=[SMALL_PIXELS], threads=[4], progress=progress
    )
    assert not report.found
    assert report.passed is not bool(report.trace.problem)  # strace is missing, or not allowed
    assert told == [told[0], *[1] * told[0]]
    assert report.runs_left == report.files_written == report.network_events == 0
    assert report.not_hardened == ()
    assert report.files_open == report.unread == 0
    own = [line for line in report.lines if line.subject != CONTROL]
    assert {line.encoding for line in own if line.wanted == "estimated"} == {"png", *VARIANTS}
    cases = {line.wanted: line for line in own}
    assert set(cases) == {
        "estimated",
        "estimated, a list of two files",
        "estimated, an array",
        *PictureError.codes,
        *FaceError.codes,
        *PresentationAttackError.codes,
        "fault",
        "deadline_exceeded",
        "called_off",
    }
    for wanted, line in cases.items():
        outcome = "evidence" if wanted == "fault" else wanted.partition(",")[0]
        assert line.outcomes == (outcome,) * 4
    assert all(line.searched_bytes > 50_000_000 for line in report.lines)
    control = [line for line in report.lines if line.subject == CONTROL]
    assert len(control) == 1 + len(VARIANTS)
    assert report.control_found
    assert control[0].runs["plain flow's input"] > 100


@glibc_only
def test_an_unknown_estimator_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match="ended by itself"):
        audit_retention(estimator="nobody", encodings=[], sizes=[], threads=[1])
    assert "'nobody'" in capfd.readouterr().err


def test_elsewhere_it_says_that_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ConfigurationError, match="darwin"):
        audit_retention()


def line(subject: str, runs: int, *outcomes: str, encoding: str = "png") -> Line:
    return Line(
        subject=subject,
        threads=1,
        encoding=encoding,
        long_side=512,
        wanted="estimated",
        outcomes=outcomes or ("estimated",),
        runs=Counter({"full rgb": runs} if runs else {}),
        searched_bytes=1,
    )


FOUND, CLEAN = line(CONTROL, 9), line("facial", 0)
GOOD = RetentionReport(
    estimator="facial",
    lines=(FOUND, CLEAN),
    not_hardened=(),
    files_written=0,
    files_open=0,
    unread=0,
    network_events=0,
    trace=Trace(calls=0),
    coverage=SampledShare(least_share=0.25, found_from_bytes=1234),
)
FAILED = [
    replace(GOOD, lines=(FOUND, line("facial", 1))),
    replace(GOOD, lines=(FOUND, CLEAN, line("facial", 0, "the file was not wiped"))),
    replace(GOOD, files_written=1),
    replace(GOOD, files_open=1),
    replace(GOOD, network_events=1),
    replace(GOOD, trace=Trace(calls=1)),
    replace(GOOD, trace=Trace(calls=1, problem="it ended")),
    replace(GOOD, files_written=1, trace=Trace(calls=None, problem="strace is not installed")),
]
NOT_SHOWN = [
    replace(GOOD, lines=(line(CONTROL, 0), CLEAN)),
    replace(GOOD, lines=(CLEAN,)),
    replace(GOOD, lines=(FOUND, line(CONTROL, 0), CLEAN)),
    replace(GOOD, lines=(FOUND,)),
    replace(GOOD, lines=(FOUND, line("facial", 0, "another error"))),
    replace(GOOD, lines=(FOUND, line("facial", 0, "picture_unsupported"))),
    replace(GOOD, lines=(FOUND, CLEAN, line("facial", 0, "evidence", encoding="webp"))),
    replace(GOOD, not_hardened=("small_blocks",)),
    replace(GOOD, unread=1),
    replace(GOOD, trace=Trace(calls=None, problem="strace is not installed")),
    replace(GOOD, trace=Trace(calls=0, problem="it ended")),
]
VERDICTS = [
    (GOOD, RetentionVerdict.PASSED, 0),
    *((bad, RetentionVerdict.FAILED, 8) for bad in FAILED),
    *((dim, RetentionVerdict.NOT_SHOWN, 4) for dim in NOT_SHOWN),
]


@pytest.mark.parametrize(("report", "verdict", "_"), VERDICTS)
def test_it_passes_only_if_all_was_looked_at_and_nothing_found(
    report: RetentionReport, verdict: RetentionVerdict, _: int
) -> None:
    assert report.verdict is verdict
    assert report.passed is (verdict is RetentionVerdict.PASSED)
    assert bool(report.found) is (verdict is RetentionVerdict.FAILED)
    assert bool(report.not_shown) or verdict is not RetentionVerdict.NOT_SHOWN


def test_a_kind_of_file_that_an_estimator_does_not_take_is_no_gap() -> None:
    refused = line("own", 0, "picture_unsupported", encoding="webp")
    assert replace(GOOD, lines=(FOUND, line("own", 0), refused)).passed


def test_the_report_says_how_much_was_looked_for() -> None:
    (share,) = GOOD.limits
    assert "25.0%" in share
    assert "1,234 bytes" in share
    assert any("of your own" in limit for limit in replace(GOOD, estimator="own").limits)


@pytest.mark.skipif(sys.platform == "win32", reason="consoles there have no such escapes")
def test_a_bar_is_drawn_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with ExitStack() as stack:
        assert _bar(stack, 2) is None
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with ExitStack() as stack:
        update = _bar(stack, 2)
        assert update is not None
        assert "0%" in terminal.getvalue()
        update(1)
        update(1)
        assert "100%" in terminal.getvalue()
        assert HIDE_CURSOR in terminal.getvalue()
        assert SHOW_CURSOR not in terminal.getvalue()
    assert terminal.getvalue().endswith(f"{SHOW_CURSOR}\n")


@pytest.mark.parametrize(("report", "verdict", "status"), VERDICTS)
def test_the_command_tells_it(
    report: RetentionReport, verdict: RetentionVerdict, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "audit_retention", lambda **_: report)
    told = CliRunner().invoke(app, ["audit", "retention"])
    assert told.exit_code == status
    assert told.output.splitlines()[-1].lower() == verdict
    for text in (*report.found, *report.not_shown, *report.limits):
        assert text in told.output
    told = CliRunner().invoke(app, ["audit", "retention", "--json"])
    assert told.exit_code == status
    document = json.loads(told.output)
    assert document["passed"] is (status == 0)
    assert document["verdict"] == verdict
    assert document["runs_left"] == report.runs_left
    assert document["not_shown"] == list(report.not_shown)
    assert document["found_from_bytes"] == 1234
    assert [row["runs"] for row in document["lines"]] == [one.runs.total() for one in report.lines]
