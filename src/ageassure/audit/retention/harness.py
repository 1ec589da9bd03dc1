"""Assess pictures in processes, and look from outside for what is left of them."""

from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ageassure.audit.retention.cases import Case, cases
from ageassure.audit.retention.control import network_input
from ageassure.audit.retention.forms import picture_forms
from ageassure.audit.retention.pictures import (
    LARGE_PIXELS,
    SMALL_PIXELS,
    Encoding,
    Picture,
    make_picture,
)
from ageassure.audit.retention.scenes import Scene
from ageassure.audit.retention.search import index_texts
from ageassure.audit.retention.stops import DONE
from ageassure.audit.retention.watched import CONTROL, WatchedProcess, written_or_sent
from ageassure.errors import ConfigurationError
from ageassure.estimators.facial.pipeline import FacialPipeline
from ageassure.estimators.worker.loading import FACIAL

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Sequence

    from ageassure.audit.retention.search import Texts


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
        searched_bytes: Memory that was searched.
    """

    subject: str
    threads: int
    encoding: str
    long_side: int
    wanted: str
    outcomes: tuple[str, ...]
    runs: Counter[str]
    searched_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """What was found.

    Attributes:
        lines: One for each picture and process.
        not_hardened: Measures that the estimator's processes missed.
        files_written: Files that Python opened for writing in them, or that lie in their empty
            home and temporary folder afterwards.
        network_events: Sockets and look-ups in them.
        traced_calls: System calls that write a file or make a socket, seen by ``strace`` in one
            more such process from its start on; None where strace is missing or not allowed.
    """

    lines: tuple[Line, ...]
    not_hardened: tuple[str, ...]
    files_written: int
    network_events: int
    traced_calls: int | None

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
    def passed(self) -> bool:
        """Nothing left, nothing written, nothing sent, by a process that could be hardened."""
        return self.control_found and not (
            self.runs_left
            or self.not_hardened
            or self.files_written
            or self.network_events
            or self.traced_calls
        )


def audit_retention(
    *,
    estimator: str = FACIAL,
    encodings: Sequence[Encoding] = tuple(Encoding),
    sizes: Sequence[int] = (SMALL_PIXELS, LARGE_PIXELS),
    threads: Sequence[int] = (1, 4),
    progress: Callable[[int], Callable[[int], object] | None] | None = None,
) -> RetentionReport:
    """Run the whole check.

    For each encoding and size, and each number of threads, in hardened processes of their own: a
    face that is estimated, and every refusal that there is a code for
    (:mod:`ageassure.audit.retention.cases`); for the shipped estimator also a fault raised inside
    its pipeline, a deadline that passes there, and a task that is cancelled there. After each,
    while the process keeps its results, errors and log, the memory of it and its descendants is
    searched for 64-byte runs of every form of the picture
    (:func:`~ageassure.audit.retention.forms.picture_forms`). The face goes through the plain flow
    as well, in a process that is not hardened: there it has to be found.

    The processes are dumpable while they are looked into (else root alone could), and only then.

    Args:
        estimator: ``facial``, or the name of an entry point; it must take a file as ``bytearray``.
            Reduced pictures and network inputs of an estimator of your own are not known here:
            its pixels are searched for at full size, and in the sizes of the shipped pipeline.
        encodings: Of the files.
        sizes: Long sides, pixels.
        threads: Numbers of threads, each in a process of its own.
        progress: Called with the number of pictures; what it returns, if anything, with 1 after
            each.

    Raises:
        ConfigurationError: If this is not Linux, memory cannot be read, the process ended, or the
            shipped estimator did not come to the outcome that was wanted.
        MissingExtraError: If scikit-image is not installed.
    """
    if sys.platform != "linux":
        raise ConfigurationError(f"got the platform {sys.platform}, expected linux: it needs /proc")
    pipeline = FacialPipeline.shipped()
    lines: list[Line] = []
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory()))
        control_home = Path(stack.enter_context(TemporaryDirectory()))
        control = stack.enter_context(WatchedProcess(CONTROL, threads=1, home=control_home))
        subjects = [
            stack.enter_context(WatchedProcess(estimator, threads=number, home=home))
            for number in threads
        ]
        every = cases(shipped=estimator == FACIAL)
        scenes = [(s, tuple(some)) for s, some in groupby(every, key=lambda case: case.scene)]
        shots = list(product(encodings, sizes, scenes))
        update = progress(len(shots)) if progress else None
        for seed, (encoding, size, (scene, some)) in enumerate(shots, 1):
            picture = make_picture(scene, encoding, size, seed=seed)
            lines += _lines(picture, some, pipeline, control, subjects)
            if update:
                update(1)
        return RetentionReport(
            lines=tuple(lines),
            not_hardened=tuple(sorted({name for one in subjects for name in one.missing})),
            files_written=sum(one.files for one in subjects) + len(list(home.iterdir())),
            network_events=sum(one.network for one in subjects),
            traced_calls=_traced_calls(estimator, encodings),
        )


def _lines(
    picture: Picture,
    some: Sequence[Case],
    pipeline: FacialPipeline,
    control: WatchedProcess,
    subjects: Sequence[WatchedProcess],
) -> Iterator[Line]:
    forms = picture_forms(picture, pipeline)
    if picture.scene is Scene.ONE_FACE:
        forms["plain flow's input"] = network_input(picture.file).tobytes()
    texts = index_texts(forms)
    if picture.scene is Scene.ONE_FACE:
        plain = next(case for case in some if case.wanted == DONE)
        yield _line(control, picture, plain, texts)
    for subject in subjects:
        for case in some:
            yield _line(subject, picture, case, texts)


def _line(subject: WatchedProcess, picture: Picture, case: Case, texts: Texts) -> Line:
    outcomes = subject.assess(case.altered(picture.file), stop=case.stop)
    if subject.name in {FACIAL, CONTROL} and set(outcomes) != {case.wanted}:
        raise ConfigurationError(
            f"got the outcomes {sorted(set(outcomes))} of {picture.scene}, {picture.encoding}, "
            f"{picture.long_side} pixels, expected {case.wanted}"
        )
    runs, searched = subject.search(texts)
    return Line(
        subject=subject.name,
        threads=subject.threads,
        encoding=picture.encoding,
        long_side=picture.long_side,
        wanted=case.name,
        outcomes=outcomes,
        runs=runs,
        searched_bytes=searched,
    )


def _traced_calls(estimator: str, encodings: Sequence[Encoding]) -> int | None:
    strace = shutil.which("strace")
    if strace is None:
        return None
    with TemporaryDirectory() as home, TemporaryDirectory() as logs:
        log = Path(logs) / "log"
        tracing = [strace, "-f", "-qq", "-o", str(log), "-e", "trace=%file,%network"]
        try:
            with WatchedProcess(estimator, threads=1, home=Path(home), before=tracing) as traced:
                for encoding in encodings:
                    for case in cases(shipped=estimator == FACIAL):
                        file = make_picture(case.scene, encoding, SMALL_PIXELS, seed=0).file
                        traced.assess(case.altered(file), stop=case.stop)
        except ConfigurationError:
            return None  # tracing is not allowed here; the estimator itself ran before
        return written_or_sent(log.read_text(encoding="utf-8", errors="replace"))
