"""From statements about age limits to an interval, by the nearest-value rule.

ISO/IEC 18013-5, 7.2.5: TRUE at a limit proves every limit at or under it, FALSE at a limit proves
"under" for every limit at or over it; neither says anything about the other side. A set with TRUE
at or above a FALSE is contradictory, and nothing is concluded from it.

TRUE stays true. FALSE does not: who was under 18 when the credential was issued need not be now,
and "under" marks a child. It is taken as it is for :data:`MAX_UNDER_AGE_SECONDS` after issuance;
after that every birthday that may have passed since then is added, and where the moment of issuance
is not told, FALSE says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ageassure.estimators.credential.refusal import malformed, refused
from ageassure.results import (
    MAX_AGE_LIMIT,
    MAX_YEARS,
    MIN_AGE_LIMIT,
    AgeInterval,
    MethodClass,
    PresentationAttack,
    Provenance,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_UNDER_AGE_SECONDS: Final = 90 * 24 * 3600
"""How long after issuance FALSE is taken as it is. This library's own choice, of the length for
which proofs of age are commonly valid; the statement is the issuer's and still in force."""

_YEAR_SECONDS: Final = 365 * 24 * 3600
_LIMITS: Final = {str(limit): limit for limit in range(MIN_AGE_LIMIT, MAX_AGE_LIMIT + 1)}


def holder_provenance(at: datetime) -> Provenance:
    """Provenance of what a credential says that its holder presented at ``at``, with a key.

    Raises:
        ConfigurationError: If ``at`` is naive.
    """
    return Provenance(
        method_class=MethodClass.VERIFICATION,
        bound=True,
        presentation_attack=PresentationAttack.NOT_APPLICABLE,
        as_of=at,
    )


def read_statements(members: object) -> dict[int, bool]:
    """Read an object like ``{"18": true, "65": false}``.

    Raises:
        CredentialError: If a limit is not written ``^[1-9][0-9]?$``, or a value is no boolean.
    """
    if not isinstance(members, dict) or not members.keys() <= _LIMITS.keys():
        raise malformed("got age statements that are no object of limits of 1 to 99 years")
    if not all(type(value) is bool for value in members.values()):
        raise malformed("got an age statement that is neither true nor false")
    return {_LIMITS[limit]: value for limit, value in members.items()}


def interval_of_statements(
    statements: Mapping[int, bool], *, issued_at_seconds: float | None, provenance: Provenance
) -> AgeInterval:
    """What a set of statements proves at ``provenance.as_of``.

    Args:
        statements: TRUE or FALSE by limit, in completed years.
        issued_at_seconds: When they were made, POSIX seconds; None if that is not known.
        provenance: Where they come from.

    Raises:
        CredentialError: ``credential_contradictory`` if TRUE stands at or above a FALSE;
            ``credential_no_age`` if nothing is proven.
    """
    lower = max((limit for limit, at_or_over in statements.items() if at_or_over), default=0)
    upper = min((limit for limit, at_or_over in statements.items() if not at_or_over), default=None)
    if upper is not None:
        if lower > upper:  # one limit is stated once, so they never meet
            raise refused(
                "got age statements that contradict each other", code="credential_contradictory"
            )
        upper = _grown(upper, issued_at_seconds, provenance.as_of.timestamp())
    if lower == 0 and upper is None:
        raise refused("got no age statement that proves anything now", code="credential_no_age")
    return AgeInterval(lower_years=lower, upper_years=upper, provenance=provenance)


def _grown(upper: int, issued_at_seconds: float | None, now_seconds: float) -> int | None:
    """The first impossible age now, of somebody who was under ``upper`` at issuance."""
    if issued_at_seconds is None:
        return None
    elapsed = now_seconds - issued_at_seconds
    if elapsed > MAX_UNDER_AGE_SECONDS:
        upper += int(elapsed // _YEAR_SECONDS) + 1
    return upper if upper <= MAX_YEARS else None
