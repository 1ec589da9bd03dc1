"""Completed years: one test for each line of the rule."""

from __future__ import annotations

import copy
import pickle
import traceback
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ageassure.errors import BirthDateError, ConfigurationError
from ageassure.estimators.birth_dates import BirthDate, age_interval
from ageassure.results import MethodClass, PresentationAttack, Provenance

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)  # UTC−12: 15 June 00:00; UTC+14: 16 June 02:00


def years(birth: BirthDate, at: datetime) -> tuple[int, int]:
    provenance = Provenance(
        method_class=MethodClass.VERIFICATION,
        bound=False,
        presentation_attack=PresentationAttack.NOT_APPLICABLE,
        as_of=at,
    )
    return age_interval(birth, provenance=provenance).interval(0.5)


def born(year: int, month: int | None = None, day: int | None = None) -> BirthDate:
    return BirthDate(year=year, month=month, day=day)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (14, (18, 19)),
        (15, (18, 19)),  # begun even at UTC−12
        (16, (17, 19)),  # begun at UTC+14 only
        (17, (17, 18)),  # begun nowhere
    ],
)
def test_around_a_birthday_both_ages_are_possible(day: int, expected: tuple[int, int]) -> None:
    assert years(born(2008, 6, day), NOON) == expected


def test_the_moment_counts_and_not_the_zone_that_it_is_written_in() -> None:
    for hours in (-12, -5, 0, 9, 14):
        at = NOON.astimezone(timezone(timedelta(hours=hours)))
        assert years(born(2008, 6, 16), at) == (17, 19)


@pytest.mark.parametrize(
    ("hour", "expected"),
    [
        (datetime(2026, 6, 14, 9, 59, tzinfo=UTC), (17, 18)),
        (datetime(2026, 6, 14, 10, tzinfo=UTC), (17, 19)),
        (datetime(2026, 6, 15, 11, 59, tzinfo=UTC), (17, 19)),
        (datetime(2026, 6, 15, 12, tzinfo=UTC), (18, 19)),
    ],
)
def test_the_birthday_begins_at_utc_plus_14_and_is_sure_from_utc_minus_12(
    hour: datetime, expected: tuple[int, int]
) -> None:
    assert years(born(2008, 6, 15), hour) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 2, 27, 9, tzinfo=UTC), (17, 18)),  # 27 February everywhere
        (datetime(2026, 2, 28, 12, tzinfo=UTC), (17, 19)),  # 28 February, somewhere 1 March
        (datetime(2026, 3, 1, 11, 59, tzinfo=UTC), (17, 19)),  # still 28 February somewhere
        (datetime(2026, 3, 1, 12, tzinfo=UTC), (18, 19)),  # 1 March everywhere
        (datetime(2028, 2, 28, 9, tzinfo=UTC), (19, 20)),  # a leap year: the day itself
        (datetime(2028, 2, 29, 12, tzinfo=UTC), (20, 21)),
    ],
)
def test_29_february_is_over_from_1_march_and_not_under_from_28_february(
    at: datetime, expected: tuple[int, int]
) -> None:
    assert years(born(2008, 2, 29), at) == expected


def test_a_partial_date_is_every_day_that_it_may_be() -> None:
    assert years(born(2008), NOON) == (17, 19)
    assert years(born(2008, 6), NOON) == (17, 19)
    assert years(born(2008, 5), NOON) == (18, 19)
    assert years(born(2008, 7), NOON) == (17, 18)
    assert years(born(2008, 2), datetime(2026, 2, 28, 5, tzinfo=UTC)) == (17, 19)


def test_the_first_days_of_life() -> None:
    assert years(born(2026, 6, 15), NOON) == (0, 1)
    assert years(born(2026, 6, 16), NOON) == (0, 1)  # already born at UTC+14
    assert years(born(2026), NOON) == (0, 1)


@pytest.mark.parametrize("birth", [(2026, 6, 17), (2026, 7), (2027,), (9999, 12, 31)])
def test_a_date_in_the_future_is_refused(birth: tuple[int, ...]) -> None:
    with pytest.raises(BirthDateError, match="in the future"):
        years(born(*birth), NOON)


