"""A lock for stores in processes that fork.

A lock that another thread holds at the moment of ``fork`` stays held in the child for ever, what it
protects may be half changed there, and an SQLite connection must not even be closed there. So the
fork waits for the claim under way. Forks that Python does not see (by a C program that embeds it)
run no such hooks.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, Final, final
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

REST_SECONDS: Final = 5.0
"""How long a fork waits for a claim under way; then it goes on without."""


@final
class ForkableLock:
    """A lock that is free in a forked child, whatever the parent's threads were doing.

    Args:
        at_rest: Called in the parent, with the lock held, before each fork.

    Attributes:
        lock: The lock itself; another one in the child.
    """

    __slots__ = ("__weakref__", "_at_rest", "_resting", "lock")

    def __init__(self, at_rest: Callable[[], None] | None = None) -> None:
        self.lock = Lock()
        self._at_rest = at_rest
        self._resting = False
        with _forking:
            _locks.add(self)

    def _before_fork(self) -> None:
        self._resting = self.lock.acquire(timeout=REST_SECONDS)
        if self._resting and self._at_rest is not None:
            self._at_rest()

    def _after_fork_in_parent(self) -> None:
        if self._resting:
            self.lock.release()

    def _after_fork_in_child(self) -> None:
        self.lock = Lock()


# Held for the whole of a fork, and while a lock is added.
_forking = Lock()
_locks: WeakSet[ForkableLock] = WeakSet()
_resting: list[ForkableLock] = []


def _before() -> None:
    _forking.acquire()
    _resting.extend(_locks)
    for lock in _resting:
        lock._before_fork()  # noqa: SLF001 - this module's own class


def _in_parent() -> None:
    for lock in _resting:
        lock._after_fork_in_parent()  # noqa: SLF001
    _resting.clear()
    _forking.release()


def _in_child() -> None:
    for lock in _resting:
        lock._after_fork_in_child()  # noqa: SLF001
    _resting.clear()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
