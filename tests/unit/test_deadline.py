from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ageassure.deadline import Deadline, checkpoint
from ageassure.errors import CalledOffError, ConfigurationError, DeadlineError


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_without_a_deadline_everything_goes_on() -> None:
    checkpoint()
    with Deadline() as deadline:
        checkpoint()
        assert deadline.remaining_seconds is None


def test_work_stops_as_soon_as_its_time_is_over_and_not_before() -> None:
    clock = Clock()
    with Deadline(2.5, clock=clock) as deadline:
        clock.seconds += 2.4375
        checkpoint()
        assert deadline.remaining_seconds == 0.0625
        clock.seconds += 0.0625
        with pytest.raises(DeadlineError) as caught:
            checkpoint()
        assert deadline.remaining_seconds == 0
        clock.seconds += 1
        assert deadline.remaining_seconds == 0
    assert caught.value.code == "deadline_exceeded"
    checkpoint()  # what comes after the block has no deadline


@pytest.mark.parametrize("seconds", [0, 0.0, -3])
def test_no_time_at_all_is_over_at_once(seconds: float) -> None:
    with Deadline(seconds), pytest.raises(DeadlineError):
        checkpoint()


@pytest.mark.parametrize(
    "seconds",
    [math.nan, math.inf, -math.inf, True, "2", b"2", 1j, 10**400, -(10**400), [1]],
)
def test_what_is_no_number_of_seconds_is_refused(seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match="finite"):
        Deadline(seconds)


@pytest.mark.parametrize(("outer", "inner"), [(1, 9), (9, 1), (1, None), (None, 1)])
def test_an_inner_deadline_never_lengthens_an_outer_one(
    outer: float | None, inner: float | None
) -> None:
    clock = Clock()
    with Deadline(outer, clock=clock), Deadline(inner, clock=clock):
        checkpoint()
        clock.seconds += 2
        with pytest.raises(DeadlineError):
            checkpoint()


def test_the_outer_deadline_holds_again_after_the_inner_one() -> None:
    clock = Clock()
    with Deadline(5, clock=clock):
        with Deadline(1, clock=clock):
            clock.seconds += 2
        checkpoint()
        clock.seconds += 3
        with pytest.raises(DeadlineError):
            checkpoint()


def test_work_is_called_off_from_another_thread() -> None:
    with ThreadPoolExecutor(1) as pool, Deadline() as deadline:
        pool.submit(deadline.call_off).result()
        with Deadline(), pytest.raises(CalledOffError) as caught:
            checkpoint()
    assert caught.value.code == "called_off"


def test_a_deadline_is_of_the_thread_that_entered_it() -> None:
    with ThreadPoolExecutor(1) as pool, Deadline(0):
        pool.submit(checkpoint).result()


def test_a_deadline_is_entered_once() -> None:
    with Deadline() as deadline:
        with pytest.raises(ConfigurationError, match="before"):
            deadline.__enter__()
        checkpoint()
    with pytest.raises(ConfigurationError, match="before"):
        deadline.__enter__()


def failing() -> float:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "clock", [None, 5, failing, lambda: None, lambda: math.nan, lambda: "5", lambda: 10**400]
)
def test_a_clock_that_gives_no_seconds_is_refused(clock: Any) -> None:
    with pytest.raises(ConfigurationError, match="clock") as caught:
        Deadline(1, clock=clock)
    assert caught.value.__context__ is None


def test_a_clock_that_fails_later_is_the_library_s_own_error() -> None:
    rest = iter([100.0])
    with Deadline(1, clock=lambda: next(rest)), pytest.raises(ConfigurationError, match="clock"):
        checkpoint()
