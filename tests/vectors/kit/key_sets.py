"""Key sets that must be accepted, and those that must be refused, when they are loaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kit.bad_keys import ec_keys, okp_keys, other_keys, rsa_keys, without
from kit.build import Json, Vector, compact
from kit.crypto import KEYS, b64url
from kit.json_text import broken_objects

if TYPE_CHECKING:
    from collections.abc import Iterator

_EC = KEYS["issuer"]
_OKP = KEYS["issuer_ed25519"]
_RSA = KEYS["issuer_rs256"]


def vectors() -> Iterator[Vector]:
    for name, description, keys in _accepted():
        kids = [key["kid"] for key in keys]
        yield _vector(
            "accepted", name, description, _text({"keys": keys}), {"accept": {"kids": kids}}
        )
    for name, description, text in _refused():
        yield _vector("refused", name, description, text, {"refuse": "bad_key_set"})


def _text(document: object) -> bytes:
    return compact(document)


def _vector(folder: str, name: str, description: str, text: bytes, expect: Json) -> Vector:
    """The set as text where it is UTF-8 without a mark, else as bytes in base64url."""
    try:
        document: Json = {"key_set": text.decode("utf-8")}
    except UnicodeDecodeError:
        document = {"key_set_base64url": b64url(text)}
    body = document | {"expect": expect}
    return Vector(folder=folder, name=name, description=description, body=body)


def _many(count: int) -> list[Json]:
    return [_EC.jwk | {"kid": f"key-{index}"} for index in range(count)]


def _accepted() -> list[tuple[str, str, list[Json]]]:
    return [
        ("es256", "a P-256 key", [_EC.jwk]),
        ("eddsa", "an Ed25519 key", [_OKP.jwk]),
        ("ed25519", "an Ed25519 key under the name of RFC 9864", [_OKP.jwk | {"alg": "Ed25519"}]),
        ("rs256", "an RSA key for RS256", [_RSA.jwk]),
        ("ps256", "an RSA key for PS256", [KEYS["issuer_ps256"].jwk]),
        (
            "all_types",
            "four keys of three types",
            [_EC.jwk, _OKP.jwk, _RSA.jwk, KEYS["issuer_ps256"].jwk],
        ),
        ("without_alg", "a P-256 key without alg", [without(_EC, "alg")]),
        ("okp_without_alg", "an Ed25519 key without alg", [without(_OKP, "alg")]),
        ("without_use", "a key without use", [without(_EC, "use")]),
        ("key_ops", "a key with key_ops verify", [without(_EC, "use") | {"key_ops": ["verify"]}]),
        ("kid_chosen", "a kid that is no thumbprint", [_EC.jwk | {"kid": "2030-01"}]),
        ("hundred_keys", "a hundred keys", _many(100)),
        ("unknown_member", "a key with an unknown member", [_EC.jwk | {"note": "x"}]),
    ]


def _refused() -> Iterator[tuple[str, str, bytes]]:
    for name, description, spoilt in broken_objects(_spoilable()):
        yield f"json_{name}", f"key set: {description}", spoilt
    for name, description, document in _not_sets():
        yield name, description, _text(document)
    for kind, jwks in (
        ("ec", ec_keys()),
        ("okp", okp_keys()),
        ("rsa", rsa_keys()),
        ("key", other_keys()),
    ):
        for name, description, jwk in jwks:
            yield f"{kind}_{name}", description, _text({"keys": [jwk]})
    yield (
        "one_bad_of_two",
        "one good key and one bad one",
        _text({"keys": [_EC.jwk, other_keys()[0][2]]}),
    )
    duplicate = _text({"keys": [_EC.jwk]}).replace(b'"kty"', b'"kty":"RSA","kty"')
    yield "key_duplicate_member", "kty twice in a key", duplicate


def _spoilable() -> str:
    """A good set whose first member has a string value, as ``broken_objects`` wants it."""
    return json.dumps({"set": "1", "keys": [_EC.jwk]}, separators=(",", ":"))


def _not_sets() -> list[tuple[str, str, object]]:
    return [
        ("no_keys_member", "no member keys", {"key": [_EC.jwk]}),
        ("empty", "no keys", {"keys": []}),
        ("keys_null", "keys is null", {"keys": None}),
        ("keys_object", "keys is one key", {"keys": _EC.jwk}),
        ("keys_string", "keys is a string", {"keys": "x"}),
        ("bare_key", "a key in place of a set", _EC.jwk),
        ("key_null", "a key that is null", {"keys": [None]}),
        ("key_string", "a key that is a string", {"keys": ["x"]}),
        ("key_array", "a key that is an array", {"keys": [[_EC.jwk]]}),
        ("key_empty", "a key without members", {"keys": [{}]}),
        (
            "duplicate_kid",
            "one kid twice",
            {"keys": [_EC.jwk, KEYS["stranger"].jwk | {"kid": _EC.kid}]},
        ),
        ("same_key_twice", "one key twice", {"keys": [_EC.jwk, _EC.jwk]}),
        ("too_many", "a hundred and one keys", {"keys": _many(101)}),
    ]
