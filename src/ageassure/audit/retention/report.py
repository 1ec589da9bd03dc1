"""What the check found, what it could not look at, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ageassure.audit.retention.stops import DONE
from ageassure.audit.retention.subject import NOT_WIPED
from ageassure.audit.retention.watched import CONTROL
from ageassure.estimators.worker.loading import FACIAL

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from ageassure.audit.retention.sampling import SampledShare

_NOT_TAKEN: Final = frozenset({"picture_unsupported", "picture_too_large"})
"""With these an estimator says that it does not take such files at all."""


class RetentionVerdict(StrEnum):
    """What the check comes to.

    Members:
        PASSED: Nothing was found, and everything that has to be was looked at.
        FAILED: Something was found.
        NOT_SHOWN: Nothing was found, but something that has to be was not looked at.
    """

    PASSED = "passed"
    FAILED = "failed"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One picture through one process.

    Attributes:
        subject: Whose process: the estimator's name, or :data:`CONTROL`.
        threads: Assessments at the same time, each with a copy of the picture.
        encoding: Of the file.
        long_side: Pixels.
        wanted: What was to happen.
        outcomes: What happened, one for each copy.
        runs: Runs of 64 bytes found afterwards, by the form of the picture.
        searched_bytes: Memory, output, and files that were open, that were searched.
    """

    subject: str
    threads: int
    encoding: str
    long_side: int
    wanted: str
    outcomes: tuple[str, ...]
    runs: Counter[str]
    searched_bytes: int

    @property
    def kind(self) -> str:
        """What was given, in words."""
        return f"{self.encoding}, {self.long_side} pixels, {self.threads} at the same time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What ``strace`` saw of one more such process, from its start on.

    Attributes:
        calls: System calls that make or write a file, be it in memory, or make a socket; None where
            there was nothing to see them with.
        problem: Why not all of it was seen; empty if it was.
    """

    calls: int | None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """What was found.

    Attributes:
        estimator: Its name.
        lines: One for each picture and process.
        not_hardened: Measures that the estimator's processes missed.
        files_written: Files that Python opened for writing in them, or that lie in their empty
            home and temporary folder afterwards.
        files_open: Files that were open for writing in them, or in a child, after an answer.
        unread: Sockets of the estimator, and pipes in which 64 bytes or more waited, after an
            answer: what is in them was not read.
        network_events: Sockets and look-ups in them.
        trace: Of the system calls, without which what native code does to files is not seen.
        coverage: How much of the pictures was looked for.
    """

    estimator: str
    lines: tuple[Line, ...]
    not_hardened: tuple[str, ...]
    files_written: int
    files_open: int
    unread: int
    network_events: int
    trace: Trace
    coverage: SampledShare

    @property
    def runs_left(self) -> int:
        """Runs of 64 bytes that were found after the estimator."""
        return sum(line.runs.total() for line in self.lines if line.subject != CONTROL)

    @property
    def control_found(self) -> bool:
        """Whether each picture was found after the plain flow; else the check itself is broken."""
        control = [line.runs.total() for line in self.lines if line.subject == CONTROL]
        return bool(control) and all(control)

    @property
    def found(self) -> tuple[str, ...]:
        """What speaks against the estimator, in words."""
        not_wiped = sum(line.outcomes.count(NOT_WIPED) for line in self.lines)
        counts = {
            "runs of pictures left in memory, open files or output": self.runs_left,
            "files written, as Python tells": self.files_written,
            "files open for writing": self.files_open,
            "network events, as Python tells": self.network_events,
            "system calls that write or send": self.trace.calls or 0,
            "files that were not wiped": not_wiped,
        }
        return tuple(f"{text}: {count}" for text, count in counts.items() if count)

    @property
    def not_shown(self) -> tuple[str, ...]:
        """What could not be looked at, in words; with any of it nothing can pass."""
        own = [line for line in self.lines if line.subject != CONTROL and line.wanted == DONE]
        texts: list[str] = []
        if not self.control_found:
            texts.append("anything: the pictures were not found after the plain flow")
        if self.not_hardened:
            texts.append(f"a hardened process: it misses {', '.join(self.not_hardened)}")
        nothing_of = never_estimated((line.kind, line.outcomes) for line in own)
        if nothing_of:
            texts.append(f"an estimate: nothing was estimated of {'; '.join(nothing_of)}")
        if self.trace.problem:
            texts.append(f"what native code does to files and sockets: {self.trace.problem}")
        if self.unread:
            texts.append(f"what is in sockets and filled pipes of the estimator: {self.unread}")
        return tuple(texts)

    @property
    def limits(self) -> tuple[str, ...]:
        """What the search cannot find, in words."""
        texts = [self.coverage.text]
        if self.estimator != FACIAL:
            texts.append(
                "what an estimator of your own makes of the pixels is not known: reduced pictures "
                "are looked for at usual sizes alone, its crops and networks' inputs are not"
            )
        return tuple(texts)

    @property
    def verdict(self) -> RetentionVerdict:
        """Of what was found, and of what could not be looked at."""
        if self.found:
            return RetentionVerdict.FAILED
        return RetentionVerdict.NOT_SHOWN if self.not_shown else RetentionVerdict.PASSED

    @property
    def passed(self) -> bool:
        """Nothing left, written or sent, and everything looked at that has to be."""
        return self.verdict is RetentionVerdict.PASSED


def never_estimated(outcomes: Iterable[tuple[str, Iterable[str]]]) -> tuple[str, ...]:
    """The kinds of files of which none was estimated, unless the estimator takes none of a kind.

    Args:
        outcomes: Kind of file, and what happened to some files of it.
    """
    by_kind: dict[str, set[str]] = {}
    for kind, happened in outcomes:
        by_kind.setdefault(kind, set()).update(happened)
    if not any(DONE in happened for happened in by_kind.values()):
        return ("any file",)
    return tuple(
        kind
        for kind, happened in by_kind.items()
        if DONE not in happened and not happened <= _NOT_TAKEN
    )
