"""Work that has to stop: when its time is over, or when nobody wants its answer any more.

Nothing is interrupted from outside: the work itself asks, between its stages, whether to go on
(:func:`checkpoint`), and an error that leaves it takes the way on which everything is wiped. So it
ends later than its deadline by one stage at most; the longest is the decoding of a large picture.

The deadline belongs to the work that is under way, not to the arguments of every function in it:
an estimator of your own calls :func:`checkpoint` and needs to be told nothing.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Self, TypeGuard, final

from ageassure.errors import CalledOffError, ConfigurationError, DeadlineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from types import TracebackType

__all__ = ["Deadline", "checkpoint"]


@final
class Deadline:
    """A limit to the work inside its ``with`` block; inner limits end no later than outer ones.

    Entered once, by the thread that works; :meth:`call_off` is for the others.

    Args:
        seconds: From now on; None for no limit of time. 0 or less is over at once.
        clock: Seconds that never go back.

    Raises:
        ConfigurationError: If ``seconds`` is no finite number, or, also later, if the clock gives
            none.
    """

    __slots__ = ("_called_off", "_clock", "_ends", "_outer", "_token")

    def __init__(
        self, seconds: float | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if seconds is not None and not _is_finite(seconds):
            raise ConfigurationError("got a timeout that is no finite number of seconds")
        self._clock = clock
        self._ends = math.inf
        if seconds is not None:
            self._ends = self._now() + seconds
        self._called_off = False
        self._outer: Deadline | None = None
        self._token: Token[Deadline | None] | None = None

    @property
    def remaining_seconds(self) -> float | None:
        """Time left, 0 when it is over; None where there is no limit. Without outer limits."""
        if self._ends == math.inf:
            return None
        return max(0.0, self._ends - self._now())

    def call_off(self) -> None:
        """Let the work stop at its next checkpoint, whatever its time. Safe from any thread."""
        self._called_off = True

    def check(self) -> None:
        """Raise if the work is to stop; :func:`checkpoint` does so for all limits around it.

        Raises:
            CalledOffError: If it was called off.
            DeadlineError: If its time is over.
        """
        if self._called_off:
            raise CalledOffError("the assessment was called off")
        if self._ends <= self._now():
            raise DeadlineError("the time for the assessment is over")

    def _now(self) -> float:
        seconds: object = None
        with suppress(Exception):  # the caller's code may raise anything
            seconds = self._clock()
        if not _is_finite(seconds):
            raise ConfigurationError("got a clock that gives no finite number of seconds")
        return seconds

    def __enter__(self) -> Self:
        if self._token is not None:
            raise ConfigurationError("got a deadline that was entered before")
        self._outer = _current.get()
        self._token = _current.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)

    @property
    def outer(self) -> Deadline | None:
        """The limit around this one."""
        return self._outer


_current: ContextVar[Deadline | None] = ContextVar("ageassure_deadline", default=None)


def checkpoint() -> None:
    """Raise if the work under way is to stop; to be called between stages. Costs next to nothing.

    Raises:
        CalledOffError: If it was called off.
        DeadlineError: If its time is over.
    """
    deadline = _current.get()
    while deadline is not None:
        deadline.check()
        deadline = deadline.outer


def _is_finite(seconds: object) -> TypeGuard[float]:
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return False
    try:
        return math.isfinite(seconds)
    except OverflowError:  # an int that no float can hold
        return False
