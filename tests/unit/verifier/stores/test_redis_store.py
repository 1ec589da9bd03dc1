"""The Redis replay store against real servers: good days, and every kind of bad one."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import (
    ConfigurationError,
    MissingExtraError,
    ReplayedTokenError,
    ReplayStoreError,
)
from ageassure.results import AgeRequest, AssuranceLevel, MethodClass, Outcome
from ageassure.tokens import SigningKey, TokenIssuer
from ageassure.verifier import RedisReplayStore, TokenVerifier, redis_store

from ..no_claims import NO_CLAIMS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
T0 = int(START.timestamp())
BOUND_SECONDS = 2.5  # a claim's time and some air


def clock() -> datetime:
    return START


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def refused(call: Callable[[], object]) -> str:
    """The refusal's message; it came in time, and tells neither key nor address."""
    start = time.monotonic()
    with pytest.raises(ReplayStoreError) as caught:
        call()
    assert time.monotonic() - start < BOUND_SECONDS
    assert caught.value.code == "replay_store_unavailable"
    assert caught.value.__cause__ is caught.value.__context__ is None
    message = str(caught.value)
    assert "replay:" not in message
    assert "127.0.0.1" not in message
    return message


def test_once(redis_server: Any) -> None:
    store = RedisReplayStore(redis_server.url, now=clock)
    assert store.claim(key(1), T0 + 900) is True
    assert store.claim(key(1), T0 + 900) is False
    assert store.claim(key(2), T0 + 900) is True
    other = RedisReplayStore(redis_server.url, now=clock)
    assert other.claim(key(1), T0 + 900) is False
    assert other.claim(key(3), T0 + 900) is True
    other.close()
    assert other.claim(key(3), T0 + 900) is False


@pytest.mark.parametrize(
    ("expires_in", "kept"), [(-5000, 1020), (0, 1020), (960, 1020), (1021, 1021), (5000, 5000)]
)
def test_kept_until_expiry_and_for_as_long_as_any_token_lives(
    redis_server: Any, expires_in: int, kept: int
) -> None:
    store = RedisReplayStore(redis_server.url, now=lambda: START + timedelta(seconds=0.9))
    store.claim(key(1), T0 + expires_in)
    found = redis_server.client().ttl(b"ageassure:replay:" + key(1))
    assert kept - 2 <= found <= kept


def test_another_database(redis_server: Any) -> None:
    first = RedisReplayStore(redis_server.url, now=clock)
    second = RedisReplayStore(redis_server.url.replace("/0", "/1"), now=clock)
    assert first.claim(key(1), T0 + 900) is second.claim(key(1), T0 + 900) is True


@pytest.mark.parametrize(
    "policy",
    ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-ttl"],
)
def test_a_server_that_evicts_is_refused_at_the_start(redis_server: Any, policy: str) -> None:
    redis_server.client().config_set("maxmemory-policy", policy)
    with pytest.raises(ConfigurationError, match="noeviction"):
        RedisReplayStore(redis_server.url)


