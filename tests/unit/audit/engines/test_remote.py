from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from ageassure.audit.datasets.places import PicturePlace
from ageassure.audit.engines.base import Task
from ageassure.audit.engines.remote import (
    ANSWER_COLUMNS,
    JOB_COLUMNS,
    Worker,
    answers_of,
    job_columns,
)
from ageassure.audit.prediction.assessing import Assessor, Job
from ageassure.errors import EngineError, ModelIntegrityError, PredictionsError
from ageassure.testing import StubEstimator, estimated_age

from ..manifests import picture

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(estimator="made up")


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    (tmp_path / "a").write_bytes(b"12345" + picture(1))
    (tmp_path / "b").write_bytes(picture(2))
    cut = PicturePlace(file=str(tmp_path / "a"), offset=5, size=len(picture(1)))
    return [
        Job(index=3, place=cut),
        Job(index=1, place=PicturePlace(file=str(tmp_path / "b"))),
        Job(index=2, place=PicturePlace(file=str(tmp_path / "none")), sha256="ab" * 32),
    ]


def use(monkeypatch: pytest.MonkeyPatch, *answers: object) -> list[int]:
    """Let every worker use this stub; counts how often it was made."""
    made: list[int] = []

    def assessor(task: Task) -> Assessor:
        made.append(1)
        return Assessor(
            StubEstimator(*answers),  # type: ignore[arg-type]
            p_over_years=task.p_over_years,
        )

    monkeypatch.setattr(Task, "assessor", assessor)
    return made


def test_paths_and_offsets_travel_and_no_picture(jobs: list[Job]) -> None:
    columns = job_columns(jobs)
    assert tuple(columns) == JOB_COLUMNS
    assert columns["offset"] == [5, 0, 0]
    assert columns["size"] == [len(picture(1)), -1, -1]
    told = json.dumps(columns)  # bytes would raise
    assert len(told) < len(picture(1))


def test_answers_come_back_as_they_were(jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    made = use(monkeypatch, estimated_age(20.25))
    worker = Worker(TASK)
    columns = worker(job_columns(jobs))
    assert tuple(columns) == ANSWER_COLUMNS
    answers = answers_of(columns)
    assert [(a.index, a.status) for a in answers] == [
        (3, "ok"),
        (1, "ok"),
        (2, "picture_unreadable"),
    ]
    assert answers[0].estimated_age_years == 20.25
    assert answers[0].p_over == (1.0, 1.0, 1.0, 1.0, 0.25, 0.0)
    assert math.isnan(answers[2].estimated_age_years)
    assert answers[2].p_over == ()
    worker(job_columns(jobs))
    assert made == [1]


def test_whole_distributions_come_back_as_they_were(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, estimated_age(20.1))
    worker = Worker(Task(estimator="made up", p_over_years=tuple(range(1, 121))))
    answers = answers_of(worker(job_columns(jobs)))
    assert answers[0].p_over == tuple(
        estimated_age(20.1).probability_at_or_over(age) for age in range(1, 121)
    )


def test_a_failure_is_an_answer_and_ends_the_run(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, estimated_age(20), ModelIntegrityError("not finite"))
    columns = Worker(TASK)(job_columns(jobs))
    assert columns["index"] == [3, 1]
    with pytest.raises(PredictionsError, match=r"a worker cannot go on: row 2 .* not finite"):
        answers_of(columns)


def test_an_estimator_that_is_not_there_is_an_answer(jobs: list[Job]) -> None:
    columns = Worker(TASK)(job_columns(jobs))
    with pytest.raises(PredictionsError, match=r"got 0 estimators named 'made up'.*configuration"):
        answers_of(columns)


def test_other_columns_are_refused() -> None:
    with pytest.raises(EngineError, match="other columns"):
        answers_of({"index": [1]})
