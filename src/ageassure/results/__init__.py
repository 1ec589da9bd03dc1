"""What is known of an age, what was asked, and what was decided.

Everything that crosses a room's boundary is one of these frozen values. This room imports no
numerical library: a relying party loads it without loading any estimator.

An :class:`AgeEstimate` is personal data. It shows nothing in its ``repr``, cannot be pickled or
copied, and must never be logged.

Estimates, requests and results are loaded on first use: a verifier needs the terms alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ageassure.results.terms import (
    MAX_AGE_LIMIT,
    MAX_YEARS,
    MIN_AGE_LIMIT,
    NONCE_PATTERN,
    THUMBPRINT_PATTERN,
    AssuranceLevel,
    Direction,
    MethodClass,
    Outcome,
    PresentationAttack,
    checked_age_limit,
    checked_audience,
    checked_methods,
    checked_nonce,
)

if TYPE_CHECKING:
    from ageassure.results.estimate import AgeDistribution, AgeEstimate, AgeInterval, Provenance
    from ageassure.results.request import AgeRequest, AssuranceResult

_HOMES = {
    "AgeDistribution": "estimate",
    "AgeEstimate": "estimate",
    "AgeInterval": "estimate",
    "AgeRequest": "request",
    "AssuranceResult": "request",
    "Provenance": "estimate",
}

__all__ = [
    "MAX_AGE_LIMIT",
    "MAX_YEARS",
    "MIN_AGE_LIMIT",
    "NONCE_PATTERN",
    "THUMBPRINT_PATTERN",
    "AgeDistribution",
    "AgeEstimate",
    "AgeInterval",
    "AgeRequest",
    "AssuranceLevel",
    "AssuranceResult",
    "Direction",
    "MethodClass",
    "Outcome",
    "PresentationAttack",
    "Provenance",
    "checked_age_limit",
    "checked_audience",
    "checked_methods",
    "checked_nonce",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
