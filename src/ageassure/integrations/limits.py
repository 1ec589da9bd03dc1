"""The age limits that a platform asks about, and what it remembers of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ageassure.errors import ConfigurationError
from ageassure.results import Direction, checked_age_limit

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeLimit:
    """One question about an age: at or over a limit, or under it.

    Attributes:
        direction: Which side of the limit is asked about.
        age_years: The limit in completed years, 1 to 99.

    Raises:
        ConfigurationError: If the limit is no such number.
    """

    direction: Direction
    age_years: int

    def __post_init__(self) -> None:
        checked_age_limit(self.age_years)
        if not isinstance(self.direction, Direction):
            raise ConfigurationError("got another direction, expected a Direction")

    @classmethod
    def of(cls, age_over: int | None = None, age_under: int | None = None) -> AgeLimit:
        """The limit out of the two keywords of which exactly one is given.

        Raises:
            ConfigurationError: If both or neither are given, or it is no age limit.
        """
        if age_over is not None and age_under is None:
            return cls(direction=Direction.OVER, age_years=age_over)
        if age_under is not None and age_over is None:
            return cls(direction=Direction.UNDER, age_years=age_under)
        raise ConfigurationError("got both or neither of age_over and age_under, expected one")

    @property
    def name(self) -> str:
        """Its name in addresses and sessions, such as ``over-18``."""
        return f"{self.direction.value}-{self.age_years}"

    @property
    def age_over(self) -> int | None:
        """The limit if "at or over" is asked, else None."""
        return self.age_years if self.direction is Direction.OVER else None

    @property
    def age_under(self) -> int | None:
        """The limit if "under" is asked, else None."""
        return self.age_years if self.direction is Direction.UNDER else None

    def proves(self, other: AgeLimit) -> bool:
        """Whether who has passed this limit has passed the other: over 21 proves over 18."""
        if self.direction is not other.direction:
            return False
        if self.direction is Direction.OVER:
            return self.age_years >= other.age_years
        return self.age_years <= other.age_years


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeResult:
    """What the session remembers of an accepted token: an outcome and its time, nothing else.

    Attributes:
        limit: The limit that was asked about and passed.
        passed_at: When the token was accepted, UTC.
    """

    limit: AgeLimit
    passed_at: datetime
