"""The key binding JWT (RFC 9901, 4.3 and 7.3): who presents holds the key, here and now.

Key binding is always demanded: a credential without it is a text that anybody can copy.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from ageassure.errors import AlgorithmError, KeySetError, MalformedTokenError, SignatureError
from ageassure.estimators.credential.refusal import malformed, refused
from ageassure.estimators.credential.times import check_times, seconds
from ageassure.tokens import base64url
from ageassure.tokens.jws import parse_compact, verify_signature
from ageassure.tokens.keys import PublicJWK, jwk_thumbprint
from ageassure.tokens.strict_json import parse_object

if TYPE_CHECKING:
    from ageassure.tokens.jws import CompactJWS

KEY_BINDING_TYPE: Final = "kb+jwt"
MAX_KEY_BINDING_AGE_SECONDS: Final = 300
"""How old a key binding JWT may be, before the leeway: a wallet makes it when it answers."""

_MAX_CHARACTERS: Final = 8 * 1024


def holder_key(confirmation: object) -> PublicJWK:
    """The holder's key out of the claim ``cnf`` (RFC 7800, 3.2): a JWK, nothing else.

    Raises:
        CredentialError: ``credential_not_bound`` if there is none, or one that must not be used.
    """
    jwk = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    key: PublicJWK | None = None
    if isinstance(jwk, dict):
        with suppress(KeySetError):  # raised below, without its frames
            key = PublicJWK.from_dict({**jwk, "kid": jwk_thumbprint(jwk)})
    if key is None:
        raise refused(
            "got a credential that names no usable key of its holder", code="credential_not_bound"
        )
    return key


def verify_key_binding(
    text: str | None,
    *,
    key: PublicJWK,
    presented: str,
    hash_name: str,
    audience: str,
    nonce: str,
    now_seconds: float,
    leeway_seconds: int,
) -> None:
    """Check a key binding JWT (section 7.3, step 4).

    Not checked: whether it was seen before. The caller's nonce is for one answer.

    Args:
        text: The key binding JWT, or None where there is none.
        key: The holder's, out of the verified credential.
        presented: The SD-JWT before it, with its last tilde.
        hash_name: Python's name of the SD-JWT's hash algorithm.
        audience: Whom it must be made for.
        nonce: The challenge that it must answer.
        now_seconds: The present, POSIX seconds.
        leeway_seconds: How far the holder's clock may differ.

    Raises:
        CredentialError: ``credential_not_bound`` if it is missing, of another type, algorithm or
            key; ``credential_malformed``; ``credential_wrong_transaction`` if it is for another
            audience, nonce or SD-JWT; ``credential_expired`` or ``credential_not_yet_valid`` if it
            was not made now.
    """
    if text is None:
        raise refused("got a credential without proof of possession", code="credential_not_bound")
    jws = _signed_by(key, text)
    if jws is None:
        raise refused(
            "got a proof of possession that the holder's key has not made",
            code="credential_not_bound",
        )
    claims = parse_object(jws.payload)
    if claims is None:
        raise malformed("got a proof of possession that is not one strict JSON object")
    digest = hashlib.new(hash_name, presented.encode("ascii")).digest()
    expected = {"aud": audience, "nonce": nonce, "sd_hash": base64url.encode(digest)}
    if not all(_is_same(claims.get(name), value) for name, value in expected.items()):
        raise refused(
            "got a credential that was presented for something else",
            code="credential_wrong_transaction",
        )
    made_at = seconds(claims, "iat")
    if made_at is None:
        raise malformed("got a proof of possession without the moment at which it was made")
    if now_seconds - made_at > MAX_KEY_BINDING_AGE_SECONDS + leeway_seconds:
        raise refused("got a proof of possession that is too old", code="credential_expired")
    check_times(claims, now_seconds=now_seconds, leeway_seconds=leeway_seconds)


def _signed_by(key: PublicJWK, text: str) -> CompactJWS | None:
    try:
        jws = parse_compact(text, max_bytes=_MAX_CHARACTERS)
        if jws.header.get("typ") != KEY_BINDING_TYPE:
            return None
        verify_signature(jws, key)
    except (MalformedTokenError, AlgorithmError, SignatureError):
        return None
    return jws


def _is_same(value: object, expected: str) -> bool:
    # In bytes: compare_digest takes no text that is not ASCII.
    return isinstance(value, str) and compare_digest(
        value.encode("utf-8"), expected.encode("utf-8")
    )
