"""A signal handler raises in a claim, as Ctrl-C does: no lock is left behind, and no answer."""

from __future__ import annotations

import _thread
import signal
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.verifier import MemoryReplayStore, RedisReplayStore, SQLiteReplayStore

from .fake_redis import FakeServer, fit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
T0 = int(NOW.timestamp())
USED, FRESH = bytes(32), b"f" * 32
WITHOUT_SWITCHING_SECONDS = 10.0


class Raised(BaseException):
    """By a signal handler."""


@pytest.fixture
def hears_interrupts() -> Iterator[None]:
    """Also where the tests were started in the background of a script, which ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_interrupted_as_it_gets_the_lock(kind: str, tmp_path: Path, hears_interrupts: None) -> None:
    """The signal is there when the lock is got, and is heard right after."""
    store = (
        MemoryReplayStore(now=lambda: NOW)
        if kind == "memory"
        else SQLiteReplayStore(tmp_path / "replay.db", now=lambda: NOW)
    )
    lock = store._guard.lock
    lock.acquire()

    def let_go() -> None:
        time.sleep(0.1)  # by then the claim waits for the lock
        lock.release()
        _thread.interrupt_main()

    thread = Thread(target=let_go)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(WITHOUT_SWITCHING_SECONDS)  # the claim goes on when both was done
    try:
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - wherever it is heard
            thread.start()
            store.claim(FRESH, T0 + 900)
    finally:
        sys.setswitchinterval(interval)
    thread.join()
    assert not lock.locked()
    assert store.claim(USED, T0 + 900) is True


@pytest.fixture
def redis_store(server: FakeServer) -> RedisReplayStore:
    pytest.importorskip("redis", reason="the extra redis is not installed")
    return RedisReplayStore(server.url, now=lambda: NOW)


def test_an_answer_to_an_interrupted_claim_is_not_the_next_ones(
    server: FakeServer, redis_store: RedisReplayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [b"+OK\r\n", b"$-1\r\n"]  # to the claim that is interrupted, and to the next

    def slowly(command: bytes) -> bytes:
        if command != b"SET":
            return fit(command)
        answer = answers.pop(0)
        time.sleep(0.2 if answers else 0)
        return answer

    server.answer = slowly
    with monkeypatch.context() as patch:
        patch.setattr("redis.Redis.parse_response", raising)
        with pytest.raises(Raised):
            redis_store.claim(FRESH, T0 + 900)
    assert redis_store.claim(USED, T0 + 900) is False


@pytest.mark.parametrize("step", ["on_connect", "read_response", "send_command"])
def test_a_connection_whose_greeting_was_interrupted_is_not_used(
    server: FakeServer,
    redis_store: RedisReplayStore,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    kind: Any = import_module("redis.connection").Connection
    send = kind.send_command

    def sending(connection: Any, *arguments: Any, **options: Any) -> None:
        if arguments == ("INFO",):  # everything before was answered
            raise Raised
        send(connection, *arguments, **options)

    redis_store.close()
    with monkeypatch.context() as patch:
        patch.setattr(kind, step, sending if step == "send_command" else raising)
        with pytest.raises(Raised):
            redis_store.claim(FRESH, T0 + 900)
    sent = len(server.commands)
    assert redis_store.claim(FRESH, T0 + 900) is True
    assert server.commands[sent:].count(b"INFO") == 1  # asked anew whether it is fit
    assert server.commands[-1] == b"SET"


def test_a_connection_whose_answer_was_read_is_used_again(
    server: FakeServer, redis_store: RedisReplayStore
) -> None:
    for _ in range(3):
        assert redis_store.claim(FRESH, T0 + 900) is True
    assert server.commands.count(b"INFO") == 1


def raising(*_arguments: Any, **_options: Any) -> None:
    raise Raised
