"""What somebody says about their own age: the lowest level, and named as such.

A declared birth date is perfectly certain and worth nothing. A policy accepts it only where it
names :attr:`~ageassure.results.MethodClass.DECLARATION` and unbound evidence, and its level is
always ``asserted``; a token tells the class, or is not made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, final

from ageassure.errors import ConfigurationError
from ageassure.estimators.birth_dates import BirthDate, age_interval
from ageassure.estimators.credential.refusal import assess_alone
from ageassure.estimators.document.held import Hidden
from ageassure.results import (
    AgeInterval,
    MethodClass,
    PresentationAttack,
    Provenance,
    checked_age_limit,
)
from ageassure.tokens.clock import Clock, read_clock, utc_now

if TYPE_CHECKING:
    from ageassure.results import AgeEstimate


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class SelfDeclaration(Hidden):
    """What somebody says about their own age. Exactly one of the members is set.

    Attributes:
        birth_date: ``YYYY-MM-DD``, ``YYYY-MM`` or ``YYYY``, as it was typed. Ask for it only where
            the limit alone will not do.
        over_years: They say that they have completed so many years, 1 to 99.
        under_years: They say that they have not yet completed so many years, 1 to 99.

    Raises:
        ConfigurationError: If not exactly one is set, or a limit is none.
    """

    birth_date: str | None = None
    over_years: int | None = None
    under_years: int | None = None

    def __post_init__(self) -> None:
        limits = [each for each in (self.over_years, self.under_years) if each is not None]
        if len(limits) + (self.birth_date is not None) != 1:
            raise ConfigurationError("got not exactly one of birth_date, over_years, under_years")
        for limit in limits:
            checked_age_limit(limit)


@final
class SelfDeclarationEstimator:
    """Takes people at their word: class ``declaration``, never bound. Keeps nothing.

    Args:
        now: Clock.

    Raises:
        ConfigurationError: If it is no clock.
    """

    __slots__ = ("_now",)

    def __init__(self, *, now: Clock = utc_now) -> None:
        read_clock(now)
        self._now = now

    def estimate(self, evidence: SelfDeclaration) -> AgeEstimate:
        """Turn a declaration into completed years.

        Raises:
            BirthDateError: If the date is none, or of no living person.
            ConfigurationError: If the evidence is no :class:`SelfDeclaration`.
        """
        held: list[object] = [evidence]
        del evidence
        return assess_alone(self._assessed, held, SelfDeclaration)

    def _assessed(self, evidence: SelfDeclaration) -> AgeEstimate:
        provenance = declared(datetime.fromtimestamp(read_clock(self._now), UTC))
        if evidence.birth_date is not None:
            return age_interval(BirthDate.from_iso(evidence.birth_date), provenance=provenance)
        return AgeInterval(
            lower_years=evidence.over_years or 0,
            upper_years=evidence.under_years,
            provenance=provenance,
        )


def declared(at: datetime) -> Provenance:
    """Where a declaration comes from: nobody has looked at anything."""
    return Provenance(
        method_class=MethodClass.DECLARATION,
        bound=False,
        presentation_attack=PresentationAttack.NOT_APPLICABLE,
        as_of=at,
    )
