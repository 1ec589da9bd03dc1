"""The process forks after the verifier was made: nothing hangs, and nothing is accepted twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import ReplayStoreError
from ageassure.results import AgeRequest, AssuranceLevel, MethodClass, Outcome
from ageassure.tokens import SigningKey, TokenIssuer
from ageassure.verifier import (
    MemoryReplayStore,
    RedisReplayStore,
    ReplayStore,
    SQLiteReplayStore,
    TokenVerifier,
    sqlite_store,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# From Python 3.12 on, forking with threads warns; that it is done all the same is the point here.
filter_fork = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
CHILD_SECONDS = 20


def in_child(check: Callable[[], object]) -> None:
    """Run a check in a forked child, with the parent's modules and threads as they are."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            check()
            status = 0
        except BaseException:  # noqa: BLE001 - nothing may leave the child
            traceback.print_exc()
        finally:
            os._exit(status)
    until = time.monotonic() + CHILD_SECONDS
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        if time.monotonic() > until:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the child hangs")
        time.sleep(0.01)


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


@pytest.fixture(params=["memory", "sqlite", "redis"])
def kind_and_place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    kind: str = request.param
    if kind == "redis":
        server: Any = request.getfixturevalue("redis_server")
        return kind, server.url
    return kind, str(tmp_path / "replay.db")


@pytest.fixture
def store(kind_and_place: tuple[str, str]) -> ReplayStore:
    """A store of each kind."""
    kind, place = kind_and_place
    if kind == "memory":
        return MemoryReplayStore()
    return SQLiteReplayStore(place) if kind == "sqlite" else RedisReplayStore(place)


def test_a_verifier_made_before_the_fork(store: ReplayStore) -> None:
    signing_key = SigningKey.generate()
    issuer = TokenIssuer(issuer="https://age.example", signing_key=signing_key)
    request = AgeRequest(audience="https://shop.example", nonce="n" * 43, age_over=18)
    used, fresh = (
        issuer.issue(
            request,
            outcome=Outcome.OVER,
            method_class=MethodClass.ESTIMATION,
            level=AssuranceLevel.ASSERTED,
        )
        for _ in range(2)
    )
    verifier = TokenVerifier(
        issuers={"https://age.example": signing_key.public_set()},
        audience="https://shop.example",
        replay_store=store,
        now=lambda: datetime.now(UTC),
    )
    verifier.verify(used, nonce="n" * 43, age_over=18)

    def check() -> None:
        verifier.verify(fresh, nonce="n" * 43, age_over=18)
        with pytest.raises(Exception, match="accepted before"):
            verifier.verify(used, nonce="n" * 43, age_over=18)

    in_child(check)
    if isinstance(store, MemoryReplayStore):
        verifier.verify(fresh, nonce="n" * 43, age_over=18)  # each its own memory, as stated
    else:
        with pytest.raises(Exception, match="accepted before"):
            verifier.verify(fresh, nonce="n" * 43, age_over=18)


# In a process of its own: under coverage, a child waits for a lock of coverage's.
_FORK_UNDER_LOAD = """
import os, sys, time, warnings
from threading import Event, Thread
from ageassure.verifier import MemoryReplayStore, RedisReplayStore, SQLiteReplayStore

warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork, which is the point
kind, place = sys.argv[1:]
store = {
    "memory": lambda _: MemoryReplayStore(),
    "sqlite": SQLiteReplayStore,
    "redis": RedisReplayStore,
}[kind](place)
stop, failures = Event(), []

def load(thread):
    number = thread << 32
    while not stop.is_set():
        number += 1
        try:
            assert store.claim(number.to_bytes(32, "big"), 0)
        except Exception as error:
            failures.append(error)

threads = [Thread(target=load, args=(number,)) for number in range(1, 5)]
for thread in threads:
    thread.start()
statuses = []
for number in range(10):
    key = number.to_bytes(32, "big")
    child = os.fork()
    if child == 0:
        os._exit(0 if store.claim(key, 0) is True and store.claim(key, 0) is False else 1)
    until = time.monotonic() + 10
    while not (done := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > until:
            os.kill(child, 9)
        time.sleep(0.001)
    statuses.append(done[1])
stop.set()
for thread in threads:
    thread.join()
print(statuses == [0] * 10, failures, [store.claim(n.to_bytes(32, "big"), 0) for n in range(10)])
"""


def test_forking_while_threads_claim(kind_and_place: tuple[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FORK_UNDER_LOAD, *kind_and_place],
        check=True,
        capture_output=True,
        text=True,
    )
    # What a child claimed is known to all others, where the store is shared.
    known = [kind_and_place[0] == "memory"] * 10
    assert done.stdout.strip() == f"True [] {known}"
    assert not done.stderr


def test_no_connection_to_sqlite_lives_through_a_fork(tmp_path: Path) -> None:
    store = SQLiteReplayStore(tmp_path / "replay.db")
    store.claim(key(1), 0)
    assert store._file._connection is not None
    in_child(lambda: _assert_none(store._file._connection))
    _assert_none(store._file._connection)
    assert store.claim(key(1), 0) is False


def _assert_none(value: object) -> None:
    assert value is None


def test_a_fork_that_python_did_not_see_gets_no_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SQLiteReplayStore(tmp_path / "replay.db")
    store.claim(key(1), 0)
    monkeypatch.setattr("ageassure.verifier.sqlite_store.os.getpid", lambda: 1)
    for _ in range(2):
        with pytest.raises(ReplayStoreError, match="another process"):
            store.claim(key(2), 0)
    store.close()
    monkeypatch.undo()
    assert store.claim(key(2), 0) is True  # the parent's connection was left alone
    store.close()


@filter_fork
def test_a_fork_does_not_wait_for_ever_for_a_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageassure.forking.REST_SECONDS", 0.1)
    monkeypatch.setattr(sqlite_store, "WAIT_SECONDS", 5.0)
    store = SQLiteReplayStore(tmp_path / "replay.db")
    memory = MemoryReplayStore()
    entered, leave = Event(), Event()

    def claimed(*_arguments: object) -> bool:
        entered.set()
        leave.wait(10)
        return True

    monkeypatch.setattr(store._file.__class__, "claim", claimed)
    thread = Thread(target=store.claim, args=(key(1), 0))
    thread.start()
    entered.wait(10)
    try:
        in_child(lambda: store._guard.lock.acquire(timeout=1) or os._exit(1))
        with memory._guard.lock:
            in_child(lambda: memory.claim(key(1), 0))
    finally:
        leave.set()
        thread.join()
    assert not store._guard.lock.locked()


@filter_fork
def test_a_child_of_a_fork_that_did_not_wait_long_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageassure.forking.REST_SECONDS", 0.1)
    store = SQLiteReplayStore(tmp_path / "replay.db")
    store.claim(key(1), 0)

    def check() -> None:
        for _ in range(2):
            with pytest.raises(ReplayStoreError, match="another process"):
                store.claim(key(2), 0)

    with store._guard.lock:  # as in a signal handler that has interrupted a claim
        in_child(check)
    assert store.claim(key(2), 0) is True


def test_a_store_that_is_gone_is_forgotten() -> None:
    code = (
        "import gc\n"
        "from ageassure import forking\n"
        "from ageassure.verifier import MemoryReplayStore\n"
        "store = MemoryReplayStore()\n"
        "assert len(forking._guards) == 1\n"
        "del store\n"
        "assert len(forking._guards) == 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
