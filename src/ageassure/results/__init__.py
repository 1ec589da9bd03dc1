"""What is known of an age, what was asked, and what was decided.

Everything that crosses a room's boundary is one of these frozen values. This room imports no
numerical library: a relying party loads it without loading any estimator.

An :class:`AgeEstimate` is personal data. It shows nothing in its ``repr``, cannot be pickled or
copied, and must never be logged.
"""

from __future__ import annotations

from ageassure.results.estimate import AgeDistribution, AgeEstimate, AgeInterval, Provenance
from ageassure.results.request import AgeRequest, AssuranceResult
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
