"""Completed years against a count of birthdays, day by day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from ageassure.errors import BirthDateError
from ageassure.estimators.birth_dates import BirthDate, age_interval
from ageassure.results import MethodClass, PresentationAttack, Provenance

FIRST = datetime(1950, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 161 * 365 * 24 * 60).map(lambda n: FIRST + timedelta(minutes=n))
BIRTHS = st.dates(date(1935, 1, 1), date(2110, 12, 31))


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


def birthdays(born: date, until: date, leap_days: tuple[tuple[int, int], ...]) -> int:
    """Count the birthdays in (born, until] by walking from year to year."""
    count = 0
    for year in range(born.year + 1, until.year + 1):
        try:
            day = born.replace(year=year)
        except ValueError:
            day = date(year, *leap_days[0])
        count += day <= until
    return count


def local_dates(at: datetime) -> set[date]:
    """The dates on all clocks of the Earth, in steps of a quarter of an hour."""
    zoneless = at.replace(tzinfo=None)
    return {(zoneless + timedelta(minutes=15 * step)).date() for step in range(-48, 57)}


def brute_force(possible: list[date], at: datetime) -> tuple[int, int] | None:
    """Every day that the birth date may be, on every date, by both customs for a leap day."""
    ages = [
        birthdays(born, today, (custom,)) if born <= today else 0
        for born in possible
        for today in local_dates(at)
        for custom in ((2, 28), (3, 1))
    ]
    return min(ages), min(max(ages), 120) + 1


@given(born=BIRTHS, at=MOMENTS)
def test_a_whole_date_gives_what_counting_birthdays_gives(born: date, at: datetime) -> None:
    if born > max(local_dates(at)):
        try:
            years(whole(born), at)
        except BirthDateError:
            return
        raise AssertionError("a date in the future was taken")
    assume(birthdays(born, min(local_dates(at)), ((3, 1),)) <= 120)
    assert years(whole(born), at) == brute_force([born], at)


@given(
    day=st.sampled_from([27, 28, 29]), year=st.integers(1936, 2100), at=MOMENTS, near=st.booleans()
)
def test_the_end_of_february(day: int, year: int, at: datetime, near: bool) -> None:
    if near:
        at = at.replace(month=2, day=28) + timedelta(days=at.day % 3)
    assume(day < 29 or (year % 4 == 0 and (year % 100 or year % 400 == 0)))
    born = date(year, 2, day)
    assume(born <= max(local_dates(at)))
    assume(at.year - year <= 119)
    assert years(whole(born), at) == brute_force([born], at)


@given(year=st.integers(1960, 2100), month=st.none() | st.integers(1, 12), at=MOMENTS)
def test_a_partial_date_is_the_union_of_its_days(
    year: int, month: int | None, at: datetime
) -> None:
    first = date(year, month or 1, 1)
    assume(first <= max(local_dates(at)) and at.year - year <= 119)
    end = date(year + (month in (None, 12)), 1 if month in (None, 12) else (month or 0) + 1, 1)
    possible = [first + timedelta(days=n) for n in range((end - first).days)]
    possible = [day for day in possible if day <= max(local_dates(at))]
    assert years(BirthDate(year=year, month=month), at) == brute_force(possible, at)


@given(born=BIRTHS, at=MOMENTS, later=st.timedeltas(timedelta(0), timedelta(days=400)))
def test_nobody_grows_younger(born: date, at: datetime, later: timedelta) -> None:
    assume(born <= max(local_dates(at)) and at.year - born.year <= 118)
    lower, upper = years(whole(born), at)
    assert upper - lower <= 2
    next_lower, next_upper = years(whole(born), at + later)
    assert next_lower >= lower
    assert next_upper >= upper


@given(
    short=st.integers(0, 99),
    month=st.none() | st.integers(1, 12),
    day=st.integers(1, 28),
    known=st.booleans(),
    at=MOMENTS,
)
def test_a_two_digit_year_is_never_wrongly_old(
    short: int, month: int | None, day: int, known: bool, at: datetime
) -> None:
    said_day = day if known and month is not None else None
    birth = BirthDate.of_two_digit_year(short, month=month, day=said_day, at=at)
    today = max(local_dates(at))
    assert birth.year % 100 == short
    assert birth.earliest() <= today
    in_the_next_century = date(birth.year + 100, birth.month or 1, birth.day or 1)
    assert in_the_next_century > today
