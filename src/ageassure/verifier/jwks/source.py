"""The two plug-in points of changing key sets: where a verifier finds one, and who fetches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ageassure.tokens.keys import JWKSet


class KeySource(Protocol):
    """Gives the verifier an issuer's key set as it is now; in place of a fixed ``JWKSet``.

    It is asked for every token, by several threads, and so must answer at once from memory in the
    usual case. Sources other than :class:`~ageassure.verifier.JWKSetClient` are asked for an
    unknown ``kid`` one after the other: how long a token waits for each is its own business.
    """

    def key_set(self, missing: str | None = None) -> JWKSet:
        """The set as it is now.

        Args:
            missing: A ``kid`` that a token names and the set lacks, 43 characters of base64url
                chosen by a stranger. The source may look again for it; how often is its business.

        Returns:
            The same object as long as nothing has changed.

        Raises:
            KeySetUnavailableError: If there is no set that may be used. Any other exception counts
                as this one.
        """
        ...


class AwaitableKeySource(KeySource, Protocol):
    """A source for which an event loop can wait; ``TokenVerifier.verify_async`` does."""

    async def ready(self, missing: str | None = None) -> None:
        """Wait for what ``key_set(missing)`` would wait for, and raise nothing.

        Several sources are awaited together; when one has the key, the others are cancelled.
        """
        ...

    def holds(self, kid: str) -> bool:
        """Whether the set at hand has this key; answers at once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySetResponse:
    """What a fetcher brought back.

    Attributes:
        body: The JWK Set as bytes, not yet checked; None if it has not changed since ``etag``.
        etag: The entity tag to ask with the next time, or None.
        max_age_seconds: How much longer the host lets the answer be used, or None if it does not
            say. The client holds it within its own bounds.
    """

    body: bytes | None
    etag: str | None = None
    max_age_seconds: int | None = None


class KeySetFetcher(Protocol):
    """Fetches a key set. Write your own where traffic must leave through a proxy of yours.

    What :class:`~ageassure.verifier.jwks.HTTPSFetcher` refuses is then yours to refuse: redirects,
    other addresses than meant, bodies without end.
    """

    def fetch(self, uri: str, *, etag: str | None, timeout_seconds: float) -> KeySetResponse:
        """Fetch the document once, without retrying.

        Args:
            uri: The client's ``jwks_uri``.
            etag: Entity tag of the set at hand, for ``If-None-Match``, or None.
            timeout_seconds: For everything together. A fetch that overstays is given up, and its
                result is not used; its thread lasts until the fetcher returns.

        Raises:
            KeySetUnavailableError: If it failed; the message, which goes into the log, is a
                constant sentence. Any other exception counts as a failure, too.
        """
        ...
