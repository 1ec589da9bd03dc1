"""One fetch of a status list, and what comes of it: a verified list, or a refusal."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ageassure.errors import ConfigurationError, StatusError
from ageassure.tokens.clock import Clock, read_clock
from ageassure.tokens.status import read_status_list
from ageassure.verifier.status_lists import Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageassure.tokens.keys import JWKSet

UNTOLD_TTL_SECONDS: Final = 300
MAX_KEPT_SECONDS: Final = 24 * 3600
"""How long a list is kept that tells no ``ttl``; and the longest, whatever it tells."""

RETRY_SECONDS: Final = 5
"""How long a list that failed is not fetched again; all of its statuses are refused meanwhile."""

LEEWAY_SECONDS: Final = 30


def brought(
    fetch: Callable[[str], bytes], uri: str, *, keys: JWKSet, now: Clock, fetched_at: float
) -> Kept:
    """Fetch a list once and verify it; raises nothing, whatever the fetcher does.

    Args:
        fetch: Who fetches.
        uri: The list's.
        keys: The pinned keys of who signs it.
        now: Clock.
        fetched_at: What it shows at the moment, POSIX seconds.
    """
    message, code = "a status list could not be fetched", "status_unavailable"
    body: object = None
    try:
        body = fetch(uri)
    except StatusError as error:
        message = str(error)
    except BaseException:  # noqa: BLE001, S110 - a fetcher may raise anything; told below
        pass
    ended_at = fetched_at
    with suppress(ConfigurationError):  # a clock that breaks meanwhile: the next check says so
        ended_at = read_clock(now)
        if isinstance(body, bytes):
            try:
                return _verified(body, uri, keys, now, fetched_at)
            except StatusError as error:
                message, code = str(error), error.code
    return Kept(fetched_at, ended_at + RETRY_SECONDS, message=message, code=code)


def _verified(body: bytes, uri: str, keys: JWKSet, now: Clock, fetched_at: float) -> Kept:
    verified = read_status_list(
        body.decode("latin-1"),  # what is not ASCII, the reader refuses
        uri=uri,
        keys=keys,
        now=now,
        leeway_seconds=LEEWAY_SECONDS,
    )
    until = fetched_at + min(verified.ttl_seconds or UNTOLD_TTL_SECONDS, MAX_KEPT_SECONDS)
    if verified.expires_at is not None:
        until = min(until, verified.expires_at)
    return Kept(fetched_at, until, verified=verified)
