"""The caller's mistakes: refused before any token is parsed, or when the verifier is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.build import (
    DROP,
    ISSUER,
    NONCE,
    OTHER_ISSUER,
    Json,
    Setup,
    Vector,
    call,
)
from kit.crypto import KEYS, b64url

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "configuration"
_JWK = KEYS["issuer"].jwk
_MISTAKE: Json = {"configuration_error": True}


def vectors() -> Iterator[Vector]:
    for name, description, setup in _setups():
        body = {"verifier": setup.document(), "calls": [], "construction_error": True}
        yield Vector(
            folder=FOLDER,
            name=f"verifier_{name}",
            description=f"verifier: {description}",
            body=body,
        )
    for name, description, changes in _expectations():
        # No token at all: a verifier that parsed it first would call it malformed.
        body = {"verifier": Setup().document(), "calls": [call("no token", _MISTAKE, **changes)]}
        yield Vector(
            folder=FOLDER, name=f"call_{name}", description=f"call: {description}", body=body
        )


def _setups() -> list[tuple[str, str, Setup]]:
    key = KEYS["issuer"]
    other_name = b64url(b"a thumbprint of thirty-two bytes")
    issuers = [
        ("http", "an http issuer that is not loopback", "http://age.example"),
        ("loopback_lookalike", "a host that begins like loopback", "http://127.0.0.1.age.example"),
        (
            "localhost_lookalike",
            "a host that begins like localhost",
            "http://localhost.age.example",
        ),
        ("ftp", "an ftp issuer", "ftp://age.example"),
        ("no_scheme", "an issuer without scheme", "age.example"),
        ("no_host", "an issuer without host", "https://"),
        ("query", "an issuer with a query", ISSUER + "?tenant=1"),
        ("fragment", "an issuer with a fragment", ISSUER + "#1"),
        ("credentials", "an issuer with a user name", "https://user@age.example"),
        ("empty", "an empty issuer", ""),
    ]
    return [
        ("no_issuers", "no issuers", Setup(issuers={})),
        ("no_keys", "an issuer without keys", Setup(issuers={ISSUER: []})),
        *(
            (f"issuer_{name}", description, Setup(issuers={issuer: [_JWK]}))
            for name, description, issuer in issuers
        ),
        (
            "kid_no_thumbprint",
            "a kid that is not the key's thumbprint",
            Setup(issuers={ISSUER: [_JWK | {"kid": other_name}]}),
        ),
        (
            "kid_of_other_key",
            "a kid that is another key's thumbprint",
            Setup(issuers={ISSUER: [_JWK | {"kid": KEYS["stranger"].kid}]}),
        ),
        (
            "kid_in_two_sets",
            "one key in two issuers' fixed sets",
            Setup(issuers={ISSUER: [key.jwk], OTHER_ISSUER: [KEYS["other_issuer"].jwk, key.jwk]}),
        ),
        ("audience_empty", "an empty audience", Setup(audience="")),
        (
            "audience_control",
            "an audience with a line feed",
            Setup(audience="https://shop.example\n"),
        ),
        ("leeway_61", "a leeway over 60 seconds", Setup(leeway_seconds=61)),
        ("leeway_negative", "a negative leeway", Setup(leeway_seconds=-1)),
    ]


def _expectations() -> list[tuple[str, str, Json]]:
    return [
        ("no_limit", "no limit", {"age_over": DROP}),
        ("both_limits", "both limits", {"age_under": 18}),
        ("limit_0", "limit 0", {"age_over": 0}),
        ("limit_100", "limit 100", {"age_over": 100}),
        ("limit_negative", "a negative limit", {"age_over": -18}),
        ("limit_true", "a boolean limit", {"age_over": True}),
        ("limit_float", "a fractional limit", {"age_over": 18.5}),
        ("limit_string", "a limit in words", {"age_over": "18"}),
        ("under_0", "under 0", {"age_over": DROP, "age_under": 0}),
        ("nonce_null", "no nonce", {"nonce": None}),
        ("nonce_empty", "an empty nonce", {"nonce": ""}),
        ("nonce_short", "a nonce of 21 characters", {"nonce": NONCE[:21]}),
        ("nonce_long", "a nonce of 129 characters", {"nonce": NONCE * 3}),
        ("nonce_padded", "a padded nonce", {"nonce": NONCE + "="}),
        ("nonce_newline", "a nonce with a line feed", {"nonce": NONCE + "\n"}),
        ("nonce_non_ascii", "a nonce with \u00e9", {"nonce": NONCE + "\u00e9"}),
        ("methods_empty", "no method is good enough", {"methods": []}),
        ("methods_unknown", "an unknown method", {"methods": ["face"]}),
        ("methods_capital", "a method in capitals", {"methods": ["VERIFICATION"]}),
        ("level_unknown", "an unknown level", {"minimum_level": "high"}),
        ("holder_empty", "an empty thumbprint", {"holder_jkt": ""}),
        ("holder_short", "a thumbprint of 42 characters", {"holder_jkt": KEYS["holder"].kid[:-1]}),
        (
            "holder_newline",
            "a thumbprint with a line feed",
            {"holder_jkt": KEYS["holder"].kid + "\n"},
        ),
    ]
