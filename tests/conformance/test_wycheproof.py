"""Project Wycheproof's vectors at the signature layer.

Every valid vector that fits the profile verifies, every invalid one is refused. What is valid and
does not fit stands in the lists below, each with its reason and counted: the lists are compared
with what happens, so that nothing leaves or enters them silently. The vectors (Apache-2.0,
github.com/C2SP/wycheproof, testvectors_v1) are not part of this repository.

Not run: ``rsa_pss_2048_sha384_mgf1_48_test.json``, as PS384 is no algorithm of the profile; PS256
is covered by the JWS file. The 34 JWE vectors of ``json_web_crypto_test.json``: nothing here
decrypts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from ageassure.errors import KeySetError, MalformedTokenError, VerificationError
from ageassure.tokens import JWKSet, PublicJWK
from ageassure.tokens.jws import CompactJWS, parse_compact, verify_signature

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]

VERIFIED = "verified"

# Valid vectors that must not verify here: tcId to the reason, and the code that the reason gives.
MAC = "a symmetric key (HS256, HS384, HS512): a verifier could forge"
OTHER_HASH = "RS384, RS512, PS384 or PS512: not an algorithm of the profile"
OTHER_ALG = "the header says PS384, the key is for PS256"
OTHER_CURVE = "the key's alg is no registered one (ES521), nor P-521 a curve of the profile"

OTHER_HASHES = [*range(264, 272), *range(320, 324), *range(325, 329)]

EXCLUDED: dict[str, dict[int, tuple[str, str]]] = {
    "json_web_signature_test.json": {
        **dict.fromkeys([1, 348, 352, 357, 358, 359, 372, 373, 376, 377], (MAC, "bad_key_set")),
        **dict.fromkeys(OTHER_HASHES, (OTHER_HASH, "bad_key_set")),
        **dict.fromkeys([346, 350], (OTHER_ALG, "wrong_algorithm")),
        **dict.fromkeys([347, 351], (OTHER_CURVE, "bad_key_set")),
    },
    "json_web_key_test.json": dict.fromkeys([2, 13, 14, 15], (MAC, "bad_key_set")),
    "json_web_crypto_test.json": dict.fromkeys([1, 48], (MAC, "bad_key_set")),
}

JWE_VECTORS = {"json_web_crypto_test.json": 34}

# Vectors that are valid and verify; valid and excluded; invalid.
COUNTS = {
    "json_web_signature_test.json": (16, 30, 355),
    "json_web_key_test.json": (1, 4, 21),
    "json_web_crypto_test.json": (2, 2, 45),
    "ecdsa_secp256r1_sha256_p1363_test.json": (173, 0, 89),
    "ed25519_test.json": (88, 0, 63),
}

# "Valid" in the group on base64 is about the MAC; these are about the form alone. 367 and 370 are
# labelled invalid for padding that the published file does not contain: their text is that of 357.
WELL_FORMED = {357, 358, 359, 367, 370, 376, 377}
ILL_FORMED = {360, 361, 362, 363, 364, 365, 366, 368, 369, 371, 372, 373, 374, 375}


class Case(NamedTuple):
    """One vector and what became of it."""

    tc_id: int
    result: str
    outcome: str


@pytest.fixture(scope="session")
def wycheproof(shared_dir: Path) -> Path:
    folder = shared_dir / "vectors" / "wycheproof"
    if not folder.is_dir():
        pytest.skip("the Wycheproof vectors are absent")
    return folder


def load(folder: Path, name: str) -> Json:
    document: Json = json.loads((folder / name).read_text(encoding="utf-8"))
    return document


def outcome_of(keys: Json, text: object) -> str:
    """What becomes of a JWS: ``verified`` or the code of the first refusal."""
    try:
        key_set = JWKSet.from_dict(keys if "keys" in keys else {"keys": [keys]})
        jws = parse_compact(text)
        key = key_set.get(str(jws.header.get("kid")))
        if key is None:
            return "unknown_key"
        verify_signature(jws, key)
    except (KeySetError, VerificationError) as error:
        return error.code
    return VERIFIED


def jws_cases(document: Json) -> Iterator[Case]:
    for group in document["testGroups"]:
        keys = group.get("public") or group["private"]
        for test in group["tests"]:
            if "jwe" not in test:
                yield Case(test["tcId"], test["result"], outcome_of(keys, test["jws"]))


@pytest.mark.parametrize("name", sorted(EXCLUDED))
def test_json_web_signatures(wycheproof: Path, name: str) -> None:
    document = load(wycheproof, name)
    cases = list(jws_cases(document))
    assert len(cases) == document["numberOfTests"] - JWE_VECTORS.get(name, 0)
    check(name, cases)


def check(name: str, cases: list[Case]) -> None:
    refused = {case.tc_id: case.outcome for case in cases if case.outcome != VERIFIED}
    invalid = {case.tc_id for case in cases if case.result == "invalid"}
    assert invalid <= refused.keys(), "an invalid vector verified"
    excluded = {tc_id: code for tc_id, (_, code) in EXCLUDED.get(name, {}).items()}
    assert {tc_id: refused[tc_id] for tc_id in refused.keys() - invalid} == excluded
    assert (len(cases) - len(refused), len(excluded), len(invalid)) == COUNTS[name]


def test_canonical_base64url(wycheproof: Path) -> None:
    document = load(wycheproof, "json_web_signature_test.json")
    (group,) = (group for group in document["testGroups"] if group["comment"] == "base64")
    texts = {test["tcId"]: test["jws"] for test in group["tests"]}
    assert texts.keys() == WELL_FORMED | ILL_FORMED
    assert texts[367] == texts[370] == texts[357]
    for tc_id in WELL_FORMED:
        assert parse_compact(texts[tc_id]).header["alg"] == "HS256"
    for tc_id in ILL_FORMED:
        with pytest.raises(MalformedTokenError) as caught:
            parse_compact(texts[tc_id])
        assert caught.value.code == "malformed_token"


def signature_outcome(key: PublicJWK, message: bytes, signature: bytes) -> str:
    jws = CompactJWS(
        header={"alg": key.alg}, payload=b"", signature=signature, signing_input=message
    )
    try:
        verify_signature(jws, key)
    except VerificationError as error:
        return error.code
    return VERIFIED


def raw_cases(document: Json) -> Iterator[Case]:
    for group in document["testGroups"]:
        public = group["publicKey"]
        if "pk" in public:
            point = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(public["pk"]))
            key = PublicJWK.from_key(point, alg="EdDSA")
        else:
            encoded = bytes.fromhex(public["uncompressed"])
            curve = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded)
            key = PublicJWK.from_key(curve, alg="ES256")
        for test in group["tests"]:
            message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
            yield Case(test["tcId"], test["result"], signature_outcome(key, message, signature))


@pytest.mark.parametrize("name", ["ecdsa_secp256r1_sha256_p1363_test.json", "ed25519_test.json"])
def test_raw_signatures(wycheproof: Path, name: str) -> None:
    cases = list(raw_cases(load(wycheproof, name)))
    assert {case.outcome for case in cases} == {VERIFIED, "bad_signature"}
    check(name, cases)
