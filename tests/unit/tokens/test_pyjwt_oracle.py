"""PyJWT as oracle: what we issue it accepts, what it issues we accept, and both read the same."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from ageassure.errors import VerificationError
from ageassure.results import AgeRequest, AssuranceLevel, MethodClass, Outcome
from ageassure.tokens import PublicJWK, SigningKey, TokenIssuer, base64url
from ageassure.tokens.jws import parse_compact
from ageassure.tokens.keys import jwk_thumbprint
from ageassure.verifier import JWKSet, MemoryReplayStore, TokenVerifier

ISSUER, AUDIENCE, NONCE = "https://age.example", "https://platform.example", "n" * 43
# PyJWT knows Ed25519 keys under the name EdDSA.
ALGORITHMS = ["ES256", "EdDSA", "PS256", "RS256"]
KEYS = {alg: SigningKey.generate(alg) for alg in ALGORITHMS}


def utc_now() -> datetime:
    return datetime.now(UTC)


def verify(token: str, key: SigningKey) -> None:
    verifier = TokenVerifier(
        issuers={ISSUER: key.public_set()},
        audience=AUDIENCE,
        replay_store=MemoryReplayStore(),
        now=utc_now,
    )
    verifier.verify(token, nonce=NONCE, age_over=18)


def decode(token: str, key: SigningKey) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token,
        jwt.PyJWK(key.public.to_dict()),
        algorithms=[key.alg],
        audience=AUDIENCE,
        issuer=ISSUER,
        options={"require": ["iss", "aud", "iat", "exp", "jti", "nonce"]},
    )
    return claims


def issued(key: SigningKey) -> str:
    issuer = TokenIssuer(issuer=ISSUER, signing_key=key, policy_uri=f"{ISSUER}/practice")
    request = AgeRequest(
        audience=AUDIENCE,
        nonce=NONCE,
        age_over=18,
        tell_method=True,
        tell_level=True,
        holder_jkt=key.kid,
    )
    return issuer.issue(
        request,
        outcome=Outcome.OVER,
        method_class=MethodClass.VERIFICATION,
        level=AssuranceLevel.STRICT,
    )


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_what_we_issue_it_accepts(alg: str) -> None:
    key = KEYS[alg]
    token = issued(key)
    verify(token, key)
    assert decode(token, key) == json.loads(parse_compact(token).payload)
    assert jwt.get_unverified_header(token) == {
        "typ": "age-result+jwt",
        "alg": alg,
        "kid": key.kid,
    }


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_what_it_issues_we_accept(alg: str) -> None:
    key = KEYS[alg]
    iat = int(time.time()) // 300 * 300
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "nonce": NONCE,
        "jti": base64url.encode(bytes(16)),
        "iat": iat,
        "exp": iat + 900,
        "age_equal_or_over": {"21": True},
    }
    private = jwt.PyJWK(key.to_jwk())
    token = jwt.encode(claims, private, headers={"typ": "age-result+jwt", "kid": key.kid})
    verify(token, key)
    assert decode(token, key) == claims


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_what_it_refuses_we_refuse(alg: str) -> None:
    key, stranger = KEYS[alg], SigningKey.generate(alg)
    head, payload, signature = issued(key).split(".")
    first = "A" if signature[0] != "A" else "B"
    for token in (
        f"{head}.{payload}.{first}{signature[1:]}",
        f"{head}.{payload[:-4]}.{signature}",
        f"{head}.{payload}.",
        issued(stranger),
    ):
        with pytest.raises(jwt.InvalidTokenError):
            decode(token, key)
        with pytest.raises(VerificationError):
            verify(token, key)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_key_sets_are_read_alike(alg: str) -> None:
    key = KEYS[alg]
    theirs = jwt.PyJWKSet.from_json(json.dumps(key.public_set().to_dict()))
    (jwk,) = theirs.keys
    assert jwk.key_id == key.kid
    assert jwk.key == key.public.key
    written = jwk.Algorithm.to_jwk(jwk.key, as_dict=True)
    assert jwk_thumbprint(written) == key.kid
    again = PublicJWK.from_dict(written | {"kid": key.kid, "alg": alg, "key_ops": ["verify"]})
    assert JWKSet(keys=(again,)) == key.public_set()
