"""A holder's proof is of this token, audience, nonce, key and moment, or it is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ageassure.errors import ConfigurationError, HolderProofError, KeySetError
from ageassure.tokens import SigningKey, base64url, make_holder_proof
from ageassure.tokens.holder import (
    HOLDER_PROOF_TYPE,
    MAX_PROOF_AGE_SECONDS,
    verify_holder_proof,
)
from ageassure.tokens.jws import parse_compact, sign_compact
from ageassure.tokens.keys import PublicJWK

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
TOKEN, AUDIENCE, NONCE = "aaa.bbb.ccc", "https://platform.example", "n" * 43
KEYS = {alg: SigningKey.generate(alg) for alg in ("ES256", "EdDSA", "Ed25519")}
KEY, STRANGER = KEYS["ES256"], SigningKey.generate()


def make(key: SigningKey = KEY, **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "token": TOKEN,
        "holder_key": key,
        "audience": AUDIENCE,
        "nonce": NONCE,
        "now": lambda: NOW,
    }
    return make_holder_proof(**(arguments | changes))


def check(proof: object, **changes: Any) -> None:
    arguments: dict[str, Any] = {
        "token": TOKEN,
        "jkt": KEY.kid,
        "audience": AUDIENCE,
        "nonce": NONCE,
        "now_seconds": NOW.timestamp(),
        "leeway_seconds": 30,
    }
    verify_holder_proof(proof, **(arguments | changes))


PROOF = parse_compact(make())
HEADER: dict[str, Any] = dict(PROOF.header)
PAYLOAD: dict[str, Any] = json.loads(PROOF.payload)


def remade(
    header: dict[str, Any] | None = None,
    payload: dict[str, Any] | None = None,
    key: SigningKey = KEY,
) -> str:
    """The proof with changed members, signed by a key whatever the header says."""
    first = base64url.encode(json.dumps(HEADER | (header or {})).encode())
    second = base64url.encode(json.dumps(PAYLOAD | (payload or {})).encode())
    signature = base64url.encode(key.sign(f"{first}.{second}".encode()))
    return f"{first}.{second}.{signature}"


@pytest.mark.parametrize("alg", KEYS)
def test_right(alg: str) -> None:
    check(make(KEYS[alg]), jkt=KEYS[alg].kid)


def test_what_is_in_it() -> None:
    assert HEADER.keys() == {"typ", "alg", "jwk"}
    assert HEADER["typ"] == HOLDER_PROOF_TYPE
    assert HEADER["jwk"].keys() == {"kty", "crv", "x", "y"}
    assert PAYLOAD.keys() == {"aud", "nonce", "iat", "token_hash"}
    assert PAYLOAD["iat"] == int(NOW.timestamp())


@pytest.mark.parametrize("offset", [-330, -30, 0, 30, 330])
def test_fresh(offset: int) -> None:
    check(make(now=lambda: NOW + timedelta(seconds=offset)))


@pytest.mark.parametrize("offset", [-331, 331])
def test_stale(offset: int) -> None:
    assert MAX_PROOF_AGE_SECONDS == 300
    with pytest.raises(HolderProofError):
        check(make(now=lambda: NOW + timedelta(seconds=offset)))


EC_JWK, OKP_JWK = HEADER["jwk"], dict(parse_compact(make(KEYS["EdDSA"])).header)["jwk"]
RSA = SigningKey.generate("RS256")
RSA_PROOF = sign_compact(
    {"typ": HOLDER_PROOF_TYPE, "alg": "RS256", "jwk": RSA.public.to_dict()},
    json.dumps(PAYLOAD).encode(),
    RSA,
)
WRONG: dict[str, object] = {
    "absent": None,
    "bytes": make().encode(),
    "empty": "",
    "no JWS": "x",
    "long": remade({"typ": HOLDER_PROOF_TYPE + "x" * 2048}),
    "another token": make(token="aaa.bbb.ccd"),
    "another audience": make(audience="https://evil.example"),
    "another nonce": make(nonce="m" * 43),
    "another key": make(STRANGER),
    "another key's signature": remade(key=STRANGER),
    "an age token": remade({"typ": "age-result+jwt"}),
    "another type": remade({"typ": "JWT"}),
    "type no text": remade({"typ": None}),
    "kid": remade({"kid": KEY.kid}),
    "crit": remade({"crit": []}),
    "alg none": remade({"alg": "none"}),
    "alg HS256": remade({"alg": "HS256"}),
    "alg of another key": remade({"alg": "EdDSA"}),
    "alg no text": remade({"alg": ["ES256"]}),
    "no jwk": remade({"jwk": None}),
    "jwk of another type": remade({"jwk": OKP_JWK}),
    "jwk no object": remade({"jwk": [EC_JWK]}),
    "jwk with alg": remade({"jwk": EC_JWK | {"alg": "ES256"}}),
    "jwk with kid": remade({"jwk": EC_JWK | {"kid": KEY.kid}}),
    "private jwk": remade({"jwk": EC_JWK | {"d": KEY.to_jwk()["d"]}}),
    "jwk off the curve": remade({"jwk": EC_JWK | {"y": EC_JWK["x"]}}),
    "jwk member no text": remade({"jwk": EC_JWK | {"y": 1}}),
    "RSA": RSA_PROOF,
    "iat no integer": remade(payload={"iat": str(PAYLOAD["iat"])}),
    "iat boolean": remade(payload={"iat": True}),
    "iat absent": remade(payload={"iat": None}),
    "more claims": remade(payload={"exp": PAYLOAD["iat"] + 1}),
    "no object": sign_compact(HEADER, b"[]", KEY),
    "payload empty": sign_compact(HEADER, b"", KEY),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name: str) -> None:
    with pytest.raises(HolderProofError) as caught:
        check(WRONG[name])
    assert caught.value.__context__ is None


def of_length(characters: int) -> str:
    """A right proof whose JSON holds as many spaces as it takes."""
    header, payload = json.dumps(HEADER).encode(), json.dumps(PAYLOAD).encode()
    for before, inside in ((one, other) for one in range(3) for other in range(characters)):
        first = base64url.encode(b" " * before + header)
        second = base64url.encode(b" " * inside + payload)
        if len(first) + len(second) + 2 + 86 == characters:
            signature = KEY.sign(f"{first}.{second}".encode())
            return f"{first}.{second}.{base64url.encode(signature)}"
    raise AssertionError("no number of spaces gives this length")


def test_the_longest_proof() -> None:
    check(of_length(2048))
    with pytest.raises(HolderProofError):
        check(of_length(2049))


def test_the_key_the_token_is_bound_to() -> None:
    check(make(STRANGER), jkt=STRANGER.kid)
    with pytest.raises(HolderProofError):
        check(make(STRANGER))


def test_remaking_changes_nothing_by_itself() -> None:
    check(remade())


def test_rsa_holder_keys_are_not_taken() -> None:
    assert isinstance(RSA.public, PublicJWK)
    with pytest.raises(KeySetError):
        make(RSA)


def test_bad_clock() -> None:
    with pytest.raises(ConfigurationError):
        make(now=lambda: NOW.replace(tzinfo=None))
