"""Waiting for several fetches together, on a clock that stands still while nobody waits."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future
from types import SimpleNamespace
from typing import Any

import pytest

from ageassure.verifier.jwks import look as look_module
from ageassure.verifier.jwks.look import as_answered


class Clock:
    """A time at which fetches land; waiting is all that lets it pass."""

    def __init__(self) -> None:
        self.now = 100.0
        self.landings: dict[Future[None], float] = {}

    def monotonic(self) -> float:
        return self.now

    def wait(
        self, futures: list[Future[None]], timeout: float, return_when: str
    ) -> tuple[set[Future[None]], set[Future[None]]]:
        assert return_when == FIRST_COMPLETED
        assert timeout >= 0
        next_landing = min(self.landings[future] for future in futures)
        self.now = max(self.now, min(next_landing, self.now + timeout))
        done = {future for future in futures if self.landings[future] <= self.now}
        return done, set(futures) - done


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(look_module, "time", SimpleNamespace(monotonic=clock.monotonic))
    monkeypatch.setattr(look_module, "wait", clock.wait)
    return clock


class Look:
    """Has to wait for fetches that take so many seconds each, one after the other."""

    def __init__(self, clock: Clock, *takes: float, overdue_after: float = 5) -> None:
        self.clock, self.takes, self.overdue_after = clock, list(takes), overdue_after

    def next_flight(self) -> Any:
        if not self.takes:
            return None
        future: Future[None] = Future()
        self.clock.landings[future] = self.clock.now + self.takes.pop(0)
        overdue = self.clock.now + self.overdue_after
        return SimpleNamespace(future=future, awaited_until=overdue)


def answered(clock: Clock, looks: dict[str, Look], until: float = 200) -> list[tuple[str, float]]:
    names = {look: name for name, look in looks.items()}
    given: Any = looks.values()
    return [(names[look], clock.now - 100) for look in as_answered(given, until)]  # type: ignore[index]


def test_all_begin_together_and_come_as_they_are_answered(clock: Clock) -> None:
    looks = {"slow": Look(clock, 3), "at hand": Look(clock), "quick": Look(clock, 1)}
    assert answered(clock, looks) == [("at hand", 0), ("quick", 1), ("slow", 3)]


def test_the_bound_is_for_all_together_and_for_each_ones_second_fetch(clock: Clock) -> None:
    looks = {"twice": Look(clock, 2, 2), "never": Look(clock, 99, overdue_after=99)}
    assert answered(clock, looks, until=103) == [("never", 3), ("twice", 3)]
    assert looks["twice"].takes == []
    looks = {"twice": Look(clock, 2, 2)}
    clock.now = 100
    assert answered(clock, looks, until=105) == [("twice", 4)]


def test_a_fetch_that_is_overdue_is_not_waited_for(clock: Clock) -> None:
    looks = {"overdue": Look(clock, 99, overdue_after=2)}
    assert answered(clock, looks) == [("overdue", 2)]
    clock.now = 100
    looks = {"overdue": Look(clock, 99, overdue_after=-1)}
    assert answered(clock, looks) == [("overdue", 0)]


def test_the_one_that_is_overdue_last_is_the_one_that_counts(clock: Clock) -> None:
    looks = {"soon": Look(clock, 3, overdue_after=2), "late": Look(clock, 99, overdue_after=4)}
    assert answered(clock, looks) == [("soon", 3), ("late", 4)]


def test_what_has_landed_when_time_is_over_is_not_thrown_away(clock: Clock) -> None:
    assert answered(clock, {"landed": Look(clock, 0)}, until=99) == [("landed", 0)]


def test_nobody_is_asked_on_when_the_caller_has_enough(clock: Clock) -> None:
    given: Any = [Look(clock, 1), Look(clock, 2)]
    for look in as_answered(given, 200):
        assert look is given[0]
        break
    assert clock.now == 101
