"""Whatever the parsers are given, only our own errors come out, and nothing is read loosely."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ageassure.errors import KeySetError, MalformedTokenError
from ageassure.tokens import JWKSet, PublicJWK, SigningKey, base64url, strict_json
from ageassure.tokens.claims import parse_claims
from ageassure.tokens.jws import parse_compact
from ageassure.tokens.keys import jwk_thumbprint

ES256_JWK = SigningKey.generate("ES256").to_jwk()
ED25519_JWK = SigningKey.generate("EdDSA").to_jwk()
SECRET = ("d",)

INTEGERS = st.integers() | st.integers(-(2**63), 2**63 - 1)
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats() | st.text()
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.one_of(JSON, st.binary(), st.builds(object), st.just(bytearray(b"a.b.c")))

# Fragments that steer bytes towards JSON without making it good.
FRAGMENTS = st.one_of(
    st.sampled_from(["{", "}", "[", "]", ":", ",", '"', "\\", "\\u", "\\ud800", "\\u0061", "a"]),
    st.sampled_from(["1", "-", "0", "e", ".", "9" * 30, "true", "null", "NaN", "Infinity"]),
    st.sampled_from(['"a":1', '{"a":', '"\\"', " ", "\n", "\ufeff", "\u00e9"]),
)
NEARLY_JSON = st.lists(FRAGMENTS, max_size=30).map("".join).map(str.encode)
DOCUMENTS = st.one_of(
    st.binary(),
    NEARLY_JSON,
    JSON.map(lambda value: json.dumps(value).encode()),
    JSON.map(lambda value: json.dumps(value).encode("utf-16")),
)


def refuses(error: type[Exception], function: Any, *arguments: object) -> bool:
    """Whether the function refuses; any other exception than ours is the test's failure."""
    try:
        function(*arguments)
    except error:
        return True
    return False


@given(OBJECTS)
def test_parse_compact_takes_only_three_parts(token: object) -> None:
    if not refuses(MalformedTokenError, parse_compact, token):
        assert isinstance(token, str)
        assert token.count(".") == 2


@given(DOCUMENTS, st.binary(), st.binary(max_size=80))
def test_parse_compact_gives_back_what_was_encoded(head: bytes, payload: bytes, sig: bytes) -> None:
    token = ".".join(map(base64url.encode, (head, payload, sig)))
    if refuses(MalformedTokenError, parse_compact, token):
        return
    jws = parse_compact(token)
    assert jws.header == json.loads(head.decode("utf-8"))
    assert (jws.payload, jws.signature) == (payload, sig)
    assert jws.signing_input.decode() == token.rpartition(".")[0]


@given(st.text(alphabet="AQgwBC_-/+=. \n\u00e9", max_size=12) | st.text())
def test_base64url_has_one_spelling(text: str) -> None:
    data = base64url.decode_text(text)
    if data is not None:
        assert base64url.encode(data) == text
        assert base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) == data


@given(st.binary())
def test_base64url_reads_what_it_writes(data: bytes) -> None:
    assert base64url.decode_text(base64url.encode(data)) == data


@given(DOCUMENTS)
def test_strict_json_is_json(document: bytes) -> None:
    members = strict_json.parse_object(document)
    if members is not None:
        assert members == json.loads(document.decode("utf-8"))


LEAVES = st.integers(-(2**63), 2**63 - 1) | st.text() | st.booleans() | st.none()


@given(st.dictionaries(st.text(), LEAVES | st.dictionaries(st.text(), LEAVES)))
def test_strict_json_reads_what_it_writes(members: dict[str, object]) -> None:
    assert strict_json.parse_object(strict_json.dump_object(members)) == members


@given(st.integers(1, 20_000), st.sampled_from(['{"a":', "[", '{"a":[']))
def test_depth_ends_no_process(depth: int, opening: str) -> None:
    text = '{"a":' + opening * depth
    assert strict_json.parse_object(text.encode()) is None


@given(DOCUMENTS)
def test_claims_junk(payload: bytes) -> None:
    assert refuses(MalformedTokenError, parse_claims, payload)


@given(DOCUMENTS | st.text() | OBJECTS)
def test_key_set_junk(document: object) -> None:
    assert refuses(KeySetError, JWKSet.from_json, document)
    assert refuses(KeySetError, JWKSet.from_dict, document)


@given(st.dictionaries(st.just("keys"), JSON | st.lists(JSON)))
def test_key_set_with_junk_keys(document: dict[str, object]) -> None:
    assert refuses(KeySetError, JWKSet.from_dict, document)


NAMES = st.sampled_from(
    ["kty", "crv", "x", "y", "n", "e", "alg", "use", "key_ops", "kid", "d", "k"]
)
VALUES = st.one_of(
    JSON,
    st.sampled_from(["EC", "OKP", "RSA", "oct", "P-256", "Ed25519"]),
    st.sampled_from(["ES256", "EdDSA", "Ed25519", "RS256", "sig", "enc"]),
    st.binary(min_size=31, max_size=33).map(base64url.encode),
    st.binary(min_size=255, max_size=257).map(base64url.encode),
)
CHANGES = st.dictionaries(NAMES, VALUES, max_size=4)


@given(st.sampled_from([{}, ES256_JWK, ED25519_JWK]), CHANGES, st.sets(NAMES, max_size=2))
def test_keys_are_refused_or_kept(
    base: dict[str, str], changes: dict[str, object], dropped: set[str]
) -> None:
    members = {name: value for name, value in base.items() if name not in SECRET} | changes
    members = {name: value for name, value in members.items() if name not in dropped}
    refuses(KeySetError, jwk_thumbprint, members)
    try:
        key = PublicJWK.from_dict(members)
    except KeySetError:
        return
    written = key.to_dict()
    # What was not said and is written now are the defaults; nothing that was said is changed.
    assert written == {"alg": "ES256" if written["kty"] == "EC" else "EdDSA", "use": "sig"} | {
        name: members[name] for name in written if name in members
    }
    assert PublicJWK.from_dict(written) == key


@given(st.sampled_from([ES256_JWK, ED25519_JWK]), CHANGES)
def test_private_keys_are_refused_or_kept(base: dict[str, str], changes: dict[str, object]) -> None:
    members = {name: value for name, value in base.items() if name != "kid"} | changes
    try:
        key = SigningKey.from_jwk(members)
    except KeySetError:
        return
    written = key.to_jwk()
    assert {name: written[name] for name in members if name in written} == {
        name: members[name] for name in members if name in written
    }


def pem(data: bytes) -> bytes:
    """Junk between the lines that announce a private key."""
    encoded = base64.b64encode(data)
    return b"-----BEGIN PRIVATE KEY-----\n" + encoded + b"\n-----END PRIVATE KEY-----\n"


@given(st.binary() | st.binary().map(pem), st.none() | st.binary(max_size=8))
def test_pem_junk(data: bytes, password: bytes | None) -> None:
    assert refuses(KeySetError, SigningKey.from_pem, data, password)
