"""What one method knows of an age, and where that comes from."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NoReturn, final

from ageassure.errors import ConfigurationError
from ageassure.results.terms import (
    MAX_YEARS,
    AssuranceLevel,
    MethodClass,
    PresentationAttack,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_SUM_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where an estimate comes from.

    Attributes:
        method_class: How the age was established.
        bound: Was the evidence tied to the person who is present? A live face is; a document
            without a holder check is not.
        presentation_attack: ``PASSED``, ``NOT_EVALUATED`` or ``NOT_APPLICABLE``.
        as_of: The moment at which the age is meant, an aware datetime.
        pipeline_digest: SHA-256 (64 hex digits) over everything that turned the evidence into the
            estimate, or None where nothing was measured about it (a birth date).
        maximum_level: Level above which nothing that is derived from it may be, whatever the
            policy's table says; None leaves it to the table. For evidence that is itself somebody's
            age result.
        not_after: Moment after which nothing that is derived from it may be valid, an aware
            datetime; None where the evidence sets none.

    Raises:
        ConfigurationError: If ``as_of`` or ``not_after`` is naive, the digest is not 64 lower-case
            hex digits, or a member has another type: a policy trusts them, and the text "no" is
            truthy.
    """

    method_class: MethodClass
    bound: bool
    presentation_attack: PresentationAttack
    as_of: datetime
    pipeline_digest: str | None = None
    maximum_level: AssuranceLevel | None = None
    not_after: datetime | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.method_class, MethodClass):
            raise ConfigurationError("got a method_class that is no MethodClass")
        if type(self.bound) is not bool:
            raise ConfigurationError("got a bound that is no bool")
        if not isinstance(self.presentation_attack, PresentationAttack):
            raise ConfigurationError("got a presentation_attack that is no PresentationAttack")
        if self.as_of.tzinfo is None:
            raise ConfigurationError("got a naive as_of, expected an aware datetime")
        digest = self.pipeline_digest
        if digest is not None and not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ConfigurationError("got a malformed pipeline_digest, expected 64 hex digits")
        level = self.maximum_level
        if level is not None and not isinstance(level, AssuranceLevel):
            raise ConfigurationError("got a maximum_level that is no AssuranceLevel")
        if self.not_after is not None and self.not_after.tzinfo is None:
            raise ConfigurationError("got a naive not_after, expected an aware datetime")


class AgeEstimate(ABC):
    """What one method knows of an age: an :class:`AgeDistribution` or an :class:`AgeInterval`.

    The union is closed: no other class may join it. Ages are completed years, 0 … 120.
    """

    __slots__ = ("__weakref__", "provenance")
    provenance: Provenance

    def __init_subclass__(cls) -> None:
        if cls.__module__ != __name__:
            raise TypeError("AgeEstimate is closed: use AgeDistribution or AgeInterval")

    @abstractmethod
    def bounds_at_or_over(self, age_years: int) -> tuple[float, float]:
        """Lower and upper bound of P(age ≥ ``age_years``).

        For a distribution both are the probability. For an interval they are (1, 1), (0, 0), or
        (0, 1) where nothing is known: unknown is not a number in between.
        """

    @property
    @abstractmethod
    def mean_years(self) -> float | None:
        """Mean of the distribution over completed years; None for an interval."""

    @abstractmethod
    def interval(self, coverage: float) -> tuple[int, int]:
        """Half-open interval ``[lower, upper)`` of completed years.

        Args:
            coverage: Probability that a distribution must place in it, in (0, 1); the central
                interval is taken. An interval estimate returns itself. An upper end of 121 means
                that there is no upper limit.

        Raises:
            ConfigurationError: If ``coverage`` is not in (0, 1).
        """

    def probability_at_or_over(self, age_years: int) -> float:
        """Lower bound of P(age ≥ ``age_years``)."""
        return self.bounds_at_or_over(age_years)[0]

    @property
    def method_class(self) -> MethodClass:
        """How the age was established."""
        return self.provenance.method_class

    @property
    def bound(self) -> bool:
        """Was the evidence tied to the person who is present?"""
        return self.provenance.bound

    @property
    def presentation_attack(self) -> PresentationAttack:
        """What is known of a presentation attack."""
        return self.provenance.presentation_attack

    @property
    def as_of(self) -> datetime:
        """The moment at which the age is meant."""
        return self.provenance.as_of

    @property
    def pipeline_digest(self) -> str | None:
        """SHA-256 of the pipeline that made the estimate, or None."""
        return self.provenance.pipeline_digest

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (content hidden)>"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("an AgeEstimate is personal data and is neither pickled nor copied")


