"""Nothing of a picture is left in memory: the check that ships, on a small set of pictures.

``ageassure audit retention`` runs the whole set. That ``repr``, errors, tracebacks and pickles hold
nothing is tested beside the modules, in ``tests/unit/imaging/test_retention.py`` for one.
"""

from __future__ import annotations

import ctypes
import io
import json
import shutil
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from ageassure.audit.retention import harness
from ageassure.audit.retention.harness import Line, RetentionReport, audit_retention
from ageassure.audit.retention.pictures import SMALL_PIXELS, Encoding
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
    from pathlib import Path

HIDE_CURSOR, SHOW_CURSOR = "\33[?25l", "\33[?25h"

glibc_only = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"),
    reason="the check needs Linux's /proc, and what it proves glibc's allocator",
)

ESTIMATORS = """
class Careless:
    def estimate(self, evidence):
        return bytes(evidence)[:10].upper()

class Hoarder:
    kept = []
    def estimate(self, evidence):
        self.kept.append(bytes(evidence))
"""

ENTRY_POINTS = """\
[ageassure.estimators]
careless = own_estimators:Careless
hoarder = own_estimators:Hoarder
"""


@glibc_only
def test_the_shipped_estimator_leaves_nothing() -> None:
    told: list[int] = []

    def progress(pictures: int) -> Callable[[int], object]:
        told.append(pictures)
        return told.append

    report = audit_retention(
        encodings=[Encoding.PNG], sizes=[SMALL_PIXELS], threads=[4], progress=progress
    )
    assert report.passed
    assert told == [told[0], *[1] * told[0]]
    assert report.runs_left == report.files_written == report.network_events == 0
    assert report.traced_calls in (0, None)  # None: strace is missing, or not allowed
    assert report.not_hardened == ()
    cases = {line.wanted: line for line in report.lines if line.subject != CONTROL}
    assert set(cases) == {
        "estimated",
        *PictureError.codes,
        *FaceError.codes,
        *PresentationAttackError.codes,
        "fault",
        "deadline_exceeded",
        "called_off",
    }
    for wanted, line in cases.items():
        assert line.outcomes == ("evidence" if wanted == "fault" else wanted,) * 4
    assert all(line.searched_bytes > 50_000_000 for line in report.lines)
    (control,) = [line for line in report.lines if line.subject == CONTROL]
    assert control.runs["plain flow's input"] > 100


@glibc_only
@pytest.mark.parametrize(("name", "clean"), [("careless", True), ("hoarder", False)])
def test_an_estimator_of_ones_own_is_looked_into(
    name: str, clean: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_estimators.py").write_text(ESTIMATORS)
    folder = tmp_path / "own_estimators-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: own-estimators\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    report = audit_retention(
        estimator=name, encodings=[Encoding.JPEG], sizes=[SMALL_PIXELS], threads=[1]
    )
    assert (report.runs_left == 0) is clean
    assert report.passed is clean
    assert report.control_found
    assert report.traced_calls is None
    own = [line for line in report.lines if line.subject == name]
    assert not {"fault", "deadline_exceeded", "called_off"} & {line.wanted for line in own}
    if not clean:
        assert all(line.runs["file"] > 0 for line in own)


@glibc_only
def test_an_unknown_estimator_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match="ended by itself"):
        audit_retention(estimator="nobody", encodings=[], sizes=[], threads=[1])
    assert "'nobody'" in capfd.readouterr().err


def test_elsewhere_it_says_that_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ConfigurationError, match="darwin"):
        audit_retention()


def line(subject: str, runs: int) -> Line:
    return Line(
        subject=subject,
        threads=1,
        encoding="png",
        long_side=512,
        wanted="estimated",
        outcomes=("estimated",),
        runs=Counter({"full rgb": runs} if runs else {}),
        searched_bytes=1,
    )


GOOD = RetentionReport(
    lines=(line(CONTROL, 9), line("facial", 0)),
    not_hardened=(),
    files_written=0,
    network_events=0,
    traced_calls=None,
)
BAD = [
    replace(GOOD, lines=(line(CONTROL, 9), line("facial", 1))),
    replace(GOOD, lines=(line(CONTROL, 0), line("facial", 0))),
    replace(GOOD, lines=(line("facial", 0),)),
    replace(GOOD, lines=(line(CONTROL, 9), line(CONTROL, 0), line("facial", 0))),
    replace(GOOD, not_hardened=("small_blocks",)),
    replace(GOOD, files_written=1),
    replace(GOOD, network_events=1),
    replace(GOOD, traced_calls=1),
]


def test_it_passes_only_if_nothing_is_wrong() -> None:
    assert GOOD.passed
    assert replace(GOOD, traced_calls=0).passed
    assert not any(report.passed for report in BAD)


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


@pytest.mark.parametrize(("report", "status"), [(GOOD, 0), *((bad, 8) for bad in BAD)])
def test_the_command_tells_it(
    report: RetentionReport, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "audit_retention", lambda **_: report)
    told = CliRunner().invoke(app, ["audit", "retention"])
    assert told.exit_code == status
    assert told.output.endswith("passed\n" if status == 0 else "FAILED\n")
    told = CliRunner().invoke(app, ["audit", "retention", "--json"])
    assert told.exit_code == status
    document = json.loads(told.output)
    assert document["passed"] is (status == 0)
    assert document["runs_left"] == report.runs_left
    assert [row["runs"] for row in document["lines"]] == [one.runs.total() for one in report.lines]
