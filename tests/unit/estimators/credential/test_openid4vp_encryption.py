"""Encrypted answers: what is decrypted, and everything else refused."""

from __future__ import annotations

import itertools
import json
import pickle
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from ageassure.errors import ConfigurationError
from ageassure.estimators.credential.openid4vp import ResponseKey
from ageassure.estimators.credential.openid4vp.encryption import MAX_JWE_CHARACTERS
from ageassure.tokens import base64url

from .wallets import code_of

KEY = ResponseKey.generate()


def public_numbers(jwk: dict[str, str]) -> ec.EllipticCurvePublicKey:
    x, y = (int.from_bytes(base64url.decode_text(jwk[name]) or b"", "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def encrypted(
    plaintext: bytes = b"{}",
    *,
    key: ResponseKey = KEY,
    enc: str = "A128GCM",
    iv: bytes = b"i" * 12,
    tag_bytes: int = 16,
    **header: Any,
) -> str:
    """A wallet's JWE, as RFC 7518, 4.6, describes it."""
    ephemeral = ResponseKey.generate()
    epk = {name: ephemeral.public_jwk[name] for name in ("kty", "crv", "x", "y")}
    members = {"alg": "ECDH-ES", "enc": enc, "epk": epk, "kid": key.thumbprint, **header}
    members = {name: value for name, value in members.items() if value is not None}
    shared = ephemeral._key.exchange(ec.ECDH(), public_numbers(key.public_jwk))
    length = 32 if enc == "A256GCM" else 16
    info = len(enc).to_bytes(4, "big") + enc.encode()
    for name in ("apu", "apv"):
        value = base64url.decode_text(header.get(name, "")) or b""
        info += len(value).to_bytes(4, "big") + value
    info += (8 * length).to_bytes(4, "big")
    secret = ConcatKDFHash(hashes.SHA256(), length, info).derive(shared)
    head = base64url.encode(json.dumps(members).encode())
    sealed = AESGCM(secret).encrypt(iv, plaintext, head.encode())
    parts = [b"", iv, sealed[:-tag_bytes], sealed[-tag_bytes:]]
    return ".".join([head, *map(base64url.encode, parts)])


EVERY = {"apu": "QWxpY2U", "apv": "Qm9i", "typ": "JWE", "cty": "json"}
"""With those of every answer, all that a header may have."""


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM"])
@pytest.mark.parametrize("header", [{}, {"apu": "QWxpY2U", "apv": "Qm9i"}, {"kid": None}, EVERY])
@pytest.mark.parametrize("plaintext", [b"", b"{}", b"x" * 10_000])
def test_round_trip(enc: str, header: dict[str, Any], plaintext: bytes) -> None:
    assert KEY.decrypt(encrypted(plaintext, enc=enc, **header)) == plaintext


def test_the_example_of_openid4vp() -> None:
    """OpenID4VP 1.0, section 8.3: the encrypted example with its private key."""
    secret = base64url.decode_text("Et-3ce0omz8_TuZ96Df9lp0GAaaDoUnDe6X-CRO7Aww")
    assert secret is not None
    key = ResponseKey.from_private_bytes(secret)
    assert key.public_jwk["x"] == "YO4epjifD-KWeq1sL2tNmm36BhXnkJ0He-WqMYrp9Fk"
    assert key.public_jwk["y"] == "Hekpm0zfK7C-YccH5iBjcIXgf6YdUvNUac_0At55Okk"
    head = (
        "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTEyOEdDTSIsImtpZCI6ImFjIiwiZXBrIjp7Imt0eSI6IkVDIiwieCI6"
        "Im5ubVZwbTNWM2piaGNhZlFhUkJrU1ZOSGx3Wkh3dC05ck9wSnVmeVlJdWsiLCJ5IjoicjRmakRxd0p5czlxVU9Q"
        "LV9iM21SNVNaRy0tQ3dPMm1pYzVWU05UWU45ZyIsImNydiI6IlAtMjU2In19"
    )
    rest = (
        "..uAYcHRUSSn2X0WPX.yVzlGSYG4qbg0bq18JcUiDRw56yVnbKR8E7S7YlEtzT00RqE3Pw5oTpUG3hdLN4taHZ9g"
        "C1kwak8JOnJgQ.1wR024_3-qtAlx1oFIUpQQ"
    )
    # Its kid is not the thumbprint that this library's requests name, and so is not taken; the
    # derivation is the published one nevertheless.
    assert code_of(lambda: key.decrypt(head + rest)) == "malformed"
    key._thumbprint = "ac"
    assert json.loads(key.decrypt(head + rest)) == {
        "vp_token": {"example_credential_id": ["eyJhb...YMetA"]}
    }


def test_the_derivation_of_rfc_7518() -> None:
    """RFC 7518, appendix C: Bob's private key, Alice's ephemeral one, and the derived key."""
    secret = base64url.decode_text("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw")
    assert secret is not None
    header = {
        "alg": "ECDH-ES",
        "enc": "A128GCM",
        "apu": "QWxpY2U",
        "apv": "Qm9i",
        "epk": {
            "kty": "EC",
            "crv": "P-256",
            "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
            "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
        },
    }
    derived = ResponseKey.from_private_bytes(secret)._content_key(header)
    assert base64url.encode(derived) == "VqqN6vgjbSBcIijNcacQGg"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "ECDH-ES+A128KW"},
        {"alg": "dir"},
        {"alg": None},
        {"enc": "A192GCM"},
        {"enc": "A128CBC-HS256"},
        {"enc": None},
        {"enc": ["A128GCM"]},
        {"zip": "DEF"},
        {"crit": ["exp"]},
        {"kid": "other"},
        {"kid": 1},
        {"epk": None},
        {"epk": "x"},
        {"epk": {}},
        {"epk": {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}},
        {"epk": {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}},
        {"epk": {"kty": "OKP", "crv": "Ed25519", "x": KEY.public_jwk["x"]}},
        {"apu": "!"},
        {"apu": 1},
        {"apv": None, "jwk": {}},
    ],
)
def test_other_headers_are_refused(header: dict[str, Any]) -> None:
    text = encrypted(**{name: value for name, value in header.items() if name != "enc"})
    if "enc" in header:
        head, _, rest = text.partition(".")
        members = json.loads(base64url.decode_text(head) or b"")
        members["enc"] = header["enc"]
        text = f"{base64url.encode(json.dumps(members).encode())}.{rest}"
    assert code_of(lambda: KEY.decrypt(text)) == "malformed"