def _checked_coverage(coverage: float) -> None:
    if not 0 < coverage < 1:
        raise ConfigurationError("got a coverage outside (0, 1)")


@final
class AgeDistribution(AgeEstimate):
    """Probabilities of the completed years 0 … 120 (a face).

    Args:
        probabilities: 121 finite numbers ≥ 0 with sum 1 ± 1e-6; renormalised exactly.
        provenance: Where it comes from.

    Raises:
        ConfigurationError: If ``probabilities`` is not such a distribution. The message does not
            show it.
    """

    __slots__ = ("_mean", "_survival")

    def __init__(self, *, probabilities: Iterable[float], provenance: Provenance) -> None:
        values = tuple(float(p) for p in probabilities)
        if len(values) != MAX_YEARS + 1:
            raise ConfigurationError(f"got {len(values)} probabilities, expected {MAX_YEARS + 1}")
        if not all(math.isfinite(p) and p >= 0 for p in values):
            raise ConfigurationError("got a probability that is negative or not finite")
        total = math.fsum(values)
        if abs(total - 1) > _SUM_TOLERANCE:
            raise ConfigurationError("got probabilities whose sum is not 1")
        self.provenance = provenance
        self._mean = math.fsum(year * p for year, p in enumerate(values)) / total
        tail = list(accumulate(reversed(values)))
        tail.reverse()
        self._survival = (1.0, *(min(1.0, s / total) for s in tail[1:]), 0.0)

    def bounds_at_or_over(self, age_years: int) -> tuple[float, float]:
        """P(age ≥ ``age_years``), twice."""
        probability = self._survival[min(max(age_years, 0), MAX_YEARS + 1)]
        return probability, probability

    @property
    def mean_years(self) -> float:
        """Mean over completed years; it carries no extra half year."""
        return self._mean

    def interval(self, coverage: float) -> tuple[int, int]:
        """Central interval ``[lower, upper)`` that holds at least ``coverage``."""
        _checked_coverage(coverage)
        tail = (1 - coverage) / 2
        # lower: the last year below which at most `tail` lies; upper: the first with ≤ tail above.
        lower = max(y for y in range(MAX_YEARS + 1) if 1 - self._survival[y] <= tail)
        upper = min(y for y in range(1, MAX_YEARS + 2) if self._survival[y] <= tail)
        return lower, max(upper, lower + 1)


@final
class AgeInterval(AgeEstimate):
    """Completed years known to lie in ``[lower_years, upper_years)`` (a document, a credential).

    Args:
        lower_years: Least possible completed years, 0 … 120.
        upper_years: First impossible completed years above it; None for no upper limit.
        provenance: Where it comes from.

    Raises:
        ConfigurationError: If the interval is empty or leaves 0 … 120.
    """

    __slots__ = ("_lower", "_upper")

    def __init__(
        self, *, lower_years: int, upper_years: int | None, provenance: Provenance
    ) -> None:
        upper = MAX_YEARS + 1 if upper_years is None else upper_years
        if type(lower_years) is not int or type(upper) is not int:
            raise ConfigurationError("got an interval end that is no int")
        if not 0 <= lower_years < upper <= MAX_YEARS + 1:
            raise ConfigurationError(f"got an empty interval or one outside 0 to {MAX_YEARS}")
        self.provenance = provenance
        self._lower = lower_years
        self._upper = upper

    def bounds_at_or_over(self, age_years: int) -> tuple[float, float]:
        """(1, 1) if known to be at or over, (0, 0) if known to be under, else (0, 1)."""
        return float(self._lower >= age_years), float(self._upper > age_years)

    @property
    def mean_years(self) -> None:
        """None, since an interval has no mean."""
        return None

    def interval(self, coverage: float) -> tuple[int, int]:
        """The interval itself, ``[lower, upper)``."""
        _checked_coverage(coverage)
        return self._lower, self._upper
