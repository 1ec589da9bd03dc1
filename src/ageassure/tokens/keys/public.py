"""Public keys as JWKs (RFC 7517, RFC 7518, 6, RFC 8037), checked when they are made."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias, final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from ageassure.errors import KeySetError
from ageassure.tokens import base64url, strict_json
from ageassure.tokens.keys.frozen import Frozen
from ageassure.tokens.keys.strength import check_ed25519, check_rsa

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

JWK_ALGORITHMS: Final = frozenset({"ES256", "PS256", "RS256", "EdDSA", "Ed25519"})
"""Signature algorithms that a key may be for (RFC 7518, 3.1; RFC 8037, 3.1; RFC 9864, 2.2)."""

MAX_KID_CHARACTERS: Final = 256

_OKP_NAMES: Final = ("EdDSA", "Ed25519")
_ALGORITHMS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "EC": ("ES256",),
    "RSA": ("PS256", "RS256"),
    "OKP": _OKP_NAMES,
}

# RFC 7638, 3.2 and RFC 8037, 2, in lexicographic order.
_THUMBPRINT_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "EC": ("crv", "kty", "x", "y"),
    "RSA": ("e", "kty", "n"),
    "OKP": ("crv", "kty", "x"),
}
SECRET_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_COORDINATE_BYTES: Final = 32  # P-256 and Ed25519


def jwk_thumbprint(members: Mapping[str, object]) -> str:
    """RFC 7638 thumbprint of a JWK: base64url of SHA-256, 43 characters.

    Only the members that make up the key count, as they are written; whether they are a good key
    is not checked here.

    Raises:
        KeySetError: If the key type is not one of ours, or a member that it needs is no text in
            ASCII.
    """
    kty = members.get("kty")
    names = _THUMBPRINT_MEMBERS.get(kty) if isinstance(kty, str) else None
    if names is None or not all(_is_ascii(members.get(name)) for name in names):
        raise KeySetError("got a JWK without the members of an EC, RSA or OKP key")
    text = strict_json.dump_object({name: members[name] for name in names})
    return base64url.encode(sha256(text).digest())


@final
class PublicJWK(Frozen):
    """One public key for one signature algorithm. Frozen; equal to another by all but ``key``.

    Attributes:
        kid: Its name in the set, 1 to 256 printable characters; for our own issuers the
            thumbprint, which :class:`~ageassure.verifier.TokenVerifier` demands.
        alg: The one algorithm that the key is for. ``EdDSA`` and ``Ed25519`` are two names of the
            same algorithm.
        key: P-256, RSA or Ed25519 public key. Not in ``repr``.
        thumbprint: RFC 7638, computed from ``key``.

    Raises:
        KeySetError: If the key is weak or not of the algorithm's type, or ``kid`` is ill-formed.
    """

    __slots__ = ("alg", "key", "kid", "thumbprint")

    kid: str
    alg: str
    key: PublicKey
    thumbprint: str

    def __init__(self, *, kid: str, alg: str, key: PublicKey) -> None:
        name: object = kid
        if not (
            isinstance(name, str) and 0 < len(name) <= MAX_KID_CHARACTERS and name.isprintable()
        ):
            raise KeySetError(
                f"got a malformed kid, expected 1 to {MAX_KID_CHARACTERS} printable characters"
            )
        members = _members_of(key)
        if alg not in _ALGORITHMS_OF[members["kty"]]:
            raise KeySetError("got an alg that is not one for this type of key")
        self._set(kid=kid, alg=alg, key=key, thumbprint=jwk_thumbprint(members))

    def _compared(self) -> tuple[object, ...]:
        return self.kid, self.alg, self.thumbprint

    def __repr__(self) -> str:
        return f"PublicJWK(kid={self.kid!r}, alg={self.alg!r}, thumbprint={self.thumbprint!r})"

    @classmethod
    def from_key(cls, key: PublicKey, *, alg: str) -> PublicJWK:
        """Name a key of ``cryptography`` by its thumbprint.

        Raises:
            KeySetError: As the class does.
        """
        return cls(kid=jwk_thumbprint(_members_of(key)), alg=alg, key=key)

    @classmethod
    def from_dict(cls, members: Mapping[str, object]) -> PublicJWK:
        """Read a JWK.

        ``kid`` is required, and ``alg`` for RSA keys; ``use`` may only be ``sig`` and ``key_ops``
        only ``["verify"]``. Members that are neither secret nor known are ignored (RFC 7517, 4);
        certificates among them (``x5c``, ``x5u``) are not read.

        Raises:
            KeySetError: If anything is missing, ill-formed, secret, weak or for another purpose.
        """
        if not isinstance(members, Mapping):
            raise KeySetError("got a key that is no JSON object")
        if not SECRET_MEMBERS.isdisjoint(members):
            raise KeySetError("got a private or symmetric key, expected a public one")
        if "use" in members and members["use"] != "sig":
            raise KeySetError("got a key with another use, expected sig")
        if "key_ops" in members and members["key_ops"] != ["verify"]:
            raise KeySetError("got a key with other key_ops, expected verify alone")
        key = _key_of(members)
        default_alg = {"EC": "ES256", "OKP": "EdDSA"}.get(str(members["kty"]))
        kid, alg = members.get("kid"), members.get("alg", default_alg)
        if not isinstance(kid, str) or not isinstance(alg, str):
            raise KeySetError("got a key without kid, or an RSA key without alg")
        return cls(kid=kid, alg=alg, key=key)

    def to_dict(self) -> dict[str, str]:
        """The JWK, with ``kid``, ``alg`` and ``use``."""
        return {**_members_of(self.key), "kid": self.kid, "alg": self.alg, "use": "sig"}


def _is_ascii(value: object) -> bool:
    return isinstance(value, str) and value.isascii()


def same_algorithm(one: object, other: str) -> bool:
    """Are both names of one algorithm? ``EdDSA`` with an Ed25519 key and ``Ed25519`` are."""
    return one == other or (one in _OKP_NAMES and other in _OKP_NAMES)


def uint_octets(value: int) -> bytes:
    """Big-endian octets without leading zeros (RFC 7518, 2)."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _members_of(key: PublicKey) -> dict[str, str]:
    """The members that make up the key, after the checks that need no JSON."""
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        point = key.public_numbers()
        x, y = (value.to_bytes(_COORDINATE_BYTES, "big") for value in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": base64url.encode(x), "y": base64url.encode(y)}
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        check_rsa(numbers.n, numbers.e)
        n, e = (base64url.encode(uint_octets(value)) for value in (numbers.n, numbers.e))
        return {"kty": "RSA", "n": n, "e": e}
    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = key.public_bytes_raw()
        check_ed25519(raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(raw)}
    raise KeySetError("got another type of key, expected P-256, RSA or Ed25519")


def _key_of(members: Mapping[str, object]) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    kind = (members.get("kty"), members.get("crv"))
    key: PublicKey | None = None
    try:
        if kind == ("EC", "P-256"):
            x, y = coordinate(members, "x"), coordinate(members, "y")
            point = ec.EllipticCurvePublicNumbers(
                int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
            )
            found = point.public_key()
            # OpenSSL takes coordinates modulo the prime: one point, several spellings.
            key = found if found.public_numbers() == point else None
        elif kind == ("OKP", "Ed25519"):
            key = ed25519.Ed25519PublicKey.from_public_bytes(coordinate(members, "x"))
        elif members.get("kty") == "RSA":
            e, n = uint(members, "e"), uint(members, "n")
            check_rsa(n, e)
            key = rsa.RSAPublicNumbers(e, n).public_key()
    except (ValueError, UnsupportedAlgorithm):
        pass  # raised below, without the key's content in a traceback
    if key is None:
        raise KeySetError("got no well-formed P-256, RSA or Ed25519 key")
    return key


def coordinate(members: Mapping[str, object], name: str) -> bytes:
    """A member of exactly 32 bytes (RFC 7518, 6.2.1.2; RFC 8037, 2).

    Raises:
        KeySetError: If it is missing, not canonical base64url, or of another length.
    """
    value = base64url.decode_text(members.get(name))
    if value is None or len(value) != _COORDINATE_BYTES:
        raise KeySetError(f"got an ill-formed {name}, expected base64url of 32 bytes")
    return value


def uint(members: Mapping[str, object], name: str) -> int:
    """A Base64urlUInt without leading zeros (RFC 7518, 2).

    Raises:
        KeySetError: If it is missing, not canonical base64url, or not minimal.
    """
    value = base64url.decode_text(members.get(name))
    if not value or value[0] == 0:
        raise KeySetError(f"got an ill-formed {name}, expected base64url of a minimal integer")
    return int.from_bytes(value, "big")
