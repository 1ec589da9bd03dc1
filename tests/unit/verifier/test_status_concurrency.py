"""The status checker among threads and forks: nobody waits for another one's host."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import StatusError
from ageassure.tokens import SigningKey
from ageassure.tokens.status import StatusListBuilder, StatusReference, sign_status_list
from ageassure.verifier import status as module
from ageassure.verifier.status import MAX_FETCHES, StatusChecker

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
KEY = SigningKey.generate()
SLOW, GOOD = "https://slow.example/l/", "https://good.example/l/"
QUICK = 1.0
"""Seconds that nothing takes which waits for no host."""


def now() -> datetime:
    return START


class Hosts:
    """One answers at once, the other when it is let go."""

    def __init__(self) -> None:
        self.let_go = Event()
        self.fetches: Counter[str] = Counter()
        self.under_way = self.most = 0
        self._lock = Lock()

    def __call__(self, uri: str) -> bytes:
        with self._lock:
            self.fetches[uri] += 1
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        if uri.startswith(SLOW):
            self.let_go.wait(20)
        with self._lock:
            self.under_way -= 1
        statuses = StatusListBuilder(100).build()
        return sign_status_list(
            statuses, uri=uri, signing_key=KEY, lifetime_seconds=1000, ttl_seconds=100, now=now
        ).encode()

    def wait_for(self, under_way: int) -> None:
        until = time.monotonic() + 10
        while self.under_way != under_way:
            assert time.monotonic() < until
            time.sleep(0.001)


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    hosts = Hosts()
    yield hosts
    hosts.let_go.set()
    hosts.wait_for(0)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as pool:
        yield pool


def checker(hosts: Hosts) -> StatusChecker:
    keys = KEY.public_set()
    return StatusChecker(issuers={SLOW: keys, GOOD: keys}, fetch=hosts, now=now)


def at(uri: str) -> StatusReference:
    return StatusReference(uri=uri, index=0)


def answer(check: StatusChecker, uri: str) -> str:
    """Valid, or the text of the refusal."""
    try:
        check.require_valid(at(uri))
    except StatusError as error:
        return str(error) if error.code == "status_unavailable" else error.code
    return "valid"


def seconds_of(check: StatusChecker, uri: str) -> float:
    start = time.monotonic()
    check.require_valid(at(uri))
    return time.monotonic() - start


def asked(pool: ThreadPoolExecutor, check: StatusChecker, uris: list[str]) -> list[Future[str]]:
    return [pool.submit(answer, check, uri) for uri in uris]


def test_a_slow_host_keeps_no_other_issuers_lists_waiting(
    hosts: Hosts, pool: ThreadPoolExecutor
) -> None:
    check = checker(hosts)
    slow = asked(pool, check, [f"{SLOW}{number % 20}" for number in range(40)])
    hosts.wait_for(MAX_FETCHES)
    for number in range(3):
        assert seconds_of(check, f"{GOOD}{number}") < QUICK  # fetched
        assert seconds_of(check, f"{GOOD}{number}") < QUICK  # at hand
    hosts.let_go.set()
    assert {each.result() for each in slow} == {"valid"}
    assert set(hosts.fetches.values()) == {1}
    assert hosts.most <= MAX_FETCHES + 1


def test_what_is_at_hand_needs_no_lock(hosts: Hosts) -> None:
    check = checker(hosts)
    check.require_valid(at(GOOD))
    with check._guard.lock:
        assert seconds_of(check, GOOD) < QUICK


def test_no_lock_is_held_while_a_list_is_fetched(hosts: Hosts, pool: ThreadPoolExecutor) -> None:
    check = checker(hosts)
    slow = asked(pool, check, [SLOW])
    hosts.wait_for(1)
    assert check._guard.lock.acquire(timeout=QUICK)
    check._guard.lock.release()
    hosts.let_go.set()
    assert slow[0].result() == "valid"


def test_one_fetch_for_many_threads(hosts: Hosts, pool: ThreadPoolExecutor) -> None:
    check = checker(hosts)
    waiting = asked(pool, check, [SLOW] * 32)
    hosts.wait_for(1)
    time.sleep(0.05)  # so that all of them have come
    hosts.let_go.set()
    assert {each.result() for each in waiting} == {"valid"}
    assert hosts.fetches == {SLOW: 1}


def test_lists_of_an_issuer_are_fetched_side_by_side(
    hosts: Hosts, pool: ThreadPoolExecutor
) -> None:
    check = checker(hosts)
    waiting = asked(pool, check, [f"{SLOW}{number}" for number in range(MAX_FETCHES)])
    hosts.wait_for(MAX_FETCHES)
    hosts.let_go.set()
    assert {each.result() for each in waiting} == {"valid"}


def test_a_check_lasts_so_long_at_most(
    hosts: Hosts, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.5)
    check = checker(hosts)
    start = time.monotonic()
    first = asked(pool, check, [f"{SLOW}{number}" for number in range(MAX_FETCHES)])
    hosts.wait_for(MAX_FETCHES)
    beyond = asked(pool, check, [f"{SLOW}beyond"])
    assert {each.result() for each in first} == {"a fetch of a status list hangs"}
    assert "too many fetches" in beyond[0].result()
    assert 0.5 <= time.monotonic() - start < 0.5 + QUICK
    # Whoever comes later does not wait again for what has hung for so long already.
    start = time.monotonic()
    for _ in range(20):
        assert "hangs" in answer(check, f"{SLOW}0")
    assert time.monotonic() - start < QUICK
    assert set(hosts.fetches.values()) == {1}
    # What comes in the end is kept.
    hosts.let_go.set()
    hosts.wait_for(0)
    until = time.monotonic() + 10
    while answer(check, f"{SLOW}0") != "valid":
        assert time.monotonic() < until
    assert hosts.fetches[f"{SLOW}0"] == 1


def test_who_waits_for_room_sleeps(
    hosts: Hosts, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, asleep, sleep = checker(hosts), Event(), time.sleep
    asked(pool, check, [f"{SLOW}{number}" for number in range(MAX_FETCHES)])
    hosts.wait_for(MAX_FETCHES)

    def noted(seconds: float) -> None:
        asleep.set()
        hosts.let_go.set()
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", noted)
    assert answer(check, f"{SLOW}beyond") == "valid"
    assert asleep.is_set()


def test_who_waits_for_room_gets_it(hosts: Hosts, pool: ThreadPoolExecutor) -> None:
    check = checker(hosts)
    waiting = asked(pool, check, [f"{SLOW}{number}" for number in range(MAX_FETCHES + 3)])
    hosts.wait_for(MAX_FETCHES)
    assert sum(hosts.fetches.values()) == MAX_FETCHES
    hosts.let_go.set()
    assert {each.result() for each in waiting} == {"valid"}


def test_a_start_that_a_signal_handler_interrupts_leaves_nothing_to_wait_for(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, started = Thread.start, Event()

    def interrupted(thread: Thread) -> None:
        if started.is_set():
            start(thread)
            return
        started.set()
        raise KeyboardInterrupt

    check = checker(hosts)
    monkeypatch.setattr(Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        check.require_valid(at(GOOD))
    assert seconds_of(check, GOOD) < QUICK


def test_more_lists_than_before_are_no_cliff(hosts: Hosts) -> None:
    check = checker(hosts)
    for _ in range(3):
        for number in range(100):
            check.require_valid(at(f"{GOOD}{number}"))
    assert set(hosts.fetches.values()) == {1}


def test_the_bytes_kept_are_bounded() -> None:
    statuses = StatusListBuilder(32 * 1024 * 1024).build()  # of 4 MiB

    def fetch(uri: str) -> bytes:
        fetched.append(uri)
        return sign_status_list(
            statuses, uri=uri, signing_key=KEY, lifetime_seconds=1000, ttl_seconds=100, now=now
        ).encode()

    fetched: list[str] = []
    options: dict[str, Any] = {"issuers": {GOOD: KEY.public_set()}, "fetch": fetch, "now": now}
    check = StatusChecker(**options, max_bytes=12 * 1024 * 1024)
    for number in (0, 1, 2, 0, 3, 0, 1):
        check.require_valid(at(f"{GOOD}{number}"))
    assert [uri[-1] for uri in fetched] == ["0", "1", "2", "3", "1"]


_FORK = """
import os, threading, time, warnings
from ageassure.errors import StatusError
from ageassure.tokens import SigningKey
from ageassure.tokens.status import StatusListBuilder, StatusReference, sign_status_list
from ageassure.verifier.status import MAX_FETCHES, StatusChecker

warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork, which is the point
KEY, parent = SigningKey.generate(), os.getpid()
entered = threading.Semaphore(0)

def fetch(uri):
    if "slow" in uri and os.getpid() == parent:
        entered.release()
        time.sleep(3)
        raise OSError
    statuses = StatusListBuilder(100).build()
    return sign_status_list(
        statuses, uri=uri, signing_key=KEY, lifetime_seconds=1000, ttl_seconds=100
    ).encode()

check = StatusChecker(issuers={"https://i.example/": KEY.public_set()}, fetch=fetch)

def require(name):
    check.require_valid(StatusReference(uri=f"https://i.example/{name}", index=0))

def slow(number):
    try:
        require(f"slow{number}")
    except StatusError:
        pass

require("kept")
for number in range(MAX_FETCHES):
    threading.Thread(target=slow, args=(number,), daemon=True).start()
for _ in range(MAX_FETCHES):
    entered.acquire()
start = time.monotonic()
child = os.fork()
if child == 0:
    require("kept")
    require("slow0")
    require("new")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert time.monotonic() - start < 2, time.monotonic() - start
require("kept")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_waits_for_no_fetch_and_its_child_makes_its_own() -> None:
    subprocess.run([sys.executable, "-c", _FORK], check=True, timeout=30)
