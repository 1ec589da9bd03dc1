"""What a key client holds: its set, the fetch under way, the names it knows to be unknown."""

from __future__ import annotations

import time
from collections import OrderedDict
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ageassure.tokens.keys import JWKSet

if TYPE_CHECKING:
    from collections.abc import Collection

UNKNOWN_KID_SECONDS: Final = 300
UNKNOWN_KIDS: Final = 1000
"""Unknown ``kid`` values remembered, and how long: a fetch has shown that the set lacks them."""

_REFRESHED_AFTER: Final = 0.75  # of the time that a set is fresh


class KeySetState(StrEnum):
    """How good the set is that a client holds."""

    FRESH = "fresh"
    STALE = "stale"
    """Older than its host allows, used because no newer one can be had."""
    UNAVAILABLE = "unavailable"
    """None was ever fetched, or the last good one is too old, or all its keys are denied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyClientStatus:
    """A client's health, for a health endpoint and counters. It says nothing about any person.

    Attributes:
        state: How good the set at hand is.
        keys: How many of its keys are used, denied ones not counted.
        age_seconds: Since the set at hand was fetched or found unchanged; None if there is none.
        fetches: Fetches begun.
        unchanged: Fetches that found the set unchanged.
        failures: Fetches that failed, or brought a set that must not be used.
        failures_in_a_row: Of these, since the last success.
        last_failure: Why the last failed fetch did, or None. No text of the host's.
        unknown_kids: How often a ``kid`` was asked for that the set lacks.
    """

    state: KeySetState
    keys: int
    age_seconds: float | None
    fetches: int
    unchanged: int
    failures: int
    failures_in_a_row: int
    last_failure: str | None
    unknown_kids: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A good set and how long it is what; times are readings of the client's clock.

    Attributes:
        fetched: The set as it was published.
        usable: Without the denied keys; None if there is no other. The same object as long as its
            keys are the same.
        etag: Entity tag to ask with.
        fetched_at: When the fetch began.
        refresh_at: From then on it is fetched again in the background.
        fresh_until: From then on it is stale.
        usable_until: From then on it must not be used.
    """

    fetched: JWKSet
    usable: JWKSet | None
    etag: str | None
    fetched_at: float
    refresh_at: float
    fresh_until: float
    usable_until: float

    @classmethod
    def made(
        cls,
        fetched: JWKSet,
        *,
        before: Held | None,
        denied: Collection[str],
        etag: str | None,
        fetched_at: float,
        fresh_seconds: float,
        stale_seconds: float,
    ) -> Held:
        """A set as it comes in."""
        fresh_until = fetched_at + fresh_seconds
        return cls(
            fetched=fetched,
            usable=_without(denied, fetched, before.usable if before is not None else None),
            etag=etag,
            fetched_at=fetched_at,
            refresh_at=fetched_at + fresh_seconds * _REFRESHED_AFTER,
            fresh_until=fresh_until,
            usable_until=fresh_until + stale_seconds,
        )

    def without(self, denied: Collection[str]) -> Held:
        """The same set with more keys denied."""
        return replace(self, usable=_without(denied, self.fetched, self.usable))


def _without(denied: Collection[str], fetched: JWKSet, before: JWKSet | None) -> JWKSet | None:
    # By thumbprint, which is the kid of our own issuers' keys; others name theirs as they like.
    keys = tuple(key for key in fetched if key.thumbprint not in denied)
    if not keys:
        return None
    usable = JWKSet(keys=keys)
    # The verifier sees by identity whether something has changed.
    return before if before is not None and before.to_dict() == usable.to_dict() else usable


class Flight:
    """One fetch under way.

    Attributes:
        caller: On whose behalf it was begun, an object of that caller's own, or None.
        before: What was at hand when it was begun.
        begun_at: When, by the client's clock.
        lost_at: From then on it is given up: twice the time that it may take.
        awaited_until: From then on it is overdue, and nobody waits; by ``time.monotonic``.
        future: Done when it is over: None, or the reason of the failure.
    """

    __slots__ = ("awaited_until", "before", "begun_at", "caller", "future", "lost_at")

    def __init__(
        self, *, caller: object, before: Held | None, begun_at: float, timeout_seconds: float
    ) -> None:
        self.caller = caller
        self.before = before
        self.begun_at = begun_at
        self.lost_at = begun_at + 2 * timeout_seconds
        self.awaited_until = time.monotonic() + timeout_seconds
        self.future: Future[str | None] = Future()
        self.future.set_running_or_notify_cancel()  # nobody who waits can cancel it

    def landed_in_time(self) -> bool:
        """Wait until it is over or overdue, and say whether it is over."""
        wait([self.future], max(self.awaited_until - time.monotonic(), 0))
        return self.future.done()


class UnknownKids:
    """Names that a fetch has shown to be unknown; bounded, each for some minutes."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def add(self, kid: str, now: float) -> None:
        """Remember one; the oldest is forgotten where there are too many."""
        self._until[kid] = now + UNKNOWN_KID_SECONDS
        if len(self._until) > UNKNOWN_KIDS:
            self._until.popitem(last=False)

    def holds(self, kid: str, now: float) -> bool:
        """Whether it is remembered."""
        return now < self._until.get(kid, now)

    def __len__(self) -> int:
        return len(self._until)