def test_a_server_that_begins_to_evict_is_found_out(
    redis_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RedisReplayStore(redis_server.url, now=clock)
    redis_server.client().config_set("maxmemory-policy", "allkeys-lru")
    assert store.claim(key(1), T0 + 900) is True  # on a connection that was good when made
    later = time.monotonic() + 61
    monkeypatch.setattr("ageassure.verifier.redis_store.time.monotonic", lambda: later)
    assert "noeviction" in refused(lambda: store.claim(key(2), T0 + 900))
    assert "noeviction" in refused(lambda: store.claim(key(2), T0 + 900))
    redis_server.client().config_set("maxmemory-policy", "noeviction")
    assert store.claim(key(2), T0 + 900) is True


def test_a_connection_is_used_for_a_minute_and_no_longer(
    redis_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [1000.0]
    monkeypatch.setattr("ageassure.verifier.redis_store.time.monotonic", lambda: moment[0])
    store = RedisReplayStore(redis_server.url, now=clock)
    redis_server.client().config_set("maxmemory-policy", "allkeys-lru")
    moment[0] = 1059.5
    assert store.claim(key(1), T0 + 900) is True
    moment[0] = 1060.0
    assert "noeviction" in refused(lambda: store.claim(key(2), T0 + 900))


def test_closing_leaves_no_connection(redis_server: Any) -> None:
    observer = redis_server.client()
    before = len(observer.client_list())
    store = RedisReplayStore(redis_server.url, now=clock)
    store.claim(key(1), T0 + 900)
    assert len(observer.client_list()) == before + 1
    store.close()
    until = time.monotonic() + 10
    while len(observer.client_list()) > before:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_server_that_evicts_behind_the_same_address_is_found_out_on_connecting(
    start_redis: Any,
) -> None:
    server = start_redis()
    store = RedisReplayStore(server.url, now=clock)
    server.kill()
    other = start_redis("--maxmemory-policy", "allkeys-lru", port=server.port)
    assert "noeviction" in refused(lambda: store.claim(key(1), T0 + 900))
    other.kill()


def test_a_replica_is_refused_at_the_start(start_redis: Any) -> None:
    primary = start_redis()
    replica = start_redis("--replicaof", "127.0.0.1", str(primary.port))
    with pytest.raises(ConfigurationError, match="replica"):
        RedisReplayStore(replica.url)


def test_a_cluster_is_refused_at_the_start(start_redis: Any) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        bus_port = probe.getsockname()[1]
    server = start_redis("--cluster-enabled", "yes", "--cluster-port", str(bus_port))
    with pytest.raises(ConfigurationError, match="cluster"):
        RedisReplayStore(server.url)


def test_a_primary_that_becomes_a_replica(start_redis: Any) -> None:
    server, other = start_redis(), start_redis()
    store = RedisReplayStore(server.url, now=clock)
    store.claim(key(1), T0 + 900)
    server.client().replicaof("127.0.0.1", other.port)
    assert "ReadOnly" in refused(lambda: store.claim(key(2), T0 + 900))
    # The next one asks the address again, and is told so on connecting.
    assert "replica" in refused(lambda: store.claim(key(2), T0 + 900))
    server.client().replicaof("NO", "ONE")
    assert store.claim(key(2), T0 + 900) is True


def test_failing_over_keeps_what_was_replicated(start_redis: Any, tmp_path: Path) -> None:
    """The address is a socket's name that is moved from the primary to the promoted replica."""
    primary = start_redis(
        *("--unixsocket", str(tmp_path / "a.sock"), "--repl-diskless-sync-delay", "0")
    )
    replica = start_redis(
        *("--unixsocket", str(tmp_path / "b.sock"), "--replicaof", "127.0.0.1", str(primary.port)),
    )
    address = tmp_path / "redis.sock"
    address.symlink_to("a.sock")
    store = RedisReplayStore(f"unix://{address}?db=0", now=clock)
    store.claim(key(1), T0 + 900)
    until = time.monotonic() + 10
    while replica.client().dbsize() < 1:
        assert time.monotonic() < until
        time.sleep(0.05)
    primary.kill()
    refused(lambda: store.claim(key(2), T0 + 900))
    (tmp_path / "moved").symlink_to("b.sock")
    (tmp_path / "moved").rename(address)
    assert "replica" in refused(lambda: store.claim(key(2), T0 + 900))
    replica.client().replicaof("NO", "ONE")
    assert store.claim(key(1), T0 + 900) is False
    assert store.claim(key(2), T0 + 900) is True


def test_down_at_the_start(redis_server: Any) -> None:
    redis_server.kill()
    refused(lambda: RedisReplayStore(redis_server.url))


@pytest.mark.parametrize("bad_day", ["kill", "freeze"])
def test_killed_and_frozen_in_mid_load(redis_server: Any, bad_day: str) -> None:
    store = RedisReplayStore(redis_server.url, now=clock)
    accepted: list[int] = []
    longest = [0.0] * 8
    surprises: list[object] = []
    until = time.monotonic() + 2.5

    def load(thread: int) -> None:
        number = thread
        while time.monotonic() < until:
            start = time.monotonic()
            number += 8
            try:
                if store.claim(key(number), T0 + 900):
                    accepted.append(number)
                else:
                    surprises.append(number)
            except ReplayStoreError:
                time.sleep(0.01)
            except Exception as error:  # noqa: BLE001
                surprises.append(error)
            longest[thread] = max(longest[thread], time.monotonic() - start)

    threads = [Thread(target=load, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    before = len(accepted)
    getattr(redis_server, bad_day)()
    time.sleep(0.3)  # what was answered is counted by then
    at_once = len(accepted)
    for thread in threads:
        thread.join()
    assert not surprises
    assert before > 0
    assert len(accepted) == at_once  # not one after the bad day
    assert len(set(accepted)) == len(accepted)
    assert max(longest) < BOUND_SECONDS
    if bad_day == "kill":
        redis_server.restart()
    else:
        redis_server.thaw()
    # The door opens again by itself; after freezing, nothing was forgotten.
    assert store.claim(key(2**40), T0 + 900) is True
    if bad_day == "freeze":
        assert not any(store.claim(key(number), T0 + 900) for number in accepted[:100])


def test_an_answer_that_comes_too_late_uses_the_token_up(redis_server: Any) -> None:
    store = RedisReplayStore(redis_server.url, now=clock)
    busy = Thread(target=redis_server.client().execute_command, args=("DEBUG", "SLEEP", "2.5"))
    busy.start()
    time.sleep(0.1)
    assert "Timeout" in refused(lambda: store.claim(key(1), T0 + 900))
    busy.join()
    # The late answer is nobody's: not this claim's, and not the next one's.
    assert store.claim(key(1), T0 + 900) is False
    assert store.claim(key(2), T0 + 900) is True


def test_slow_but_in_time(redis_server: Any) -> None:
    store = RedisReplayStore(redis_server.url, now=clock)
    redis_server.client().client_pause(300, all=True)
    assert store.claim(key(1), T0 + 900) is True


def test_full(redis_server: Any) -> None:
    store = RedisReplayStore(redis_server.url, now=clock)
    assert store.claim(key(1), T0 + 900) is True
    client = redis_server.client()
    client.config_set("maxmemory", "1mb")
    assert "OutOfMemory" in refused(lambda: store.claim(key(2), T0 + 900))
    refused(lambda: RedisReplayStore(redis_server.url))
    client.config_set("maxmemory", "100mb")
    assert store.claim(key(1), T0 + 900) is False
    assert store.claim(key(2), T0 + 900) is True


def test_a_single_server_that_is_told_to_wait_for_replicas(start_redis: Any) -> None:
    server = start_redis("--min-replicas-to-write", "1")
    assert "NOREPLICAS" in refused(lambda: RedisReplayStore(server.url))


def test_a_server_that_cannot_save(start_redis: Any, tmp_path: Path) -> None:
    server = start_redis("--save", "3600", "1")
    store = RedisReplayStore(server.url, now=clock)
    client = server.client()
    client.set("something", "1")
    server.folder.rmdir()  # the snapshot has nowhere to go
    until = time.monotonic() + 10
    while client.info()["rdb_last_bgsave_status"] != "err":
        assert time.monotonic() < until
        if not client.info()["rdb_bgsave_in_progress"]:
            client.bgsave()
        time.sleep(0.05)
    assert "MISCONF" in refused(lambda: store.claim(key(1), T0 + 900))


def test_password_and_rights(start_redis: Any) -> None:
    server = start_redis("--requirepass", "open sesame")
    address = f"127.0.0.1:{server.port}"
    assert "Authentication" in refused(lambda: RedisReplayStore(server.url))
    assert "Authentication" in refused(lambda: RedisReplayStore(f"redis://:wrong@{address}"))
    store = RedisReplayStore(f"redis://:open%20sesame@{address}", now=clock)
    assert store.claim(key(1), T0 + 900) is True
    assert "sesame" not in repr(store)


def test_the_least_rights_that_it_needs(redis_server: Any) -> None:
    redis_server.client().execute_command(
        *("ACL", "SETUSER", "door", "on", ">knock", "resetkeys", "~ageassure:replay:*"),
        *("-@all", "+set", "+info"),
    )
    url = f"redis://door:knock@127.0.0.1:{redis_server.port}/0"
    store = RedisReplayStore(url, now=clock)
    assert store.claim(key(1), T0 + 900) is True
    other = url.replace("/0", "/1")
    assert "NoPermission" in refused(lambda: RedisReplayStore(other))
    redis_server.client().execute_command("ACL", "SETUSER", "door", "+select")
    assert RedisReplayStore(other, now=clock).claim(key(1), T0 + 900) is True
    redis_server.client().execute_command("ACL", "SETUSER", "door", "-set")
    assert "NoPermission" in refused(lambda: store.claim(key(2), T0 + 900))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://127.0.0.1:6379",
        "redis://127.0.0.1:none",
        "redis://127.0.0.1:6379?socket_timeout=9999",
        "redis://127.0.0.1:6379?retry_on_timeout=true",
        "rediss://127.0.0.1:6379?ssl_cert_reqs=none",
        "rediss://127.0.0.1:6379?ssl_check_hostname=no",
        "redis://127.0.0.1:6379?db=first",
        b"redis://127.0.0.1:6379",
        None,
    ],
)
def test_bad_urls(url: Any) -> None:
    pytest.importorskip("redis", reason="the extra redis is not installed")
    with pytest.raises(ConfigurationError, match="URL"):
        RedisReplayStore(url)


def test_all_options_that_a_url_may_have() -> None:
    pytest.importorskip("redis", reason="the extra redis is not installed")
    options = "db=1&ssl_ca_certs=ca.pem&ssl_certfile=own.pem&ssl_keyfile=key.pem"
    url = f"rediss://redis.example:6380?{options}"
    assert redis_store._checked_url(url) == url


def test_tls_checks_certificate_and_name_and_nothing_is_sent_twice() -> None:
    pytest.importorskip("redis", reason="the extra redis is not installed")
    client = redis_store._client("rediss://redis.example:6380/0?ssl_ca_certs=ca.pem")
    connection: Any = client.connection_pool.make_connection()
    assert (connection.cert_reqs.name, connection.check_hostname) == ("CERT_REQUIRED", True)
    assert connection.ca_certs == "ca.pem"
    assert connection.retry._retries == 0
    assert not connection.retry_on_error


def test_without_the_extra() -> None:
    code = (
        "import sys; sys.modules['redis'] = None\n"
        "from ageassure.errors import MissingExtraError\n"
        "from ageassure.verifier import RedisReplayStore\n"
        "try: RedisReplayStore('redis://127.0.0.1')\n"
        "except MissingExtraError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "pip install 'ageassure[redis]'" in done.stdout
    assert issubclass(MissingExtraError, ConfigurationError)


def test_bad_clock(redis_server: Any) -> None:
    store = RedisReplayStore(
        redis_server.url,
        now=lambda: datetime(2026, 6, 1),  # noqa: DTZ001 - naive on purpose
    )
    with pytest.raises(ConfigurationError):
        store.claim(key(1), T0 + 900)


@pytest.mark.parametrize(("name", "expires_at"), NO_CLAIMS)
def test_what_is_no_claim(redis_server: Any, name: Any, expires_at: Any) -> None:
    store = RedisReplayStore(redis_server.url, now=clock)
    assert "no claim" in refused(lambda: store.claim(name, expires_at))
    assert store.claim(bytes(32), 2**31 * 60 - 1) is True


def test_a_server_that_is_still_loading() -> None:
    """A server that answers everything as one does that reads its file after a restart."""
    pytest.importorskip("redis", reason="the extra redis is not installed")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while connection.recv(4096):
                    connection.sendall(b"-LOADING Redis is loading the dataset in memory\r\n")

        thread = Thread(target=serve)
        thread.start()
        url = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        assert "BusyLoading" in refused(lambda: RedisReplayStore(url))
        thread.join(10)


def test_a_token_refused_while_redis_was_down_is_not_used_up(redis_server: Any) -> None:
    signing_key = SigningKey.generate()
    issuer = TokenIssuer(issuer="https://age.example", signing_key=signing_key)
    token = issuer.issue(
        AgeRequest(audience="https://shop.example", nonce="n" * 43, age_over=18),
        outcome=Outcome.OVER,
        method_class=MethodClass.ESTIMATION,
        level=AssuranceLevel.ASSERTED,
    )
    verifier = TokenVerifier(
        issuers={"https://age.example": signing_key.public_set()},
        audience="https://shop.example",
        replay_store=RedisReplayStore(redis_server.url),
        now=lambda: datetime.now(UTC),
    )
    redis_server.kill()
    refused(lambda: verifier.verify(token, nonce="n" * 43, age_over=18))
    redis_server.restart()
    assert verifier.verify(token, nonce="n" * 43, age_over=18).proven_limit == 18
    with pytest.raises(ReplayedTokenError):
        verifier.verify(token, nonce="n" * 43, age_over=18)
