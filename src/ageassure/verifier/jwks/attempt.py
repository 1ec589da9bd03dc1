"""One attempt to fetch a key set, and what is made of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ageassure.errors import KeySetError, KeySetUnavailableError
from ageassure.tokens.keys import JWKSet
from ageassure.verifier.jwks.source import KeySetResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageassure.verifier.jwks.source import KeySetFetcher
    from ageassure.verifier.jwks.state import Held


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A fetch that succeeded.

    Attributes:
        key_set: The set.
        unchanged: Whether it is the one that was at hand.
        etag: Entity tag to ask with the next time.
        fresh_seconds: How long the host lets it be used, or None if it does not say.
    """

    key_set: JWKSet
    unchanged: bool
    etag: str | None
    fresh_seconds: float | None


def read_own_set(body: bytes) -> JWKSet:
    """Read the set of an issuer of age tokens: every ``kid`` is the thumbprint of its key.

    Raises:
        KeySetError: If it is no such set.
    """
    key_set = JWKSet.from_json(body)
    if any(key.kid != key.thumbprint for key in key_set):
        raise KeySetError("got a kid that is not the thumbprint of its key")
    return key_set


def read_response(
    response: object, *, before: Held | None, read: Callable[[bytes], JWKSet]
) -> Fetched:
    """Check what a fetcher brought back, and read the set.

    Args:
        response: The fetcher's answer.
        before: What was at hand when it was asked.
        read: How a body becomes a set.

    Raises:
        KeySetUnavailableError: If it is no response, or "unchanged" to a question never asked.
        KeySetError: If it is no good set, or ``read`` fails.
    """
    if not isinstance(response, KeySetResponse) or not _is_sound(response):
        raise KeySetUnavailableError("the fetcher gave no KeySetResponse")
    if response.body is not None:
        key_set = _read(read, response.body)
    elif before is not None and before.etag is not None:
        key_set = before.fetched
    else:
        raise KeySetUnavailableError("the fetcher gave no key set")
    return Fetched(
        key_set=key_set,
        unchanged=response.body is None,
        etag=response.etag,
        fresh_seconds=response.max_age_seconds,
    )


def _read(read: Callable[[bytes], JWKSet], body: bytes) -> JWKSet:
    key_set: object = None
    try:
        key_set = read(body)
    except KeySetError:
        raise
    except Exception:  # noqa: BLE001, S110 - an injected reader may raise anything; raised below
        pass
    if not isinstance(key_set, JWKSet):
        raise KeySetError("the reader gave no JWKSet")
    return key_set


def _is_sound(response: KeySetResponse) -> bool:
    """Are its members of their types? An injected fetcher may have put anything into it."""
    members = (response.body, response.etag, response.max_age_seconds)
    found = zip(members, (bytes, str, int), strict=True)
    return all(each is None or type(each) is kind for each, kind in found)


def attempted(
    fetcher: KeySetFetcher,
    uri: str,
    *,
    before: Held | None,
    read: Callable[[bytes], JWKSet],
    timeout_seconds: float,
) -> Fetched | str:
    """Fetch once; the reason where it fails, whatever the fetcher raises."""
    try:
        response = fetcher.fetch(
            uri, etag=None if before is None else before.etag, timeout_seconds=timeout_seconds
        )
        return read_response(response, before=before, read=read)
    except KeySetUnavailableError as error:
        return str(error)
    except KeySetError as error:
        return f"a key set that must not be used: {error}"
    except BaseException:  # noqa: BLE001 - an injected fetcher may raise anything, and this is a
        return "the fetcher failed"  # thread of our own, for which others wait
