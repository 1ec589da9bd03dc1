"""An estimator whose estimates are made in processes that end afterwards."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Self, final

from ageassure.deadline import Deadline, checkpoint
from ageassure.errors import CalledOffError, ConfigurationError, EvidenceError, WorkerError
from ageassure.estimators.worker.loading import FACIAL
from ageassure.estimators.worker.messages import MAX_FILES, MAX_REQUEST_BYTES
from ageassure.estimators.worker.worker import Worker
from ageassure.wiping import Wiping

if TYPE_CHECKING:
    from types import TracebackType

    from ageassure.results import AgeEstimate

START_SECONDS: Final = 60.0
"""Given to a process until its estimator is made, when the first ones are started."""

ANSWER_SECONDS: Final = 30.0
"""Given to one estimate where the caller says nothing: no process may hang for ever."""

_LOOK_SECONDS: Final = 0.02

_MAX_NAME_CHARACTERS: Final = 256


@final
class WorkerEstimator:
    """Hands evidence to worker processes; may be shared by threads. Use it as a context manager.

    Evidence goes through a pipe, never through a file, straight out of the caller's buffer, which
    is then wiped. The answer is a short message of numbers, never a pickle. A worker that has
    answered is ended, and the system takes back its memory with all that was in it; the next one
    is started at once and loads in the meantime. It is started as another program, with this
    interpreter, and so works alike on all platforms and from any thread.

    A deadline or a cancellation ends the worker in the middle of a stage, and so does an answer
    that is none. There are never more than ``workers`` processes, and no zombies.

    Make it in the process that uses it, after that has forked. What it does not change: the pipe's
    buffers in the kernel; and while ``pictures_per_worker`` is more than 1, a worker that waits may
    hold what is left of the pictures before, as any process may.

    Args:
        estimator: ``facial``, or the name of an entry point (:func:`discover_estimator`).
        workers: Processes, at least 1; each takes the memory of an estimator.
        pictures_per_worker: Answers after which a worker is replaced. 1 retains nothing and costs a
            process's start for each.

    Raises:
        ConfigurationError: If a number is no int of at least 1, the name is none, or the
            estimator's set-up is wrong.
        ModelIntegrityError: If its model is not the pinned one.
        UnfinishedError: If a worker cannot be started, or is not ready in time.
    """

    def __init__(
        self, estimator: str = FACIAL, *, workers: int = 1, pictures_per_worker: int = 1
    ) -> None:
        if not _is_name(estimator):
            raise ConfigurationError("got a name of an estimator that none can have")
        if not all(type(count) is int and count >= 1 for count in (workers, pictures_per_worker)):
            raise ConfigurationError("got a number of workers or pictures that is no int above 0")
        self._name = estimator
        self._pictures = pictures_per_worker
        self._process = os.getpid()
        self._workers = workers
        self._free: SimpleQueue[Worker | None] = SimpleQueue()
        self._closed = False
        with ExitStack() as started, Deadline(START_SECONDS):
            first = []
            for _ in range(workers):
                first.append(Worker(estimator))
                started.callback(first[-1].end)
            for worker in first:
                worker.make_ready()
                self._free.put(worker)
            started.pop_all()

    def estimate(self, evidence: object, *, timeout_seconds: float = ANSWER_SECONDS) -> AgeEstimate:
        """Let a worker estimate, and wait for it.

        Args:
            evidence: A file, or a list of files, as ``bytes``, ``bytearray`` or contiguous
                ``memoryview``; filled with zeros where that can be done, whatever happens.
            timeout_seconds: From now on, waiting for a free worker included.

        Raises:
            EvidenceError: If the evidence is no file, or cannot be assessed.
            UnfinishedError: If the time is over, the assessment was called off or the workers were
                closed, or the worker ended by itself.
            ConfigurationError: If the estimator's set-up is wrong, or this was made before a fork.
            ModelIntegrityError: If its model is not the pinned one.
        """
        wiping = Wiping(evidence)
        held = [evidence]
        del evidence
        try:
            with wiping, Deadline(timeout_seconds), ExitStack() as views:
                several = isinstance(held[0], list | tuple)
                files = _views(held.pop(), views)
                # Raised here: a traceback keeps the frames in which an error was raised.
                if isinstance(files, str):
                    raise EvidenceError(files)
                return self._ask(files, several=several)
        finally:
            held.clear()

    def _ask(self, files: list[memoryview], *, several: bool) -> AgeEstimate:
        worker = self._taken()
        try:
            if worker is None or not worker.sound:
                worker = self._replaced(worker)
            return worker.ask(files, several=several)
        finally:
            self._give_back(worker)

    def _taken(self) -> Worker | None:
        if self._process != os.getpid():
            raise ConfigurationError("got workers that were made before a fork")
        while True:
            checkpoint()
            if self._closed:
                raise CalledOffError("the workers were closed")
            try:
                return self._free.get(timeout=_LOOK_SECONDS)
            except Empty:
                pass

    def _replaced(self, worker: Worker | None) -> Worker:
        if worker is not None:
            worker.end()
        return Worker(self._name)

    def _give_back(self, worker: Worker | None) -> None:
        """Free the place, with the next worker starting in it."""
        if worker is not None and (not worker.sound or worker.answered >= self._pictures):
            worker.end()
            worker = None
        if worker is None and not self._closed:
            with suppress(WorkerError):  # who asks next tries again, and is told
                worker = Worker(self._name)
        self._free.put(worker)

    def close(self) -> None:
        """End all workers, those that are asked when they have answered. Accept no more."""
        if self._closed or self._process != os.getpid():
            return
        self._closed = True
        for _ in range(self._workers):
            worker = self._free.get()
            if worker is not None:
                worker.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name.isprintable() and len(name) <= _MAX_NAME_CHARACTERS


def _views(evidence: object, views: ExitStack) -> list[memoryview] | str:
    """Views of the files, or why there are none."""
    things = evidence if isinstance(evidence, list | tuple) else [evidence]
    if not 1 <= len(things) <= MAX_FILES:
        return f"got {len(things)} files, expected 1 to {MAX_FILES}"
    found = []
    for thing in things:
        view = _view(thing)
        if view is None:
            return f"got a {type(thing).__name__}, expected a file's contiguous bytes"
        found.append(views.enter_context(view))
    size = sum(map(len, found))
    if size > MAX_REQUEST_BYTES:
        return f"got {size} bytes, expected at most {MAX_REQUEST_BYTES}"
    return found


def _view(thing: object) -> memoryview | None:
    if not isinstance(thing, bytes | bytearray | memoryview):
        return None
    try:
        return memoryview(thing).cast("B")
    except (TypeError, ValueError):  # a view with gaps, or released
        return None
