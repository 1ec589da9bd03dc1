"""Private keys: made, read, written, shown by name only."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from ageassure.errors import ConfigurationError, KeySetError
from ageassure.tokens import JWKSet, SigningKey
from ageassure.tokens.jws import CompactJWS, verify_signature

if TYPE_CHECKING:
    from pathlib import Path

ALGORITHMS = ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]
KEYS = {alg: SigningKey.generate(alg) for alg in ALGORITHMS}
PASSWORD = b"correct horse"


def same(one: SigningKey, other: SigningKey) -> bool:
    return one.to_pem() == other.to_pem() and one.public == other.public


def check(key: SigningKey) -> None:
    jws = CompactJWS(
        header={"alg": key.alg}, payload=b"", signature=key.sign(b"x"), signing_input=b"x"
    )
    verify_signature(jws, key.public)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_sign_and_name(alg: str) -> None:
    key = KEYS[alg]
    check(key)
    assert (key.alg, key.kid) == (alg, key.public.thumbprint)
    assert key.public_set() == JWKSet(keys=(key.public,))


def test_es256_signatures_have_64_bytes() -> None:
    # About one in 256 has an r or s with a leading zero byte.
    assert {len(KEYS["ES256"].sign(bytes([number]))) for number in range(256)} == {64}


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("password", [None, PASSWORD, b"x" * 1023])
def test_pem(alg: str, password: bytes | None) -> None:
    pem = KEYS[alg].to_pem(password)
    assert (b"ENCRYPTED" in pem) is (password is not None)
    again = SigningKey.from_pem(pem, password, alg=alg)
    assert same(again, KEYS[alg])
    check(again)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_jwk(alg: str) -> None:
    jwk = KEYS[alg].to_jwk()
    assert jwk.items() >= KEYS[alg].public.to_dict().items()
    again = SigningKey.from_jwk(json.loads(json.dumps(jwk)))
    assert same(again, KEYS[alg])
    check(again)


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_files(alg: str, form: Any, tmp_path: Path) -> None:
    path = tmp_path / "key"
    KEYS[alg].save(path, form=form)
    assert same(SigningKey.load(path, alg=alg), KEYS[alg])
    with pytest.raises(KeySetError):
        KEYS[alg].save(path, form=form)


def test_encrypted_file(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    KEYS["ES256"].save(path, PASSWORD)
    assert same(SigningKey.load(path, PASSWORD), KEYS["ES256"])
    for password in (None, b"", b"wrong"):
        with pytest.raises(KeySetError):
            SigningKey.load(path, password)


def test_a_jwk_file_is_strict_json(tmp_path: Path) -> None:
    path = tmp_path / "key.jwk"
    path.write_text(json.dumps(KEYS["ES256"].to_jwk())[:-1] + ',"kty":"EC"}', encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(KeySetError, match="one strict JSON object"):
        SigningKey.load(path)


def test_older_forms_of_pem() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    check(SigningKey.from_pem(pem))


def pem_of(key: Any) -> bytes:
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "text",
        None,
        pem_of(ec.generate_private_key(ec.SECP384R1())),
        pem_of(rsa.generate_private_key(65537, 1024)),
        pem_of(dsa.generate_private_key(1024)),
        KEYS["RS256"].to_pem(),
        KEYS["ES256"].public.to_dict(),
    ],
)
def test_bad_pem(pem: Any) -> None:
    with pytest.raises(KeySetError) as caught:
        SigningKey.from_pem(pem)
    assert caught.value.__context__ is None


def test_a_password_that_is_not_needed_is_a_mistake() -> None:
    with pytest.raises(KeySetError):
        SigningKey.from_pem(KEYS["ES256"].to_pem(), PASSWORD)


@pytest.mark.parametrize("alg", ["EdDSA", "RS256", "none", "HS256"])
def test_an_alg_that_is_not_the_keys(alg: str) -> None:
    with pytest.raises(KeySetError):
        SigningKey.from_pem(KEYS["ES256"].to_pem(), alg=alg)


@pytest.mark.parametrize("alg", ["PS256", "RS256"])
def test_rsa_keys_made_here_have_3072_bits(alg: str) -> None:
    key = KEYS[alg].public.key
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 3072


@pytest.mark.parametrize("alg", ["", "none", "HS256", "ES384", None])
def test_generate_nothing_else(alg: Any) -> None:
    with pytest.raises(KeySetError):
        SigningKey.generate(alg)


EC_JWK, OKP_JWK, RSA_JWK = (KEYS[alg].to_jwk() for alg in ("ES256", "EdDSA", "PS256"))
BAD_JWKS: list[Any] = [
    None,
    [],
    {},
    KEYS["ES256"].public.to_dict(),
    {"kty": "oct", "k": "AAAA"},
    EC_JWK | {"kid": "x"},
    EC_JWK | {"use": "enc"},
    EC_JWK | {"key_ops": ["verify"]},
    EC_JWK | {"key_ops": ["sign", "encrypt"]},
    EC_JWK | {"d": SigningKey.generate().to_jwk()["d"]},
    EC_JWK | {"d": "AAAA"},
    EC_JWK | {"d": "A" * 43},
    EC_JWK | {"d": 1},
    EC_JWK | {"x": EC_JWK["y"]},
    OKP_JWK | {"d": SigningKey.generate("EdDSA").to_jwk()["d"]},
    OKP_JWK | {"d": "AAAA"},
    RSA_JWK | {"d": RSA_JWK["p"]},
    RSA_JWK | {"p": RSA_JWK["q"]},
    {name: value for name, value in RSA_JWK.items() if name != "qi"},
    {name: value for name, value in RSA_JWK.items() if name != "alg"},
]


@pytest.mark.parametrize("jwk", BAD_JWKS)
def test_bad_jwk(jwk: Any) -> None:
    with pytest.raises(KeySetError) as caught:
        SigningKey.from_jwk(jwk)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("key_ops", [["sign"], ["sign", "verify"], ["verify", "sign"]])
def test_jwk_without_kid_and_with_key_ops(key_ops: list[str]) -> None:
    jwk: dict[str, Any] = dict(EC_JWK)
    del jwk["kid"]
    assert same(SigningKey.from_jwk(jwk | {"key_ops": key_ops}), KEYS["ES256"])


def test_made_of_keys_of_cryptography() -> None:
    assert SigningKey(ec.generate_private_key(ec.SECP256R1())).alg == "ES256"
    assert SigningKey(ed25519.Ed25519PrivateKey.generate()).alg == "EdDSA"
    for key in (None, ec.generate_private_key(ec.SECP521R1()), KEYS["ES256"].public.key):
        with pytest.raises(KeySetError):
            SigningKey(key)  # type: ignore[arg-type]


def test_a_refusal_says_what_was_wrong() -> None:
    for key in (None, KEYS["ES256"].public.key, dsa.generate_private_key(1024)):
        with pytest.raises(KeySetError, match="another type of key"):
            SigningKey(key)  # type: ignore[arg-type]
    with pytest.raises(KeySetError, match="RSA key without alg"):
        SigningKey.from_pem(KEYS["RS256"].to_pem())
    for pem, password in ((b"", None), (KEYS["ES256"].to_pem(PASSWORD), b"wrong")):
        with pytest.raises(KeySetError, match="no PEM private key, or the wrong password"):
            SigningKey.from_pem(pem, password)
    for jwk in (EC_JWK, OKP_JWK):
        other = SigningKey.generate(jwk["alg"]).to_jwk()["d"]
        with pytest.raises(KeySetError, match="does not belong to the public part"):
            SigningKey.from_jwk(jwk | {"d": other})


@pytest.mark.parametrize("password", [b"", "text", bytearray(b"x"), b"x" * 1024])
def test_bad_passwords(password: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        KEYS["ES256"].to_pem(password)
    with pytest.raises(ConfigurationError):
        KEYS["ES256"].save(tmp_path / "key", password)
    assert not list(tmp_path.iterdir())


def test_bad_forms(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        KEYS["ES256"].save(tmp_path / "key", PASSWORD, form="jwk")
    with pytest.raises(ConfigurationError):
        KEYS["ES256"].save(tmp_path / "key", form="der")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_shown_by_name_only(alg: str) -> None:
    key = KEYS[alg]
    assert repr(key) == str(key) == f"<SigningKey kid={key.kid} alg={alg}>"


def test_neither_pickled_nor_copied() -> None:
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            attempt(KEYS["ES256"])
    with pytest.raises(TypeError):
        vars(KEYS["ES256"])


@pytest.mark.parametrize("data", [None, "text", 5, [], bytearray(b"x")])
@pytest.mark.parametrize("alg", KEYS)
def test_what_cannot_be_signed(alg: str, data: Any) -> None:
    with pytest.raises(ConfigurationError, match="sign"):
        KEYS[alg].sign(data)
