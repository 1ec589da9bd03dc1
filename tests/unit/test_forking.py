"""What the hooks around a fork do to a lock: called without forking, and in real forks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import pytest

from ageassure import forking
from ageassure.forking import ForkableLock

if TYPE_CHECKING:
    from collections.abc import Callable

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(autouse=True)
def _hooks_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the test's own locks: those of other stores are left alone."""
    monkeypatch.setattr(forking, "_guards", WeakValueDictionary())
    monkeypatch.setattr(forking, "_held", forking._OfThisThread())


def test_the_numbers() -> None:
    assert forking.REST_SECONDS == 5


def test_a_fork_holds_every_lock_and_lets_go_in_the_parent() -> None:
    held: list[bool] = []
    one, other = ForkableLock(lambda: held.append(one.lock.locked())), ForkableLock()
    for times in (1, 2):
        forking._before()
        assert held == [True] * times
        assert one.lock.locked()
        assert other.lock.locked()
        forking._in_parent()
        assert not one.lock.locked()
        assert not other.lock.locked()
        forking._in_parent()  # as it is registered: nothing is left to do
        assert not one.lock.locked()


def test_a_child_has_locks_of_its_own() -> None:
    guard = ForkableLock()
    parents = guard.lock
    forking._before()
    forking._in_child()
    assert guard.lock is not parents
    assert not guard.lock.locked()
    assert forking._held.locks == []


def test_what_a_claim_has_in_hand_is_not_brought_to_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "REST_SECONDS", 0.01)
    rested: list[None] = []
    guard = ForkableLock(lambda: rested.append(None))
    with guard.lock:
        forking._before()
        forking._in_parent()
        assert guard.lock.locked()  # it is the claim's to let go
    assert rested == []


def test_all_locks_share_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "REST_SECONDS", 0.3)
    busy = [ForkableLock() for _ in range(10)]
    free = ForkableLock()
    for guard in busy:
        guard.lock.acquire()
    start = time.monotonic()
    forking._before()
    assert 0.3 <= time.monotonic() - start < 0.6
    assert free.lock.locked()
    forking._in_parent()
    assert not free.lock.locked()
    assert all(guard.lock.locked() for guard in busy)


def test_threads_that_fork_at_the_same_time() -> None:
    guards = [ForkableLock() for _ in range(5)]
    entered, leave, done = Event(), Event(), Event()

    def fork(wait: bool) -> None:
        forking._before()
        if wait:
            entered.set()
            leave.wait(10)
        forking._in_parent()

    one = Thread(target=fork, args=(True,))
    one.start()
    entered.wait(10)

    def fork_and_tell() -> None:
        fork(False)
        done.set()

    other = Thread(target=fork_and_tell)
    other.start()
    assert not done.wait(0.1)  # it waits for the first one
    leave.set()
    assert done.wait(4)
    one.join()
    other.join()
    assert not any(guard.lock.locked() for guard in guards)


def test_a_fork_in_a_signal_handler_while_a_fork_waits() -> None:
    rested: list[None] = []
    guard = ForkableLock(lambda: rested.append(None))
    forking._before()
    start = time.monotonic()
    forking._before()
    assert time.monotonic() - start < 1  # not for itself
    assert rested == [None]
    forking._in_parent()
    forking._in_parent()
    assert not guard.lock.locked()


class Raised(BaseException):
    """By a signal handler."""


def raising_at(number: int, hook: Callable[[], None]) -> bool:
    """Call a hook; what its ``number``-th step would do, raises instead. Whether there was one."""
    steps = 0

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal steps
        if frame.f_globals.get("__name__") != "ageassure.forking":
            return None
        frame.f_trace_opcodes = True
        if event in {"call", "opcode"}:
            steps += 1
            if steps == number:
                raise Raised
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        hook()
    except Raised:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("after", ["_in_parent", "_in_child"])
@pytest.mark.parametrize("raising", ["_before", "after"])
def test_an_exception_at_any_step(
    monkeypatch: pytest.MonkeyPatch, after: str, raising: str
) -> None:
    monkeypatch.setattr(forking, "REST_SECONDS", 0.001)
    # What is raised where Python itself raises nothing leaves its thread with an exception that is
    # never handled: so in a thread that ends.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(check_every_step, getattr(forking, after), raising).result()


def check_every_step(hook: Callable[[], None], raising: str) -> None:
    number = raised = 1
    while raised:
        first, busy, last = ForkableLock(lambda: None), ForkableLock(), ForkableLock(lambda: None)
        busy.lock.acquire()
        if raising == "_before":
            raised = raising_at(number, forking._before)
            hook()
        else:
            forking._before()
            raised = raising_at(number, hook)
        hook()  # as it is registered
        assert not first.lock.locked()
        assert not last.lock.locked()
        assert busy.lock.locked() is (hook is forking._in_parent)
        assert forking._held.locks == []
        del first, busy, last
        number += 1
    assert number > (20 if raising == "_before" else 10)


def test_an_exception_while_it_waits_leaves_the_others_at_rest() -> None:
    rested: list[str] = []

    class Interrupted:
        def acquire(self, *, timeout: float) -> bool:
            assert timeout > 4
            raise Raised

    first, busy = ForkableLock(lambda: rested.append("first")), ForkableLock()
    last, later = ForkableLock(lambda: rested.append("last")), ForkableLock()
    busy.lock = Interrupted()  # type: ignore[assignment]
    start = time.monotonic()
    with later.lock:
        with pytest.raises(Raised):
            forking._before()
        assert time.monotonic() - start < 1  # nobody else is waited for
        forking._in_parent()
        assert later.lock.locked()
    assert rested == ["first", "last"]
    assert not first.lock.locked()
    assert not last.lock.locked()