def test_another_key() -> None:
    assert code_of(lambda: ResponseKey.generate().decrypt(encrypted(kid=None))) == "malformed"


def test_every_part_counts() -> None:
    text = encrypted(b'{"vp_token":{}}')
    for place, character in enumerate(text):
        other = "B" if character != "B" else "C"
        changed = f"{text[:place]}{other}{text[place + 1 :]}"
        assert code_of(lambda changed=changed: KEY.decrypt(changed)) == "malformed"  # type: ignore[misc]


@pytest.mark.parametrize(
    "text",
    [
        None,
        b"a.b.c.d.e",
        "",
        "....",
        "a.b.c",
        "\u00e9....",
        "x" * (MAX_JWE_CHARACTERS + 1),
        encrypted().replace("..", ".AAAA."),
        encrypted() + ".",
        encrypted() + "AA",
        encrypted()[:-1],
    ],
)
def test_no_jwe(text: Any) -> None:
    assert code_of(lambda: KEY.decrypt(text)) == "malformed"


@pytest.mark.parametrize("part", range(5))
def test_a_part_that_is_not_base64url(part: int) -> None:
    parts = encrypted().split(".")
    parts[part] = "!"
    assert code_of(lambda: KEY.decrypt(".".join(parts))) == "malformed"


@pytest.mark.parametrize("shape", [{"iv": b"i" * 16}, {"tag_bytes": 15}, {"tag_bytes": 17}])
def test_parts_of_another_length(shape: dict[str, Any]) -> None:
    assert code_of(lambda: KEY.decrypt(encrypted(**shape))) == "malformed"


def test_the_longest_answer() -> None:
    def of_length(length: int) -> str:
        """base64url knows no length of one more than a multiple of four, so the header grows."""
        room = (length - len(encrypted())) * 3 // 4
        for typ, size in itertools.product(("", "x", "xx", "xxx"), range(room - 12, room + 4)):
            text = encrypted(b" " * size, typ=typ)
            if len(text) == length:
                return text
        raise AssertionError("no such length can be made")

    assert KEY.decrypt(of_length(262_144)).isspace()
    assert code_of(lambda: KEY.decrypt(of_length(262_145))) == "malformed"


class TestKeys:
    def test_storing(self) -> None:
        again = ResponseKey.from_private_bytes(KEY.private_bytes())
        assert again.public_jwk == KEY.public_jwk
        assert again.thumbprint == KEY.thumbprint == KEY.public_jwk["kid"]

    @pytest.mark.parametrize("secret", [b"", bytes(32), b"\xff" * 32, b"x" * 31, "x" * 32, None])
    def test_no_secret(self, secret: Any) -> None:
        with pytest.raises(ConfigurationError, match="no private key of 32 bytes") as caught:
            ResponseKey.from_private_bytes(secret)
        assert caught.value.__context__ is None

    @pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), None, b"x"])
    def test_other_keys(self, key: Any) -> None:
        with pytest.raises(ConfigurationError, match="another kind of key, expected one on P-256"):
            ResponseKey(key)

    def test_it_is_not_shown_nor_pickled(self) -> None:
        assert "hidden" in repr(KEY)
        with pytest.raises(TypeError):
            pickle.dumps(KEY)
