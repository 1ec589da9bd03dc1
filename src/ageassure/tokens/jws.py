"""Compact JWS (RFC 7515): the only module that makes or checks a JWS signature.

One key, one algorithm; the header never chooses. ``jku``, ``x5u``, ``x5c`` and ``jwk`` are never
followed here, extensions (``crit``, ``b64``) are refused.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ageassure.errors import AlgorithmError, IssuanceError, MalformedTokenError, SignatureError
from ageassure.tokens import base64url
from ageassure.tokens.claims import MAX_TOKEN_BYTES
from ageassure.tokens.keys import PublicJWK, Signer, same_algorithm
from ageassure.tokens.strict_json import dump_object, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHA256: Final = hashes.SHA256()
_ECDSA: Final = ec.ECDSA(_SHA256)
_PKCS1: Final = padding.PKCS1v15()
_PSS: Final = padding.PSS(mgf=padding.MGF1(_SHA256), salt_length=32)  # RFC 7518, 3.5
_ES256_BYTES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactJWS:
    """The parts of a compact JWS, not verified. Only the member names of the header are shown.

    Attributes:
        header: Protected header, strict JSON; any members.
        payload: Decoded second part.
        signature: Decoded third part, in JOSE form.
        signing_input: First and second part as they were sent, with the dot.
    """

    header: dict[str, object] = field(repr=False)
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    signing_input: bytes = field(repr=False)


def parse_compact(token: object, *, max_bytes: int = MAX_TOKEN_BYTES) -> CompactJWS:
    """Take a compact JWS apart (steps 1 and 2 of the verification); nothing is verified.

    Raises:
        MalformedTokenError: ``malformed_token`` if it is no text, too long, has not three parts,
            or a part is not canonical base64url; ``malformed_header`` if the first part is not one
            strict JSON object, or demands extensions.
    """
    if not isinstance(token, str) or len(token) > max_bytes or not token.isascii():
        raise MalformedTokenError(
            f"got no ASCII text of at most {max_bytes} characters", code="malformed_token"
        )
    segments = token.encode("ascii").split(b".")
    parts = [part for segment in segments if (part := base64url.decode(segment)) is not None]
    if not len(segments) == len(parts) == 3:
        raise MalformedTokenError(
            "got no three parts of canonical base64url", code="malformed_token"
        )
    head, payload, signature = parts
    header = parse_object(head)
    if header is None or "crit" in header or "b64" in header:
        raise MalformedTokenError(
            "got a header that is not one strict JSON object without extensions",
            code="malformed_header",
        )
    return CompactJWS(
        header=header,
        payload=payload,
        signature=signature,
        signing_input=segments[0] + b"." + segments[1],
    )


def verify_signature(jws: CompactJWS, key: PublicJWK) -> None:
    """Check the signature with a key that is trusted for some other reason (steps 4 and 5).

    Raises:
        AlgorithmError: If the header names another algorithm than the key's.
        SignatureError: If the signature is not this key's over these bytes.
    """
    if not same_algorithm(jws.header.get("alg"), key.alg):
        raise AlgorithmError("got an alg that is not the one the key is for")
    if not _is_signature(jws.signature, jws.signing_input, key):
        raise SignatureError("got a signature that is not the key's")


def _is_signature(signature: bytes, data: bytes, jwk: PublicJWK) -> bool:
    key = jwk.key
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            if len(signature) != _ES256_BYTES:
                return False
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            key.verify(encode_dss_signature(r, s), data, _ECDSA)
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        else:
            key.verify(signature, data, _PSS if jwk.alg == "PS256" else _PKCS1, _SHA256)
    except InvalidSignature:
        return False
    return True


def sign_compact(header: Mapping[str, object], payload: bytes, signer: Signer) -> str:
    """Make a compact JWS, and check it with the signer's public key before it leaves.

    A signing service that answers in another form (DER), with another key, or with a faulty
    computation is found here and not by the relying party.

    Raises:
        IssuanceError: If ``alg`` in the header is not the signer's, the signer fails, or its
            signature is wrong.
    """
    if header.get("alg") != signer.alg:
        raise IssuanceError("got a header whose alg is not the signer's")
    head = base64url.encode(dump_object(dict(header)))
    signing_input = f"{head}.{base64url.encode(payload)}".encode("ascii")
    signature: object = None
    with suppress(Exception):  # a signer may raise anything; what fails is raised below
        signature = signer.sign(signing_input)
    if not isinstance(signature, bytes) or not _is_signature(
        signature, signing_input, signer.public
    ):
        raise IssuanceError("the signer gave no valid signature in JOSE form")
    return f"{signing_input.decode('ascii')}.{base64url.encode(signature)}"
