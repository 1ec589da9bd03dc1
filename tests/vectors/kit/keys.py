"""Step 4: the key (``unknown_key``) and the algorithm that it is for (``wrong_algorithm``)."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kit.build import (
    DROP,
    ISSUER,
    Setup,
    Vector,
    compact,
    header,
    only,
    refused,
    signing_input,
    token,
)
from kit.crypto import KEYS, b64url

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY = KEYS["issuer"]
_STRANGER = KEYS["stranger"]


def vectors() -> Iterator[Vector]:
    yield from _unknown_keys()
    yield from _wrong_algorithms()
    yield from _symmetric_confusion()


def _unknown_keys() -> Iterator[Vector]:
    code = "unknown_key"
    yield refused(code, "stranger", "a key that is not pinned", token(key=_STRANGER))
    sha512 = b64url(hashlib.sha512(_KEY.kid.encode()).digest())
    kids: list[tuple[str, str, object]] = [
        ("absent", "no kid", DROP),
        ("empty", "an empty kid", ""),
        ("prefix", "the kid without its last character", _KEY.kid[:-1]),
        ("padded", "the kid with =", _KEY.kid + "="),
        ("space_after", "the kid with a space", _KEY.kid + " "),
        ("nul_after", "the kid with a NUL", _KEY.kid + "\0"),
        ("other_case", "the kid in another letter case", _KEY.kid.swapcase()),
        (
            "uri",
            "the kid as an RFC 9278 URI",
            f"urn:ietf:params:oauth:jwk-thumbprint:sha-256:{_KEY.kid}",
        ),
        ("sha512", "a thumbprint of another length", sha512),
        ("path", "a path", "../../../../dev/null"),
        ("sql", "an SQL fragment", "x' OR '1'='1"),
        ("issuer", "the issuer's name", ISSUER),
        ("stranger_kid", "signed by the pinned key, the kid of a stranger", _STRANGER.kid),
    ]
    for name, description, kid in kids:
        text = token(head=header(_KEY, kid=kid))
        yield refused(code, f"kid_{name}", f"kid: {description}", text)
    text = token(head=header(_STRANGER, kid=_STRANGER.kid, alg="none"), key=_STRANGER)
    yield refused(code, "before_algorithm", "unknown kid and alg none: the key comes first", text)


def _wrong_algorithms() -> Iterator[Vector]:
    code = "wrong_algorithm"
    names: list[tuple[str, object]] = [
        ("absent", DROP),
        ("empty", ""),
        ("none", "none"),
        ("none_capital", "None"),
        ("none_mixed", "nOnE"),
        ("lower_case", "es256"),
        ("space_after", "ES256 "),
        ("nul_after", "ES256\0"),
        ("es384", "ES384"),
        ("es256k", "ES256K"),
        ("esp256", "ESP256"),
        ("rs256", "RS256"),
        ("ps256", "PS256"),
        ("eddsa", "EdDSA"),
        ("ed25519", "Ed25519"),
        ("hs256", "HS256"),
        ("hs512", "HS512"),
        ("unheard_of", "XY999"),
    ]
    for name, alg in names:
        text = token(head=header(_KEY, alg=alg))
        what = "no alg" if alg is DROP else f"alg {alg!r}"
        yield refused(code, f"es256_key_{name}", f"{what} with the kid of an ES256 key", text)
    unsigned = signing_input(header(_KEY, alg="none"), None, _KEY) + "."
    yield refused(code, "none_unsigned", "alg none and no signature", unsigned)
    for name, alg in [
        ("issuer_rs256", "PS256"),
        ("issuer_ps256", "RS256"),
        ("issuer_rs256", "RS384"),
    ]:
        key = KEYS[name]
        signed = key.pss_encoding if alg == "PS256" else key.pkcs1_encoding
        unsigned = signing_input(header(key, alg=alg), None, key)
        text = f"{unsigned}.{b64url(key.sign_rsa_encoding(signed(unsigned.encode())))}"
        description = f"a right {alg[:2]} signature by a key that is for {key.alg}"
        yield refused(
            code, f"{key.alg.lower()}_key_{alg.lower()}", description, text, setup=only(key)
        )
    key = KEYS["issuer_ed25519"]
    text = token(head=header(key, alg="ES256"), key=key)
    yield refused(code, "ed25519_key_es256", "alg ES256 with an Ed25519 key", text, setup=only(key))
    text = token(head=header(key, alg="Ed448"), key=key)
    yield refused(code, "ed25519_key_ed448", "alg Ed448 with an Ed25519 key", text, setup=only(key))
    both = Setup(issuers={ISSUER: [_KEY.jwk, key.jwk]})
    text = token(head=header(_KEY, kid=key.kid))
    yield refused(
        code,
        "kid_of_other_type",
        "signed with ES256, the kid of a pinned Ed25519 key",
        text,
        setup=both,
    )


def _symmetric_confusion() -> Iterator[Vector]:
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _KEY.public_point())
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = public.public_bytes(serialization.Encoding.PEM, spki)
    secrets = [
        ("pem", "the public key's PEM", pem),
        ("pem_stripped", "the public key's PEM without its last line feed", pem.rstrip()),
        ("der", "the public key's DER", public.public_bytes(serialization.Encoding.DER, spki)),
        ("point", "the public key's point", _KEY.public_point()),
        ("jwk", "the public JWK's text", compact(_KEY.jwk)),
        ("kid", "the kid", _KEY.kid.encode()),
        ("empty", "an empty secret", b""),
    ]
    for name, description, secret in secrets:
        unsigned = signing_input(header(_KEY, alg="HS256"), None, _KEY)
        mac = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
        text = f"{unsigned}.{b64url(mac)}"
        yield refused("wrong_algorithm", f"hs256_{name}", f"HS256 with {description}", text)
