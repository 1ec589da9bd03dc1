"""The Redis replay store's one time limit, against servers that answer a byte now and then."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from threading import Barrier, BrokenBarrierError
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import ConfigurationError, ReplayStoreError

from .fake_redis import FakeServer, bulk, fit

redis = pytest.importorskip("redis", reason="the extra redis is not installed")

from ageassure.verifier import RedisReplayStore, redis_connection, redis_store  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
T0 = int(NOW.timestamp())
KEY = bytes(32)
STATED_SECONDS = redis_store.CLAIM_SECONDS
LIMIT_SECONDS = 0.6
MANY_CLAIMS = 120  # redis-py gives out 100 connections by default


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_store, "CLAIM_SECONDS", LIMIT_SECONDS)


def refused(call: Callable[[], object]) -> str:
    start = time.monotonic()
    with pytest.raises(ReplayStoreError) as caught:
        call()
    assert LIMIT_SECONDS / 2 < time.monotonic() - start < LIMIT_SECONDS + 0.4
    return str(caught.value)


def test_the_limit() -> None:
    assert STATED_SECONDS == 2.0


def test_a_server_that_is_quick(server: FakeServer) -> None:
    store = RedisReplayStore(server.url, now=lambda: NOW)
    assert store.claim(KEY, T0 + 900) is True
    server.answer = lambda _: b"$-1\r\n"
    assert store.claim(KEY, T0 + 900) is False
    assert server.commands.count(b"INFO") == 1


@pytest.mark.parametrize("command", [b"AUTH", b"SELECT", b"INFO", b"SET"])
def test_a_server_that_drips_at_the_start(server: FakeServer, command: bytes) -> None:
    server.slow = command
    server.answer = lambda sent: fit(sent) if sent != command else bulk(b"x" * 1000)
    assert "Timeout" in refused(lambda: RedisReplayStore(server.url))


@pytest.mark.parametrize(
    "answer", [bulk(b"x" * 1000), b"+" + b"x" * 1000, b"*1000\r\n" + b":1\r\n" * 1000]
)
def test_a_server_that_drips_in_a_claim(server: FakeServer, answer: bytes) -> None:
    store = RedisReplayStore(server.url, now=lambda: NOW)
    server.slow, server.answer = b"SET", lambda sent: answer if sent == b"SET" else fit(sent)
    assert "Timeout" in refused(lambda: store.claim(KEY, T0 + 900))
    assert "Timeout" in refused(lambda: store.claim(KEY, T0 + 900))  # on a new connection
    server.slow, server.answer = None, fit
    assert store.claim(KEY, T0 + 900) is True


def test_the_limit_is_the_whole_claims_and_not_each_answers(server: FakeServer) -> None:
    def slowly(command: bytes) -> bytes:
        time.sleep(LIMIT_SECONDS / 2.5)
        return fit(command)

    server.answer = slowly
    assert "Timeout" in refused(lambda: RedisReplayStore(server.url))


def test_each_claim_has_the_whole_time(server: FakeServer) -> None:
    store = RedisReplayStore(server.url, now=lambda: NOW)

    def slowly(command: bytes) -> bytes:
        time.sleep(LIMIT_SECONDS / 2)
        return fit(command)

    server.answer = slowly
    assert [store.claim(KEY, T0 + 900) for _ in range(3)] == [True] * 3


def claims_at_once(server: FakeServer, store: RedisReplayStore, number: int) -> None:
    """So many, each of which is answered when all of them were sent."""
    all_there = Barrier(number)

    def together(command: bytes) -> bytes:
        if command == b"SET":
            with suppress(BrokenBarrierError):
                all_there.wait(5)
        return fit(command)

    server.answer = together
    with ThreadPoolExecutor(number) as threads:
        assert all(threads.map(lambda _: store.claim(KEY, T0 + 900), range(number)))


def test_as_many_claims_at_once_as_there_are_threads(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "CLAIM_SECONDS", 10.0)
    claims_at_once(server, RedisReplayStore(server.url, now=lambda: NOW), MANY_CLAIMS)


def test_after_a_failure_no_connection_from_before_is_used(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "CLAIM_SECONDS", 10.0)
    store = RedisReplayStore(server.url, now=lambda: NOW)
    claims_at_once(server, store, 2)
    assert server.commands.count(b"INFO") == 2
    server.answer = lambda command: b"-READONLY\r\n" if command == b"SET" else fit(command)
    with pytest.raises(ReplayStoreError):
        store.claim(KEY, T0 + 900)
    claims_at_once(server, store, 2)
    assert server.commands.count(b"INFO") == 4  # both were asked anew whether they are fit


def test_a_name_with_many_addresses_where_nobody_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = deaf.getsockname()
        waiting = [socket.socket() for _ in range(4)]  # fill its queue: others are not taken up
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)] * 5
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: found)
        message = refused(lambda: RedisReplayStore("redis://redis.example:6379/0"))
        for each in waiting:
            each.close()
    assert "Timeout" in message


def test_tls_that_drips(server: FakeServer) -> None:
    """The head of a TLS record that is never completed."""
    record = b"\x16\x03\x03\x40\x00" + b"x" * 1000

    def drip(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            for byte in record:
                connection.sendall(bytes([byte]))
                if server.ended.wait(0.05):
                    return

    server._talk = drip  # type: ignore[method-assign]
    url = f"rediss://127.0.0.1:{server.port}/0"
    assert "Timeout" in refused(lambda: RedisReplayStore(url))


@pytest.mark.parametrize("answer", [b":1\r\n", b"*1\r\n:1\r\n", b"$-1\r\n"])
def test_what_is_no_answer_to_info(server: FakeServer, answer: bytes) -> None:
    server.answer = lambda command: answer if command == b"INFO" else fit(command)
    with pytest.raises(ConfigurationError, match="does not answer as Redis does"):
        RedisReplayStore(server.url)
    assert b"SET" not in server.commands


@pytest.mark.parametrize(
    "answer",
    [b"\xff" * 100 + b"\r\n", b"*1\r\n" * 3000 + b":1\r\n", b"HTTP/1.1 400 Bad\r\n", b"$x\r\n"],
)
def test_what_is_no_answer_at_all(server: FakeServer, answer: bytes) -> None:
    store = RedisReplayStore(server.url, now=lambda: NOW)
    server.answer = lambda _: answer
    with pytest.raises(ReplayStoreError):
        store.claim(KEY, T0 + 900)
    server.answer = fit
    assert store.claim(KEY, T0 + 900) is True


def test_a_unix_socket(tmp_path: Any) -> None:
    path = str(tmp_path / "redis.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(1)
        assert "Timeout" in refused(lambda: RedisReplayStore(f"unix://{path}?db=0"))


@pytest.mark.parametrize("call", [("recv", 10), ("recv_into", bytearray(10)), ("sendall", b"x")])
def test_every_way_of_waiting_is_limited(
    call: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of these the reader written in C, hiredis, takes another than the one in Python."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(60)
        timed = redis_connection._TimedSocket(ours)
        monkeypatch.setattr(redis_connection, "_left", lambda: 0.0)
        name, argument = call
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            getattr(timed, name)(argument)
        assert time.monotonic() - begun < 10


def test_silence_is_waited_for_as_long_as_the_claim_has_left() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(60)
        redis_connection.begin_claim(0.05)
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            redis_connection._TimedSocket(ours).recv(10)
        assert time.monotonic() - begun < 10
