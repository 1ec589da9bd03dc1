"""What the hooks around a fork do to a lock, called without forking."""

from __future__ import annotations

from threading import Lock
from weakref import WeakSet

import pytest

from ageassure import forking
from ageassure.forking import ForkableLock


@pytest.fixture(autouse=True)
def _hooks_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the test's own locks: those of other stores are left alone."""
    monkeypatch.setattr(forking, "_locks", WeakSet())
    monkeypatch.setattr(forking, "_resting", [])
    monkeypatch.setattr(forking, "_forking", Lock())


def test_a_fork_holds_every_lock_and_lets_go_in_the_parent() -> None:
    held: list[bool] = []
    one, other = ForkableLock(lambda: held.append(one.lock.locked())), ForkableLock()
    for times in (1, 2):
        forking._before()
        assert held == [True] * times
        assert one.lock.locked()
        assert other.lock.locked()
        assert forking._forking.locked()
        forking._in_parent()
        assert not one.lock.locked()
        assert not other.lock.locked()
        assert not forking._forking.locked()
        assert forking._resting == []


def test_a_child_has_locks_of_its_own() -> None:
    guard = ForkableLock()
    parents = guard.lock
    forking._before()
    forking._in_child()
    assert guard.lock is not parents
    assert not guard.lock.locked()
    assert not forking._forking.locked()
    assert forking._resting == []


def test_what_a_claim_has_in_hand_is_not_brought_to_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "REST_SECONDS", 0.01)
    rested: list[None] = []
    guard = ForkableLock(lambda: rested.append(None))
    with guard.lock:
        forking._before()
        forking._in_parent()
        assert guard.lock.locked()  # it is the claim's to let go
    assert rested == []
