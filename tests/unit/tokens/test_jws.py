"""Compact JWS: taken apart strictly, checked with one key for one algorithm, made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import example, given
from hypothesis import strategies as st

from ageassure.errors import AlgorithmError, IssuanceError, MalformedTokenError, SignatureError
from ageassure.tokens import PublicJWK, SigningKey, base64url
from ageassure.tokens.jws import (
    CompactJWS,
    _der,
    encode_header,
    parse_compact,
    parse_header,
    sign_compact,
    verify_signature,
)

ALGORITHMS = ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]
KEYS = {alg: SigningKey.generate(alg) for alg in ALGORITHMS}
KEY = KEYS["ES256"]
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def made(alg: str = "ES256", payload: bytes = b"payload") -> str:
    return sign_compact({"alg": alg, "x": [1]}, payload, KEYS[alg])


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("payload", [b"", b"\x00\xff", b"x" * 1000])
def test_round_trip(alg: str, payload: bytes) -> None:
    jws = parse_compact(made(alg, payload))
    assert (jws.header, jws.payload) == ({"alg": alg, "x": [1]}, payload)
    verify_signature(jws, KEYS[alg].public)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_changed_bytes(alg: str) -> None:
    jws = parse_compact(made(alg))
    key = KEYS[alg].public
    longer, shorter = jws.signature + b"\0", jws.signature[:-1]
    flipped = jws.signature[:-1] + bytes([jws.signature[-1] ^ 1])
    for signature in (b"", longer, shorter, flipped, bytes(len(jws.signature))):
        with pytest.raises(SignatureError) as caught:
            verify_signature(jws._replace(signature=signature), key)
        assert caught.value.__context__ is None
    with pytest.raises(SignatureError):
        verify_signature(jws._replace(signing_input=jws.signing_input + b"x"), key)
    with pytest.raises(SignatureError):
        verify_signature(jws, SigningKey.generate(alg).public)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
@example(bytes(32), bytes(32))
@example(b"\x7f" + bytes(31), b"\x80" + bytes(31))
@example(b"\x80" + bytes(31), b"\x7f" + bytes(31))
@example(b"\x00\x80" + bytes(30), b"\x01" + bytes(31))
@example(b"\x00\x7f" + bytes(30), b"\x01" + bytes(31))
@example(b"\x01" + bytes(31), b"\x00\x7f" + bytes(30))
@example(b"\xff" * 32, b"\xff" * 32)
def test_signatures_reach_openssl_as_the_library_writes_them(r: bytes, s: bytes) -> None:
    written = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
    assert _der(r + s) == written


@pytest.mark.parametrize("named", [*ALGORITHMS, "none", "HS256", "ES512", "", None, ["ES256"]])
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_one_key_one_algorithm(alg: str, named: Any) -> None:
    jws = parse_compact(made(alg))._replace(header={"alg": named})
    if {alg, named if isinstance(named, str) else ""} <= {"EdDSA", "Ed25519"} or named == alg:
        verify_signature(jws, KEYS[alg].public)
    else:
        with pytest.raises(AlgorithmError):
            verify_signature(jws, KEYS[alg].public)


def test_no_alg() -> None:
    with pytest.raises(AlgorithmError):
        verify_signature(parse_compact(made())._replace(header={}), KEY.public)


def test_pkcs1_and_pss_of_one_modulus_are_two_things() -> None:
    key = KEYS["RS256"]
    as_pss = PublicJWK(kid=key.kid, alg="PS256", key=key.public.key)
    jws = parse_compact(made("RS256"))._replace(header={"alg": "PS256"})
    with pytest.raises(SignatureError):
        verify_signature(jws, as_pss)


@pytest.mark.parametrize("r", [0, P256_ORDER, 2**256 - 1])
@pytest.mark.parametrize("s", [0, P256_ORDER, 2**256 - 1])
def test_es256_numbers_out_of_range(r: int, s: int) -> None:
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    with pytest.raises(SignatureError):
        verify_signature(parse_compact(made())._replace(signature=signature), KEY.public)


def test_es256_in_der_is_no_jose_signature() -> None:
    jws = parse_compact(made())
    r, s = (int.from_bytes(half, "big") for half in (jws.signature[:32], jws.signature[32:]))
    with pytest.raises(SignatureError):
        verify_signature(jws._replace(signature=encode_dss_signature(r, s)), KEY.public)


def test_es256_numbers_have_one_length() -> None:
    jws = parse_compact(made())
    padded = jws.signature[:32] + b"\0" + jws.signature[32:]
    with pytest.raises(SignatureError):
        verify_signature(jws._replace(signature=padded), KEY.public)


def test_size() -> None:
    token = made()
    assert parse_compact(token, max_bytes=len(token)).payload == b"payload"
    with pytest.raises(MalformedTokenError):
        parse_compact(token, max_bytes=len(token) - 1)
    with pytest.raises(MalformedTokenError):
        parse_compact("a" * 8193)


def head(value: object) -> str:
    return base64url.encode(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (None, "malformed_token"),
        (b"a.b.c", "malformed_token"),
        ("", "malformed_token"),
        (".", "malformed_token"),
        ("e30", "malformed_token"),
        ("e30.", "malformed_token"),
        ("e30...", "malformed_token"),
        ("e30.AA==.AA", "malformed_token"),
        ("e30.A.AA", "malformed_token"),
        ("e30.AA.A", "malformed_token"),
        ("e31.AA.AA", "malformed_token"),
        ("e30 .AA.AA", "malformed_token"),
        ("e30.AA.A\u00e9", "malformed_token"),
        ("e30.AA.A\ud800", "malformed_token"),
        ("..", "malformed_header"),
        (f"{head([])}.AA.AA", "malformed_header"),
        (f"{head({'crit': []})}.AA.AA", "malformed_header"),
        (f"{head({'b64': True})}.AA.AA", "malformed_header"),
    ],
)
def test_malformed(token: object, code: str) -> None:
    with pytest.raises(MalformedTokenError) as caught:
        parse_compact(token)
    assert caught.value.code == code


def test_known_headers_spare_the_reading_only() -> None:
    token = made()
    segment = token.split(".")[0].encode()
    known = {segment: parse_header(segment)}
    assert parse_compact(token, known_headers=known).header is known[segment]
    other = sign_compact({"alg": "ES256"}, b"", KEY)
    assert parse_compact(other, known_headers=known).header == {"alg": "ES256"}
    with pytest.raises(MalformedTokenError):
        parse_compact(token + "=", known_headers=known)


def test_repr_shows_nothing() -> None:
    jws = parse_compact(made())
    assert "payload" not in repr(jws)
    assert "ES256" not in repr(jws)


def test_header_members_stay_in_order() -> None:
    segment = encode_header({"typ": "t", "alg": "a", "kid": "k"})
    assert base64url.decode(segment) == b'{"typ":"t","alg":"a","kid":"k"}'


class Service:
    """A signing service that answers as told."""

    public = KEY.public
    kid = KEY.kid
    alg = KEY.alg

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def sign(self, data: bytes) -> bytes:
        answer: bytes = self.answer(data)
        return answer


def failing(_data: bytes) -> bytes:
    raise RuntimeError("secret")


def in_der(data: bytes) -> bytes:
    signature = KEY.sign(data)
    return encode_dss_signature(
        int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    )


@pytest.mark.parametrize(
    "answer",
    [
        failing,
        in_der,
        SigningKey.generate().sign,
        lambda _data: None,
        lambda _data: b"",
        lambda _data: bytes(64),
        lambda data: KEY.sign(data + b"x"),
        lambda data: KEY.sign(data).hex(),
    ],
)
def test_a_service_that_fails(answer: Any) -> None:
    with pytest.raises(IssuanceError) as caught:
        sign_compact({"alg": "ES256"}, b"payload", Service(answer))
    assert caught.value.__context__ is None
    assert "secret" not in str(caught.value)


def _raising(error: Exception) -> Any:
    def sign(_data: bytes) -> bytes:
        raise error

    return sign


@pytest.mark.parametrize(
    ("sign", "told"),
    [
        (_raising(TimeoutError("secret")), "did not answer in time"),
        (_raising(PermissionError("secret")), "was not allowed to sign"),
        (_raising(ConnectionError("secret")), "could not be reached"),
        (_raising(OSError("secret")), "could not be reached"),
        (_raising(RuntimeError("secret")), "failed"),
        (lambda _data: None, "gave no bytes"),
        (lambda _data: bytes(70), "another signature"),
    ],
)
def test_in_which_way_a_service_failed_is_told(sign: Any, told: str) -> None:
    with pytest.raises(IssuanceError, match=f"^the signer (gave )?{told}") as caught:
        sign_compact({"alg": "ES256"}, b"payload", Service(sign))
    assert caught.value.__context__ is caught.value.__cause__ is None
    assert "secret" not in str(caught.value)


def test_a_service_that_works() -> None:
    jws: CompactJWS = parse_compact(sign_compact({"alg": "ES256"}, b"x", Service(KEY.sign)))
    verify_signature(jws, KEY.public)


@pytest.mark.parametrize("header", [{}, {"alg": "EdDSA"}, {"alg": None}])
def test_the_header_names_the_signers_algorithm(header: dict[str, Any]) -> None:
    with pytest.raises(IssuanceError):
        sign_compact(header, b"", KEY)
