"""Reading a clock that was passed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from ageassure.errors import ConfigurationError

Clock = Callable[[], datetime]
"""Gives the present moment as an aware datetime."""

_NO_CLOCK: Final = "got a clock that gives no aware datetime, expected e.g. datetime.now(UTC)"


def utc_now() -> datetime:
    """The system clock, as an aware datetime in UTC."""
    return datetime.now(UTC)


def read_clock(now: Clock) -> float:
    """The present moment in POSIX seconds.

    Raises:
        ConfigurationError: If ``now`` raises, or gives anything but an aware datetime. A naive
            datetime would be read in the machine's own time zone, hours off.
    """
    seconds: float | None = None
    try:
        moment: object = now()
        if isinstance(moment, datetime) and (
            moment.tzinfo is UTC or moment.utcoffset() is not None  # UTC: the usual case, quicker
        ):
            seconds = moment.timestamp()
    except Exception:  # noqa: BLE001, S110 - the caller's code may raise anything; raised below
        pass
    if seconds is None:
        raise ConfigurationError(_NO_CLOCK)
    return seconds
