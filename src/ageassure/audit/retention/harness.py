"""Assess pictures in processes, and look from outside for what is left of them."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ageassure.audit.retention.cases import Case, cases
from ageassure.audit.retention.control import network_input
from ageassure.audit.retention.forms import picture_forms
from ageassure.audit.retention.given import Given
from ageassure.audit.retention.pictures import (
    LARGE_PIXELS,
    SMALL_PIXELS,
    VARIANTS,
    Encoding,
    Picture,
    make_picture,
)
from ageassure.audit.retention.reductions import reduced_forms
from ageassure.audit.retention.report import Line, RetentionReport
from ageassure.audit.retention.sampling import SampledShare, of_all
from ageassure.audit.retention.scenes import Scene
from ageassure.audit.retention.search import index_texts
from ageassure.audit.retention.stops import DONE
from ageassure.audit.retention.tracing import trace
from ageassure.audit.retention.watched import CONTROL, WatchedProcess
from ageassure.errors import ConfigurationError
from ageassure.estimators.facial.pipeline import FacialPipeline
from ageassure.estimators.worker.loading import FACIAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ageassure.audit.retention.search import Texts


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
    (:mod:`ageassure.audit.retention.cases`); for the shipped estimator also a list of two files, an
    array, a fault raised inside its pipeline, a deadline that passes there, and a task that is
    cancelled there. After each, while the process keeps its results, errors and log, the memory of
    it and its descendants, and their open files, are searched for 64-byte runs of every form of the
    picture (:func:`~ageassure.audit.retention.forms.picture_forms`). The face goes through the
    plain flow as well, in a process that is not hardened: there it has to be found. What native
    code does to files and the network is seen by ``strace``, in one more process.

    The processes are dumpable while they are looked into (else root alone could), and only then.

    Args:
        estimator: ``facial``, or the name of an entry point; it must take a file as ``bytearray``.
            What one of your own makes of the pixels is not known here: they are searched for at
            full size, in the sizes of the shipped pipeline, and reduced to usual sizes
            (:func:`~ageassure.audit.retention.reductions.reduced_forms`).
        encodings: Of the files.
        sizes: Long sides, pixels; variants of a kind of file are given in the first one alone.
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
        shots = list(_shots(encodings, sizes, shipped=estimator == FACIAL))
        update = progress(len(shots)) if progress else None
        covered: list[SampledShare] = []
        for seed, (encoding, size, some) in enumerate(shots, 1):
            picture = make_picture(some[0].scene, encoding, size, seed=seed)
            forms = picture_forms(picture, pipeline)
            covered.append(forms.coverage)
            own = {} if estimator == FACIAL else reduced_forms(picture)
            lines += _lines(picture, some, forms.texts | own, control, subjects)
            if update:
                update(1)
        return RetentionReport(
            estimator=estimator,
            lines=tuple(lines),
            not_hardened=tuple(sorted({name for one in subjects for name in one.missing})),
            files_written=sum(one.files for one in subjects) + len(list(home.iterdir())),
            files_open=sum(len(one.written) for one in subjects),
            unread=sum(len(one.unread) for one in subjects),
            network_events=sum(one.network for one in subjects),
            trace=trace(estimator, encodings),
            coverage=of_all(covered),
        )


def _shots(
    encodings: Sequence[Encoding], sizes: Sequence[int], *, shipped: bool
) -> Iterator[tuple[Encoding, int, tuple[Case, ...]]]:
    """What is taken a picture of: the cases of each scene, for each kind of file and size."""
    for encoding in encodings:
        for size in sizes[:1] if encoding in VARIANTS else sizes:
            every = cases(encoding, shipped=shipped)
            for _, some in groupby(every, key=lambda case: case.scene):
                yield encoding, size, tuple(some)


def _lines(
    picture: Picture,
    some: Sequence[Case],
    forms: dict[str, bytes],
    control: WatchedProcess,
    subjects: Sequence[WatchedProcess],
) -> Iterator[Line]:
    if picture.scene is Scene.ONE_FACE:
        forms = forms | {"plain flow's input": network_input(picture.file).tobytes()}
    texts = index_texts(forms)
    if picture.scene is Scene.ONE_FACE:
        plain = next(case for case in some if case.wanted == DONE and case.given is Given.FILE)
        yield _line(control, picture, plain, texts)
    for subject in subjects:
        for case in some:
            yield _line(subject, picture, case, texts)


def _line(subject: WatchedProcess, picture: Picture, case: Case, texts: Texts) -> Line:
    outcomes = subject.assess(case.altered(picture.file), stop=case.stop, given=case.given)
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