def test_more_than_120_years_are_refused_and_120_are_not() -> None:
    assert years(born(1906, 6, 14), NOON) == (120, 121)
    assert years(born(1905, 6, 16), NOON) == (120, 121)  # 120 or 121: no upper limit
    assert years(born(1905), NOON) == (120, 121)
    for birth in [(1905, 6, 15), (1904,), (1900, 1, 1), (1, 1, 1)]:
        with pytest.raises(BirthDateError, match="more than 120 years ago"):
            years(born(*birth), NOON)


@pytest.mark.parametrize(
    "parts",
    [
        (2007, 2, 29),
        (1900, 2, 29),
        (2008, 4, 31),
        (2008, 13, 1),
        (2008, 0, 1),
        (2008, 1, 0),
        (2008, 1, 32),
        (0, 1, 1),
        (10_000, 1, 1),
        (2008, None, 3),
        (2008, 1, True),
        (True, 1, 1),
        ("2008", 1, 1),
        (2008, 1.0, 1),
    ],
)
def test_a_date_that_no_calendar_has_is_refused(parts: tuple[int, int, int]) -> None:
    with pytest.raises(BirthDateError, match="no calendar has") as caught:
        born(*parts)
    assert "200" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2008-06-14", (18, 19)), ("2008-07", (17, 18)), ("2008", (17, 19))],
)
def test_iso_dates_are_read(text: str, expected: tuple[int, int]) -> None:
    assert years(BirthDate.from_iso(text), NOON) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "08-06-14",
        "20080614",
        "2008-6-14",
        "2008-06-14T00:00:00Z",
        "2008-06-14\n",
        " 2008-06-14",
        "+2008-06-14",
        "２００８-06-14",
        "2008-06-31",
        "0000-06-14",
        "2008--14",
        b"2008-06-14",
        2008,
        None,
    ],
)
def test_other_texts_are_refused_and_not_shown(text: object) -> None:
    with pytest.raises(BirthDateError) as caught:
        BirthDate.from_iso(text)
    assert "2008" not in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "year"),
    [
        ((26, 6, 16), 2026),  # today at UTC+14
        ((26, 6, 17), 1926),  # tomorrow everywhere
        ((26, 6, None), 2026),
        ((26, 7, None), 1926),
        ((26, None, None), 2026),
        ((27, None, None), 1927),
        ((0, 2, 29), 2000),
        ((99, 12, 31), 1999),
    ],
)
def test_a_two_digit_year_is_the_latest_that_is_not_in_the_future(
    parts: tuple[int, int | None, int | None], year: int
) -> None:
    short, month, day = parts
    found = BirthDate.of_two_digit_year(short, month=month, day=day, at=NOON)
    assert found.earliest().year == year


def test_a_two_digit_year_at_the_turn_of_a_century() -> None:
    at = datetime(2100, 1, 1, 12, tzinfo=UTC)
    assert BirthDate.of_two_digit_year(0, month=1, day=1, at=at).earliest().year == 2100
    assert BirthDate.of_two_digit_year(99, month=1, day=1, at=at).earliest().year == 2099
    # 2100 has no 29 February, and 2000 is not tried in its place.
    with pytest.raises(BirthDateError):
        BirthDate.of_two_digit_year(0, month=2, day=29, at=datetime(2100, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize("year", [-1, 100, True, "26", 2008])
def test_other_years_of_a_century_are_refused(year: int) -> None:
    with pytest.raises(BirthDateError, match="0 to 99"):
        BirthDate.of_two_digit_year(year, month=1, day=1, at=NOON)


def test_a_naive_moment_is_a_mistake_of_the_caller() -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ConfigurationError, match="naive"):
        BirthDate.of_two_digit_year(8, month=6, day=14, at=naive)


def test_the_date_is_in_no_repr_pickle_copy_or_traceback() -> None:
    birth = born(2008, 6, 14)
    assert repr(birth) == str(birth) == "<BirthDate (content hidden)>"
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            leave(birth)
    with pytest.raises(BirthDateError) as caught:
        years(born(2031, 12, 29), NOON)
    told = "".join(
        traceback.TracebackException.from_exception(caught.value, capture_locals=False).format()
    )
    assert "2031-12" not in told
