"""An issuer's key set, fetched from one pinned address and kept: see :class:`JWKSetClient`."""

from __future__ import annotations

import asyncio
import os
import time
from functools import partial
from typing import TYPE_CHECKING, final
from weakref import WeakSet

from ageassure.errors import ConfigurationError, KeySetUnavailableError
from ageassure.verifier.jwks.attempt import read_own_set
from ageassure.verifier.jwks.fetch import HTTPSFetcher, checked_jwks_uri
from ageassure.verifier.jwks.file import FileFetcher, path_of
from ageassure.verifier.jwks.keeper import TOO_LONG, KeySetKeeper
from ageassure.verifier.jwks.look import Look, as_answered
from ageassure.verifier.jwks.settings import (
    DEFAULT_COOLDOWN_SECONDS,
    DEFAULT_MAX_FRESH_SECONDS,
    DEFAULT_MIN_FRESH_SECONDS,
    DEFAULT_STALE_SECONDS,
    DEFAULT_TIMEOUT_SECONDS,
    ClientSettings,
    checked_kid,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ageassure.tokens.keys import JWKSet
    from ageassure.verifier.jwks.source import KeySetFetcher
    from ageassure.verifier.jwks.state import KeyClientStatus


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
    * There is never more than one fetch at a time, and nobody waits for it longer than
      ``timeout_seconds`` after it began. :class:`~ageassure.verifier.TokenVerifier` waits for
      several clients together.

    Args:
        jwks_uri: Where the set is: https, http for loopback, or a file (``Path.as_uri``).
        fetcher: Who fetches; by default an :class:`~ageassure.verifier.jwks.HTTPSFetcher`, or a
            :class:`~ageassure.verifier.jwks.FileFetcher` for a file.
        read: How a fetched body becomes a set. By default it must be one whose every ``kid`` is the
            thumbprint of its key, as an issuer of age tokens must publish it;
            :func:`~ageassure.verifier.jwks.read_foreign_set` is for issuers of other credentials.
            :class:`~ageassure.verifier.TokenVerifier` lets in only the first kind, however read.
            What raises, or gives anything else than a ``JWKSet``, has brought no set: a failed
            fetch. The text of a ``KeySetError`` goes into the log.
        denied_kids: Keys that are not to be used although the issuer publishes them, by their
            thumbprints (RFC 7638).
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

    __slots__ = ("__weakref__", "_keeper")

    def __init__(
        self,
        jwks_uri: str,
        *,
        fetcher: KeySetFetcher | None = None,
        read: Callable[[bytes], JWKSet] = read_own_set,
        denied_kids: Collection[str] = (),
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        min_fresh_seconds: float = DEFAULT_MIN_FRESH_SECONDS,
        max_fresh_seconds: float = DEFAULT_MAX_FRESH_SECONDS,
        stale_seconds: float = DEFAULT_STALE_SECONDS,
        cooldown_seconds: float = DEFAULT_COOLDOWN_SECONDS,
        elapsed: Callable[[], float] | None = None,
    ) -> None:
        uri, usual_fetcher = _read_uri(jwks_uri)
        if fetcher is None:
            fetcher = usual_fetcher
        if not callable(getattr(fetcher, "fetch", None)):
            raise ConfigurationError("got a fetcher without fetch()")
        settings = ClientSettings(
            timeout_seconds=timeout_seconds,
            min_fresh_seconds=min_fresh_seconds,
            max_fresh_seconds=max_fresh_seconds,
            stale_seconds=stale_seconds,
            cooldown_seconds=cooldown_seconds,
        )
        self._keeper = KeySetKeeper(
            uri,
            fetcher=fetcher,
            read=read,
            denied=frozenset(map(checked_kid, denied_kids)),
            settings=settings,
            elapsed=_never_goes_back() if elapsed is None else elapsed,
        )
        _clients.add(self)

    def key_set(self, missing: str | None = None) -> JWKSet:
        """The set as it is now, without the denied keys; see the class for when it is fetched.

        Args:
            missing: A ``kid`` to look for.

        Raises:
            KeySetUnavailableError: If there is no set that may be used.
        """
        usable = self._keeper.at_hand() if missing is None else None
        if usable is not None:
            return usable
        look = self.look(missing)
        for _ in as_answered((look,), time.monotonic() + self.timeout_seconds):
            pass
        return look.key_set()

    async def ready(self, missing: str | None = None) -> None:
        """Wait, without blocking the event loop, for what :meth:`key_set` would wait for.

        Args:
            missing: A ``kid`` that is going to be looked for.
        """
        look, until = self.look(missing), time.monotonic() + self.timeout_seconds
        while (flight := look.next_flight()) is not None:
            left = min(until, flight.awaited_until) - time.monotonic()
            landing = asyncio.wrap_future(flight.future)
            try:
                await asyncio.wait([landing], timeout=max(left, 0))
            finally:
                landing.cancel()  # else it would be told after the loop has ended

    def at_hand(self) -> JWKSet | None:
        """The set as it is now if no fetch has to be waited for first; answers at once."""
        return self._keeper.at_hand()

    def look(self, missing: str | None) -> Look:
        """For the verifier, which waits for the fetches of several clients together."""
        return Look(self._keeper, missing)

    @property
    def timeout_seconds(self) -> float:
        """How long a fetch may take, and somebody may wait."""
        return self._keeper.settings.timeout_seconds

    def holds(self, kid: str) -> bool:
        """Whether the set at hand has this key, denied or not; answers at once."""
        return self._keeper.holds(kid)

    def refresh(self) -> JWKSet:
        """Fetch now, whatever the age of the set, and wait for it.

        For the start of a server, and for an operator who knows that the issuer has withdrawn a
        key. A fetch that is under way already is waited for before, so that it may take twice
        ``timeout_seconds``.

        Raises:
            KeySetUnavailableError: If the fetch fails; a good set at hand stays in use.
        """
        before = self._keeper.under_way()
        if before is not None:
            before.landed_in_time()
        flight = self._keeper.joined_or_begun()
        reason = flight.future.result() if flight.landed_in_time() else TOO_LONG
        if reason is not None:
            raise KeySetUnavailableError(reason)
        return self._keeper.usable()

    def deny(self, kid: str) -> None:
        """Stop using a key, from the next token on, in this process, until it ends.

        For a key that is known to be compromised before its issuer has withdrawn it. Put it into
        ``denied_kids``, too, so that it stays denied after a restart.

        Raises:
            ConfigurationError: If ``kid`` is no thumbprint.
        """
        self._keeper.deny(checked_kid(kid))

    def status(self) -> KeyClientStatus:
        """How the client is doing; starts nothing."""
        return self._keeper.status()

    def _after_fork(self) -> None:
        self._keeper.after_fork()


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
