"""COSE_Sign1 (RFC 9052, 4.2) and COSE keys (RFC 9053, 7); the only module that checks the former.

The protected header holds the algorithm and nothing else that is understood here; a key belongs to
one algorithm. ``crit`` is refused, since nothing it could name is understood.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from ageassure.errors import KeySetError
from ageassure.estimators.credential.mdoc.cbor import decode, encode
from ageassure.estimators.credential.refusal import malformed
from ageassure.tokens.keys.strength import check_ed25519

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.hashes import HashAlgorithm

Key: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

ALGORITHM: Final = 1
CRITICAL: Final = 2
X5CHAIN: Final = 33
"""Header parameters (RFC 9052, 3.1; RFC 9360)."""

EDDSA: Final = -8

_HASHES: Final[Mapping[int, HashAlgorithm]] = {-7: SHA256(), -35: SHA384(), -36: SHA512()}
_ALGORITHM_OF_CURVE: Final = {
    "secp256r1": -7,
    "brainpoolP256r1": -7,
    "secp384r1": -35,
    "brainpoolP384r1": -35,
    "secp521r1": -36,
    "brainpoolP512r1": -36,
}
"""ISO/IEC 18013-5, 9.1.3.6 and B.3: which curves go with which algorithm."""

_CURVES: Final[Mapping[int, ec.EllipticCurve]] = {
    1: ec.SECP256R1(),
    2: ec.SECP384R1(),
    3: ec.SECP521R1(),
}
_KTY, _CRV, _X, _Y, _D = 1, -1, -2, -3, -4
_OKP, _EC2 = 1, 2
_ED25519: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sign1:
    """A COSE_Sign1 whose signature has not been checked.

    Attributes:
        protected: The encoded protected header.
        algorithm: What it names.
        certificates: ``x5chain`` of the unprotected header, DER, the signer's first; may be empty.
        payload: The payload; None where it is detached.
        signature: The signature.
    """

    protected: bytes
    algorithm: int
    certificates: tuple[bytes, ...]
    payload: bytes | None
    signature: bytes


def parse_sign1(value: object) -> Sign1:
    """Read a decoded COSE_Sign1.

    Raises:
        CredentialError: ``credential_malformed`` if it is none, or its headers are not as above.
    """
    match value:
        case [bytes(protected), dict(unprotected), payload, bytes(signature)]:
            pass
        case _:
            raise malformed("got something that is no COSE_Sign1")
    if payload is not None and type(payload) is not bytes:
        raise malformed("got a COSE payload that is no byte string")
    header = decode(protected)
    if not isinstance(header, dict) or header.keys() != {ALGORITHM}:
        raise malformed("got a protected COSE header that is not the algorithm alone")
    if type(header[ALGORITHM]) is not int or not unprotected.keys().isdisjoint(
        {ALGORITHM, CRITICAL}
    ):
        raise malformed("got a COSE header with an algorithm or crit where it must not be")
    return Sign1(
        protected=protected,
        algorithm=header[ALGORITHM],
        certificates=_chain(unprotected.get(X5CHAIN, [])),
        payload=payload,
        signature=signature,
    )


def _chain(value: object) -> tuple[bytes, ...]:
    chain = [value] if type(value) is bytes else value
    if not isinstance(chain, list) or not all(type(each) is bytes for each in chain):
        raise malformed("got an x5chain that is no certificate or list of certificates")
    return tuple(chain)


def is_signed_by(key: Key, signed: Sign1, payload: bytes) -> bool:
    """Is the signature the key's over ``payload``, with the algorithm that the key is for?"""
    structure = encode(["Signature1", signed.protected, b"", payload])
    with suppress(InvalidSignature, ValueError, UnsupportedAlgorithm):
        if isinstance(key, ed25519.Ed25519PublicKey):
            if signed.algorithm != EDDSA:
                return False
            key.verify(signed.signature, structure)
            return True
        if _ALGORITHM_OF_CURVE.get(key.curve.name) != signed.algorithm:
            return False
        half = (key.curve.key_size + 7) // 8
        if len(signed.signature) != 2 * half:
            return False
        r, s = (int.from_bytes(signed.signature[i : i + half], "big") for i in (0, half))
        key.verify(encode_dss_signature(r, s), structure, ec.ECDSA(_HASHES[signed.algorithm]))
        return True
    return False


def read_key(value: object) -> Key | None:
    """Read a decoded COSE_Key; None for one that is malformed, private, weak or another kind's."""
    if not isinstance(value, dict) or _D in value:
        return None
    kind, curve, x = value.get(_KTY), value.get(_CRV), value.get(_X)
    if type(x) is not bytes:
        return None
    with suppress(ValueError, KeySetError):
        if (kind, curve) == (_OKP, _ED25519):
            ed = ed25519.Ed25519PublicKey.from_public_bytes(x)
            check_ed25519(x)  # of small order: anybody could sign under it
            return ed
        y = value.get(_Y)
        group = _CURVES.get(curve) if type(curve) is int else None
        if kind == _EC2 and group is not None and type(y) is bytes:
            size = (group.key_size + 7) // 8
            if len(x) == len(y) == size:
                return ec.EllipticCurvePublicKey.from_encoded_point(group, b"\x04" + x + y)
    return None
