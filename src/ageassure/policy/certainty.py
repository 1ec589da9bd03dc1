"""A bar on P(age ≥ limit), for those who know the mix of ages that comes in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ageassure.errors import ConfigurationError
from ageassure.policy.reasons import Reason
from ageassure.policy.strict import finite
from ageassure.results import Direction

if TYPE_CHECKING:
    from ageassure.results import AgeDistribution


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredCertainty:
    """Settled if the estimate gives the side asked for at least this probability.

    Use a challenge age where you can: P(age ≥ limit | face) is right only for the mix of ages that
    it was calibrated on. On a site full of 16-year-olds far more than ``1 - certainty`` of those
    called OVER are under the limit.

    Attributes:
        certainty: In (0.5, 1).

    Raises:
        ConfigurationError: If it is not.
    """

    KIND: ClassVar[str] = "required_certainty"

    certainty: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "certainty", finite(self.certainty, "certainty"))
        if not 0.5 < self.certainty < 1:
            raise ConfigurationError("got a certainty outside (0.5, 1)")

    @property
    def alpha(self) -> float:
        """Share of one attempt's estimates that are settled wrongly, in the calibrated mix."""
        return 1 - self.certainty

    @property
    def attempts(self) -> int:
        """One, since it knows nothing of the greatest of several estimates."""
        return 1

    def check(self, limit_years: int, side: Direction) -> None:
        """It may stand on either side of every limit."""

    def meets(
        self, estimate: AgeDistribution, limit_years: int, side: Direction
    ) -> tuple[bool, Reason]:
        """Does the probability of ``side`` reach the certainty?"""
        low, high = estimate.bounds_at_or_over(limit_years)
        probability = low if side is Direction.OVER else 1 - high
        if probability >= self.certainty:
            return True, Reason.CERTAINTY_REACHED
        return False, Reason.CERTAINTY_NOT_REACHED

    def to_dict(self) -> dict[str, Any]:
        """As data."""
        return {"kind": self.KIND, "certainty": self.certainty}
