"""What the issuer of a status list does: sign it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ageassure.errors import ConfigurationError, IssuanceError, StatusError
from ageassure.tokens import base64url
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.tokens.jws import sign_compact
from ageassure.tokens.keys import JWKSet
from ageassure.tokens.status.lists import StatusList, deflated
from ageassure.tokens.status.reading import (
    MAX_STATUS_TOKEN_BYTES,
    STATUS_LIST_TYPE,
    read_status_list,
)
from ageassure.tokens.status.reference import is_list_uri
from ageassure.tokens.strict_json import dump_object

if TYPE_CHECKING:
    from ageassure.tokens.keys import Signer

MAX_TTL_SECONDS: Final = 366 * 24 * 3600


def sign_status_list(
    statuses: StatusList,
    *,
    uri: str,
    signing_key: Signer,
    lifetime_seconds: int,
    ttl_seconds: int,
    now: Clock = utc_now,
) -> str:
    """Sign a list, to be served as it is at ``uri`` as ``application/statuslist+jwt``.

    Args:
        statuses: The list. One that can hardly be deflated may have 1.1 MB; make several of it.
        uri: Where it is served: https without user, query or fragment (http only for loopback), its
            host in lower case, and with a path.
        signing_key: The issuer's.
        lifetime_seconds: After it the list must not be used: sign and publish again before.
        ttl_seconds: How long readers may keep it; a revocation is seen at the latest then.
        now: Clock.

    Raises:
        ConfigurationError: If one of these is ill-formed, or the token would be longer than
            :data:`~ageassure.tokens.status.MAX_STATUS_TOKEN_BYTES`.
        IssuanceError: If the key cannot sign, or a reader would refuse what it has signed.
    """
    if type(statuses) is not StatusList:
        raise ConfigurationError("got no StatusList")
    if not is_list_uri(uri):
        raise ConfigurationError("got a malformed uri, expected an https URL")
    for name, value in (("lifetime_seconds", lifetime_seconds), ("ttl_seconds", ttl_seconds)):
        if type(value) is not int or not 0 < value <= MAX_TTL_SECONDS:
            raise ConfigurationError(f"got another {name}, expected 1 to {MAX_TTL_SECONDS}")
    issued_at = int(read_clock(now))
    lst = base64url.encode(deflated(statuses))
    payload: dict[str, object] = {
        "sub": uri,
        "iat": issued_at,
        "exp": issued_at + lifetime_seconds,
        "ttl": ttl_seconds,
        "status_list": {"bits": statuses.bits, "lst": lst},
    }
    header = {"typ": STATUS_LIST_TYPE, "alg": signing_key.alg, "kid": signing_key.kid}
    token = sign_compact(header, dump_object(payload), signing_key)
    if len(token) > MAX_STATUS_TOKEN_BYTES:
        raise ConfigurationError(
            f"got a list with a token of {len(token)} bytes, expected at most"
            f" {MAX_STATUS_TOKEN_BYTES}: make several lists"
        )
    _check_token(token, statuses, uri, signing_key, issued_at)
    return token


def _check_token(
    token: str, statuses: StatusList, uri: str, signing_key: Signer, issued_at: int
) -> None:
    """What the reader does not read back as this list is never handed out."""
    read_back: StatusList | None = None
    keys = JWKSet(keys=(signing_key.public,))
    with suppress(StatusError):
        moment = datetime.fromtimestamp(issued_at, UTC)
        read_back = read_status_list(token, uri=uri, keys=keys, now=lambda: moment).statuses
    if read_back != statuses:
        raise IssuanceError("got a status list that is not read back as it was signed")
