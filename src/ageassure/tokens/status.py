"""Token Status List (draft-ietf-oauth-status-list-20), in its JWT form: build, sign, read.

An issuer publishes one long array with a few bits for each credential that it has issued; a
credential names the list's URI and its own place in it. Our own tokens live for 15 minutes at most
and carry no status. This is for credentials of others, and for a profile with a longer life.

Not here: the CWT form, and status list aggregation.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast, final

from ageassure.errors import (
    AlgorithmError,
    ConfigurationError,
    MalformedTokenError,
    SignatureError,
    StatusError,
)
from ageassure.tokens import base64url
from ageassure.tokens.claims import checked_issuer
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.tokens.jws import parse_compact, sign_compact, verify_signature
from ageassure.tokens.strict_json import dump_object, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.tokens.keys import JWKSet, Signer

STATUS_LIST_TYPE: Final = "statuslist+jwt"
"""``typ`` of the header; with ``application/`` before it, the media type to serve it with."""

VALID: Final = 0
INVALID: Final = 1
SUSPENDED: Final = 2
"""Status values (section 7.1); 3 and 11 to 15 are for the application to define."""

BITS: Final = (1, 2, 4, 8)
MAX_LIST_BYTES: Final = 4 * 1024 * 1024
"""Largest list, inflated: 33 million places of one bit. Deflate packs a thousandfold."""

MAX_STATUS_TOKEN_BYTES: Final = 2 * 1024 * 1024
MAX_TTL_SECONDS: Final = 366 * 24 * 3600
_LAST_SECOND: Final = 2**53  # of what a time may say


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StatusList:
    """An array of statuses.

    Attributes:
        bits: Bits of each, 1, 2, 4 or 8.
        data: The packed array, the first place in the lowest bits of the first byte.

    Raises:
        ConfigurationError: If ``bits`` is another number, or ``data`` is empty or too large.
    """

    bits: int
    data: bytes

    def __post_init__(self) -> None:
        if type(self.bits) is not int or self.bits not in BITS:
            raise ConfigurationError("got another number of bits, expected 1, 2, 4 or 8")
        if type(self.data) is not bytes or not 0 < len(self.data) <= MAX_LIST_BYTES:
            raise ConfigurationError(f"got no list of 1 to {MAX_LIST_BYTES} bytes")

    def __len__(self) -> int:
        """Places; the last few may be padding."""
        return len(self.data) * 8 // self.bits

    def status(self, index: int) -> int:
        """The status at a place, 0 to 2**bits - 1.

        Raises:
            StatusError: If there is no such place; code ``status_refused``.
        """
        if type(index) is not int or not 0 <= index < len(self):
            raise StatusError("got a place that is not in the list", code="status_refused")
        return _status(self.data, self.bits, index)


@final
class StatusListBuilder:
    """The issuer's array, to be changed and published again. Not safe for threads.

    Where places are given out in order, the place tells when a credential was issued: draw them at
    random (section 13.2), and begin with more places than are needed.

    Args:
        size: Places; all begin as :data:`VALID`.
        bits: Bits of each.

    Raises:
        ConfigurationError: If one of these is out of range.
    """

    __slots__ = ("_bits", "_data", "_size")

    def __init__(self, size: int, *, bits: int = 1) -> None:
        if type(bits) is not int or bits not in BITS:
            raise ConfigurationError("got another number of bits, expected 1, 2, 4 or 8")
        if type(size) is not int or not 0 < size <= MAX_LIST_BYTES * 8 // bits:
            raise ConfigurationError("got another size, expected a positive int within the limit")
        self._size = size
        self._bits = bits
        self._data = bytearray((size * bits + 7) // 8)

    @classmethod
    def from_list(cls, status_list: StatusList) -> StatusListBuilder:
        """Go on with a list that was built before."""
        builder = cls(len(status_list), bits=status_list.bits)
        builder._data[:] = status_list.data
        return builder

    def set(self, index: int, status: int) -> None:
        """Change one status.

        Raises:
            ConfigurationError: If there is no such place, or the status has too many bits.
        """
        if type(index) is not int or not 0 <= index < self._size:
            raise ConfigurationError("got a place that is not in the list")
        if type(status) is not int or not 0 <= status < 1 << self._bits:
            raise ConfigurationError(f"got another status, expected 0 to {(1 << self._bits) - 1}")
        place, shift = divmod(index * self._bits, 8)
        cleared = self._data[place] & ~(((1 << self._bits) - 1) << shift)
        self._data[place] = cleared | status << shift

    def build(self) -> StatusList:
        """The list as it is now."""
        return StatusList(bits=self._bits, data=bytes(self._data))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReference:
    """Where a credential's status stands: its claim ``status.status_list`` (section 6.1).

    Attributes:
        uri: The list's URI.
        index: The place in it.

    Raises:
        StatusError: If one of these is ill-formed; code ``status_refused``.
    """

    uri: str
    index: int

    def __post_init__(self) -> None:
        if not _is_uri(self.uri) or type(self.index) is not int or self.index < 0:
            raise StatusError("got a malformed reference to a status", code="status_refused")

    @classmethod
    def from_claim(cls, status: object) -> StatusReference:
        """Read the claim ``status`` of a credential, after its signature was checked.

        Raises:
            StatusError: If it names no place in a status list.
        """
        reference = status.get("status_list") if isinstance(status, dict) else None
        members = reference if isinstance(reference, dict) else {}
        return cls(uri=members.get("uri", ""), index=members.get("idx", -1))

    def to_claim(self) -> dict[str, object]:
        """The claim ``status`` for a credential."""
        return {"status_list": {"idx": self.index, "uri": self.uri}}


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
    if not _is_uri(uri):
        raise ConfigurationError("got a malformed uri, expected an https URL")
    for name, value in (("lifetime_seconds", lifetime_seconds), ("ttl_seconds", ttl_seconds)):
        if type(value) is not int or not 0 < value <= MAX_TTL_SECONDS:
            raise ConfigurationError(f"got another {name}, expected 1 to {MAX_TTL_SECONDS}")
    issued_at = int(read_clock(now))
    lst = base64url.encode(zlib.compress(statuses.data, 9))
    payload: dict[str, object] = {
        "sub": uri,
        "iat": issued_at,
        "exp": issued_at + lifetime_seconds,
        "ttl": ttl_seconds,
        "status_list": {"bits": statuses.bits, "lst": lst},
    }
    header = {"typ": STATUS_LIST_TYPE, "alg": signing_key.alg, "kid": signing_key.kid}
    return sign_compact(header, dump_object(payload), signing_key)


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
        StatusError: If it is malformed, not signed by one of the keys, for another URI, of the
            future or expired; code ``status_refused``.
        ConfigurationError: If the clock is no clock.
    """
    now_seconds = read_clock(now)
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


_TYPES: Final = (STATUS_LIST_TYPE, f"application/{STATUS_LIST_TYPE}")


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
    data = None if compressed is None else _inflated(compressed)
    if type(bits) is not int or bits not in BITS or data is None:
        raise _refused("got a malformed status list")
    return StatusList(bits=bits, data=data)


def _inflated(compressed: bytes) -> bytes | None:
    """One whole zlib stream (RFC 1950) of a bounded size; None for anything else."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(compressed, MAX_LIST_BYTES + 1)
    except zlib.error:
        return None
    if not 0 < len(data) <= MAX_LIST_BYTES or not stream.eof or stream.unused_data:
        return None
    return data


def _status(data: bytes | bytearray, bits: int, index: int) -> int:
    place, shift = divmod(index * bits, 8)
    return data[place] >> shift & ((1 << bits) - 1)


def _is_uri(uri: object) -> bool:
    try:
        return "/../" not in f"{checked_issuer(uri)}/"
    except ConfigurationError:
        return False


def _refused(message: str) -> StatusError:
    return StatusError(message, code="status_refused")
