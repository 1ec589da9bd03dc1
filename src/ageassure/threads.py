"""Assessments from a coroutine: in threads, so many at a time, stopped when nobody waits."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, TypeVarTuple, final

from ageassure.deadline import Deadline, checkpoint
from ageassure.errors import CalledOffError, ConfigurationError, OverloadError
from ageassure.wiping import Wiping

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["AssessmentThreads"]

EvidenceT = TypeVar("EvidenceT")
ResultT = TypeVar("ResultT")
Arguments = TypeVarTuple("Arguments")

_WAITING: Final = 16


@final
class AssessmentThreads:
    """A bounded number of threads for assessments that a coroutine waits for.

    Use it as a context manager, one for each process (after it forked) and for as long as the
    service runs. May be shared by event loops.

    Args:
        threads: Assessments at the same time; as many as there are processors to spare.
        waiting: Assessments that may wait for a thread. Each of them holds its picture; what comes
            on top is refused at once.

    Raises:
        ConfigurationError: If ``threads`` is less than 1 or ``waiting`` less than 0.
    """

    def __init__(self, *, threads: int, waiting: int = _WAITING) -> None:
        if threads < 1 or waiting < 0:
            raise ConfigurationError("got a number of threads or waiting places that is too small")
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ageassure")
        self._places = threads + waiting
        self._taken = 0
        self._lock = Lock()

    async def run(
        self,
        function: Callable[[EvidenceT, *Arguments], ResultT],
        evidence: EvidenceT,
        *arguments: *Arguments,
        timeout_seconds: float | None = None,
    ) -> ResultT:
        """Call ``function(evidence, *arguments)`` in a thread and wait for it.

        ``function`` is :meth:`Provider.assess <ageassure.provider.Provider.assess>`, an estimator's
        ``estimate``, or a function of your own that calls them. When the time is over, or the
        awaiting task is cancelled, work that waits for a thread never begins, and work that runs
        stops at its next :func:`~ageassure.deadline.checkpoint`. **This returns or raises only when
        the work has ended**, so that nobody reads the evidence any more: later than the deadline or
        the cancellation by one stage at most, and by as long as an estimator without checkpoints
        takes.

        Whatever happens, every ``bytearray`` and writable ``memoryview`` in the evidence is filled
        with zeros by then. An assessment that is cancelled while its token is being signed has used
        the one token of its (audience, nonce).

        Args:
            function: Takes the evidence first.
            evidence: What it assesses; not read here.
            arguments: What else it takes.
            timeout_seconds: From now on, waiting for a thread included.

        Raises:
            OverloadError: If all places are taken.
            DeadlineError: If the time is over.
            CalledOffError: If the threads were closed first.
            ConfigurationError: If the timeout is no finite number.
            BaseException: What ``function`` raises.
        """
        wiping = Wiping(evidence)
        held = [evidence]
        del evidence
        with wiping:
            deadline = Deadline(timeout_seconds)
            future = self._submit(_work, function, held, arguments, deadline, wiping)
            try:
                return await _outcome(future, deadline)
            finally:
                # Reached early only where the coroutine itself is thrown away.
                deadline.call_off()
                future.cancel()
                held.clear()

    def _submit(self, work: Callable[..., Any], *arguments: object) -> Future[Any]:
        with self._lock:
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
            raise CalledOffError("the threads were closed")
        future.add_done_callback(self._leave)
        return future

    def _leave(self, _: object) -> None:
        with self._lock:
            self._taken -= 1

    def close(self) -> None:
        """Accept no more, drop what waits for a thread, and wait for what runs."""
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
