"""The status of credentials, from lists that pinned issuers sign and somebody fetches."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from threading import Event, Thread
from typing import Final, Protocol, final

from ageassure.errors import ConfigurationError, StatusError
from ageassure.forking import ForkableLock
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.tokens.keys import JWKSet
from ageassure.tokens.status import (
    MAX_LIST_BYTES,
    SUSPENDED,
    VALID,
    StatusReference,
)
from ageassure.tokens.status.reference import is_list_uri
from ageassure.verifier.fetching import take_apart
from ageassure.verifier.status_attempt import brought
from ageassure.verifier.status_lists import Kept, KeptLists

DEFAULT_MAX_BYTES: Final = 64 * 1024 * 1024
"""Room for 500 million places of one bit."""

WAIT_SECONDS: Final = 5.0
"""How long a check waits at most; a fetch that has lasted so long, nobody waits for any more."""

MAX_FETCHES: Final = 8
"""Fetches below one prefix at the same time."""

_POLL_SECONDS: Final = 0.01


class StatusListFetcher(Protocol):
    """Brings a Status List Token."""

    def __call__(self, uri: str) -> bytes:
        """Fetch the document at a URI below one of the pinned prefixes, once; in any thread.

        :class:`~ageassure.verifier.status_fetch.HTTPSStatusListFetcher` does it. In one of your own
        it is yours to bound time and size, to follow no redirect, and to ask for
        ``application/statuslist+jwt``. Any exception counts as a failure; the message of a
        ``StatusError``, a constant sentence, is passed on. A file read from the disk does as well.
        """
        ...


class _Flight:
    """A fetch in a thread of its own; once it has landed, ``kept`` is what it brought."""

    __slots__ = ("begun_at", "fetched_at", "kept", "landed", "prefix")

    def __init__(self, prefix: str, fetched_at: float) -> None:
        self.prefix = prefix
        self.fetched_at = fetched_at
        self.begun_at = time.monotonic()
        self.landed = Event()
        self.kept: Kept | None = None


@final
class StatusChecker:
    """Tells the status of credentials. Safe for threads and for ``fork``.

    A list is kept for its ``ttl`` or until its ``exp``, whichever ends earlier, and fetched again
    when it is next asked for. A list that cannot be fetched or verified refuses: an old one is
    never used instead. What is at hand is answered at once. Each list is fetched once at a time, in
    a thread of its own, and :data:`MAX_FETCHES` of an issuer's side by side, so that no issuer's
    host keeps another one's lists waiting. A check lasts :data:`WAIT_SECONDS` at most, whatever
    hangs, and what a fork that is under way waits for claims in other stores; the fork itself never
    waits for a fetch. What is fetched and verified at the moment comes on top of ``max_bytes``.

    Args:
        issuers: Pinned keys by the beginning of the URIs of the lists that they sign, such as
            ``https://issuer.example/statuslists/``, the host in lower case. The characters are
            compared, and nothing else is ever fetched.
        fetch: Who fetches.
        now: Clock.
        max_bytes: Most bytes of lists kept, inflated. At most 1,000 lists are kept; the one
            that was least recently used makes room.

    Raises:
        ConfigurationError: If there are no issuers, one is ill-formed, or ``max_bytes`` is no int
            with room for the largest list.
    """

    __slots__ = ("_fetch", "_flights", "_guard", "_issuers", "_lists", "_now", "_pid")

    def __init__(
        self,
        *,
        issuers: Mapping[str, JWKSet],
        fetch: StatusListFetcher,
        now: Clock = utc_now,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        given: object = issuers
        if not isinstance(given, Mapping) or not given:
            raise ConfigurationError("got no issuers of status lists, expected at least one")
        for prefix, keys in given.items():
            if not is_list_uri(prefix) or not prefix.endswith("/") or not isinstance(keys, JWKSet):
                raise ConfigurationError(
                    "got a malformed issuer, expected a JWKSet by a prefix that ends with a slash,"
                    " its host in lower case"
                )
            take_apart(prefix, name="issuer of status lists")  # whatever else no fetcher takes
        if not callable(fetch):
            raise ConfigurationError("got no fetch, expected a callable")
        if type(max_bytes) is not int or max_bytes < MAX_LIST_BYTES:
            raise ConfigurationError(
                f"got another max_bytes, expected an int of {MAX_LIST_BYTES} or more"
            )
        read_clock(now)
        self._issuers = dict(issuers)
        self._fetch = fetch
        self._now = now
        self._lists = KeptLists(max_bytes)
        self._guard = ForkableLock()
        self._flights: dict[str, _Flight] = {}
        self._pid = os.getpid()

    def status(self, reference: StatusReference) -> int:
        """The status that a list tells, whatever it means.

        Args:
            reference: Out of a credential whose own signature was checked before.

        Raises:
            StatusError: ``status_unavailable`` if the list cannot be fetched in time;
                ``status_refused`` if no pinned issuer has such lists, the list is not to be
                trusted, or has no such place.
            ConfigurationError: If the clock is no clock.
        """
        uri = reference.uri
        prefix = self._prefix_of(uri)
        kept = self._lists.standing(uri, self._now) or self._awaited(uri, prefix)
        if kept.verified is None:
            raise StatusError(kept.message, code=kept.code)
        return kept.verified.statuses.status(reference.index)

    def require_valid(self, reference: StatusReference) -> None:
        """Refuse a credential that is not valid.

        Raises:
            StatusError: As :meth:`status`; ``status_suspended`` if it is suspended, and
                ``status_invalid`` for any other status than valid.
        """
        status = self.status(reference)
        if status == SUSPENDED:
            raise StatusError("got a credential that is suspended", code="status_suspended")
        if status != VALID:
            raise StatusError("got a credential that is not valid", code="status_invalid")

    def _prefix_of(self, uri: str) -> str:
        prefix = max((p for p in self._issuers if uri.startswith(p)), key=len, default=None)
        if prefix is None:
            raise StatusError("got a status list of no pinned issuer", code="status_refused")
        return prefix

    def _awaited(self, uri: str, prefix: str) -> Kept:
        until = time.monotonic() + WAIT_SECONDS
        while True:
            found = self._found(uri, prefix)
            if isinstance(found, Kept):
                return found
            if found is not None:
                found.landed.wait(min(until, found.begun_at + WAIT_SECONDS) - time.monotonic())
                if found.kept is None:
                    raise StatusError("a fetch of a status list hangs", code="status_unavailable")
                return found.kept
            if time.monotonic() >= until:
                raise StatusError(
                    "too many fetches of an issuer's status lists are under way",
                    code="status_unavailable",
                )
            time.sleep(_POLL_SECONDS)

    def _found(self, uri: str, prefix: str) -> Kept | _Flight | None:
        """What is at hand; or the list's fetch; or None if there is none and no room for one."""
        with self._guard.lock:
            kept = self._lists.standing(uri, self._now)
            if kept is not None:
                return kept
            if self._pid != os.getpid():
                self._flights.clear()  # the parent's; they do not land here
                self._pid = os.getpid()
            flight = self._flights.get(uri)
            if flight is not None:
                return flight
            others = sum(other.prefix == prefix for other in self._flights.values())
            return self._begun(uri, prefix) if others < MAX_FETCHES else None

    def _begun(self, uri: str, prefix: str) -> _Flight:
        flight = _Flight(prefix, read_clock(self._now))
        thread = Thread(target=self._fly, args=(uri, flight), daemon=True, name="ageassure-status")
        started = False
        with suppress(RuntimeError):  # no more threads, or the interpreter is about to end
            thread.start()
            started = True
        if not started:
            raise StatusError(
                "a status list could not be fetched: no thread could be started",
                code="status_unavailable",
            )
        # Only now: of a start that a signal handler has interrupted nothing is left to wait for.
        self._flights[uri] = flight
        return flight

    def _fly(self, uri: str, flight: _Flight) -> None:
        kept = brought(
            self._fetch,
            uri,
            keys=self._issuers[flight.prefix],
            now=self._now,
            fetched_at=flight.fetched_at,
        )
        with self._guard.lock:
            if self._flights.get(uri) is flight:
                del self._flights[uri]
            self._lists.put(uri, kept)
        flight.kept = kept
        flight.landed.set()
