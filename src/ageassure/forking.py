"""A lock for stores in processes that fork.

A lock that another thread holds at the moment of ``fork`` stays held in the child for ever, what it
protects may be half changed there, and an SQLite connection must not even be closed there. So the
fork waits for the claims under way: for :data:`REST_SECONDS` in all, however many locks there are.
It waits for so long in vain where a signal handler forks that has interrupted a claim in its own
thread. Forks that Python does not see (by a C program that embeds it) run no such hooks.

Python prints what a hook raises, drops it, and forks all the same. So a signal handler that raises
while a fork waits, as Ctrl-C does, ends the waiting, and is not heard of otherwise.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from itertools import count
from operator import methodcaller
from threading import Lock
from typing import TYPE_CHECKING, Final, final
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REST_SECONDS: Final = 5.0
"""How long a fork waits for all claims under way together; then it goes on without."""


@final
class ForkableLock:
    """A lock that is free in a forked child, whatever the parent's threads were doing.

    Args:
        at_rest: Called in the parent, with the lock held, before each fork.

    Attributes:
        lock: The lock itself; another one in the child.
    """

    __slots__ = ("__weakref__", "_at_rest", "lock")

    def __init__(self, at_rest: Callable[[], None] | None = None) -> None:
        self.lock = Lock()
        self._at_rest = at_rest
        _guards[next(_numbers)] = self

    def _bring_to_rest(self, held: list[Lock], seconds: float) -> None:
        lock = self.lock
        if lock in held:  # by a fork of this thread, whose waiting a signal handler has interrupted
            return
        # One call into C: no signal handler runs between getting the lock and noting it down.
        held.extend(filter(methodcaller("acquire", timeout=seconds), (lock,)))
        if lock in held and self._at_rest is not None:
            self._at_rest()


class _OfThisThread(threading.local):
    """What a fork by this thread holds."""

    def __init__(self) -> None:
        self.locks: list[Lock] = []


_numbers = count()
# In the order in which they were made: threads that fork at the same time do not wait crosswise.
_guards: WeakValueDictionary[int, ForkableLock] = WeakValueDictionary()
_held = _OfThisThread()


def _living() -> Iterator[ForkableLock]:
    for reference in _guards.valuerefs():  # a copy: others may be added meanwhile
        guard = reference()
        if guard is not None:
            yield guard


def _before() -> None:
    until = time.monotonic() + REST_SECONDS
    raised: BaseException | None = None
    for guard in _living():
        try:
            seconds = max(0.0, until - time.monotonic())
            guard._bring_to_rest(_held.locks, seconds)  # noqa: SLF001 - this module's own class
        except BaseException as error:  # noqa: BLE001 - out of a signal handler: anything
            # The others are not waited for, but what is free is brought to rest all the same.
            until, raised = 0.0, error
    if raised is not None:
        raise raised


def _in_parent() -> None:
    # One call into C again: what is crossed out is let go. It ends where nothing is left.
    with suppress(IndexError):
        any(map(methodcaller("release"), iter(_held.locks.pop, None)))


def _in_child() -> None:
    _held.locks.clear()
    for guard in _living():
        guard.lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
    # And again: a signal handler that raises can end a hook before its first line, but raises once.
    os.register_at_fork(after_in_parent=_in_parent, after_in_child=_in_child)
