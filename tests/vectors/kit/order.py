"""First failure wins: in each vector one check fails and so does every later one.

A verifier that looks at something out of turn gives another code than the one expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.build import (
    DROP,
    JTI,
    NOW,
    STEPS,
    Json,
    Setup,
    Vector,
    claims,
    header,
    refused,
    segment,
    sign_text,
)
from kit.crypto import KEYS, b64url

if TYPE_CHECKING:
    from collections.abc import Iterator

_ORDER = list(STEPS)
_KEY = KEYS["issuer"]
_UNAVAILABLE = Setup(replay_available=False)


def vectors() -> Iterator[Vector]:
    for code in _ORDER[: _ORDER.index("replayed")]:
        yield refused(
            code,
            "and_everything_after",
            "this check fails, and so does every later one",
            _token(code),
            setup=_UNAVAILABLE,
            methods=_from(code, "assurance_not_met", ["verification"]),
            holder_jkt=_from(code, "holder_proof", KEYS["holder"].kid),
        )


def _spoils(first: str, code: str) -> bool:
    """Whether a vector that is to fail with ``first`` also fails the check of ``code``."""
    return _ORDER.index(code) >= _ORDER.index(first)


def _from(first: str, code: str, value: object) -> object:
    return value if _spoils(first, code) else DROP


def _token(first: str) -> str:
    def spoilt(code: str, change: Json) -> Json:
        return change if _spoils(first, code) else {}

    head = header(
        _KEY,
        **spoilt("malformed_header", {"jku": "https://stranger.example"}),
        **spoilt("wrong_type", {"typ": "JWT"}),
        **spoilt("unknown_key", {"kid": KEYS["stranger"].kid}),
        **spoilt("wrong_algorithm", {"alg": "none"}),
    )
    payload = claims(
        **spoilt("malformed_claims", {"jti": JTI + "A"}),
        **spoilt("wrong_issuer", {"iss": "https://unknown.example"}),
        **spoilt("wrong_audience", {"aud": "https://other-shop.example"}),
        **spoilt("wrong_nonce", {"nonce": b64url(bytes(32))}),
        **spoilt("age_not_met", {"age_equal_or_over": {"16": True}}),
        **_times(first),
    )
    text = f"{segment(head)}.{segment(payload)}"
    if _spoils(first, "bad_signature"):
        text = f"{text}.{b64url(bytes(64))}"
    else:
        text = sign_text(text, _KEY)
    return text + "=" if _spoils(first, "malformed_token") else text


def _times(first: str) -> Json:
    """An expired token cannot also lie in the future, so each of the three has its own times."""
    if _spoils(first, "expired"):
        return {"iat": NOW - 2000, "exp": NOW}
    if _spoils(first, "not_yet_valid"):
        return {"iat": NOW + 1, "exp": NOW + 2000}
    if _spoils(first, "lifetime_too_long"):
        return {"iat": NOW - 1000, "exp": NOW + 1000}
    return {}
