"""Compact JWS (RFC 7515): the only module that makes or checks a JWS signature.

One key, one algorithm; the header never chooses. ``jku``, ``x5u``, ``x5c`` and ``jwk`` are never
followed here, extensions (``crit``, ``b64``) are refused.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ageassure.errors import AlgorithmError, IssuanceError, MalformedTokenError, SignatureError
from ageassure.tokens import base64url
from ageassure.tokens.claims import MAX_TOKEN_BYTES
from ageassure.tokens.keys import same_algorithm
from ageassure.tokens.strict_json import dump_object, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.padding import PSS, PKCS1v15

    from ageassure.tokens.keys import PublicJWK, Signer

_SHA256: Final = hashes.SHA256()
_ES256_BYTES: Final = 64
# By the highest bits of r and s, which get a zero byte before them if set: SEQUENCE, INTEGER of r;
# INTEGER of s.
_DER_HEADS: Final = (
    ((b"\x30\x44\x02\x20", b"\x02\x20"), (b"\x30\x45\x02\x20", b"\x02\x21\x00")),
    ((b"\x30\x45\x02\x21\x00", b"\x02\x20"), (b"\x30\x46\x02\x21\x00", b"\x02\x21\x00")),
)
# The first that fits.
_FAILURES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (TimeoutError, "did not answer in time"),
    (PermissionError, "was not allowed to sign"),
    (OSError, "could not be reached"),
    (Exception, "failed"),
)
_NO_PARTS: Final = "got no three parts of canonical base64url"
_NO_HEADERS: Final[Mapping[bytes, Mapping[str, object]]] = {}


@cache
def _ecdsa() -> ec.ECDSA:
    # On first use: making one loads OpenSSL's whole backend, more than this module's import takes.
    return ec.ECDSA(_SHA256)


@cache
def _rsa_padding(alg: str) -> PSS | PKCS1v15:
    from cryptography.hazmat.primitives.asymmetric import padding

    if alg == "RS256":
        return padding.PKCS1v15()
    return padding.PSS(mgf=padding.MGF1(_SHA256), salt_length=32)  # RFC 7518, 3.5


class CompactJWS(NamedTuple):
    """The parts of a compact JWS, not verified. Its ``repr`` shows none of them.

    Attributes:
        header: Protected header, strict JSON; any members.
        payload: Decoded second part.
        signature: Decoded third part, in JOSE form.
        signing_input: First and second part as they were sent, with the dot.
    """

    header: Mapping[str, object]
    payload: bytes
    signature: bytes
    signing_input: bytes

    def __repr__(self) -> str:
        return "<CompactJWS (content hidden)>"


def encode_header(header: Mapping[str, object]) -> bytes:
    """The first part of a compact JWS, members in the order given."""
    return base64url.encode(dump_object(dict(header))).encode("ascii")


def parse_header(segment: bytes) -> Mapping[str, object]:
    """Read the first part of a compact JWS.

    Raises:
        MalformedTokenError: If it is not canonical base64url of one strict JSON object, or
            demands extensions.
    """
    data = base64url.decode(segment)
    if data is None:
        raise MalformedTokenError(_NO_PARTS, code="malformed_token")
    header = parse_object(data)
    if header is None or "crit" in header or "b64" in header:
        raise MalformedTokenError(
            "got a header that is not one strict JSON object without extensions",
            code="malformed_header",
        )
    return header


def parse_compact(
    token: object,
    *,
    max_bytes: int = MAX_TOKEN_BYTES,
    known_headers: Mapping[bytes, Mapping[str, object]] = _NO_HEADERS,
) -> CompactJWS:
    """Take a compact JWS apart (steps 1 and 2 of the verification); nothing is verified.

    Args:
        token: What was sent.
        max_bytes: Longest token accepted.
        known_headers: Results of :func:`parse_header` by first part, to spare the reading of
            headers that are the same in every token of a key.

    Raises:
        MalformedTokenError: ``malformed_token`` if it is no text, too long, has not three parts,
            or a part is not canonical base64url; ``malformed_header`` if the first part is not one
            strict JSON object, or demands extensions.
    """
    if not isinstance(token, str) or len(token) > max_bytes or not token.isascii():
        raise MalformedTokenError(
            f"got no ASCII text of at most {max_bytes} characters", code="malformed_token"
        )
    signing_input, _, last = token.encode("ascii").rpartition(b".")
    first, dot, middle = signing_input.partition(b".")
    payload, signature = base64url.decode(middle), base64url.decode(last)
    if not dot or payload is None or signature is None:
        raise MalformedTokenError(_NO_PARTS, code="malformed_token")
    header = known_headers.get(first) or parse_header(first)
    return CompactJWS(header, payload, signature, signing_input)


def verify_signature(jws: CompactJWS, key: PublicJWK) -> None:
    """Check the signature with a key that is trusted for some other reason (steps 4 and 5).

    Raises:
        AlgorithmError: If the header names another algorithm than the key's.
        SignatureError: If the signature is not this key's over these bytes.
    """
    alg = jws.header.get("alg")
    if alg != key.alg and not same_algorithm(alg, key.alg):
        raise AlgorithmError("got an alg that is not the one the key is for")
    if not _is_signature(jws.signature, jws.signing_input, key):
        raise SignatureError("got a signature that is not the key's")


def _is_signature(signature: bytes, data: bytes, jwk: PublicJWK) -> bool:
    key: Any = jwk.key  # of the type that belongs to alg: PublicJWK saw to it
    try:
        if jwk.alg == "ES256":
            if len(signature) != _ES256_BYTES:
                return False
            key.verify(_der(signature), data, _ecdsa())
        elif jwk.alg in ("PS256", "RS256"):
            key.verify(signature, data, _rsa_padding(jwk.alg), _SHA256)
        else:
            key.verify(signature, data)  # Ed25519
    except InvalidSignature:
        return False
    return True


def _der(signature: bytes) -> bytes:
    """An ES256 signature as OpenSSL reads it (RFC 3279, 2.2.3).

    Nearly all consist of two integers of 32 bytes that begin with no zero byte. These are copied
    behind constant heads; for the others the library computes.
    """
    first, second = signature[0], signature[32]
    if first and second:
        start, middle = _DER_HEADS[first >> 7][second >> 7]
        return start + signature[:32] + middle + signature[32:]
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    return encode_dss_signature(r, s)


def sign_compact(header: Mapping[str, object], payload: bytes, signer: Signer) -> str:
    """Make a compact JWS, and check it with the signer's public key before it leaves.

    A signing service that answers in another form (DER), with another key, or with a faulty
    computation is found here and not by the relying party.

    Raises:
        IssuanceError: If ``alg`` in the header is not the signer's, the signer fails, or its
            signature is wrong; the message tells these apart.
    """
    if header.get("alg") != signer.alg:
        raise IssuanceError("got a header whose alg is not the signer's")
    signing_input = encode_header(header) + b"." + base64url.encode(payload).encode("ascii")
    signature = _signature_of(signer, signing_input)
    if not _is_signature(signature, signing_input, signer.public):
        raise IssuanceError("the signer gave another signature than its key's in JOSE form")
    return f"{signing_input.decode('ascii')}.{base64url.encode(signature)}"


def _signature_of(signer: Signer, data: bytes) -> bytes:
    """What the signer answers.

    Raises:
        IssuanceError: If it raises, and by its error's type in what way, or gives no bytes. Its
            own words are left out.
    """
    signature: object = None
    reason = "gave no bytes"
    try:
        signature = signer.sign(data)
    except Exception as error:  # noqa: BLE001 - a signer may raise anything; raised below
        reason = next(words for kind, words in _FAILURES if isinstance(error, kind))
    if not isinstance(signature, bytes):
        raise IssuanceError(f"the signer {reason}")
    return signature
