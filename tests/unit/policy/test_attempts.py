from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import combinations
from typing import Any

import pytest

from ageassure.errors import AttemptStoreError, ConfigurationError
from ageassure.policy import AttemptStore, MemoryAttemptStore, attempt_key, token_key
from ageassure.policy.attempts import DEFAULT_CAPACITY
from ageassure.testing import TEST_TIME, FixedClock

NOW = int(TEST_TIME.timestamp())
LATER = NOW + 100


def test_the_capacity_is_a_million() -> None:
    assert DEFAULT_CAPACITY == 1_000_000


class TestKeys:
    def test_they_are_hashes(self) -> None:
        for key in (attempt_key("a", "n", "face"), token_key("a", "n")):
            assert len(key) == 32

    def test_nothing_runs_into_its_neighbour(self) -> None:
        keys = [
            attempt_key("ab", "c", "d"),
            attempt_key("a", "bc", "d"),
            attempt_key("a", "b", "cd"),
            attempt_key("abc", "d", ""),
            attempt_key("", "abc", "d"),
            attempt_key("ab", "c", "e"),
            token_key("ab", "c"),
            token_key("a", "bc"),
            token_key("attempt", "a"),
            attempt_key("token", "a", ""),
        ]
        for one, other in combinations(keys, 2):
            assert one != other

    def test_a_lone_surrogate_is_counted_like_the_rest(self) -> None:
        assert attempt_key("\ud800", "n", "") != attempt_key("?", "n", "")


class TestMemoryStore:
    def test_it_is_an_attempt_store(self) -> None:
        assert isinstance(MemoryAttemptStore(), AttemptStore)

    def test_it_counts_to_the_limit_for_each_key(self) -> None:
        store = MemoryAttemptStore(now=FixedClock())
        taken = [store.take(b"a", limit=3, expires_at=LATER) for _ in range(5)]
        assert taken == [True, True, True, False, False]
        assert store.take(b"b", limit=1, expires_at=LATER)
        assert len(store) == 2

    def test_a_refusal_is_not_counted(self) -> None:
        store = MemoryAttemptStore(now=FixedClock())
        assert store.take(b"a", limit=1, expires_at=LATER)
        assert not store.take(b"a", limit=1, expires_at=LATER)
        assert store.take(b"a", limit=2, expires_at=LATER)

    def test_a_key_is_forgotten_when_it_has_expired_and_no_sooner(self) -> None:
        clock = FixedClock()
        store = MemoryAttemptStore(now=clock)
        assert store.take(b"a", limit=1, expires_at=LATER)
        clock.advance(seconds=99.9)
        assert not store.take(b"a", limit=1, expires_at=LATER)
        clock.advance(seconds=0.1)
        assert store.take(b"a", limit=1, expires_at=LATER + 100)
        assert len(store) == 1

    def test_a_later_count_does_not_prolong_it(self) -> None:
        clock = FixedClock()
        store = MemoryAttemptStore(now=clock)
        store.take(b"a", limit=2, expires_at=LATER)
        store.take(b"a", limit=2, expires_at=LATER + 1000)
        clock.advance(seconds=100)
        assert [store.take(b"a", limit=2, expires_at=LATER + 100) for _ in range(3)] == [
            True,
            True,
            False,
        ]

    def test_full_it_refuses_new_keys_and_knows_the_old(self) -> None:
        clock = FixedClock()
        store = MemoryAttemptStore(2, now=clock)
        store.take(b"a", limit=2, expires_at=LATER)
        store.take(b"b", limit=2, expires_at=LATER)
        with pytest.raises(AttemptStoreError, match="full"):
            store.take(b"c", limit=2, expires_at=LATER)
        assert store.take(b"a", limit=2, expires_at=LATER)
        assert not store.take(b"a", limit=2, expires_at=LATER)
        clock.advance(seconds=100)
        assert store.take(b"c", limit=2, expires_at=LATER + 100)
        assert len(store) == 1

    def test_what_has_expired_already_is_not_counted_for_nothing(self) -> None:
        store = MemoryAttemptStore(now=FixedClock())
        with pytest.raises(AttemptStoreError, match="expired"):
            store.take(b"a", limit=1, expires_at=NOW)

    def test_a_naive_clock_is_refused(self) -> None:
        store = MemoryAttemptStore(now=lambda: datetime(2026, 1, 1))  # noqa: DTZ001
        with pytest.raises(ConfigurationError, match="naive"):
            store.take(b"a", limit=1, expires_at=LATER)

    @pytest.mark.parametrize("capacity", [0, -1, 1.0, True, None, 10**10])
    def test_its_capacity_is_checked(self, capacity: Any) -> None:
        with pytest.raises(ConfigurationError):
            MemoryAttemptStore(capacity)

    def test_the_system_clock_is_the_default(self) -> None:
        store = MemoryAttemptStore()
        with pytest.raises(AttemptStoreError):
            store.take(b"a", limit=1, expires_at=1)
        assert store.take(b"a", limit=1, expires_at=2**40)

    def test_threads_never_take_more_than_the_limit(self) -> None:
        store = MemoryAttemptStore(now=FixedClock())
        with ThreadPoolExecutor(8) as pool:
            taken = list(
                pool.map(lambda _: store.take(b"a", limit=50, expires_at=LATER), range(400))
            )
        assert sum(taken) == 50
