"""What goes to workers in other processes and comes back: columns of paths, of numbers, of codes.

A picture never travels: a worker reads it from the path, assesses it and wipes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.datasets.places import PicturePlace
from ageassure.audit.prediction.assessing import Answer, Job
from ageassure.errors import AgeAssuranceError, EngineError, PredictionsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ageassure.audit.engines.base import Task
    from ageassure.audit.prediction.assessing import Assessor

BATCH: Final = 16
"""Pictures that a worker takes at a time: few enough to lose little when it dies."""

MAX_WORKERS: Final = 100_000

JOB_COLUMNS: Final = ("index", "file", "offset", "size", "sha256")
FIGURES: Final = ("estimated_age_years", "latency_ms")
ANSWER_COLUMNS: Final = ("index", "status", *FIGURES, "p_over", "failure")
"""``p_over`` is a text of numbers with commas: as many as there are, whatever the engine."""

_WHOLE_FILE: Final = -1


def job_columns(jobs: Sequence[Job]) -> dict[str, list[Any]]:
    """Jobs as columns of whole numbers and texts."""
    places = [job.place for job in jobs]
    return {
        "index": [job.index for job in jobs],
        "file": [place.file for place in places],
        "offset": [place.offset for place in places],
        "size": [_WHOLE_FILE if place.size is None else place.size for place in places],
        "sha256": [job.sha256 for job in jobs],
    }


def _jobs(columns: Mapping[str, Sequence[Any]]) -> list[Job]:
    rows = zip(*(columns[name] for name in JOB_COLUMNS), strict=True)
    return [
        Job(
            index=int(index),
            place=PicturePlace(
                file=str(file), offset=int(offset), size=None if size < 0 else int(size)
            ),
            sha256=str(digest),
        )
        for index, file, offset, size, digest in rows
    ]


class Worker:
    """One process's worker: makes the estimator for itself once, and answers batches.

    A failure that must end the run is an answer, too: engines repeat what raises, and write
    tracebacks into their logs.

    Args:
        task: What to do.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._assessor: Assessor | None = None

    def __call__(self, columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Columns of :data:`JOB_COLUMNS` become columns of :data:`ANSWER_COLUMNS`."""
        answers: list[Answer] = []
        failure = ""
        jobs = _jobs(columns)
        try:
            if self._assessor is None:
                self._assessor = self._task.assessor()
            answers.extend(map(self._assessor, jobs))
        except AgeAssuranceError as error:
            failure = f"{error} ({error.code})"
        rows = [
            (a.index, a.status, a.estimated_age_years, a.latency_ms, _told(a.p_over), "")
            for a in answers
        ]
        if failure:
            nothing = Answer(index=jobs[len(answers)].index, status="failed")
            figures = (nothing.estimated_age_years, nothing.latency_ms)
            rows.append((nothing.index, nothing.status, *figures, "", failure))
        return dict(zip(ANSWER_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))


def answers_of(columns: Mapping[str, Sequence[Any]]) -> list[Answer]:
    """Answers out of columns.

    Raises:
        PredictionsError: If a worker could not go on.
        EngineError: If the columns are others.
    """
    if set(columns) != set(ANSWER_COLUMNS):
        raise EngineError("got other columns back from a worker")
    found = []
    for index, status, estimate, latency, chances, failure in zip(
        *(columns[name] for name in ANSWER_COLUMNS), strict=True
    ):
        if failure:
            raise PredictionsError(f"a worker cannot go on: {failure}")
        found.append(
            Answer(
                index=int(index),
                status=str(status),
                estimated_age_years=float(estimate),
                p_over=tuple(map(float, filter(None, str(chances).split(",")))),
                latency_ms=float(latency),
            )
        )
    return found


def _told(p_over: tuple[float, ...]) -> str:
    return ",".join(map(repr, p_over))
