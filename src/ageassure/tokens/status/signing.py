"""What the issuer of a status list does: sign it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ageassure.errors import ConfigurationError
from ageassure.tokens import base64url
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.tokens.jws import sign_compact
from ageassure.tokens.status.lists import StatusList, deflated
from ageassure.tokens.status.reference import is_list_uri
from ageassure.tokens.strict_json import dump_object

if TYPE_CHECKING:
    from ageassure.tokens.keys import Signer

STATUS_LIST_TYPE: Final = "statuslist+jwt"
"""``typ`` of the header; with ``application/`` before it, the media type to serve it with."""

MAX_STATUS_TOKEN_BYTES: Final = 2 * 1024 * 1024
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
        statuses: The list.
        uri: Where it is served: https without user, query or fragment (http only for loopback).
        signing_key: The issuer's.
        lifetime_seconds: After it the list must not be used: sign and publish again before.
        ttl_seconds: How long readers may keep it; a revocation is seen at the latest then.
        now: Clock.

    Raises:
        ConfigurationError: If one of these is ill-formed.
        IssuanceError: If the key cannot sign.
    """
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
    return sign_compact(header, dump_object(payload), signing_key)
