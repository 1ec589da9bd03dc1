"""How often what happened, by code."""

from __future__ import annotations

from collections import Counter
from typing import final

from ageassure.forking import ForkableLock


@final
class EventCounts:
    """Counts by code since the process started; safe for threads and for ``fork``.

    A code is the only label: one of the gate's own or the ``code`` of a
    :class:`~ageassure.errors.VerificationError`, so that their number is bounded and nothing
    personal is counted by.
    """

    __slots__ = ("_counts", "_guard")

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._guard = ForkableLock()

    def add(self, code: str) -> None:
        """Count one event."""
        with self._guard.lock:
            self._counts[code] += 1

    def read(self) -> dict[str, int]:
        """A copy of all counts; codes that never happened are absent."""
        with self._guard.lock:
            return dict(self._counts)
