"""An issuer's key set, fetched from one pinned address and kept: see :class:`JWKSetClient`."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from concurrent.futures import wait
from functools import partial
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final, final
from weakref import WeakSet

from ageassure.errors import ConfigurationError, KeySetError, KeySetUnavailableError
from ageassure.results import THUMBPRINT_PATTERN
from ageassure.verifier.jwks.fetch import HTTPSFetcher, checked_jwks_uri
from ageassure.verifier.jwks.file import FileFetcher, path_of
from ageassure.verifier.jwks.state import (
    Fetched,
    Flight,
    Held,
    KeyClientStatus,
    KeySetState,
    UnknownKids,
    read_response,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from concurrent.futures import Future

    from ageassure.tokens.keys import JWKSet
    from ageassure.verifier.jwks.source import KeySetFetcher

DEFAULT_TIMEOUT_SECONDS: Final = 5
DEFAULT_MIN_FRESH_SECONDS: Final = 60
DEFAULT_MAX_FRESH_SECONDS: Final = 3600
DEFAULT_STALE_SECONDS: Final = 24 * 3600
DEFAULT_COOLDOWN_SECONDS: Final = 30
UNTOLD_FRESH_SECONDS: Final = 300
"""How long a set counts as fresh where the host does not say."""

_WEEK_SECONDS: Final = 7 * 24 * 3600
_DAY_SECONDS: Final = 24 * 3600
_MAX_DOUBLINGS: Final = 12
_MAX_AWAITED: Final = 4
_TOO_LONG: Final = "the fetch did not end in time"

_log = logging.getLogger(__name__)


def _never_goes_back() -> Callable[[], float]:
    # Not the time of day, which may be wrong or be set. Where there is a clock that goes on while
    # the machine sleeps, that one: a set does not stay young on a suspended machine.
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if boot_time is None else partial(time.clock_gettime, boot_time)


@final
class JWKSetClient:
    """Fetches an issuer's JWK Set from one pinned address, and keeps it. Safe for threads and fork.

    Pass it to :class:`~ageassure.verifier.TokenVerifier` in place of a ``JWKSet``. The constructor
    touches no network; :meth:`refresh` fetches at once, so that a server can refuse to start.

    * In the last quarter of the time for which a set is fresh, the next token starts a fetch in
      the background. Only the first token ever, and the first after an idle time longer than that,
      wait for the key host.
    * If fetching fails, or brings a set that must not be used, the last good set is used for
      ``stale_seconds`` more; then every token is refused (``key_set_unavailable``). Fetching is
      tried again after 1, 2, 4 … seconds, at most ``cooldown_seconds``.
    * A token with a ``kid`` that the set lacks makes the client fetch once and wait for it, at most
      once in ``cooldown_seconds``, so that a key is known as soon as it is used.
    * There is never more than one fetch at a time.

    Args:
        jwks_uri: Where the set is: https, http for loopback, or a file (``Path.as_uri``).
        fetcher: Who fetches; by default an :class:`~ageassure.verifier.jwks.HTTPSFetcher`, or a
            :class:`~ageassure.verifier.jwks.FileFetcher` for a file.
        denied_kids: Keys that are not to be used although the issuer publishes them.
        timeout_seconds: For a fetch from name resolution to the last byte, at most 60.
        min_fresh_seconds: A set counts as fresh for at least so long, whatever its host says.
        max_fresh_seconds: And at most so long, a day at the most. A key that the issuer withdraws
            is trusted until then, while the key host can be reached.
        stale_seconds: How much longer a set is used while fetching fails: 0 to a week.
        cooldown_seconds: Least time between two fetches that unknown ``kid`` values cause: 1 second
            to an hour.
        elapsed: Clock that never goes back, in seconds; not the time of day.

    Raises:
        ConfigurationError: If one of these is ill-formed.
    """

    __slots__ = (
        "__weakref__",
        "_cooldown_seconds",
        "_denied",
        "_elapsed",
        "_failures",
        "_failures_in_a_row",
        "_fetcher",
        "_fetches",
        "_flight",
        "_held",
        "_last_failure",
        "_lock",
        "_looks_again_at",
        "_max_fresh_seconds",
        "_min_fresh_seconds",
        "_retries_at",
        "_stale_seconds",
        "_timeout_seconds",
        "_unchanged",
        "_unknown",
        "_unknown_kids",
        "_uri",
    )

    def __init__(
        self,
        jwks_uri: str,
        *,
        fetcher: KeySetFetcher | None = None,
        denied_kids: Collection[str] = (),
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        min_fresh_seconds: float = DEFAULT_MIN_FRESH_SECONDS,
        max_fresh_seconds: float = DEFAULT_MAX_FRESH_SECONDS,
        stale_seconds: float = DEFAULT_STALE_SECONDS,
        cooldown_seconds: float = DEFAULT_COOLDOWN_SECONDS,
        elapsed: Callable[[], float] | None = None,
    ) -> None:
        self._uri, usual_fetcher = _read_uri(jwks_uri)
        self._fetcher = usual_fetcher if fetcher is None else fetcher
        if not callable(getattr(self._fetcher, "fetch", None)):
            raise ConfigurationError("got a fetcher without fetch()")
        self._denied = frozenset(map(_checked_kid, denied_kids))
        self._timeout_seconds = _checked("timeout_seconds", timeout_seconds, 0.01, 60)
        self._min_fresh_seconds = _checked("min_fresh_seconds", min_fresh_seconds, 1, _DAY_SECONDS)
        self._max_fresh_seconds = _checked(
            "max_fresh_seconds", max_fresh_seconds, min_fresh_seconds, _DAY_SECONDS
        )
        self._stale_seconds = _checked("stale_seconds", stale_seconds, 0, _WEEK_SECONDS)
        self._cooldown_seconds = _checked("cooldown_seconds", cooldown_seconds, 1, 3600)
        self._elapsed = _never_goes_back() if elapsed is None else elapsed
        self._held: Held | None = None
        self._flight: Flight | None = None
        self._unknown = UnknownKids()
        self._retries_at = self._looks_again_at = float("-inf")
        self._fetches = self._unchanged = self._unknown_kids = 0
        self._failures = self._failures_in_a_row = 0
        self._last_failure: str | None = None
        self._lock = Lock()
        _clients.add(self)

    def key_set(self, missing: str | None = None) -> JWKSet:
        """The set as it is now, without the denied keys; see the class for when it is fetched.

        Args:
            missing: A ``kid`` to look for.

        Raises:
            KeySetUnavailableError: If there is no set that may be used.
        """
        held = self._held
        if missing is not None or held is None or self._elapsed() >= held.refresh_at:
            for future in self._fetches_to_await(missing):
                wait([future], self._timeout_seconds)
        usable = self._usable()
        if missing is not None and usable.get(missing) is None:
            with self._lock:
                self._unknown_kids += 1
        return usable

    async def ready(self, missing: str | None = None) -> None:
        """Wait, without blocking the event loop, for what :meth:`key_set` would wait for.

        Args:
            missing: A ``kid`` that is going to be looked for.
        """
        for future in self._fetches_to_await(missing):
            await asyncio.wait([asyncio.wrap_future(future)], timeout=self._timeout_seconds)

    def holds(self, kid: str) -> bool:
        """Whether the set at hand has this key, denied or not; answers at once."""
        held = self._held
        return held is not None and held.fetched.get(kid) is not None

    def refresh(self) -> JWKSet:
        """Fetch now, whatever the age of the set, and wait for it.

        For the start of a server, and for an operator who knows that the issuer has withdrawn a
        key. A fetch that is under way already is waited for before.

        Raises:
            KeySetUnavailableError: If the fetch fails; a good set at hand stays in use.
        """
        with self._lock:
            before = self._under_way(self._elapsed())
        if before is not None:
            wait([before.future], self._timeout_seconds)
        with self._lock:
            now = self._elapsed()
            flight = self._under_way(now) or self._begin(now)
        done, _ = wait([flight.future], self._timeout_seconds)
        reason = flight.future.result() if done else _TOO_LONG
        if reason is not None:
            raise KeySetUnavailableError(reason)
        return self._usable()

    def deny(self, kid: str) -> None:
        """Stop using a key, from the next token on, in this process, until it ends.

        For a key that is known to be compromised before its issuer has withdrawn it. Put it into
        ``denied_kids``, too, so that it stays denied after a restart.

        Raises:
            ConfigurationError: If ``kid`` is no thumbprint.
        """
        checked = _checked_kid(kid)
        with self._lock:
            self._denied |= {checked}
            if self._held is not None:
                self._held = self._held.without(self._denied)

    def status(self) -> KeyClientStatus:
        """How the client is doing; starts nothing."""
        with self._lock:
            now, held = self._elapsed(), self._held
            state, keys = KeySetState.UNAVAILABLE, 0
            if held is not None and held.usable is not None:
                keys = len(held.usable)
                if now < held.usable_until:
                    state = KeySetState.FRESH if now < held.fresh_until else KeySetState.STALE
            return KeyClientStatus(
                state=state,
                keys=keys,
                age_seconds=None if held is None else now - held.fetched_at,
                fetches=self._fetches,
                unchanged=self._unchanged,
                failures=self._failures,
                failures_in_a_row=self._failures_in_a_row,
                last_failure=self._last_failure,
                unknown_kids=self._unknown_kids,
            )

    def _usable(self) -> JWKSet:
        held = self._held
        if held is None or self._elapsed() >= held.usable_until:
            reason = self._last_failure or _TOO_LONG
            raise KeySetUnavailableError(f"no key set at hand may be used: {reason}")
        if held.usable is None:
            raise KeySetUnavailableError("every key of the set is denied")
        return held.usable

    def _fetches_to_await(self, missing: str | None) -> Iterator[Future[str | None]]:
        """What the caller has to wait for, one after the other.

        A fetch that was under way may have been answered before the missing key was published, so
        that another one has to be begun after it.
        """
        caller = object()
        waited: Flight | None = None
        for _ in range(_MAX_AWAITED):
            with self._lock:
                waited = self._next_flight(missing, caller, waited)
            if waited is None:
                return
            yield waited.future

    def _next_flight(
        self, missing: str | None, caller: object, waited: Flight | None
    ) -> Flight | None:
        now, held = self._elapsed(), self._held
        flight = self._under_way(now)
        if waited is None and (held is None or now >= held.refresh_at):
            if flight is None and now >= self._retries_at:
                flight = self._begin(now, caller)
                if missing is not None:
                    self._looks_again_at = now + self._cooldown_seconds
            if flight is not None and self._must_wait(now):
                return flight
        if missing is None:
            return None
        if waited is not None and waited.caller is caller:
            self._looked(missing, waited, now)
            return None
        if self._knows_about(missing, now):
            return None
        if flight is not None:
            return None if flight is waited else flight
        if now < self._looks_again_at:
            return None
        self._looks_again_at = now + self._cooldown_seconds
        return self._begin(now, caller)

    def _must_wait(self, now: float) -> bool:
        """Whether nothing at hand is good enough to go on with while a fetch is under way.

        What has just become stale is not used while it may be replaced; after a failed fetch it is.
        """
        held = self._held
        if held is None or now >= held.usable_until:
            return True
        return now >= held.fresh_until and not self._failures_in_a_row

    def _knows_about(self, kid: str, now: float) -> bool:
        """Whether there is no need to look for it."""
        return self.holds(kid) or self._unknown.holds(kid, now)

    def _looked(self, kid: str, flight: Flight, now: float) -> None:
        """Draw the conclusion from a fetch that was begun to find ``kid``."""
        if self.holds(kid):
            self._looks_again_at = now  # it was worth it; only what is unknown has to cool down
        elif flight.future.done() and flight.future.result() is None:
            self._unknown.add(kid, now)

    def _under_way(self, now: float) -> Flight | None:
        """The fetch under way, given up if its fetcher does not come back."""
        flight = self._flight
        if flight is not None and now >= flight.lost_at:
            self._land(flight, _TOO_LONG)
        return self._flight

    def _begin(self, now: float, caller: object = None) -> Flight:
        lost_at = now + 2 * self._timeout_seconds
        flight = Flight(caller=caller, before=self._held, begun_at=now, lost_at=lost_at)
        self._flight = flight
        self._fetches += 1
        try:
            Thread(target=self._fly, args=(flight,), daemon=True, name="ageassure-jwks").start()
        except RuntimeError:  # no more threads, or the interpreter is about to end
            self._land(flight, "no thread could be started")
        return flight

    def _fly(self, flight: Flight) -> None:
        outcome: Fetched | str = "the fetcher failed"
        try:
            response = self._fetcher.fetch(
                self._uri,
                etag=None if flight.before is None else flight.before.etag,
                timeout_seconds=self._timeout_seconds,
            )
            outcome = read_response(response, before=flight.before)
        except KeySetUnavailableError as error:
            outcome = str(error)
        except KeySetError as error:
            outcome = f"a key set that must not be used: {error}"
        except Exception:  # noqa: BLE001, S110 - an injected fetcher may raise anything
            pass
        with self._lock:
            self._land(flight, outcome)

    def _land(self, flight: Flight, outcome: Fetched | str) -> None:
        if self._flight is not flight:
            return  # given up before
        self._flight = None
        now = self._elapsed()
        if isinstance(outcome, str):
            self._failures += 1
            self._failures_in_a_row += 1
            self._last_failure = outcome
            doublings = min(self._failures_in_a_row - 1, _MAX_DOUBLINGS)
            self._retries_at = now + min(self._cooldown_seconds, 2.0**doublings)
            _log.warning("key set of %s not fetched: %s", self._uri, outcome)
            flight.future.set_result(outcome)
            return
        self._failures_in_a_row = 0
        self._retries_at = now
        self._unchanged += outcome.unchanged
        told = UNTOLD_FRESH_SECONDS if outcome.fresh_seconds is None else outcome.fresh_seconds
        self._held = Held.made(
            outcome.key_set,
            before=self._held,
            denied=self._denied,
            etag=outcome.etag,
            fetched_at=flight.begun_at,
            fresh_seconds=max(self._min_fresh_seconds, min(told, self._max_fresh_seconds)),
            stale_seconds=self._stale_seconds,
        )
        flight.future.set_result(None)

    def _after_fork(self) -> None:
        """In a child process: no thread of the parent's is here, and its locks may be held."""
        self._lock = Lock()
        self._flight = None


_clients: WeakSet[JWKSetClient] = WeakSet()


def _renew_after_fork() -> None:
    for client in list(_clients):
        client._after_fork()  # noqa: SLF001 - this module's own class


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)


def _read_uri(uri: object) -> tuple[str, KeySetFetcher]:
    if isinstance(uri, str) and uri.startswith("file:"):
        path_of(uri)
        return uri, FileFetcher()
    return checked_jwks_uri(uri), HTTPSFetcher()


def _checked_kid(kid: object) -> str:
    if not isinstance(kid, str) or not THUMBPRINT_PATTERN.fullmatch(kid):
        raise ConfigurationError("got a malformed kid, expected an RFC 7638 thumbprint")
    return kid


def _checked(name: str, value: object, least: float, most: float) -> float:
    if type(value) not in (int, float) or not least <= value <= most:  # type: ignore[operator]
        raise ConfigurationError(
            f"got another {name}, expected a number of {least:g} to {most:g} seconds"
        )
    return value  # type: ignore[return-value]
