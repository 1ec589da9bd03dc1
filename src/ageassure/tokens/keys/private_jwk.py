"""The private members of a JWK (RFC 7518, 6.2.2 and 6.3.2; RFC 8037, 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from ageassure.tokens import base64url
from ageassure.tokens.keys.public import PublicJWK, coordinate, uint, uint_octets

if TYPE_CHECKING:
    from collections.abc import Mapping

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

_RSA_SECRETS: Final = ("d", "p", "q", "dp", "dq", "qi")


def private_members(key: PrivateKey) -> dict[str, str]:
    """What a JWK of the key holds beside the public members."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        scalar = key.private_numbers().private_value
        return {"d": base64url.encode(scalar.to_bytes(32, "big"))}
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {"d": base64url.encode(key.private_bytes_raw())}
    n = key.private_numbers()
    secrets = zip(_RSA_SECRETS, (n.d, n.p, n.q, n.dmp1, n.dmq1, n.iqmp), strict=True)
    return {name: base64url.encode(uint_octets(value)) for name, value in secrets}


def private_key_of(members: Mapping[str, object], public: PublicJWK) -> PrivateKey | None:
    """The private key, or None if it does not belong to the public one."""
    key: PrivateKey | None = None
    try:
        if isinstance(public.key, ec.EllipticCurvePublicKey):
            scalar = int.from_bytes(coordinate(members, "d"), "big")
            numbers = ec.EllipticCurvePrivateNumbers(scalar, public.key.public_numbers())
            key = numbers.private_key()
        elif isinstance(public.key, ed25519.Ed25519PublicKey):
            key = ed25519.Ed25519PrivateKey.from_private_bytes(coordinate(members, "d"))
        else:
            d, p, q, dp, dq, qi = (uint(members, name) for name in _RSA_SECRETS)
            numbers_ = rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, public.key.public_numbers())
            key = numbers_.private_key()
    except ValueError:
        return None
    matches = PublicJWK.from_key(key.public_key(), alg=public.alg).thumbprint == public.thumbprint
    return key if matches else None
