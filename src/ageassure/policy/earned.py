"""Bars that are earned on people, and the rule by which they are.

An earned bar bounds an error rate among people whose true age is known to be on the wrong side of
the limit, so it holds whatever mix of ages comes in. The rule is Wilks' one-sided tolerance limit
(S. S. Wilks, Ann. Math. Statist. 12, 1941): with the greatest ``k`` whose Clopper–Pearson upper
bound is at most α, the bar lies just beyond the (k+1)-th most misleading estimate. Looking at
every possible bar costs no multiplicity. "The least bar with an observed rate of at most α" would
be a coin toss instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, ClassVar, Final

from ageassure.errors import ConfigurationError
from ageassure.policy.binomial import MAX_PEOPLE, errors_allowed
from ageassure.policy.measured import CONFIDENCE, LEAST_ALPHA, AgeBand, EarnedBar, too_few
from ageassure.policy.reasons import Reason
from ageassure.policy.strict import finite
from ageassure.results import MAX_YEARS, Direction, checked_age_limit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ageassure.results import AgeDistribution

_SHOWN_STEP: Final = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeAge(EarnedBar):
    """OVER if the estimate's mean reaches this age; earned on people under the limit.

    It says OVER or nothing: 22 under a challenge age of 25 is not UNDER 18, and neither is 17.4.

    Attributes:
        age_years: The challenge age T: OVER if ``mean_years`` ≥ T. Neither is ever rounded.
        protected_band: Completed years of the people measured; must hold the last year under the
            limit. The error is bounded for the band as a whole, in the mix of ages measured: for
            10–19 neither for 17 alone nor, at the limit 18, for 10–17.
        n: Independent people measured, one estimate each, all of the protected band.
        k: Errors that the bound allows for: at most ``k`` of the ``n`` reached T.
        alpha: Error rate claimed: share of the protected band that is called OVER.
        pipeline_digest: Pipeline that was measured; estimates of another one are not judged.
        source: Which people: data set and part of it.
        age_proof: How their age was proved (identity document, apparent age judged by …).
        confidence: One-sided, 0.95 or more.
        attempts: The bar is earned on each person's greatest estimate out of so many.

    Raises:
        InsufficientEvidenceError: If the Clopper–Pearson upper bound for ``k`` errors among ``n``
            people exceeds ``alpha``; the message says how many people are needed.
        ConfigurationError: If a member is malformed.
    """

    KIND: ClassVar[str] = "challenge_age"

    @property
    def age_years_shown(self) -> str:
        """T in years, rounded up to one decimal."""
        return str(Decimal(repr(self.age_years)).quantize(_SHOWN_STEP, ROUND_CEILING))

    def check(self, limit_years: int, side: Direction) -> None:
        """Refuse to stand for another side or limit than it was earned for.

        Raises:
            ConfigurationError: If ``side`` is not OVER, T lies under the limit, or the protected
                band does not hold the last year under the limit.
        """
        if side is not Direction.OVER:
            raise ConfigurationError("got a challenge age as the bar for under")
        if self.age_years < limit_years:
            raise ConfigurationError(f"got a challenge age under the limit of {limit_years}")
        if limit_years - 1 not in self.protected_band:
            raise ConfigurationError(
                f"got a challenge age earned on ages {self.protected_band}, expected a protected "
                f"band that holds {limit_years - 1}"
            )

    def meets(
        self,
        estimate: AgeDistribution,
        limit_years: int,  # noqa: ARG002 - every bar is asked alike
        side: Direction,  # noqa: ARG002
    ) -> tuple[bool, Reason]:
        """Does the mean reach T? Not judged if another pipeline made the estimate."""
        if estimate.pipeline_digest != self.pipeline_digest:
            return False, Reason.PIPELINE_MISMATCH
        if estimate.mean_years >= self.age_years:
            return True, Reason.CHALLENGE_AGE_REACHED
        return False, Reason.CHALLENGE_AGE_NOT_REACHED


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerBar(EarnedBar):
    """UNDER if the estimate's mean lies below this age; earned on people at or over the limit.

    The mirror of :class:`ChallengeAge`; members have the same meaning, except:

    Attributes:
        age_years: UNDER if ``mean_years`` < ``age_years``, which is at most the limit.
        protected_band: Must hold the limit itself, the first year of those at or over it.
        k: At most ``k`` of the ``n`` lay below ``age_years``.
        alpha: Share of the protected band that is called UNDER.
        attempts: Earned on each person's least estimate out of so many.

    Raises:
        InsufficientEvidenceError: As :class:`ChallengeAge`.
        ConfigurationError: If a member is malformed.
    """

    KIND: ClassVar[str] = "lower_bar"

    @property
    def age_years_shown(self) -> str:
        """The bar in years, rounded down to one decimal."""
        return str(Decimal(repr(self.age_years)).quantize(_SHOWN_STEP, ROUND_FLOOR))

    def check(self, limit_years: int, side: Direction) -> None:
        """Refuse to stand for another side or limit than it was earned for.

        Raises:
            ConfigurationError: If ``side`` is not UNDER, the bar lies over the limit, or the
                protected band does not hold the limit.
        """
        if side is not Direction.UNDER:
            raise ConfigurationError("got a lower bar as the bar for over")
        if self.age_years > limit_years:
            raise ConfigurationError(f"got a lower bar over the limit of {limit_years}")
        if limit_years not in self.protected_band:
            raise ConfigurationError(
                f"got a lower bar earned on ages {self.protected_band}, expected a protected band "
                f"that holds {limit_years}"
            )

    def meets(
        self,
        estimate: AgeDistribution,
        limit_years: int,  # noqa: ARG002 - every bar is asked alike
        side: Direction,  # noqa: ARG002
    ) -> tuple[bool, Reason]:
        """Does the mean lie below? Not judged if another pipeline made the estimate."""
        if estimate.pipeline_digest != self.pipeline_digest:
            return False, Reason.PIPELINE_MISMATCH
        if estimate.mean_years < self.age_years:
            return True, Reason.LOWER_BAR_MET
        return False, Reason.LOWER_BAR_NOT_MET


def calibrate_challenge_age(
    estimates_years: Iterable[float],
    *,
    age_limit: int,
    alpha: float,
    protected_band: AgeBand,
    pipeline_digest: str,
    source: str,
    age_proof: str,
    confidence: float = CONFIDENCE,
    attempts: int = 1,
) -> ChallengeAge:
    """Earn a challenge age on people of the protected band.

    Fit, calibrate and test on three disjoint sets of people, through the whole shipped pipeline.
    NOT checked: that the people are independent, of the band, and measured by that pipeline.

    Args:
        estimates_years: One estimated age for each person; with ``attempts`` > 1 the greatest of
            that person's estimates over so many attempts.
        age_limit: The challenge age is at least this.
        alpha: Error rate to be supported.
        protected_band: Completed years of these people.
        pipeline_digest: Pipeline that made the estimates.
        source: Which people.
        age_proof: How their age was proved.
        confidence: One-sided, 0.95 or more.
        attempts: Out of how many attempts each person's estimate is taken.

    Raises:
        InsufficientEvidenceError: If even no error among these people would not support ``alpha``.
        ConfigurationError: If an argument is malformed.
    """
    ranked = sorted(_checked(estimates_years), reverse=True)
    k = _errors_allowed(len(ranked), alpha, confidence)
    return ChallengeAge(
        age_years=max(math.nextafter(ranked[k], math.inf), float(checked_age_limit(age_limit))),
        protected_band=protected_band,
        n=len(ranked),
        k=k,
        alpha=alpha,
        pipeline_digest=pipeline_digest,
        source=source,
        age_proof=age_proof,
        confidence=confidence,
        attempts=attempts,
    )


def calibrate_lower_bar(
    estimates_years: Iterable[float],
    *,
    age_limit: int,
    alpha: float,
    protected_band: AgeBand,
    pipeline_digest: str,
    source: str,
    age_proof: str,
    confidence: float = CONFIDENCE,
    attempts: int = 1,
) -> LowerBar:
    """Earn a lower bar on people at or over the limit: :func:`calibrate_challenge_age` mirrored.

    Args:
        estimates_years: One estimated age for each person; with ``attempts`` > 1 the least
            of that person's estimates over so many attempts.
        age_limit: The bar is at most this.
        alpha: Error rate to be supported.
        protected_band: Completed years of these people.
        pipeline_digest: Pipeline that made the estimates.
        source: Which people.
        age_proof: How their age was proved.
        confidence: One-sided, 0.95 or more.
        attempts: Out of how many attempts each person's estimate is taken.

    Raises:
        InsufficientEvidenceError: As :func:`calibrate_challenge_age`.
        ConfigurationError: If an argument is malformed.
    """
    ranked = sorted(_checked(estimates_years))
    k = _errors_allowed(len(ranked), alpha, confidence)
    return LowerBar(
        age_years=min(ranked[k], float(checked_age_limit(age_limit))),
        protected_band=protected_band,
        n=len(ranked),
        k=k,
        alpha=alpha,
        pipeline_digest=pipeline_digest,
        source=source,
        age_proof=age_proof,
        confidence=confidence,
        attempts=attempts,
    )


def _checked(estimates_years: Iterable[float]) -> list[float]:
    estimates = [finite(estimate, "estimate") for estimate in estimates_years]
    if not all(0 <= estimate <= MAX_YEARS for estimate in estimates):
        raise ConfigurationError(f"got an estimate outside 0 to {MAX_YEARS}")
    if len(estimates) > MAX_PEOPLE:
        raise ConfigurationError(f"got {len(estimates)} people, expected at most {MAX_PEOPLE}")
    return estimates


def _errors_allowed(people: int, alpha: float, confidence: float) -> int:
    for name, value, least in (("alpha", alpha, LEAST_ALPHA), ("confidence", confidence, 0)):
        if not least < finite(value, name) < 1:
            raise ConfigurationError(f"got {name} outside ({least}, 1)")
    allowed = errors_allowed(people, float(alpha), float(confidence))
    if allowed is None:
        raise too_few(0, people, alpha, confidence)
    return allowed
