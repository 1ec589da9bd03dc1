"""Status lists at hand: bounded in bytes and in number, the least recently used one leaves."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final, final

from ageassure.tokens.clock import Clock, read_clock

if TYPE_CHECKING:
    from ageassure.tokens.status import VerifiedStatusList

MAX_LISTS: Final = 1000
"""Lists kept, refusals included."""


@final
class Kept:
    """What a fetch brought, a verified list or a refusal.

    Args:
        fetched_at: POSIX seconds from which it stands.
        until: And until when.
        verified: The list; None for a refusal.
        message: Of the refusal.
        code: Of the refusal.

    Attributes:
        size: Bytes of the list, inflated.
        used: The greater, the later it was asked for.
    """

    __slots__ = ("code", "fetched_at", "message", "size", "until", "used", "verified")

    def __init__(
        self,
        fetched_at: float,
        until: float,
        *,
        verified: VerifiedStatusList | None = None,
        message: str = "",
        code: str = "",
    ) -> None:
        self.fetched_at = fetched_at
        self.until = until
        self.verified = verified
        self.message = message
        self.code = code
        self.size = 0 if verified is None else len(verified.statuses.data)
        self.used = 0


@final
class KeptLists:
    """What the fetches brought, by URI. Read without a lock; put under one.

    Args:
        max_bytes: Most bytes of inflated lists together, at least as many as one list may have.
    """

    __slots__ = ("_bytes", "_kept", "_max_bytes", "_uses")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: dict[str, Kept] = {}
        self._bytes = 0
        self._uses = count(1)

    def standing(self, uri: str, now: Clock) -> Kept | None:
        """What was put there, if it still stands.

        Raises:
            ConfigurationError: If the clock is no clock.
        """
        kept = self._kept.get(uri)
        # Before it was fetched: the clock was set back, and nothing is known of its age.
        if kept is None or not kept.fetched_at <= read_clock(now) < kept.until:
            return None
        kept.used = next(self._uses)
        return kept

    def put(self, uri: str, kept: Kept) -> None:
        """Keep it in place of what was there, and let others go as it needs room."""
        self._drop(uri)
        while self._kept and (
            len(self._kept) >= MAX_LISTS or self._bytes + kept.size > self._max_bytes
        ):
            self._drop(min(self._kept, key=self._last_use))
        kept.used = next(self._uses)
        self._kept[uri] = kept
        self._bytes += kept.size

    def _last_use(self, uri: str) -> int:
        return self._kept[uri].used

    def _drop(self, uri: str) -> None:
        dropped = self._kept.pop(uri, None)
        if dropped is not None:
            self._bytes -= dropped.size
