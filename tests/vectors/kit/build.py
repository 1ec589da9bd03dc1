"""The building blocks of a vector: claims, header, token, call, document."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kit.crypto import KEYS, Key, b64url

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

ISSUER = "https://age.example"
OTHER_ISSUER = "https://other-age.example"
AUDIENCE = "https://shop.example"
NONCE = b64url(hashlib.sha256(b"nonce of the vectors").digest())
JTI = b64url(hashlib.sha256(b"first jti of the vectors").digest()[:16])
OTHER_JTI = b64url(hashlib.sha256(b"second jti of the vectors").digest()[:16])

ISSUED = 1_893_456_000
"""2030-01-01T00:00:00Z, a multiple of five minutes."""

LIFETIME = 900
EXPIRES = ISSUED + LIFETIME
NOW = ISSUED + 120
"""The moment of verification unless a vector says otherwise."""

DROP = object()
"""Value of a member that is to be left out."""

STEPS = {
    "malformed_token": 1,
    "malformed_header": 2,
    "wrong_type": 3,
    "unknown_key": 4,
    "wrong_algorithm": 4,
    "bad_signature": 5,
    "malformed_claims": 6,
    "wrong_issuer": 7,
    "wrong_audience": 8,
    "wrong_nonce": 9,
    "expired": 10,
    "not_yet_valid": 10,
    "lifetime_too_long": 10,
    "age_not_met": 11,
    "assurance_not_met": 12,
    "holder_proof": 13,
    "replayed": 14,
    "replay_store_unavailable": 14,
}
"""Refusal code to step of the verification."""


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One file of the kit."""

    folder: str
    name: str
    description: str
    body: Json
    step: int | None = None

    def document(self) -> Json:
        head: Json = {"id": f"{self.folder}/{self.name}", "description": self.description}
        if self.step is not None:
            head["step"] = self.step
        return head | self.body


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How the verifier under test is constructed."""

    issuers: Mapping[str, list[Json]] = field(
        default_factory=lambda: {ISSUER: [KEYS["issuer"].jwk]}
    )
    audience: str = AUDIENCE
    leeway_seconds: int = 0
    replay_capacity: int = 1000
    replay_available: bool = True

    def document(self) -> Json:
        return {
            "issuers": {issuer: {"keys": keys} for issuer, keys in self.issuers.items()},
            "audience": self.audience,
            "leeway_seconds": self.leeway_seconds,
            "replay_store": {"capacity": self.replay_capacity, "available": self.replay_available},
        }


def only(key: Key) -> Setup:
    """A verifier that trusts one key of the issuer."""
    return Setup(issuers={ISSUER: [key.jwk]})


def compact(value: object) -> bytes:
    """Serialise without white space, members in the order given."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def members(base: Json, changes: Json) -> Json:
    return {name: value for name, value in (base | changes).items() if value is not DROP}


def claims(**changes: object) -> Json:
    """The claims of the plain token ("18 or over"), changed or added to by name."""
    base = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "nonce": NONCE,
        "jti": JTI,
        "iat": ISSUED,
        "exp": EXPIRES,
        "age_equal_or_over": {"18": True},
    }
    return members(base, changes)


def header(key: Key, **changes: object) -> Json:
    return members({"typ": "age-result+jwt", "alg": key.alg, "kid": key.kid}, changes)


def segment(part: bytes | Json) -> str:
    return b64url(part if isinstance(part, bytes) else compact(part))


def signing_input(part: bytes | Json | None, payload: bytes | Json | None, key: Key) -> str:
    head = segment(part if part is not None else header(key))
    return f"{head}.{segment(payload if payload is not None else claims())}"


def sign_text(text: str, key: Key) -> str:
    """Sign a signing input as it stands, however malformed it may be."""
    return f"{text}.{b64url(key.sign(text.encode('utf-8', 'surrogatepass')))}"


def token(
    payload: bytes | Json | None = None,
    *,
    head: bytes | Json | None = None,
    key: Key = KEYS["issuer"],
) -> str:
    """A token with a right signature over whatever header and payload it is given."""
    return sign_text(signing_input(head, payload, key), key)


def with_signature(signature: bytes, *, key: Key = KEYS["issuer"], head: Json | None = None) -> str:
    """The plain token with another signature."""
    return f"{signing_input(head, None, key)}.{b64url(signature)}"


def verified(**changes: object) -> Json:
    """What verification of the plain token gives, changed by name."""
    base = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "age_over": 18,
        "age_under": None,
        "proven_limit": 18,
        "method_class": None,
        "level": None,
        "policy_uri": None,
        "issued_at": ISSUED,
        "expires_at": EXPIRES,
        "holder_jkt": None,
    }
    return {"accept": members(base, changes)}


def call(text: str, expect: Json, *, now: int = NOW, **changes: object) -> Json:
    """One call of the verifier: the plain expectation ("18 or over"), changed by name."""
    moment = datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")
    expectation = {"nonce": NONCE, "age_over": 18}
    return {
        "clock": {"epoch_seconds": now, "utc": moment},
        "token": text,
        **members(expectation, changes),
        "expect": expect,
    }


def sequence(
    folder: str, name: str, description: str, *calls: Json, setup: Setup | None = None
) -> Vector:
    """A vector of several calls on one verifier with one replay store."""
    body = {"verifier": (setup or Setup()).document(), "calls": list(calls)}
    return Vector(
        folder=folder, name=name, description=description, body=body, step=STEPS.get(folder)
    )


def refused(
    code: str,
    name: str,
    description: str,
    text: str,
    *,
    setup: Setup | None = None,
    **changes: Any,
) -> Vector:
    """A vector of one call that must be refused with this code."""
    return sequence(code, name, description, call(text, {"refuse": code}, **changes), setup=setup)


def accepted(
    name: str,
    description: str,
    text: str,
    *,
    setup: Setup | None = None,
    result: Json | None = None,
    **changes: Any,
) -> Vector:
    """A vector of one call that must be accepted with this result."""
    expect = verified(**(result or {}))
    return sequence("valid", name, description, call(text, expect, **changes), setup=setup)
