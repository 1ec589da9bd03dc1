"""JWK Sets are refused whole if one key in them must not be used."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from ageassure.errors import KeySetError
from ageassure.tokens import JWKSet, PublicJWK, SigningKey
from ageassure.tokens.keys import MAX_KEY_SET_BYTES, MAX_KEYS

KEYS = [SigningKey.generate(alg) for alg in ("ES256", "EdDSA", "RS256")]
JWKS: list[dict[str, Any]] = [key.public.to_dict() for key in KEYS]
SET = {"keys": JWKS}
TEXT = json.dumps(SET)


@pytest.mark.parametrize("text", [TEXT, TEXT.encode(), f" {TEXT}\n"])
def test_round_trip(text: str | bytes) -> None:
    loaded = JWKSet.from_json(text)
    assert loaded == JWKSet.from_dict(SET)
    assert loaded.to_dict() == SET
    assert len(loaded) == 3
    assert [key.kid for key in loaded] == [key.kid for key in KEYS]


def test_get() -> None:
    loaded = JWKSet.from_dict(SET)
    assert loaded.get(KEYS[1].kid) == KEYS[1].public
    assert loaded.get("x") is None


def test_other_members_are_ignored() -> None:
    assert JWKSet.from_dict(SET | {"name": "x"}) == JWKSet.from_dict(SET)


def test_any_iterable_of_keys() -> None:
    assert JWKSet(keys=[key.public for key in KEYS]) == JWKSet.from_dict(SET)


def test_frozen_and_equal_by_its_keys() -> None:
    some = JWKSet.from_dict(SET)
    assert some == JWKSet.from_dict(SET)
    assert hash(some) == hash(JWKSet.from_dict(SET))
    assert some != JWKSet(keys=some.keys[1:])
    assert some != some.keys
    assert copy.copy(some) == copy.deepcopy(some) == some
    assert repr(some) == f"JWKSet(keys={some.keys!r})"
    with pytest.raises(AttributeError, match="cannot set 'keys': a JWKSet never changes"):
        some.keys = some.keys[1:]
    with pytest.raises(AttributeError, match="cannot delete 'keys': a JWKSet never changes"):
        del some.keys


def named(count: int) -> dict[str, Any]:
    return {"keys": [JWKS[0] | {"kid": str(number)} for number in range(count)]}


def test_the_most_keys() -> None:
    assert len(JWKSet.from_dict(named(MAX_KEYS))) == MAX_KEYS


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        None,
        JWKS,
        {"keys": []},
        {"keys": {}},
        {"keys": None},
        {"keys": JWKS[0]},
        {"keys": [None]},
        {"keys": [[]]},
        {"keys": [*JWKS, JWKS[0]]},
        {"keys": [JWKS[0], JWKS[1] | {"kid": JWKS[0]["kid"]}]},
        {"keys": [*JWKS, {"kty": "oct", "k": "AAAA", "kid": "x"}]},
        {"keys": [KEYS[0].to_jwk()]},
        named(MAX_KEYS + 1),
    ],
    ids=repr,
)
def test_refused(document: Any) -> None:
    with pytest.raises(KeySetError):
        JWKSet.from_dict(document)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        TEXT[:-1],
        TEXT + TEXT,
        "\ufeff" + TEXT,
        TEXT.encode("utf-16"),
        TEXT[:-1] + f',"keys":{json.dumps(JWKS)}}}',
        TEXT.replace('"kty": "EC"', '"kty": "EC", "kty": "EC"'),
        TEXT[:-1] + ',"x":1.5}',
        TEXT[:-1] + ',"x":NaN}',
        TEXT[:-1] + ',"x":"\ud800"}',
        TEXT[:-1] + ',"x":"\\ud800"}',
        TEXT[:-1] + ',"x":' + "[" * 10_000 + "]" * 10_000 + "}",
        TEXT + " " * MAX_KEY_SET_BYTES,
        None,
        bytearray(TEXT.encode()),
        SET,
    ],
)
def test_refused_text(text: Any) -> None:
    with pytest.raises(KeySetError) as caught:
        JWKSet.from_json(text)
    assert caught.value.__context__ is None


def test_the_longest_text() -> None:
    assert MAX_KEY_SET_BYTES == 256 * 1024
    assert len(JWKSet.from_json(TEXT + " " * (MAX_KEY_SET_BYTES - len(TEXT)))) == 3
    with pytest.raises(KeySetError, match="at most"):
        JWKSet.from_json(TEXT + " " * (MAX_KEY_SET_BYTES - len(TEXT) + 1))


def test_too_many_keys_are_not_read() -> None:
    with pytest.raises(KeySetError, match="with 1 to 100 keys"):
        JWKSet.from_dict({"keys": ["no key"] * (MAX_KEYS + 1)})


def test_too_many_keys_made_directly() -> None:
    key = KEYS[0].public.key
    keys = [PublicJWK(kid=str(n), alg="ES256", key=key) for n in range(MAX_KEYS + 1)]
    assert len(JWKSet(keys=keys[1:])) == MAX_KEYS
    with pytest.raises(KeySetError):
        JWKSet(keys=keys)


@pytest.mark.parametrize("keys", [(), ("x",), (KEYS[0],), (KEYS[0].public, KEYS[0].public)])
def test_checked_when_made(keys: Any) -> None:
    with pytest.raises(KeySetError):
        JWKSet(keys=keys)
