"""The memory replay store: once, until expiry, bounded; and what a replay is keyed on."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from ageassure.errors import ConfigurationError, ReplayStoreError
from ageassure.tokens.claims import MAX_LIFETIME_SECONDS
from ageassure.verifier import MemoryReplayStore
from ageassure.verifier.replay import (
    DEFAULT_CAPACITY,
    LEAST_REMEMBERED_SECONDS,
    replay_key,
    replay_prefix,
)
from ageassure.verifier.verifier import MAX_LEEWAY_SECONDS

from .no_claims import NO_CLAIMS

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
T0 = int(START.timestamp())


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_the_least_time_follows_from_the_format() -> None:
    assert LEAST_REMEMBERED_SECONDS == MAX_LIFETIME_SECONDS + 2 * MAX_LEEWAY_SECONDS


def test_the_capacity_is_a_million() -> None:
    # About 150 MB when full, as the documentation says.
    assert DEFAULT_CAPACITY == 1_000_000


def test_once() -> None:
    store = MemoryReplayStore(now=Clock())
    assert store.claim(key(1), T0 + 900) is True
    assert store.claim(key(1), T0 + 900) is False
    assert store.claim(key(1), T0 + 5000) is False
    assert store.claim(key(2), T0 + 900) is True
    assert len(store) == 2


def test_remembered_until_expiry_and_forgotten_after() -> None:
    clock = Clock()
    store = MemoryReplayStore(now=clock)
    store.claim(key(1), T0 + 1500)
    clock.seconds = 1499.999
    assert store.claim(key(1), T0 + 1500) is False
    clock.seconds = 1561
    assert store.claim(key(2), T0 + 2000) is True
    assert len(store) == 1


def test_a_clock_that_leaps_forward_and_back_admits_nothing_twice() -> None:
    clock = Clock()
    store = MemoryReplayStore(now=clock)
    assert store.claim(key(1), T0 + 930) is True
    clock.seconds = 1100
    assert all(store.claim(key(number), T0 + 2030) for number in range(10, 13))
    clock.seconds = 0
    with pytest.raises(ReplayStoreError, match="clock"):
        store.claim(key(1), T0 + 930)
    assert len(store) == 3
    # What was forgotten ended by 1080, so that nothing later can be among it.
    with pytest.raises(ReplayStoreError, match="clock"):
        store.claim(key(2), T0 + 1079)
    assert store.claim(key(2), T0 + 1080) is True
    # What is remembered is known.
    assert store.claim(key(10), T0 + 2030) is False


def test_a_leap_of_a_year_closes_the_door_for_no_year() -> None:
    clock = Clock()
    store = MemoryReplayStore(now=clock)
    for number in range(3):
        store.claim(key(number), T0 + 930)
    clock.seconds = 366 * 86_400
    for number in range(10, 20):
        store.claim(key(number), T0 + int(clock.seconds) + 900)
    clock.seconds = 1
    with pytest.raises(ReplayStoreError, match="clock"):
        store.claim(key(1), T0 + 930)
    assert store.claim(key(4), T0 + 1080) is True
    assert len(store) == 11


def test_a_leap_back_after_something_was_forgotten() -> None:
    clock = Clock()
    store = MemoryReplayStore(now=clock)
    store.claim(key(1), T0 + 930)
    clock.seconds = 1100
    store.claim(key(2), T0 + 2030)
    clock.seconds = 2200
    store.claim(key(3), T0 + 3130)
    clock.seconds = 0
    for number in (1, 2):
        with pytest.raises(ReplayStoreError, match="clock"):
            store.claim(key(number), T0 + 930)
    assert store.claim(key(3), T0 + 3130) is False


def test_the_mark_rises_with_everything_that_is_forgotten() -> None:
    clock = Clock()
    store = MemoryReplayStore(now=clock)
    for start in (0, 5000, 1_000_000):
        clock.seconds = start
        store.claim(key(start), T0 + start + 900)
        clock.seconds = start + 1100
        store.claim(key(start + 1), T0 + start + 2000)
        clock.seconds = 0
        with pytest.raises(ReplayStoreError, match="clock"):
            store.claim(key(start), T0 + start + 900)


@pytest.mark.parametrize("offset", [0, 29, 30, 31, 59])
def test_a_steady_clock_refuses_no_token(offset: int) -> None:
    clock = Clock()
    store = MemoryReplayStore(now=clock)
    for second in range(0, 4000, 7):
        clock.seconds = second + offset + 0.999
        # As short of its end as a token can be that the verifier has just accepted.
        assert store.claim(key(second), T0 + second + offset + 1) is True
    assert len(store) < 200


@pytest.mark.parametrize(("name", "expires_at"), NO_CLAIMS)
def test_what_is_no_claim(name: Any, expires_at: Any) -> None:
    store = MemoryReplayStore(now=Clock())
    with pytest.raises(ReplayStoreError, match="no claim"):
        store.claim(name, expires_at)
    assert len(store) == 0
    assert store.claim(bytes(32), 2**31 * 60 - 1) is True
    assert store.claim(key(1), 0) is True


def test_nothing_is_remembered_for_too_short() -> None:
    clock = Clock()
    store = MemoryReplayStore(now=clock)
    for offset in range(120):
        store.claim(key(offset), T0 + 1060 + offset)
    for second in range(1060, 1180):
        clock.seconds = second - 0.5
        for offset in range(max(0, second - 1060), 120):
            assert store.claim(key(offset), T0 + 1060 + offset) is False


def test_a_full_store_refuses_and_forgets_nothing() -> None:
    clock = Clock()
    store = MemoryReplayStore(3, now=clock)
    assert MemoryReplayStore(1, now=clock).claim(key(0), T0 + 900)
    assert all(store.claim(key(number), T0 + 900) for number in range(3))
    with pytest.raises(ReplayStoreError, match="full"):
        store.claim(key(3), T0 + 900)
    assert not any(store.claim(key(number), T0 + 900) for number in range(3))
    clock.seconds = 1100
    assert store.claim(key(3), T0 + 1900) is True


@pytest.mark.parametrize("ahead_seconds", [-86_400, 899, 901, 86_400])
def test_a_clock_that_differs_from_the_verifiers_lets_no_replay_through(ahead_seconds: int) -> None:
    clock = Clock()
    clock.seconds = ahead_seconds
    store = MemoryReplayStore(now=clock)
    assert store.claim(key(1), T0 + 900) is True
    for elapsed in (0, 1, 600, 900, 1019):
        clock.seconds = ahead_seconds + elapsed
        assert store.claim(key(1), T0 + 900) is False


def test_memory_stays_bounded_over_time() -> None:
    clock = Clock()
    store = MemoryReplayStore(now=clock)
    largest = 0
    for number in range(20_000):
        clock.seconds = number / 10  # ten a second for 2,000 seconds, each for 100
        store.claim(key(number), int(T0 + clock.seconds) + 100)
        largest = max(largest, len(store))
    assert largest <= 10 * (1020 + 60) + 20


def test_many_expiries_at_once_are_forgotten_little_by_little() -> None:
    clock = Clock()
    store = MemoryReplayStore(now=clock)
    for number in range(1000):
        store.claim(key(number), T0 + 100)
    clock.seconds = 1200
    for number in range(1000, 1500):
        before = len(store)
        store.claim(key(number), T0 + 1400)
        assert before - len(store) == 1
    assert len(store) == 500


def test_threads_racing_for_one_key() -> None:
    store = MemoryReplayStore(now=Clock())
    start = Barrier(8)
    answers: list[bool] = []

    def race() -> None:
        start.wait()
        answers.extend([store.claim(key(number), T0 + 900) for number in range(500)])

    threads = [Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(True) == 500


@pytest.mark.parametrize("capacity", [0, -1, True, 1.5, "10", None])
def test_bad_capacities(capacity: Any) -> None:
    with pytest.raises(ConfigurationError):
        MemoryReplayStore(capacity)


def test_bad_clock() -> None:
    store = MemoryReplayStore(now=lambda: datetime(2026, 6, 1))  # noqa: DTZ001 - naive on purpose
    with pytest.raises(ConfigurationError):
        store.claim(key(1), T0 + 900)


def test_the_key_is_over_three_length_prefixed_texts() -> None:
    parts = ["https://age.example", "caf\u00e9", "AAAAAAAAAAAAAAAAAAAAAA"]
    data = b"".join(len(p.encode()).to_bytes(8, "big") + p.encode() for p in parts)
    expected = hashlib.sha256(data).digest()
    assert replay_key(replay_prefix(parts[0], parts[1]), parts[2]) == expected


def test_no_two_texts_run_into_each_other() -> None:
    texts = [("ab", "c", "d"), ("a", "bc", "d"), ("a", "b", "cd"), ("abc", "", "d")]
    assert len({replay_key(replay_prefix(iss, aud), jti) for iss, aud, jti in texts}) == len(texts)
