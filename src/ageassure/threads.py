"""Assessments from a coroutine: in threads, so many at a time, stopped when nobody waits."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from inspect import CORO_CREATED, getcoroutinestate
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, TypeVarTuple, final
from weakref import WeakSet

from ageassure.deadline import Deadline, checkpoint
from ageassure.errors import CalledOffError, ConfigurationError, OverloadError
from ageassure.wiping import Wiping

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType

__all__ = ["AssessmentThreads"]

EvidenceT = TypeVar("EvidenceT")
ResultT = TypeVar("ResultT")
Arguments = TypeVarTuple("Arguments")

_WAITING: Final = 16


@final
class AssessmentThreads:
    """A bounded number of threads for assessments that a coroutine waits for.

    Use it as a context manager, one for each process and for as long as the service runs. May be
    shared by event loops.

    Make it before or after the process forks: a child begins with threads and places of its own.
    What is under way at that moment stays the parent's, but its evidence was copied into the child
    with everything else, and nobody overwrites it there. So fork before evidence arrives.

    Args:
        threads: Assessments at the same time; as many as there are processors to spare.
        waiting: Assessments that may wait for a thread. Each of them holds its picture; what comes
            on top is refused at once.

    Raises:
        ConfigurationError: If ``threads`` is no int of at least 1, or ``waiting`` of at least 0.
    """

    def __init__(self, *, threads: int, waiting: int = _WAITING) -> None:
        if type(threads) is not int or type(waiting) is not int or threads < 1 or waiting < 0:
            raise ConfigurationError("got numbers of threads and waiting places that are none")
        self._threads = threads
        self._places = threads + waiting
        self._closed = False
        self._begin()
        _made.add(self)

    def _begin(self) -> None:
        """Start with no work under way; again in a forked child, which has none of the threads."""
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="ageassure")
        self._taken = 0
        self._lock = Lock()

    def run(
        self,
        function: Callable[[EvidenceT, *Arguments], ResultT],
        evidence: EvidenceT,
        *arguments: *Arguments,
        timeout_seconds: float | None = None,
    ) -> Coroutine[Any, Any, ResultT]:
        """Call ``function(evidence, *arguments)`` in a thread and wait for it.

        ``function`` is :meth:`Provider.assess <ageassure.provider.Provider.assess>`, an estimator's
        ``estimate``, or a function of your own that calls them. When the time is over, or the
        awaiting task is cancelled, work that waits for a thread never begins, and work that runs
        stops at its next :func:`~ageassure.deadline.checkpoint`. **This returns or raises only when
        the work has ended**, so that nobody reads the evidence any more: later than the deadline or
        the cancellation by one stage at most, and by as long as an estimator without checkpoints
        takes.

        Whatever happens, every ``bytearray`` and writable ``memoryview`` in the evidence is filled
        with zeros by then, also where the task is cancelled before anything of it ran. An
        assessment that is cancelled while its token is being signed has used the one token of its
        (audience, nonce).

        Args:
            function: Takes the evidence first.
            evidence: What it assesses; not read here.
            arguments: What else it takes.
            timeout_seconds: From the first step on, waiting for a thread included.

        Returns:
            A coroutine, to be awaited or made a task of, once.

        Raises:
            OverloadError: If all places are taken.
            DeadlineError: If the time is over.
            CalledOffError: If the threads were closed first.
            ConfigurationError: If the timeout is no finite number, or ``function`` no function.
            BaseException: What ``function`` raises.
        """
        wiping, held = Wiping(evidence), [evidence]
        steps = self._run(function, held, arguments, timeout_seconds, wiping)
        return _Run(steps, held, wiping)

    async def _run(
        self,
        function: Callable[..., ResultT],
        held: list[Any],
        arguments: tuple[Any, ...],
        timeout_seconds: float | None,
        wiping: Wiping,
    ) -> ResultT:
        try:
            with wiping:
                deadline = Deadline(timeout_seconds)
                if not callable(function):
                    raise ConfigurationError("got nothing that can be called with the evidence")
                future = self._submit(_work, function, held, arguments, deadline, wiping)
                try:
                    return await _outcome(future, deadline)
                finally:
                    # Reached early only where the coroutine itself is thrown away.
                    deadline.call_off()
                    future.cancel()
        finally:
            held.clear()

    def _submit(self, work: Callable[..., Any], *arguments: object) -> Future[Any]:
        with self._lock:
            if self._closed:
                raise CalledOffError("the threads were closed")
            if self._taken >= self._places:
                raise OverloadError(f"got more than {self._places} assessments at a time")
            self._taken += 1
        future: Future[Any] | None = None
        try:
            future = self._pool.submit(work, *arguments)
        except RuntimeError:
            self._leave(None)
        # Raised outside the except block: a chained error would keep the evidence alive.
        if future is None:
            raise CalledOffError("the threads were closed, or none could be started")
        future.add_done_callback(self._leave)
        return future

    def _leave(self, _: object) -> None:
        with self._lock:
            self._taken -= 1

    def close(self) -> None:
        """Accept no more, drop what waits for a thread, and wait for what runs."""
        self._closed = True
        self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Run(Coroutine[Any, Any, ResultT]):
    """A coroutine that lets go of the evidence also where nothing of it ever ran.

    Where its task is cancelled before the first step, no ``finally`` of its own would be reached.
    """

    def __init__(
        self, steps: Coroutine[Any, Any, ResultT], held: list[Any], wiping: Wiping
    ) -> None:
        self._steps = steps
        self._held = held
        self._wiping = wiping

    def send(self, value: Any) -> Any:  # noqa: ANN401 - the event loop's own
        return self._steps.send(value)

    def throw(self, *error: Any) -> Any:  # noqa: ANN401 - the event loop's own
        self._end_if_unbegun()
        return self._steps.throw(*error)

    def close(self) -> None:
        self._end_if_unbegun()
        self._steps.close()

    def __await__(self) -> Generator[Any, Any, ResultT]:
        # A generator, which keeps this object: else it could be gone before the first step.
        return (yield from self._steps.__await__())

    def __del__(self) -> None:
        self._end_if_unbegun()

    def _end_if_unbegun(self) -> None:
        if getcoroutinestate(self._steps) == CORO_CREATED:
            self._wiping.wipe()
            self._held.clear()


_made: WeakSet[AssessmentThreads] = WeakSet()


def _begin_after_fork() -> None:
    for threads in list(_made):
        threads._begin()  # noqa: SLF001 - this module's own class


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_after_fork)


def _work(
    function: Callable[..., ResultT],
    held: list[Any],
    arguments: tuple[Any, ...],
    deadline: Deadline,
    wiping: Wiping,
) -> ResultT:
    """Done in the thread; what is in ``held`` is kept by nobody else."""
    with wiping, deadline:
        checkpoint()
        result = function(held.pop(), *arguments)
        checkpoint()
        return result


async def _outcome(future: Future[ResultT], deadline: Deadline) -> ResultT:
    """Wait until the work has ended or will never begin."""
    waiter = asyncio.wrap_future(future)
    cancelled: asyncio.CancelledError | None = None
    patience = deadline.remaining_seconds
    while not waiter.done():
        try:
            await asyncio.wait([waiter], timeout=patience)
        except asyncio.CancelledError as error:
            cancelled = error
            deadline.call_off()
        patience = None
        # What waits for a thread never begins; what runs is not stopped by this.
        future.cancel()
    if cancelled is not None:
        if not waiter.cancelled():
            waiter.exception()  # asked for, else asyncio would log it with its traceback
        raise cancelled
    if waiter.cancelled():
        deadline.check()
        raise CalledOffError("the threads were closed")
    return waiter.result()
