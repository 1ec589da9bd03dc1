"""From a birth date to completed years; the date goes no further.

The rule, in one place for documents and credentials:

* An age is counted in completed years, and a person completes a year at the beginning of the
  birthday, in the place where they are. That place is unknown, so the day of the assessment is any
  date between that of UTC−12 and that of UTC+14. Where the two differ in the age, both ages are in
  the interval: ``[n−1, n+1)`` around the birthday, ``[n, n+1)`` on all other days.
* Who was born on 29 February completes a year on 1 March of a common year as far as OVER is
  concerned, and from 28 February on is no longer said to be UNDER: laws differ, so on 28 February
  both ages are in the interval.
* Of a date of which only the year, or year and month, are known, every day is possible.
* A date that no calendar has, one that lies in the future everywhere on Earth, and one from which
  more than 120 years have passed (in practice a place-holder) are refused.
* A year of two digits is the latest one for which the date lies not in the future. A person of
  100 years or more is then taken for a child: never wrongly OVER.

NOT checked: that the calendar of the document was the Gregorian one. NOT done here: an estimator
raises its errors anew, outside of the frames that read the date, whose local variables hold it.
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final, NoReturn, Self

from ageassure.errors import BirthDateError, ConfigurationError
from ageassure.results import MAX_YEARS, AgeInterval

if TYPE_CHECKING:
    from ageassure.results import Provenance

EARLIEST_ZONE: Final = timezone(timedelta(hours=-12))
LATEST_ZONE: Final = timezone(timedelta(hours=14))
"""No civil time is further from UTC than these two."""

_ISO: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class BirthDate:
    """A birth date, or what is known of one. Personal data; nothing is shown by ``repr``.

    Attributes:
        year: 1 … 9999.
        month: 1 … 12; None if unknown.
        day: 1 … 31; None if unknown, as it must be where the month is.

    Raises:
        BirthDateError: If no calendar has such a date. The message does not show it.
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if not _exists(self.year, self.month, self.day):
            raise _refused("got a birth date that no calendar has")

    @classmethod
    def from_iso(cls, text: object) -> Self:
        """Read ``YYYY-MM-DD``, ``YYYY-MM`` or ``YYYY`` (ISO 8601).

        Raises:
            BirthDateError: If it is anything else, or no date.
        """
        match = _ISO.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise _refused("got no birth date of the form YYYY-MM-DD, YYYY-MM or YYYY")
        year, month, day = (None if part is None else int(part) for part in match.groups())
        assert year is not None  # noqa: S101 - the pattern demands it
        return cls(year=year, month=month, day=day)

    @classmethod
    def of_two_digit_year(
        cls, year: int, *, month: int | None, day: int | None, at: datetime
    ) -> Self:
        """The latest date with this year of a century that lies not in the future at ``at``.

        Only the century is chosen so: where the date that comes out does not exist, no earlier
        century is tried.

        Raises:
            BirthDateError: If no calendar has it, or ``year`` is not 0 … 99.
        """
        if type(year) is not int or not 0 <= year <= 99:
            raise _refused("got a birth year outside 0 to 99")
        today = _checked(at).astimezone(LATEST_ZONE).date()
        full = today.year - today.year % 100 + year
        if (full, month or 1, day or 1) > (today.year, today.month, today.day):
            full -= 100
        return cls(year=full, month=month, day=day)

    def earliest(self) -> date:
        """The first day that it may be."""
        return date(self.year, self.month or 1, self.day or 1)

    def latest(self) -> date:
        """The last day that it may be."""
        month = self.month or 12
        return date(self.year, month, self.day or monthrange(self.year, month)[1])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (content hidden)>"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a BirthDate is personal data and is neither pickled nor copied")


def age_interval(birth: BirthDate, *, provenance: Provenance) -> AgeInterval:
    """Completed years at ``provenance.as_of``, by the rule of this module.

    Args:
        birth: What is known of the birth date; nothing of it is kept.
        provenance: Where the date comes from, and the moment at which the age is meant.

    Returns:
        Mostly one year, ``[n, n+1)``; two around the birthday, more for a partial date. An upper
        end beyond 120 means that there is no upper limit.

    Raises:
        BirthDateError: If the date lies in the future everywhere on Earth, or more than 120
            completed years ago everywhere.
    """
    at = _checked(provenance.as_of)
    last_today, first_today = at.astimezone(LATEST_ZONE).date(), at.astimezone(EARLIEST_ZONE).date()
    if birth.earliest() > last_today:
        raise _refused("got a birth date in the future")
    lower = max(0, _years(birth.latest(), first_today, leap_day_waits=True))
    if lower > MAX_YEARS:
        raise _refused(f"got a birth date more than {MAX_YEARS} years ago")
    highest = min(_years(birth.earliest(), last_today, leap_day_waits=False), MAX_YEARS)
    return AgeInterval(lower_years=lower, upper_years=highest + 1, provenance=provenance)


def _years(born: date, today: date, *, leap_day_waits: bool) -> int:
    """Completed years; in a common year a leap day waits until 1 March, or comes on 28 February."""
    month, day = born.month, born.day
    if (month, day) == (2, 29) and not isleap(today.year):
        month, day = (3, 1) if leap_day_waits else (2, 28)
    return today.year - born.year - ((today.month, today.day) < (month, day))


def _exists(year: object, month: object, day: object) -> bool:
    if type(year) is not int or not date.min.year <= year <= date.max.year:
        return False
    if month is None:
        return day is None
    if type(month) is not int or not 1 <= month <= 12:
        return False
    return day is None or (type(day) is int and 1 <= day <= monthrange(year, month)[1])


def _refused(message: str) -> BirthDateError:
    return BirthDateError(message, code="birth_date_impossible")


def _checked(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ConfigurationError("got a naive moment, expected an aware datetime")
    return at
