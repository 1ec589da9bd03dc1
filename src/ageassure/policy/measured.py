"""What was measured to earn a bar, and the check that it is enough."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, Self

from ageassure.errors import ConfigurationError, InsufficientEvidenceError
from ageassure.policy.binomial import MAX_PEOPLE, people_needed, supports, upper_bound
from ageassure.policy.strict import finite, instance, json_object, members, text, whole
from ageassure.results import MAX_YEARS

CONFIDENCE: Final = 0.95
"""One-sided confidence at which a bar is earned; also the least that is accepted."""

MAX_BAND_YEARS: Final = 10
"""Widest protected band. Easy ages dilute the hard ones: pooling 0–9-year-olds with teenagers is
the easiest way to flatter a challenge age. Ten years is the age group of public label sets."""

MAX_ATTEMPTS: Final = 100

LEAST_ALPHA: Final = 1e-6
"""No error so small may be claimed: the most people that are counted support none of 0.00002, and
the digits of a tiny one would make the exact integers too large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeBand:
    """Completed years from ``first_years`` to ``last_years``, both included; at most ten.

    Raises:
        ConfigurationError: If it is empty, wider, or leaves 0 … 120.
    """

    first_years: int
    last_years: int

    def __post_init__(self) -> None:
        whole(self.first_years, "first_years", 0, MAX_YEARS)
        whole(self.last_years, "last_years", self.first_years, MAX_YEARS)
        if self.last_years - self.first_years >= MAX_BAND_YEARS:
            raise ConfigurationError(
                f"got the protected band {self}, expected at most {MAX_BAND_YEARS} years"
            )

    def __contains__(self, age_years: int) -> bool:
        return self.first_years <= age_years <= self.last_years

    def __str__(self) -> str:
        return f"{self.first_years}–{self.last_years}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnedBar:
    """Members that :class:`ChallengeAge` and :class:`LowerBar` share; they are described there."""

    KIND: ClassVar[str]

    age_years: float
    protected_band: AgeBand
    n: int
    k: int
    alpha: float
    pipeline_digest: str
    source: str
    age_proof: str
    confidence: float = CONFIDENCE
    attempts: int = 1

    def __post_init__(self) -> None:
        for name in ("age_years", "alpha", "confidence"):
            object.__setattr__(self, name, finite(getattr(self, name), name))
        if not 0 < self.age_years <= MAX_YEARS:
            raise ConfigurationError(f"got age_years outside 0 to {MAX_YEARS}")
        if not LEAST_ALPHA < self.alpha < 0.5:
            raise ConfigurationError(
                f"got alpha {self.alpha}, expected one in ({LEAST_ALPHA}, 0.5)"
            )
        if not CONFIDENCE <= self.confidence < 1:
            raise ConfigurationError(
                f"got confidence {self.confidence}, expected at least {CONFIDENCE} and below 1"
            )
        instance(self.protected_band, AgeBand, "protected_band")
        whole(self.n, "n", 1, MAX_PEOPLE)
        whole(self.k, "k", 0, self.n)
        whole(self.attempts, "attempts", 1, MAX_ATTEMPTS)
        if not re.fullmatch(r"[0-9a-f]{64}", text(self.pipeline_digest, "pipeline_digest")):
            raise ConfigurationError("got a malformed pipeline_digest, expected 64 hex digits")
        text(self.source, "source")
        text(self.age_proof, "age_proof")
        if not supports(self.k, self.n, self.alpha, self.confidence):
            raise too_few(self.k, self.n, self.alpha, self.confidence)

    @property
    def upper_bound(self) -> float:
        """Clopper–Pearson upper bound on the error rate, at most ``alpha``; to be shown."""
        return upper_bound(self.k, self.n, self.confidence)

    def to_dict(self) -> dict[str, Any]:
        """As data, with a member ``kind``; :meth:`from_dict` takes it back."""
        data: dict[str, Any] = {"kind": self.KIND}
        data |= {field.name: getattr(self, field.name) for field in fields(self)}
        band = self.protected_band
        data["protected_band"] = {"first_years": band.first_years, "last_years": band.last_years}
        return data

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Build from :meth:`to_dict`'s form: exactly these members, nothing coerced.

        Raises:
            ConfigurationError: If the form or a member is wrong.
            InsufficientEvidenceError: If ``n`` people with ``k`` errors do not support ``alpha``.
        """
        found = members(data, {"kind", *(field.name for field in fields(cls))})
        if found.pop("kind") != cls.KIND:
            raise ConfigurationError(f"got another kind of bar, expected {cls.KIND!r}")
        band = members(found.pop("protected_band"), {"first_years", "last_years"})
        return cls(protected_band=AgeBand(**band), **found)

    @classmethod
    def from_json(cls, data: str | bytes) -> Self:
        """As :meth:`from_dict`, from JSON without duplicate members, NaN or Infinity.

        Raises:
            ConfigurationError: As :meth:`from_dict`, or if it is not such JSON.
        """
        return cls.from_dict(json_object(data))


def too_few(errors: int, people: int, alpha: float, confidence: float) -> InsufficientEvidenceError:
    """The error that says how many people would have been needed."""
    need = people_needed(alpha, confidence)
    return InsufficientEvidenceError(
        f"got n = {people} people with {errors} errors, expected at least {need} without any "
        f"(more with some) to support an error of {alpha} at confidence {confidence}"
    )
