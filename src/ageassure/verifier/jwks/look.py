"""Waiting for key hosts: one question to a client, and several that are waited for together."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ageassure.tokens.keys import JWKSet
    from ageassure.verifier.jwks.keeper import KeySetKeeper
    from ageassure.verifier.jwks.state import Flight

_MAX_AWAITED: Final = 4


@final
class Look:
    """One question to a key client: which fetches to wait for, and then the set at hand.

    Args:
        keeper: The client's.
        missing: A name to look for, or None.
    """

    __slots__ = ("_awaited", "_flight", "_keeper", "_missing")

    def __init__(self, keeper: KeySetKeeper, missing: str | None) -> None:
        self._keeper = keeper
        self._missing = missing
        self._flight: Flight | None = None
        self._awaited = 0

    def next_flight(self) -> Flight | None:
        """The fetch to wait for, after the one before it; None if there is none.

        A fetch that was under way may have been answered before the missing key was published, so
        that another one has to be begun after it.
        """
        if self._awaited == _MAX_AWAITED:
            return None
        self._awaited += 1
        keeper = self._keeper
        with keeper.lock:
            now, missing, waited = keeper.elapsed(), self._missing, self._flight
            flight = self._for_renewal(now) if waited is None else None
            if flight is None and missing is not None:
                flight = self._for_name(missing, waited, now)
            self._flight = flight
        keeper.tell()
        return flight

    def key_set(self) -> JWKSet:
        """The set as it is now, without the denied keys.

        Raises:
            KeySetUnavailableError: If there is none that may be used.
        """
        usable = self._keeper.usable()
        if self._missing is not None and usable.get(self._missing) is None:
            self._keeper.count_unknown()
        return usable

    def _for_renewal(self, now: float) -> Flight | None:
        keeper = self._keeper
        flight = keeper.renewed(now, self)
        if flight is not None and flight.caller is self and self._missing is not None:
            keeper.looks_again_at = now + keeper.settings.cooldown_seconds
        return flight if keeper.must_wait(now) else None

    def _for_name(self, missing: str, waited: Flight | None, now: float) -> Flight | None:
        keeper = self._keeper
        if waited is not None and waited.caller is self:
            self._conclude(missing, waited, now)
            return None
        if keeper.holds(missing) or keeper.unknown.holds(missing, now):
            return None
        flight = keeper.flight_at(now)
        if flight is not None:
            return None if flight is waited else flight
        if now < max(keeper.looks_again_at, keeper.retries_at):
            return None
        keeper.looks_again_at = now + keeper.settings.cooldown_seconds
        return keeper.begun(now, self)

    def _conclude(self, missing: str, flight: Flight, now: float) -> None:
        """What follows from a fetch that was begun to find the name."""
        keeper = self._keeper
        if keeper.holds(missing):
            keeper.looks_again_at = now  # it was worth it; only what is unknown has to cool down
        elif flight.future.done() and flight.future.result() is None:
            keeper.unknown.add(missing, now)


def as_answered(looks: Iterable[Look], until: float) -> Iterator[Look]:
    """Begin their fetches together, and give each look when it has nothing more to wait for.

    Those whose fetches do not end in time come last. Each fetch is waited for until it is overdue,
    whoever began it.

    Args:
        looks: The questions.
        until: When all waiting is over, by ``time.monotonic``.
    """
    begun = [(look, _next_flight(look)) for look in looks]
    yield from (look for look, flight in begun if flight is None)
    waiting = [(look, flight) for look, flight in begun if flight is not None]
    while waiting:
        last = max(flight.awaited_until for _, flight in waiting)
        futures = [flight.future for _, flight in waiting]
        done, _ = wait(futures, max(min(until, last) - time.monotonic(), 0), FIRST_COMPLETED)
        if not done:
            break
        over = [look for look, flight in waiting if flight.future in done]
        waiting = [(look, flight) for look, flight in waiting if flight.future not in done]
        for look in over:
            flight = _next_flight(look)
            if flight is None:
                yield look
            else:
                waiting.append((look, flight))
    yield from (look for look, _ in waiting)


def _next_flight(look: Look) -> Flight | None:
    with suppress(Exception):  # of a clock that was given to the client: its own look then fails
        return look.next_flight()
    return None
