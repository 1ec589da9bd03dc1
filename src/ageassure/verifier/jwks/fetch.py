"""The key client's own fetcher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from ageassure.errors import KeySetUnavailableError
from ageassure.tokens.keys import MAX_KEY_SET_BYTES
from ageassure.verifier.fetching import (
    BoundedFetcher,
    FetchFailedError,
    Question,
    resolve_by_system,
    take_apart,
)
from ageassure.verifier.jwks.cache_control import max_age_seconds
from ageassure.verifier.jwks.source import KeySetResponse

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection

    from ageassure.verifier.fetching import Resolver

_MEDIA_TYPES: Final = ("application/jwk-set+json", "application/json")


def checked_jwks_uri(uri: object) -> str:
    """Return the address of a key set: https, or http for loopback; no user, no fragment.

    Raises:
        ConfigurationError: If it is anything else. Host names are written in lower-case ASCII.
    """
    take_apart(uri, name="jwks_uri")
    return str(uri)


@final
class HTTPSFetcher:
    """Fetches a key set with the standard library; the key client's own fetcher.

    In this order: the host is resolved; if any of its addresses is not a global one, nothing is
    connected to; one of these very addresses is connected to; TLS with the host's name; one GET.
    Refused are redirects, every other status than 200 (304 where it was asked for), other content
    types than JSON, content encodings, bodies over 256 KiB or of another length than announced,
    and whatever takes longer than the time given for all of it together.

    Args:
        allowed_networks: Networks in CIDR notation that may be connected to beside global
            addresses, for a key host inside your own network. Loopback needs none where the
            address names it (``localhost``, ``127.0.0.1``, ``[::1]``).
        ssl_context: For a certificate authority of your own. It must check certificates and host
            names. By default the system's authorities are trusted, with TLS 1.2 at least.
        resolve: Name resolution; the system's by default. It may block: it runs in a thread.

    Raises:
        ConfigurationError: If a network is malformed, or the context does not check.
    """

    __slots__ = ("_fetcher",)

    def __init__(
        self,
        *,
        allowed_networks: Collection[str] = (),
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolver = resolve_by_system,
    ) -> None:
        self._fetcher = BoundedFetcher(
            allowed_networks=allowed_networks, ssl_context=ssl_context, resolve=resolve
        )

    def fetch(self, uri: str, *, etag: str | None, timeout_seconds: float) -> KeySetResponse:
        """Fetch the document once; see the class.

        Raises:
            KeySetUnavailableError: If anything is not as it must be.
            ConfigurationError: If ``uri`` is malformed.
        """
        target = take_apart(uri, name="jwks_uri")
        question = Question(
            media_types=_MEDIA_TYPES, called="JSON", max_bytes=MAX_KEY_SET_BYTES, etag=etag
        )
        try:
            answer = self._fetcher.fetch(target, question, timeout_seconds=timeout_seconds)
            return KeySetResponse(
                body=answer.body,
                etag=answer.etag,
                max_age_seconds=max_age_seconds(answer.cache_control, answer.age),
            )
        except FetchFailedError as error:
            reason = str(error)
        raise KeySetUnavailableError(f"the key host {reason}")
