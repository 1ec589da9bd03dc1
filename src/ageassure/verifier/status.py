"""The status of credentials, from lists that pinned issuers sign and somebody fetches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol, final

from ageassure.errors import ConfigurationError, StatusError
from ageassure.forking import ForkableLock
from ageassure.tokens.claims import checked_issuer
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.tokens.keys import JWKSet
from ageassure.tokens.status import (
    SUSPENDED,
    VALID,
    StatusReference,
    VerifiedStatusList,
    read_status_list,
)

MAX_LISTS: Final = 32
"""Lists kept; the one that was fetched longest ago makes room."""

UNTOLD_TTL_SECONDS: Final = 300
MAX_KEPT_SECONDS: Final = 24 * 3600
"""How long a list is kept that tells no ``ttl``; and the longest, whatever it tells."""

RETRY_SECONDS: Final = 5
"""How long a list that failed is not fetched again; all of its statuses are refused meanwhile."""

WAIT_SECONDS: Final = 5.0
"""How long a thread waits for another one's fetch."""

LEEWAY_SECONDS: Final = 30


class StatusListFetcher(Protocol):
    """Brings a Status List Token."""

    def __call__(self, uri: str) -> bytes:
        """Fetch the document at a URI below one of the pinned prefixes, once.

        :class:`~ageassure.verifier.status_fetch.HTTPSStatusListFetcher` does it. In one of your own
        it is yours to bound time and size, to follow no redirect, and to ask for
        ``application/statuslist+jwt``. Any exception counts as a failure; the message of a
        ``StatusError``, a constant sentence, is passed on. A file read from the disk does as well.
        """
        ...


class _Kept(NamedTuple):
    """What a fetch brought, a verified list or a refusal, and from when until when it stands."""

    verified: VerifiedStatusList | None
    message: str
    code: str
    fetched_at: float
    until: float


@final
class StatusChecker:
    """Tells the status of credentials. Safe for threads and for ``fork``.

    A list is kept for its ``ttl`` or until its ``exp``, whichever ends earlier, and fetched again
    when it is next asked for. A list that cannot be fetched or verified refuses: an old one is
    never used instead. One thread at a time fetches; those that need a fetch, too, wait for it.

    Args:
        issuers: Pinned keys by the beginning of the URIs of the lists that they sign, such as
            ``https://issuer.example/statuslists/``. Nothing else is ever fetched.
        fetch: Who fetches.
        now: Clock.

    Raises:
        ConfigurationError: If there are no issuers, or one is ill-formed.
    """

    __slots__ = ("_fetch", "_guard", "_issuers", "_kept", "_now")

    def __init__(
        self, *, issuers: Mapping[str, JWKSet], fetch: StatusListFetcher, now: Clock = utc_now
    ) -> None:
        given: object = issuers
        if not isinstance(given, Mapping) or not given:
            raise ConfigurationError("got no issuers of status lists, expected at least one")
        for prefix, keys in given.items():
            if not checked_issuer(prefix).endswith("/") or not isinstance(keys, JWKSet):
                raise ConfigurationError("got a malformed issuer, expected a prefix and a JWKSet")
        if not callable(fetch):
            raise ConfigurationError("got no fetch, expected a callable")
        read_clock(now)
        self._issuers = dict(issuers)
        self._fetch = fetch
        self._now = now
        self._guard = ForkableLock()
        self._kept: dict[str, _Kept] = {}

    def status(self, reference: StatusReference) -> int:
        """The status that a list tells, whatever it means.

        Args:
            reference: Out of a credential whose own signature was checked before.

        Raises:
            StatusError: ``status_unavailable`` if the list cannot be fetched; ``status_refused`` if
                no pinned issuer has such lists, the list is not to be trusted, or has no such
                place.
            ConfigurationError: If the clock is no clock.
        """
        keys = self._keys_for(reference.uri)
        kept = self._standing(reference.uri)
        if kept is None:
            lock = self._guard.lock
            if not lock.acquire(timeout=WAIT_SECONDS):
                raise StatusError("a fetch of status lists hangs", code="status_unavailable")
            try:
                kept = self._standing(reference.uri) or self._renewed(reference.uri, keys)
            finally:
                lock.release()
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

    def _keys_for(self, uri: str) -> JWKSet:
        prefix = max((p for p in self._issuers if uri.startswith(p)), key=len, default=None)
        if prefix is None:
            raise StatusError("got a status list of no pinned issuer", code="status_refused")
        return self._issuers[prefix]

    def _standing(self, uri: str) -> _Kept | None:
        kept = self._kept.get(uri)
        # Before it was fetched: the clock was set back, and nothing is known of its age.
        if kept is not None and kept.fetched_at <= read_clock(self._now) < kept.until:
            return kept
        return None

    def _renewed(self, uri: str, keys: JWKSet) -> _Kept:
        fetched_at = read_clock(self._now)
        kept = self._fetched(uri, keys, fetched_at)
        self._kept.pop(uri, None)
        while len(self._kept) >= MAX_LISTS:
            del self._kept[next(iter(self._kept))]
        self._kept[uri] = kept
        return kept

    def _fetched(self, uri: str, keys: JWKSet, fetched_at: float) -> _Kept:
        verified: VerifiedStatusList | None = None
        message, code = "a status list could not be fetched", "status_unavailable"
        until = fetched_at + RETRY_SECONDS
        body: object = None
        try:
            body = self._fetch(uri)
        except StatusError as error:
            message = str(error)
        except Exception:  # noqa: BLE001, S110 - a fetcher may raise anything; told below
            pass
        if isinstance(body, bytes):
            try:
                verified = read_status_list(
                    body.decode("latin-1"),  # what is not ASCII, the reader refuses
                    uri=uri,
                    keys=keys,
                    now=self._now,
                    leeway_seconds=LEEWAY_SECONDS,
                )
            except StatusError as error:
                message, code = str(error), error.code
        if verified is not None:
            until = fetched_at + min(verified.ttl_seconds or UNTOLD_TTL_SECONDS, MAX_KEPT_SECONDS)
            until = min(until, until if verified.expires_at is None else verified.expires_at)
        return _Kept(verified, message, code, fetched_at, until)
