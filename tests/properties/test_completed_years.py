"""Completed years against a count of birthdays, day by day."""

from __future__ import annotations

from calendar import isleap
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.errors import BirthDateError
from ageassure.estimators.birth_dates import BirthDate, age_interval
from ageassure.results import MethodClass, PresentationAttack, Provenance

FIRST = datetime(1950, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 161 * 365 * 24 * 60).map(lambda n: FIRST + timedelta(minutes=n))
AGES_DAYS = st.integers(0, 119 * 365)


def years(birth: BirthDate, at: datetime) -> tuple[int, int]:
    provenance = Provenance(
        method_class=MethodClass.VERIFICATION,
        bound=False,
        presentation_attack=PresentationAttack.NOT_APPLICABLE,
        as_of=at,
    )
    return age_interval(birth, provenance=provenance).interval(0.5)


def whole(day: date) -> BirthDate:
    return BirthDate(year=day.year, month=day.month, day=day.day)


def birthdays(born: date, until: date, leap_day: tuple[int, int]) -> int:
    """Count the birthdays in (born, until] by walking from year to year."""
    count = 0
    for year in range(born.year + 1, until.year + 1):
        try:
            day = born.replace(year=year)
        except ValueError:
            day = date(year, *leap_day)
        count += day <= until
    return count


def local_dates(at: datetime) -> set[date]:
    """The dates on all clocks of the Earth, in steps of a quarter of an hour."""
    return {(at + timedelta(minutes=15 * step)).date() for step in range(-48, 57)}


def brute_force(possible: list[date], at: datetime) -> tuple[int, int]:
    """Every day that the birth date may be, on every date, by both customs for a leap day."""
    ages = [
        birthdays(born, today, custom) if born <= today else 0
        for born in possible
        for today in local_dates(at)
        for custom in ((2, 28), (3, 1))
    ]
    return min(ages), min(max(ages), 120) + 1


@given(at=MOMENTS, age=AGES_DAYS)
def test_a_whole_date_gives_what_counting_birthdays_gives(at: datetime, age: int) -> None:
    born = max(local_dates(at)) - timedelta(days=age)
    assert years(whole(born), at) == brute_force([born], at)


@given(at=MOMENTS, age_years=st.integers(0, 119), days=st.integers(-3, 3))
def test_near_a_birthday(at: datetime, age_years: int, days: int) -> None:
    # The 28th: this day exists in every month of every year.
    at = at.replace(day=28)
    today = at.date()
    born = today.replace(year=today.year - age_years) + timedelta(days=days)
    if born <= max(local_dates(at)):
        assert years(whole(born), at) == brute_force([born], at)


@given(at=MOMENTS, back=st.integers(0, 118), day=st.integers(26, 29), shift=st.integers(-1, 2))
def test_the_end_of_february(at: datetime, back: int, day: int, shift: int) -> None:
    at = at.replace(month=2, day=28) + timedelta(days=shift)
    year = at.year - back
    born = date(year, 2, min(day, 28 + isleap(year)))
    if born <= max(local_dates(at)):
        assert years(whole(born), at) == brute_force([born], at)


@given(at=MOMENTS, back=st.integers(0, 118), month=st.none() | st.integers(1, 12))
def test_a_partial_date_is_the_union_of_its_days(
    at: datetime, back: int, month: int | None
) -> None:
    year, today = at.year - back, max(local_dates(at))
    first = date(year, month or 1, 1)
    day_after = date(year, month + 1, 1) if month and month < 12 else date(year + 1, 1, 1)
    days = [first + timedelta(days=n) for n in range((day_after - first).days)]
    if first <= today:
        possible = [day for day in days if day <= today]
        assert years(BirthDate(year=year, month=month), at) == brute_force(possible, at)


@given(at=MOMENTS, age=AGES_DAYS, later=st.integers(0, 366 * 24))
def test_nobody_grows_younger(at: datetime, age: int, later: int) -> None:
    born = whole(max(local_dates(at)) - timedelta(days=age))
    lower, upper = years(born, at)
    assert upper - lower <= 2
    next_lower, next_upper = years(born, at + timedelta(hours=later))
    assert next_lower >= lower
    assert next_upper >= upper


@given(at=MOMENTS, days=st.integers(1, 40_000))
def test_who_is_born_nowhere_yet_is_refused(at: datetime, days: int) -> None:
    with pytest.raises(BirthDateError, match="future"):
        years(whole(max(local_dates(at)) + timedelta(days=days)), at)


@given(
    short=st.integers(0, 99),
    month=st.none() | st.integers(1, 12),
    day=st.none() | st.integers(1, 28),
    at=MOMENTS,
)
def test_a_two_digit_year_is_never_wrongly_old(
    short: int, month: int | None, day: int | None, at: datetime
) -> None:
    day = day if month else None
    birth = BirthDate.of_two_digit_year(short, month=month, day=day, at=at)
    today = max(local_dates(at))
    assert birth.year % 100 == short
    assert birth.earliest() <= today
    assert date(birth.year + 100, birth.month or 1, birth.day or 1) > today
