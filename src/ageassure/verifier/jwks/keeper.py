"""What a key client holds, and the rules by which it fetches; see :class:`KeySetKeeper`."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import KeySetUnavailableError
from ageassure.verifier.jwks.attempt import attempted
from ageassure.verifier.jwks.state import Flight, Held, UnknownKids
from ageassure.verifier.jwks.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageassure.tokens.keys import JWKSet
    from ageassure.verifier.jwks.attempt import Fetched
    from ageassure.verifier.jwks.settings import ClientSettings
    from ageassure.verifier.jwks.source import KeySetFetcher
    from ageassure.verifier.jwks.state import KeyClientStatus

TOO_LONG: Final = "the fetch did not end in time"

_log = logging.getLogger(__name__)


@final
class KeySetKeeper:
    """The set at hand, the fetch under way, the names known to be unknown.

    It decides when a set is renewed and what comes of a fetch; who waits for one, and looks for a
    name, is a :class:`~ageassure.verifier.jwks.look.Look`. All of it changes under one lock; what
    is read without is replaced whole.

    Args:
        uri: Where the set is.
        fetcher: Who fetches, in a thread of its own.
        read: How a fetched body becomes a set.
        denied: Keys that are not to be used.
        settings: The client's times.
        elapsed: Clock that never goes back, in seconds.

    Attributes:
        settings: The client's times.
        elapsed: The client's clock.
        held: The set at hand, or None.
        flight: The fetch under way, or None.
        lock: Another one after a fork.
        looks_again_at: From then on an unknown name may cause a fetch.
        retries_at: From then on anything may, after a failure.
        unknown: Names that a fetch has shown to be unknown.
    """

    __slots__ = (
        "_denied",
        "_fetcher",
        "_read",
        "_tally",
        "_untold",
        "_uri",
        "elapsed",
        "flight",
        "held",
        "lock",
        "looks_again_at",
        "retries_at",
        "settings",
        "unknown",
    )

    def __init__(
        self,
        uri: str,
        *,
        fetcher: KeySetFetcher,
        read: Callable[[bytes], JWKSet],
        denied: frozenset[str],
        settings: ClientSettings,
        elapsed: Callable[[], float],
    ) -> None:
        self._uri = uri
        self._fetcher = fetcher
        self._read = read
        self._denied = denied
        self.settings = settings
        self.elapsed = elapsed
        self.held: Held | None = None
        self.flight: Flight | None = None
        self.unknown = UnknownKids()
        self.retries_at = self.looks_again_at = float("-inf")
        self._tally = Tally()
        self._untold: deque[tuple[Flight, str | None]] = deque()
        self.lock = Lock()

    # -- what is at hand --------------------------------------------------------------------------

    def at_hand(self) -> JWKSet | None:
        """The set as it is now, without the denied keys, if no fetch has to be waited for first.

        It begins one in the background when it is time.
        """
        held, now = self.held, self.elapsed()
        if held is None:
            return None
        if now >= held.refresh_at:
            with self.lock:
                if self.must_wait(now):
                    return None
                self.renewed(now)
            self.tell()
        return held.usable

    def holds(self, kid: str) -> bool:
        """Whether the set at hand has this key, denied or not; answers at once."""
        held = self.held
        return held is not None and held.fetched.get(kid) is not None

    def usable(self) -> JWKSet:
        """The set as it is now, without the denied keys.

        Raises:
            KeySetUnavailableError: If there is none that may be used.
        """
        held = self.held
        if held is None or self.elapsed() >= held.usable_until:
            reason = self._tally.last_failure or TOO_LONG
            raise KeySetUnavailableError(f"no key set at hand may be used: {reason}")
        if held.usable is None:
            raise KeySetUnavailableError("every key of the set is denied")
        return held.usable

    def deny(self, kid: str) -> None:
        """Stop using a key."""
        with self.lock:
            self._denied |= {kid}
            if self.held is not None:
                self.held = self.held.without(self._denied)

    def count_unknown(self) -> None:
        """A name was asked for that the set lacks."""
        with self.lock:
            self._tally.unknown_kids += 1

    def status(self) -> KeyClientStatus:
        """How the client is doing; starts nothing."""
        with self.lock:
            return self._tally.status(self.held, self.elapsed())

    # -- fetches ----------------------------------------------------------------------------------

    def under_way(self) -> Flight | None:
        """The fetch under way, if there is one."""
        with self.lock:
            flight = self.flight_at(self.elapsed())
        self.tell()
        return flight

    def joined_or_begun(self) -> Flight:
        """The fetch under way, or one that begins now."""
        with self.lock:
            now = self.elapsed()
            flight = self.flight_at(now) or self.begun(now)
        self.tell()
        return flight

    def must_wait(self, now: float) -> bool:
        """Whether nothing at hand is good enough to go on with while a fetch is under way.

        What has just become stale is not used while it may be replaced; after a failed fetch it is.
        """
        held = self.held
        if held is None or now >= held.usable_until:
            return True
        return now >= held.fresh_until and not self._tally.failures_in_a_row

    def renewed(self, now: float, caller: object = None) -> Flight | None:
        """The fetch under way; one begins if it is time. Under the lock."""
        flight, held = self.flight_at(now), self.held
        due = held is None or now >= held.refresh_at
        if flight is None and due and now >= self.retries_at:
            return self.begun(now, caller)
        return flight

    def flight_at(self, now: float) -> Flight | None:
        """The fetch under way, given up if its fetcher does not come back. Under the lock."""
        flight = self.flight
        if flight is not None and now >= flight.lost_at:
            self._land(flight, TOO_LONG)
        return self.flight

    def begun(self, now: float, caller: object = None) -> Flight:
        """A fetch that begins now. Under the lock, with none under way."""
        seconds = self.settings.timeout_seconds
        flight = Flight(caller=caller, before=self.held, begun_at=now, timeout_seconds=seconds)
        self.flight = flight
        self._tally.fetches += 1
        try:
            Thread(target=self._fly, args=(flight,), daemon=True, name="ageassure-jwks").start()
        except RuntimeError:  # no more threads, or the interpreter is about to end
            self._land(flight, "no thread could be started")
        return flight

    def _fly(self, flight: Flight) -> None:
        outcome = attempted(
            self._fetcher,
            self._uri,
            before=flight.before,
            read=self._read,
            timeout_seconds=self.settings.timeout_seconds,
        )
        with self.lock:
            self._land(flight, outcome)
        self.tell()

    def _land(self, flight: Flight, outcome: Fetched | str) -> None:
        if self.flight is not flight:
            return  # given up before
        self.flight = None
        self._untold.append((flight, outcome if isinstance(outcome, str) else None))
        now = self.elapsed()
        if isinstance(outcome, str):
            self._tally.failed(outcome)
            self.retries_at = now + self.settings.retry_seconds(self._tally.failures_in_a_row)
            return
        self._tally.succeeded(unchanged=outcome.unchanged)
        self.retries_at = now
        self.held = Held.made(
            outcome.key_set,
            before=self.held,
            denied=self._denied,
            etag=outcome.etag,
            fetched_at=flight.begun_at,
            fresh_seconds=self.settings.fresh_seconds(outcome.fresh_seconds),
            stale_seconds=self.settings.stale_seconds,
        )

    def tell(self) -> None:
        """Log what has failed, and let go of those who wait. Not under the lock.

        What listens to the log may be slow, or ask for the client's status.
        """
        while self._untold:
            with suppress(IndexError):  # another thread was quicker
                flight, failure = self._untold.popleft()
                try:
                    if failure is not None:
                        _log.warning("key set of %s not fetched: %s", self._uri, failure)
                finally:
                    flight.future.set_result(failure)

    def after_fork(self) -> None:
        """In a child process: no thread of the parent's is here, and its locks may be held."""
        self.lock = Lock()
        self.flight = None
        self._untold.clear()
