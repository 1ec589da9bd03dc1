"""Proof that whoever presents a token holds the one-time key that it is bound to.

The proof is a compact JWS of type ``age-holder+jwt``; its header carries the public key, whose
RFC 7638 thumbprint is the token's ``cnf.jkt`` (RFC 7800), and its payload the relying party's
``aud`` and ``nonce``, ``iat``, and ``token_hash``, the SHA-256 of the token's characters. It
resembles the key binding of SD-JWT (RFC 9901, 4.3), for a token that is not a disclosure.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from ageassure.errors import (
    AlgorithmError,
    HolderProofError,
    KeySetError,
    MalformedTokenError,
    SignatureError,
)
from ageassure.tokens import base64url
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.tokens.jws import CompactJWS, parse_compact, sign_compact, verify_signature
from ageassure.tokens.keys import PublicJWK, jwk_thumbprint
from ageassure.tokens.strict_json import dump_object, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.tokens.keys import Signer

HOLDER_PROOF_TYPE: Final = "age-holder+jwt"
MAX_PROOF_AGE_SECONDS: Final = 300
"""Farthest that a proof's ``iat`` may lie from now, before the leeway."""

_MAX_PROOF_BYTES: Final = 2048
_KEY_MEMBERS: Final = {
    "ES256": ("kty", "crv", "x", "y"),
    "EdDSA": ("kty", "crv", "x"),
    "Ed25519": ("kty", "crv", "x"),
}


def make_holder_proof(
    token: str, *, holder_key: Signer, audience: str, nonce: str, now: Clock = utc_now
) -> str:
    """Prove, on the holder's side, that the token is presented by the holder of its key.

    Args:
        token: The age token.
        holder_key: The one-time key named in the request; ES256 or Ed25519.
        audience: The relying party that the token is for.
        nonce: The relying party's nonce.
        now: Clock.

    Raises:
        IssuanceError: If the key cannot sign.
        KeySetError: If it is an RSA key.
    """
    if holder_key.alg not in _KEY_MEMBERS:
        raise KeySetError("got another type of holder key, expected ES256 or EdDSA")
    public = holder_key.public.to_dict()
    header = {
        "typ": HOLDER_PROOF_TYPE,
        "alg": holder_key.alg,
        "jwk": {name: public[name] for name in _KEY_MEMBERS[holder_key.alg]},
    }
    payload = _expected_payload(token, audience, nonce) | {"iat": int(read_clock(now))}
    return sign_compact(header, dump_object(payload), holder_key)


def verify_holder_proof(
    proof: object,
    *,
    token: str,
    jkt: str,
    audience: str,
    nonce: str,
    now_seconds: float,
    leeway_seconds: int,
) -> None:
    """Check a holder's proof (step 13 of the verification).

    Not checked: whether the proof was seen before. The token itself is accepted once.

    Args:
        proof: What the presenter sent.
        token: The age token, already verified otherwise.
        jkt: The thumbprint that the token is bound to.
        audience: The relying party.
        nonce: Its nonce.
        now_seconds: The present, POSIX seconds.
        leeway_seconds: Added to :data:`MAX_PROOF_AGE_SECONDS` on both sides.

    Raises:
        HolderProofError: If the proof is absent, malformed, of another key, not about this token,
            audience and nonce, or not of now.
    """
    jws, key = _unverified_parts(proof)
    if jws is None or key is None or key.thumbprint != jkt:
        raise HolderProofError("got no proof by the key that the token is bound to")
    if not _is_signed(jws, key):
        raise HolderProofError("got a proof whose signature is not the key's")
    payload = parse_object(jws.payload) or {}
    issued_at = payload.pop("iat", None)
    if type(issued_at) is not int or payload != _expected_payload(token, audience, nonce):
        raise HolderProofError("got a proof for another token, audience or nonce")
    if abs(now_seconds - issued_at) > MAX_PROOF_AGE_SECONDS + leeway_seconds:
        raise HolderProofError("got a proof that is too old, or of the future")


def _expected_payload(token: str, audience: str, nonce: str) -> dict[str, object]:
    digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
    return {"aud": audience, "nonce": nonce, "token_hash": base64url.encode(digest)}


def _unverified_parts(proof: object) -> tuple[CompactJWS | None, PublicJWK | None]:
    try:
        jws = parse_compact(proof, max_bytes=_MAX_PROOF_BYTES)
        return jws, _embedded_key(jws.header)
    except (MalformedTokenError, KeySetError):
        return None, None


def _embedded_key(header: Mapping[str, object]) -> PublicJWK | None:
    alg, jwk = header.get("alg"), header.get("jwk")
    if header.keys() != {"typ", "alg", "jwk"} or header["typ"] != HOLDER_PROOF_TYPE:
        return None
    names = _KEY_MEMBERS.get(alg) if isinstance(alg, str) else None
    # Exactly the members that make up the key: no second name, purpose or certificate.
    if names is None or not isinstance(jwk, dict) or jwk.keys() != set(names):
        return None
    return PublicJWK.from_dict(jwk | {"kid": jwk_thumbprint(jwk)})


def _is_signed(jws: CompactJWS, key: PublicJWK) -> bool:
    try:
        verify_signature(jws, key)
    except (AlgorithmError, SignatureError):
        return False
    return True
