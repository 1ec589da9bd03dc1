"""Fetching status lists over https, with every bound that key sets are fetched with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from ageassure.errors import ConfigurationError, StatusError
from ageassure.tokens.status import MAX_STATUS_TOKEN_BYTES, STATUS_LIST_TYPE
from ageassure.verifier.fetching import (
    BoundedFetcher,
    FetchFailedError,
    Question,
    resolve_by_system,
    take_apart,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection

    from ageassure.verifier.fetching import Resolver

DEFAULT_TIMEOUT_SECONDS: Final = 4
"""Shorter than what :class:`~ageassure.verifier.status.StatusChecker` lets other threads wait."""

_MAX_TIMEOUT_SECONDS: Final = 60
_QUESTION: Final = Question(
    media_types=(f"application/{STATUS_LIST_TYPE}",),
    called="a status list",
    max_bytes=MAX_STATUS_TOKEN_BYTES,
)


@final
class HTTPSStatusListFetcher:
    """Fetches Status List Tokens for :class:`~ageassure.verifier.status.StatusChecker`.

    The host is resolved; if any of its addresses is not a global one, nothing is connected to; one
    of these very addresses is connected to; TLS with the host's name; one GET. Refused are
    redirects (which section 8.1 of the draft would have followed), every other status than 200,
    other content types than ``application/statuslist+jwt``, content encodings, bodies over 2 MiB or
    of another length than announced, and whatever takes longer than the time given for all of it
    together. Nothing is kept here: the checker keeps lists, for the ``ttl`` and the ``exp`` that
    their issuer has signed. ``Cache-Control`` is not read.

    Args:
        allowed_networks: Networks in CIDR notation that may be connected to beside global
            addresses, for a host inside your own network. Loopback needs none where the address
            names it (``localhost``, ``127.0.0.1``, ``[::1]``).
        ssl_context: For a certificate authority of your own. It must check certificates and host
            names. By default the system's authorities are trusted, with TLS 1.2 at least.
        resolve: Name resolution; the system's by default. It may block: it runs in a thread.
        timeout_seconds: From name resolution to the last byte, at most 60.

    Raises:
        ConfigurationError: If a network is malformed, the context does not check, or the time is
            out of range.
    """

    __slots__ = ("_fetcher", "_timeout_seconds")

    def __init__(
        self,
        *,
        allowed_networks: Collection[str] = (),
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolver = resolve_by_system,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        given: object = timeout_seconds
        if type(given) not in (int, float) or not 0 < timeout_seconds <= _MAX_TIMEOUT_SECONDS:
            raise ConfigurationError(
                f"got another timeout_seconds, expected a number up to {_MAX_TIMEOUT_SECONDS}"
            )
        self._fetcher = BoundedFetcher(
            allowed_networks=allowed_networks, ssl_context=ssl_context, resolve=resolve
        )
        self._timeout_seconds = timeout_seconds

    def __call__(self, uri: str) -> bytes:
        """Fetch the list once; see the class.

        Raises:
            StatusError: ``status_unavailable`` if anything is not as it must be.
        """
        try:
            target = take_apart(uri, name="uri")
            answer = self._fetcher.fetch(target, _QUESTION, timeout_seconds=self._timeout_seconds)
            return answer.body or b""  # which is no list
        except ConfigurationError as error:
            reason = str(error)
        except FetchFailedError as error:
            reason = f"its host {error}"
        raise StatusError(
            f"a status list could not be fetched: {reason}", code="status_unavailable"
        )
