"""What an evaluation is asked: limits, thresholds, claims, axes and the seed.

It is made before the data are looked at: a threshold chosen on the test data proves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ageassure.errors import ConfigurationError
from ageassure.policy import AgeBand
from ageassure.policy.strict import finite, instance, text, whole
from ageassure.results import MAX_YEARS, checked_age_limit

LEAST_RESAMPLES: Final = 2_000
MOST_RESAMPLES: Final = 100_000
MAX_POINTS: Final = 20
MAX_AXES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A claim to be examined: at most ``alpha`` of the protected band pass at the challenge age.

    Attributes:
        limit_years: The age limit L. Minors are under it, adults at or over it.
        challenge_age_years: The threshold T ≥ L: who is estimated at or over it passes. Never
            rounded, and neither is an estimate.
        alpha: The rate claimed, in (0, 0.5).
        protected_band: For whom: ages next to the limit; holds L − 1, ten years at most. With exact
            ages it must end there; an age group that lies across the limit may be the band, and
            is then reported as such.
        chosen_on: Digest of the data set on which T was chosen, or None where it was chosen on
            none (a number out of a law, say).

    Raises:
        ConfigurationError: If a member is malformed, or T lies under the limit.
    """

    limit_years: int
    challenge_age_years: float
    alpha: float
    protected_band: AgeBand
    chosen_on: str | None

    def __post_init__(self) -> None:
        checked_age_limit(self.limit_years)
        for name in ("challenge_age_years", "alpha"):
            object.__setattr__(self, name, finite(getattr(self, name), name))
        if not self.limit_years <= self.challenge_age_years <= MAX_YEARS:
            raise ConfigurationError(
                f"got a challenge age outside the limit of {self.limit_years} to {MAX_YEARS}"
            )
        if not 0 < self.alpha < 0.5:
            raise ConfigurationError(f"got alpha {self.alpha}, expected one in (0, 0.5)")
        instance(self.protected_band, AgeBand, "protected_band")
        if self.limit_years - 1 not in self.protected_band:
            raise ConfigurationError(
                f"got the protected band {self.protected_band}, expected one that holds "
                f"{self.limit_years - 1}"
            )
        if self.chosen_on is not None and not re.fullmatch(
            r"[0-9a-f]{64}", text(self.chosen_on, "chosen_on")
        ):
            raise ConfigurationError("got a malformed chosen_on, expected 64 hex digits or None")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPlan:
    """What to evaluate.

    Attributes:
        points: The claims, at least one; the first is the one that a report puts in front.
        axes: Grouping columns by which figures are given; those of age come by themselves.
        pair_with: One of ``axes``, which is crossed with each other axis (sex, usually); None for
            no pairs.
        seed: Of every resampling, so that an evaluation can be repeated to the last digit.
        resamples: Of a bootstrap, 2,000 or more.
        transfer_axis: One of ``axes`` between whose values a threshold is carried over (the
            capture domain, usually); None for none.

    Raises:
        ConfigurationError: If a member is malformed.
    """

    points: tuple[OperatingPoint, ...]
    axes: tuple[str, ...]
    pair_with: str | None
    seed: int
    resamples: int = LEAST_RESAMPLES
    transfer_axis: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.points) <= MAX_POINTS:
            raise ConfigurationError(f"got {len(self.points)} points, expected 1 to {MAX_POINTS}")
        for point in self.points:
            instance(point, OperatingPoint, "point")
        claims = {(p.limit_years, p.challenge_age_years, p.alpha) for p in self.points}
        if len(claims) != len(self.points):
            raise ConfigurationError("got an operating point twice")
        if len(self.axes) > MAX_AXES or len(set(self.axes)) != len(self.axes):
            raise ConfigurationError(f"got an axis twice, or more than {MAX_AXES}")
        for axis in self.axes:
            text(axis, "axis")
        for name in ("pair_with", "transfer_axis"):
            if getattr(self, name) not in (None, *self.axes):
                raise ConfigurationError(f"got a {name} that is not among the axes")
        whole(self.seed, "seed", 0, 2**63 - 1)
        whole(self.resamples, "resamples", LEAST_RESAMPLES, MOST_RESAMPLES)

    @property
    def limits_years(self) -> tuple[int, ...]:
        """The age limits, ascending, each once."""
        return tuple(sorted({point.limit_years for point in self.points}))
