"""JWKs are checked when they are loaded; thumbprints are RFC 7638's."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa

from ageassure.errors import KeySetError
from ageassure.tokens import PublicJWK, SigningKey, base64url
from ageassure.tokens.keys import JWK_ALGORITHMS, jwk_thumbprint, same_algorithm

EC_KEY, OKP_KEY, RSA_KEY = (SigningKey.generate(alg) for alg in ("ES256", "EdDSA", "PS256"))
EC, OKP, RSA = (key.public.to_dict() for key in (EC_KEY, OKP_KEY, RSA_KEY))
KINDS = {"EC": EC, "OKP": OKP, "RSA": RSA}


def octets(text: str) -> bytes:
    data = base64url.decode_text(text)
    assert data is not None
    return data


def rsa_jwk(modulus: int, exponent: int = 65537) -> dict[str, Any]:
    n, e = (
        base64url.encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))
        for value in (modulus, exponent)
    )
    return RSA | {"n": n, "e": e}


@pytest.mark.parametrize("jwk", [EC, OKP, RSA], ids=list(KINDS))
def test_round_trip(jwk: dict[str, str]) -> None:
    key = PublicJWK.from_dict(jwk)
    assert key.to_dict() == jwk
    assert key.kid == key.thumbprint == jwk["kid"]
    assert key == PublicJWK.from_key(key.key, alg=key.alg)
    assert jwk["x" if "x" in jwk else "n"] not in repr(key)


def test_frozen_and_equal_by_what_names_it() -> None:
    key, again = PublicJWK.from_dict(EC), PublicJWK.from_dict(EC)
    assert key == again
    assert hash(key) == hash(again)
    assert copy.copy(key) == copy.deepcopy(key) == key
    for other in (EC | {"kid": "k"}, OKP):
        assert key != PublicJWK.from_dict(other)
    assert PublicJWK.from_dict(RSA) != PublicJWK.from_dict(RSA | {"alg": "RS256"})
    twin = PublicJWK(kid=key.kid, alg="ES256", key=SigningKey.generate().public.key)
    assert key != twin
    assert key != (key.kid, key.alg, key.thumbprint)
    assert repr(key) == f"PublicJWK(kid={key.kid!r}, alg='ES256', thumbprint={key.kid!r})"
    with pytest.raises(AttributeError, match="cannot set 'kid': a PublicJWK never changes"):
        key.kid = "k"
    with pytest.raises(AttributeError, match="cannot delete 'key': a PublicJWK never changes"):
        del key.key


@pytest.mark.parametrize("alg", sorted(JWK_ALGORITHMS))
def test_every_algorithm(alg: str) -> None:
    assert SigningKey.generate(alg).public.to_dict()["alg"] == alg


def test_what_may_be_missing() -> None:
    for jwk, alg in ((EC, "ES256"), (OKP, "EdDSA")):
        least = {name: value for name, value in jwk.items() if name not in ("alg", "use")}
        assert PublicJWK.from_dict(least).alg == alg


def test_what_may_be_there() -> None:
    more = {"key_ops": ["verify"], "x5t": "x", "x5c": ["x"], "x5u": "https://x", "exp": 1}
    assert PublicJWK.from_dict(EC | more).to_dict() == EC


def test_a_kid_need_not_be_the_thumbprint() -> None:
    key = PublicJWK.from_dict(EC | {"kid": "2026-06"})
    assert (key.kid, key.thumbprint) == ("2026-06", EC_KEY.kid)
    assert PublicJWK.from_dict(EC | {"kid": "k" * 256}).kid == "k" * 256


REFUSED: dict[str, Any] = {
    "no object": [EC],
    "empty": {},
    "private EC": EC_KEY.to_jwk(),
    "private OKP": OKP_KEY.to_jwk(),
    "private RSA": RSA_KEY.to_jwk(),
    "symmetric": {"kty": "oct", "k": "AAAA", "kid": "x", "alg": "HS256"},
    "symmetric without k": {"kty": "oct", "kid": "x", "alg": "HS256"},
    "no kty": {name: value for name, value in EC.items() if name != "kty"},
    "another kty": EC | {"kty": "ec"},
    "another kty of RSA": RSA | {"kty": "rsa"},
    "kty no text": EC | {"kty": ["EC"]},
    "another crv": EC | {"crv": "P-384"},
    "secp256k1": EC | {"crv": "secp256k1"},
    "crv no text": EC | {"crv": ["P-256"]},
    "Ed448": OKP | {"crv": "Ed448"},
    "X25519": OKP | {"crv": "X25519"},
    "use enc": EC | {"use": "enc"},
    "use null": EC | {"use": None},
    "use no text": EC | {"use": ["sig"]},
    "key_ops sign": EC | {"key_ops": ["sign"]},
    "key_ops more": EC | {"key_ops": ["verify", "encrypt"]},
    "key_ops twice": EC | {"key_ops": ["verify", "verify"]},
    "key_ops empty": EC | {"key_ops": []},
    "key_ops no list": EC | {"key_ops": "verify"},
    "alg of another key": EC | {"alg": "EdDSA"},
    "alg of another curve": EC | {"alg": "ES384"},
    "alg of a MAC": EC | {"alg": "HS256"},
    "alg none": RSA | {"alg": "none"},
    "alg another hash": RSA | {"alg": "RS512"},
    "alg for encryption": RSA | {"alg": "RSA-OAEP"},
    "alg null": EC | {"alg": None},
    "alg no text": EC | {"alg": ["ES256"]},
    "RSA without alg": {name: value for name, value in RSA.items() if name != "alg"},
    "no kid": {name: value for name, value in EC.items() if name != "kid"},
    "kid empty": EC | {"kid": ""},
    "kid no text": EC | {"kid": 1},
    "kid long": EC | {"kid": "k" * 257},
    "kid with a line break": EC | {"kid": "a\nb"},
    "kid with a lone surrogate": EC | {"kid": "\ud800"},
    "x missing": {name: value for name, value in EC.items() if name != "x"},
    "x padded": EC | {"x": EC["x"] + "="},
    "x short": EC | {"x": base64url.encode(b"\x01" * 31)},
    "x with a leading zero": EC | {"x": base64url.encode(b"\0" + octets(EC["x"]))},
    "x no text": EC | {"x": 1},
    "not on the curve": EC | {"y": EC["x"]},
    "infinity": EC | {"x": base64url.encode(bytes(32)), "y": base64url.encode(bytes(32))},
    "x beyond the field": EC | {"x": base64url.encode(b"\xff" * 32)},
    "x of a point, and the prime": EC
    | {
        "x": base64url.encode((5 + 2**256 - 2**224 + 2**192 + 2**96 - 1).to_bytes(32, "big")),
        "y": base64url.encode(
            bytes.fromhex("459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc")
        ),
    },
    "OKP short": OKP | {"x": base64url.encode(b"\x01" * 31)},
    "OKP long": OKP | {"x": base64url.encode(b"\x01" * 33)},
    "n missing": {name: value for name, value in RSA.items() if name != "n"},
    "n with a leading zero": RSA | {"n": base64url.encode(b"\0" + octets(RSA["n"]))},
    "n empty": RSA | {"n": ""},
    "n of 2047 bits": rsa_jwk(2**2047 - 1),
    "n of 1024 bits": rsa_jwk(2**1023 + 1),
    "n of 8193 bits": rsa_jwk(2**8192 + 1),
    "n even": rsa_jwk(2**2047 + 2),
    "e of 1": RSA | {"e": "AQ"},
    "e of 2": RSA | {"e": "Ag"},
    "e even": RSA | {"e": base64url.encode(b"\x01\x00\x00")},
    "e of 65 bits": RSA | {"e": base64url.encode(b"\x01" + bytes(7) + b"\x01")},
    "e with leading zeros": RSA | {"e": "AAEAAQ"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(KeySetError) as caught:
        PublicJWK.from_dict(REFUSED[name])
    assert caught.value.__context__ is None


@pytest.mark.parametrize("bits", [2048, 8192])
def test_edges_of_rsa(bits: int) -> None:
    modulus = int(RSA_KEY.public.key.public_numbers().n)  # type: ignore[union-attr]
    # Any odd number of the size will do: what it is a product of is not checked.
    wide = (modulus << bits >> modulus.bit_length()) | 1
    assert PublicJWK.from_dict(rsa_jwk(wide)).alg == "PS256"
    assert PublicJWK.from_dict(rsa_jwk(wide, 3)).alg == "PS256"
    assert PublicJWK.from_dict(rsa_jwk(wide, 2**64 - 1)).alg == "PS256"


def test_keys_of_cryptography_are_checked_too() -> None:
    small = rsa.generate_private_key(65537, 1024).public_key()
    other_curve = ec.generate_private_key(ec.SECP384R1()).public_key()
    for key, alg in ((small, "RS256"), (other_curve, "ES256"), (None, "ES256")):
        with pytest.raises(KeySetError):
            PublicJWK(kid="k", alg=alg, key=key)  # type: ignore[arg-type]
    with pytest.raises(KeySetError):
        PublicJWK.from_key(ed448.Ed448PrivateKey.generate().public_key(), alg="EdDSA")  # type: ignore[arg-type]
    with pytest.raises(KeySetError):
        PublicJWK(kid="", alg="ES256", key=EC_KEY.public.key)


def test_thumbprint_of_rfc_7638() -> None:
    # RFC 7638, 3.1.
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP"
        "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY"
        "368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0f"
        "M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    jwk = {"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert jwk_thumbprint(jwk) == expected
    assert PublicJWK.from_dict(jwk).thumbprint == expected


def test_thumbprint_of_rfc_8037() -> None:
    # RFC 8037, A.3.
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert jwk_thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    "jwk", [{}, {"kty": "oct", "k": "x"}, {"kty": []}, EC | {"x": 1}, EC | {"crv": "\ud800"}]
)
def test_thumbprint_of_no_key(jwk: dict[str, object]) -> None:
    with pytest.raises(KeySetError):
        jwk_thumbprint(jwk)


def test_two_names_of_one_algorithm() -> None:
    assert same_algorithm("EdDSA", "Ed25519")
    assert same_algorithm("Ed25519", "EdDSA")
    assert same_algorithm("ES256", "ES256")
    assert not same_algorithm("EdDSA", "ES256")
    assert not same_algorithm("ES256", "EdDSA")
    assert not same_algorithm(None, "EdDSA")
    assert not same_algorithm(["EdDSA"], "EdDSA")


@pytest.mark.parametrize("kid", [None, 7, b"kid", ["kid"]])
def test_a_kid_is_a_text(kid: Any) -> None:
    with pytest.raises(KeySetError, match="malformed kid"):
        PublicJWK(kid=kid, alg="ES256", key=EC_KEY.public.key)


@pytest.mark.parametrize(
    "jwk",
    [
        {name: value for name, value in EC.items() if name != "kid"},
        {name: value for name, value in RSA.items() if name != "alg"},
        EC | {"kid": 7},
        EC | {"alg": ["ES256"]},
    ],
)
def test_what_is_missing_is_told(jwk: dict[str, Any]) -> None:
    with pytest.raises(KeySetError, match="without kid, or an RSA key without alg"):
        PublicJWK.from_dict(jwk)


def test_a_weak_rsa_key_is_refused_before_it_is_made() -> None:
    modulus = int.from_bytes(octets(RSA["n"]), "big")
    with pytest.raises(KeySetError, match="exponent"):
        PublicJWK.from_dict(rsa_jwk(modulus, exponent=1))
