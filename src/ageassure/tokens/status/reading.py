"""What a reader of a status list does: verify it, and unpack it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast, final

from ageassure.errors import AlgorithmError, MalformedTokenError, SignatureError, StatusError
from ageassure.tokens import base64url
from ageassure.tokens.clock import Clock, read_clock
from ageassure.tokens.jws import parse_compact, verify_signature
from ageassure.tokens.status.lists import BITS, StatusList, inflated
from ageassure.tokens.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.tokens.keys import JWKSet

STATUS_LIST_TYPE: Final = "statuslist+jwt"
"""``typ`` of the header; with ``application/`` before it, the media type to serve it with."""

MAX_STATUS_TOKEN_BYTES: Final = 2 * 1024 * 1024

_TYPES: Final = (STATUS_LIST_TYPE, f"application/{STATUS_LIST_TYPE}")
_LAST_SECOND: Final = 2**53  # of what a time may say


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedStatusList:
    """A list whose signature was checked. Made by :func:`read_status_list`.

    Attributes:
        uri: Its ``sub``, as expected.
        statuses: The list.
        issued_at: POSIX seconds.
        expires_at: POSIX seconds from which it must not be used, or None.
        ttl_seconds: How long it may be kept before it is fetched again, or None.
    """

    uri: str
    statuses: StatusList
    issued_at: int
    expires_at: int | None
    ttl_seconds: int | None


def read_status_list(
    token: object, *, uri: str, keys: JWKSet, now: Clock, leeway_seconds: int = 0
) -> VerifiedStatusList:
    """Verify a Status List Token of a pinned issuer (section 8.3), and unpack it.

    Other members of the header and the payload are ignored, as the draft wants; ``crit`` is
    refused, and keys in the header are never followed. Times are integers here; a fraction, which
    JWT allows, is refused.

    Args:
        token: What was served.
        uri: The URI in the credential; ``sub`` must be the same characters.
        keys: The pinned keys of who signs the list.
        now: Clock.
        leeway_seconds: How far in the future ``iat`` may lie.

    Raises:
        StatusError: If it is malformed, longer than :data:`MAX_STATUS_TOKEN_BYTES`, not signed by
            one of the keys, for another URI, of the future or expired; code ``status_refused``.
        ConfigurationError: If the clock is no clock.
    """
    now_seconds = read_clock(now)
    if isinstance(token, str) and len(token) > MAX_STATUS_TOKEN_BYTES:
        raise _refused(f"got a status list of more than {MAX_STATUS_TOKEN_BYTES} bytes")
    payload = _signed_payload(token, keys)
    members = None if payload is None else parse_object(payload)
    if members is None:
        raise _refused("got a status list that no pinned key has signed")
    if members.get("sub") != uri:
        raise _refused("got a status list for another uri")
    issued_at, expires_at, ttl = _times(members)
    if issued_at > now_seconds + leeway_seconds:
        raise _refused("got a status list of the future")
    if expires_at is not None and now_seconds >= expires_at:
        raise _refused("got a status list that has expired")
    return VerifiedStatusList(
        uri=uri,
        statuses=_unpacked(members.get("status_list")),
        issued_at=issued_at,
        expires_at=expires_at,
        ttl_seconds=ttl,
    )


def _signed_payload(token: object, keys: JWKSet) -> bytes | None:
    try:
        jws = parse_compact(token, max_bytes=MAX_STATUS_TOKEN_BYTES)
        kid = jws.header.get("kid")
        key = keys.get(kid) if isinstance(kid, str) else None
        if key is None or jws.header.get("typ") not in _TYPES:
            return None
        verify_signature(jws, key)
    except (MalformedTokenError, AlgorithmError, SignatureError):
        return None
    return jws.payload


def _times(members: Mapping[str, Any]) -> tuple[int, int | None, int | None]:
    """``iat``, and ``exp`` and ``ttl`` where they are there; a boolean is no integer."""
    issued_at, expires_at, ttl = (members.get(name) for name in ("iat", "exp", "ttl"))
    if not (
        _is_seconds(issued_at, least=0)
        and (expires_at is None or _is_seconds(expires_at, least=0))
        and (ttl is None or _is_seconds(ttl, least=1))
    ):
        raise _refused("got a status list with malformed times")
    return cast("int", issued_at), expires_at, ttl


def _is_seconds(value: object, *, least: int) -> bool:
    return type(value) is int and least <= value <= _LAST_SECOND


def _unpacked(packed: Any) -> StatusList:  # noqa: ANN401 - a member of a foreign object
    members: Mapping[str, object] = packed if isinstance(packed, dict) else {}
    bits, compressed = members.get("bits"), base64url.decode_text(members.get("lst"))
    data = None if compressed is None else inflated(compressed)
    if type(bits) is not int or bits not in BITS or data is None:
        raise _refused("got a malformed status list")
    return StatusList(bits=bits, data=data)


def _refused(message: str) -> StatusError:
    return StatusError(message, code="status_refused")
