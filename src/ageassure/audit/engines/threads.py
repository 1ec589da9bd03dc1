"""The default engine: threads of this process, sharing one estimator."""

from __future__ import annotations

import os
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

from ageassure.errors import AgeAssuranceError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ageassure.audit.engines.base import Task
    from ageassure.audit.prediction.assessing import Answer, Assessor, Job

BATCH: Final = 8
"""Pictures that a thread takes at a time: few enough to lose little when killed."""

MAX_THREADS: Final = 1024


def available_processors() -> int:
    """Processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


class ThreadEngine:
    """Threads of this process.

    The decoder and the networks let go of Python's lock while they work, so threads use all
    processors. A plug-in that holds it gains nothing from them.

    Args:
        threads: How many; None for as many as there are processors.

    Raises:
        ConfigurationError: If ``threads`` is not 1 to 1024.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        count = available_processors() if threads is None else threads
        if not 1 <= count <= MAX_THREADS:
            raise ConfigurationError(f"got {count} threads, expected 1 to {MAX_THREADS}")
        self.at_once = count

    def answers(self, task: Task, jobs: Sequence[Job]) -> Iterator[list[Answer]]:
        """Answer all jobs; see :class:`~ageassure.audit.engines.base.Engine`."""
        assessor = task.assessor()
        crew = _Crew(assessor, jobs)
        threads = [Thread(target=crew.work, daemon=True) for _ in range(self.at_once)]
        for thread in threads:
            thread.start()
        try:
            yield from crew.results(len(threads))
        finally:
            crew.stop()
            for thread in threads:
                thread.join()


class _Crew:
    """What the threads share."""

    def __init__(self, assessor: Assessor, jobs: Sequence[Job]) -> None:
        self._assessor = assessor
        self._jobs = jobs
        self._next = 0
        self._lock = Lock()
        self._done: SimpleQueue[list[Answer] | AgeAssuranceError | None] = SimpleQueue()

    def work(self) -> None:
        try:
            while batch := self._taken():
                self._done.put([self._assessor(job) for job in batch])
        except AgeAssuranceError as error:
            self._done.put(type(error)(str(error), code=error.code))
        finally:
            self._done.put(None)

    def _taken(self) -> Sequence[Job]:
        with self._lock:
            start = self._next
            self._next += BATCH
        return self._jobs[start : start + BATCH]

    def stop(self) -> None:
        with self._lock:
            self._next = len(self._jobs)

    def results(self, threads: int) -> Iterator[list[Answer]]:
        while threads:
            found = self._done.get()
            if isinstance(found, AgeAssuranceError):
                raise found
            if found is None:
                threads -= 1
            else:
                yield found
