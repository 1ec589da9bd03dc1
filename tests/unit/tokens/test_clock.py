"""Reading a clock that was passed in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.tokens.clock import read_clock, utc_now

MOMENT = datetime(2026, 6, 1, 12, 0, 0, 500_000, tzinfo=UTC)


class NoOffset(tzinfo):
    """A zone that knows no offset: such a datetime is naive, though it has a tzinfo."""

    def utcoffset(self, _when: datetime | None) -> timedelta | None:
        return None

    def dst(self, _when: datetime | None) -> timedelta | None:
        return None

    def tzname(self, _when: datetime | None) -> str | None:
        return None


class LikeAMoment:
    """What has all that is asked for, and is no datetime."""

    tzinfo = UTC

    def timestamp(self) -> float:
        return 1780315200.5


class Raising(NoOffset):
    """A zone that fails."""

    def utcoffset(self, _when: datetime | None) -> timedelta | None:
        raise KeyError("secret")


def test_posix_seconds_whatever_the_zone() -> None:
    zone = timezone(timedelta(hours=-7))
    assert read_clock(lambda: MOMENT) == read_clock(lambda: MOMENT.astimezone(zone))
    assert read_clock(lambda: MOMENT) == 1780315200.5


def test_the_system_clock_is_aware() -> None:
    assert utc_now().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [
        LikeAMoment(),
        MOMENT.replace(tzinfo=None),
        MOMENT.replace(tzinfo=NoOffset()),
        MOMENT.replace(tzinfo=Raising()),
        MOMENT.timestamp(),
        MOMENT.date(),
        None,
    ],
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_clock(lambda: value)
    assert caught.value.__context__ is None