def test_an_exception_out_of_what_brings_to_rest() -> None:
    def fail() -> None:
        raise Raised

    first, last = ForkableLock(fail), ForkableLock()
    with pytest.raises(Raised):
        forking._before()
    assert first.lock.locked()
    assert last.lock.locked()
    forking._in_parent()
    assert not first.lock.locked()
    assert not last.lock.locked()


def test_locks_made_while_a_fork_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ForkableLock] = []

    def make() -> None:
        made.extend(ForkableLock() for _ in range(100))

    guard = ForkableLock(make)
    forking._before()
    forking._in_parent()
    assert not guard.lock.locked()
    assert not any(each.lock.locked() for each in made)


# -- in processes of their own: a child under coverage waits for a lock of coverage's --------------

_PRELUDE = """
import os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork, which is the point

class Raised(Exception):
    pass

def handler(*_):
    raise Raised

def fork(check):
    "Seconds that a fork takes, and how its child ends."
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os._exit(0 if check() else 1)
    seconds = time.monotonic() - start
    until = time.monotonic() + 10
    while not (done := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > until:
            os.kill(child, 9)
        time.sleep(0.001)
    return seconds, done[1]

def free(lock):
    return lock.acquire(timeout=1) and (lock.release() is None)
"""


def run(code: str) -> str:
    """What it prints to stderr; it ends within 20 seconds, and well."""
    done = subprocess.run(
        [sys.executable, "-c", _PRELUDE + code],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@needs_fork
def test_an_alarm_that_raises_while_a_fork_waits() -> None:
    errors = run("""
from ageassure.forking import ForkableLock
guards = [ForkableLock() for _ in range(3)]
entered = threading.Event()

def hold():
    with guards[1].lock:
        entered.set()
        time.sleep(2)

thread = threading.Thread(target=hold)
thread.start()
entered.wait()
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.2)
seconds, status = fork(lambda: all(free(guard.lock) for guard in guards))
assert 0.2 <= seconds < 1.5, seconds
assert status == 0
assert guards[1].lock.locked()  # the thread's own
assert free(guards[0].lock) and free(guards[2].lock)
thread.join()
assert free(guards[1].lock)
maker = threading.Thread(target=ForkableLock, daemon=True)
maker.start()
maker.join(2)
assert not maker.is_alive()
assert fork(lambda: all(free(guard.lock) for guard in guards))[1] == 0
""")
    assert "Raised" in errors  # Python tells that it was dropped


@needs_fork
@pytest.mark.parametrize("hook", ["after_in_parent", "after_in_child"])
def test_a_signal_handler_that_raises_before_the_first_line_of_a_hook(hook: str) -> None:
    errors = run(f"""
import _thread
from functools import partial
signal.signal(signal.SIGUSR1, handler)
# Nothing but C code between this and the hook of the library.
os.register_at_fork({hook}=partial(_thread.interrupt_main, signal.SIGUSR1))
from ageassure.forking import ForkableLock
guards = [ForkableLock() for _ in range(3)]
for _ in range(3):
    assert fork(lambda: all(free(guard.lock) for guard in guards))[1] == 0
    assert all(free(guard.lock) for guard in guards)
""")
    assert "Raised" in errors
    assert f"_in_{hook.rpartition('_')[2]}" in errors


@needs_fork
def test_an_alarm_every_millisecond() -> None:
    run("""
from ageassure.forking import ForkableLock
guards = [ForkableLock() for _ in range(10)]
stop = threading.Event()

def load():
    while not stop.is_set():
        for guard in guards:
            with guard.lock:
                pass

threads = [threading.Thread(target=load, daemon=True) for _ in range(2)]
for thread in threads:
    thread.start()
dropped = []
sys.unraisablehook = dropped.append

def raise_in_a_hook(_, frame):
    while frame is not None:
        if frame.f_globals["__name__"] == "ageassure.forking":
            raise Raised
        frame = frame.f_back

signal.signal(signal.SIGALRM, raise_in_a_hook)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for _ in range(100):
    assert fork(lambda: all(free(guard.lock) for guard in guards))[1] == 0
signal.setitimer(signal.ITIMER_REAL, 0)
stop.set()
for thread in threads:
    thread.join()
assert dropped
assert all(free(guard.lock) for guard in guards)
""")


@needs_fork
def test_a_memory_store_of_attempts_in_a_child() -> None:
    run("""
from ageassure.policy import MemoryAttemptStore
store = MemoryAttemptStore()
until = int(time.time()) + 100
assert store.take(b"a" * 32, limit=2, expires_at=until)
stop = threading.Event()

def load():
    while not stop.is_set():
        store.take(b"b" * 32, limit=10**9, expires_at=until)

threads = [threading.Thread(target=load, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()

def check():
    taken = [store.take(b"a" * 32, limit=2, expires_at=until) for _ in range(2)]
    return taken == [True, False]

statuses = [fork(check)[1] for _ in range(10)]
stop.set()
for thread in threads:
    thread.join()
assert statuses == [0] * 10, statuses
""")
