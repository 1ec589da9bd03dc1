"""Tokens and key sets for the tests of how keys are found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ageassure.results import AgeRequest, AssuranceLevel, MethodClass, Outcome
from ageassure.tokens import JWKSet, TokenIssuer

if TYPE_CHECKING:
    from ageassure.tokens import SigningKey

NOW: Final = datetime(2026, 6, 1, 12, 3, tzinfo=UTC)
AUDIENCE: Final = "https://platform.example"
NONCE: Final = "n" * 43


def sets(*keys: SigningKey) -> JWKSet:
    """The public halves."""
    return JWKSet(keys=tuple(key.public for key in keys))


def issued(key: Any, issuer: str) -> str:
    """A token for 18 and over."""
    return TokenIssuer(issuer=issuer, signing_key=key, now=lambda: NOW).issue(
        AgeRequest(audience=AUDIENCE, nonce=NONCE, age_over=18),
        outcome=Outcome.OVER,
        method_class=MethodClass.ESTIMATION,
        level=AssuranceLevel.ASSERTED,
    )
