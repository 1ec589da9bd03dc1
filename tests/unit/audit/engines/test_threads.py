from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.audit.datasets.places import PicturePlace
from ageassure.audit.engines.base import Task
from ageassure.audit.engines.threads import BATCH, ThreadEngine, available_processors
from ageassure.audit.prediction.assessing import Answer, Job
from ageassure.errors import ConfigurationError, PredictionsError

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeTask(Task):
    """Makes an assessor out of a function."""

    function: Callable[[Job], Answer]

    def assessor(self) -> Any:
        return self.function


def task(function: Callable[[Job], Answer]) -> FakeTask:
    made = FakeTask(estimator="none")
    object.__setattr__(made, "function", function)
    return made


JOBS = [Job(index=n, place=PicturePlace(file="none")) for n in range(100)]


def answered(job: Job) -> Answer:
    return Answer(index=job.index, status="ok")


@pytest.mark.parametrize("threads", [1, 2, 13])
def test_every_job_is_answered_once(threads: int) -> None:
    batches = ThreadEngine(threads=threads).answers(task(answered), JOBS)
    assert sorted(answer.index for batch in batches for answer in batch) == list(range(100))


def test_no_jobs_no_answers() -> None:
    assert list(ThreadEngine(threads=2).answers(task(answered), [])) == []


def test_the_first_error_ends_the_run_in_bounded_time() -> None:
    asked = []

    def fails(job: Job) -> Answer:
        asked.append(job.index)
        raise PredictionsError("why")

    with pytest.raises(PredictionsError, match="why") as caught:
        list(ThreadEngine(threads=2).answers(task(fails), JOBS))
    assert caught.value.code == "bad_predictions"
    assert len(asked) <= 2


def test_who_stops_listening_stops_the_threads() -> None:
    before = threading.active_count()
    asked = []

    def slow(job: Job) -> Answer:
        asked.append(job.index)
        return answered(job)

    batches = ThreadEngine(threads=2).answers(task(slow), JOBS * 1000)
    assert len(next(batches)) == BATCH
    batches.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    assert len(asked) < 100_000


@pytest.mark.parametrize("threads", [0, -1, 1025])
def test_an_odd_number_of_threads_is_refused(threads: int) -> None:
    with pytest.raises(ConfigurationError, match=f"got {threads} threads"):
        ThreadEngine(threads=threads)


def test_by_default_there_is_one_thread_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ThreadEngine().at_once == available_processors() >= 1
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert available_processors() == 1
