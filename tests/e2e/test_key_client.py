"""Bad days of a key host, end to end: an issuer's files, a server, a client, a verifier."""

from __future__ import annotations

import base64
import gc
import json
import os
import random
import socket
import subprocess
import sys
import textwrap
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import (
    KeySetUnavailableError,
    TokenExpiredError,
    TokenNotYetValidError,
    UntrustedKeyError,
    VerificationError,
)
from ageassure.results import AgeRequest, AssuranceLevel, MethodClass, Outcome
from ageassure.tokens import JWKSet, SigningKey, TokenIssuer
from ageassure.tokens.publication import KEY_SET_PATH, publication_files, write_publication
from ageassure.verifier import JWKSetClient, MemoryReplayStore, TokenVerifier
from ageassure.verifier.jwks import KeySetState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = datetime(2026, 6, 1, 12, 3, tzinfo=UTC)
ISSUER = "https://age.example"
AUDIENCE = "https://platform.example"
NONCE = "n" * 43
OLD, NEW = SigningKey.generate(), SigningKey.generate()
METADATA = "http://169.254.169.254/latest/meta-data/"


class KeyHost:
    """A plain web server over the issuer's folder, until a bad day begins."""

    def __init__(self, folder: Path) -> None:
        host = self
        self.folder = folder
        self.requests = 0
        self.bad_day: Callable[[Any], None] | None = None
        self.ended = Event()

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                host.requests += 1
                with suppress(OSError):
                    (host.bad_day or host.serve)(self)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        self.uri = f"http://127.0.0.1:{self.server.server_port}/{KEY_SET_PATH}"

    def publish(self, *keys: SigningKey) -> None:
        key_set = JWKSet(keys=tuple(key.public for key in keys))
        write_publication(self.folder, publication_files(issuer=ISSUER, key_set=key_set))

    def serve(self, handler: Any) -> None:
        body = (self.folder / handler.path.lstrip("/")).read_bytes()
        etag = f'"{hash(body) & 0xFFFFFFFF:x}"'
        unchanged = handler.headers["If-None-Match"] == etag
        handler.send_response(304 if unchanged else 200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("ETag", etag)
        handler.send_header("Cache-Control", "max-age=100")
        if not unchanged:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if not unchanged:
            handler.wfile.write(body)

    def close(self) -> None:
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[KeyHost]:
    host = KeyHost(tmp_path / "served")
    host.publish(OLD)
    yield host
    host.close()


class Elapsed:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def client_of(host: KeyHost, elapsed: Elapsed | None = None, **changes: Any) -> JWKSetClient:
    arguments: dict[str, Any] = {
        "timeout_seconds": 0.5,
        "min_fresh_seconds": 60,
        "stale_seconds": 3600,
    }
    return JWKSetClient(host.uri, elapsed=elapsed, **(arguments | changes))


def verifier_of(client: JWKSetClient, now: Callable[[], datetime] = lambda: NOW) -> TokenVerifier:
    return TokenVerifier(
        issuers={ISSUER: client},
        audience=AUDIENCE,
        replay_store=MemoryReplayStore(now=now),
        now=now,
    )


def landed(client: JWKSetClient) -> None:
    """The fetch that is under way has ended; its fetcher has had all its time."""
    for _ in range(1000):
        if client._keeper.flight is None:
            return
        time.sleep(0.005)
    raise AssertionError


def tokens(key: SigningKey, count: int) -> list[str]:
    issuer = TokenIssuer(issuer=ISSUER, signing_key=key, now=lambda: NOW)
    request = AgeRequest(audience=AUDIENCE, nonce=NONCE, age_over=18)
    return [
        issuer.issue(
            request,
            outcome=Outcome.OVER,
            method_class=MethodClass.ESTIMATION,
            level=AssuranceLevel.ASSERTED,
        )
        for _ in range(count)
    ]


def accepts(verifier: TokenVerifier, key: SigningKey) -> bool:
    return verifier.verify(tokens(key, 1)[0], nonce=NONCE, age_over=18).age_over == 18


def reply(handler: Any, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def huge(handler: Any) -> None:
    reply(handler, 200, Content_Type="application/json", Content_Length="400000000")
    for _ in range(400):
        handler.wfile.write(b" " * 1_000_000)


def drip(handler: Any) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" * 100:
        if handler.server.is_over.wait(0.02):
            return
        handler.wfile.write(bytes([byte]))


def silent(handler: Any) -> None:
    handler.server.is_over.wait(10)


JSON = {"Content_Type": "application/json"}
REASONS = {
    "hangs up": "broke the connection",
    "error": "status",
    "slow": "did not answer in time",
    "a drip": "did not answer in time",
    "HTML": "something else than JSON",
    "HTML said to be JSON": "a key set that must not be used",
    "400 MB": "sent too much",
    "a redirect to the metadata address": "a redirect",
    "an empty set": "a key set that must not be used",
}
BAD_DAYS: dict[str, Callable[[Any], None]] = {
    "hangs up": lambda handler: handler.connection.shutdown(socket.SHUT_RDWR),
    "error": lambda handler: reply(handler, 503),
    "slow": silent,
    "a drip": drip,
    "HTML": lambda handler: reply(handler, 200, b"<html>Sorry</html>", Content_Type="text/html"),
    "HTML said to be JSON": lambda handler: reply(
        handler, 200, b"<html>Sorry</html>", Content_Length="18", **JSON
    ),
    "400 MB": huge,
    "a redirect to the metadata address": lambda handler: reply(handler, 302, Location=METADATA),
    "an empty set": lambda handler: reply(
        handler, 200, b'{"keys":[]}', Content_Length="11", **JSON
    ),
}


@pytest.mark.parametrize("name", BAD_DAYS)
def test_a_bad_day_from_the_start_closes_the_door_until_it_is_over(
    host: KeyHost, name: str
) -> None:
    elapsed = Elapsed()
    host.bad_day, host.server.is_over = BAD_DAYS[name], host.ended  # type: ignore[attr-defined]
    client = client_of(host, elapsed)
    verifier = verifier_of(client)
    start = time.monotonic()
    for _ in range(50):  # within the first second one fetch, and only it is waited for
        with pytest.raises(KeySetUnavailableError):
            accepts(verifier, OLD)
    assert time.monotonic() - start < 5
    assert host.requests == 1
    assert client.status().state is KeySetState.UNAVAILABLE
    landed(client)
    assert REASONS[name] in str(client.status().last_failure)
    host.bad_day = None
    elapsed.now += 2
    assert accepts(verifier, OLD)


@pytest.mark.parametrize("name", BAD_DAYS)
def test_a_bad_day_later_goes_unnoticed_for_the_stated_time(host: KeyHost, name: str) -> None:
    elapsed = Elapsed()
    client = client_of(host, elapsed)
    verifier = verifier_of(client)
    assert accepts(verifier, OLD)
    host.bad_day, host.server.is_over = BAD_DAYS[name], host.ended  # type: ignore[attr-defined]
    elapsed.now += 101
    assert accepts(verifier, OLD)
    landed(client)
    assert client.status().state is KeySetState.STALE
    with pytest.raises(VerificationError):
        accepts(verifier, NEW)
    landed(client)
    elapsed.now = 100 + 3600
    with pytest.raises(KeySetUnavailableError):
        accepts(verifier, OLD)
    landed(client)
    assert host.requests <= 4
    host.bad_day = None
    elapsed.now += 60
    assert accepts(verifier, OLD)


def test_a_key_host_that_is_down_closes_the_door_at_once(host: KeyHost) -> None:
    host.close()
    client = client_of(host)
    start = time.monotonic()
    for _ in range(100):
        with pytest.raises(KeySetUnavailableError):
            accepts(verifier_of(client), OLD)
    assert time.monotonic() - start < 5
    assert "broke the connection" in (client.status().last_failure or "")


def test_a_key_rotated_while_a_thousand_tokens_are_in_flight(host: KeyHost) -> None:
    client = client_of(host, timeout_seconds=5)
    verifier = verifier_of(client)
    client.refresh()
    before, after = tokens(OLD, 500), tokens(NEW, 500)
    host.publish(OLD, NEW)  # and used at once, which is the hardest case
    mixed = before[250:] + after
    random.Random(1).shuffle(mixed)
    with ThreadPoolExecutor(16) as pool:
        results = pool.map(
            lambda token: verifier.verify(token, nonce=NONCE, age_over=18),
            before[:250] + mixed,
        )
        assert all(result.age_over == 18 for result in results)  # no refusal at all
    assert host.requests == 2
    host.publish(NEW)  # the last token of the old key has expired
    client.refresh()
    assert accepts(verifier, NEW)
    with pytest.raises(UntrustedKeyError):
        accepts(verifier, OLD)


def bogus(number: int) -> str:
    """A well-formed token of a key that nobody knows."""
    header = f'{{"typ":"age-result+jwt","alg":"ES256","kid":"{number:043d}"}}'
    first = base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()
    return f"{first}.e30.{'A' * 86}"


def test_a_hundred_thousand_bad_tokens_cost_one_fetch_and_no_memory(host: KeyHost) -> None:
    elapsed = Elapsed()
    client = client_of(host, elapsed, timeout_seconds=5)
    verifier = verifier_of(client)
    assert accepts(verifier, OLD)
    assert host.requests == 1

    def refuse(first: int, last: int) -> None:
        for number in range(first, last):
            with suppress(VerificationError):
                verifier.verify(bogus(number), nonce=NONCE, age_over=18)
                raise AssertionError(number)

    refuse(0, 1000)
    gc.collect()
    tracemalloc.start()
    base, _ = tracemalloc.get_traced_memory()
    refuse(1000, 6000)  # traced: slower, the same code
    gc.collect()
    traced, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    refuse(6000, 100_000)
    assert traced - base < 20_000
    assert host.requests == 2
    assert client.status().unknown_kids == 100_000
    assert accepts(verifier, OLD)


@pytest.mark.parametrize(("minutes", "error"), [(10, None), (16, TokenExpiredError)])
def test_a_clock_that_is_fast(host: KeyHost, minutes: int, error: type[Exception] | None) -> None:
    check_clock(host, timedelta(minutes=minutes), error)


def test_a_clock_that_is_ten_minutes_slow(host: KeyHost) -> None:
    check_clock(host, -timedelta(minutes=10), TokenNotYetValidError)


def check_clock(host: KeyHost, off: timedelta, error: type[Exception] | None) -> None:
    client = client_of(host)
    verifier = verifier_of(client, lambda: NOW + off)
    for _ in range(3):
        if error is None:  # iat was rounded down to 12:00, and 12:13 is before 12:15
            assert accepts(verifier, OLD)
        else:
            with pytest.raises(error):
                accepts(verifier, OLD)
    assert client.status().state is KeySetState.FRESH  # keys do not hang on the time of day
    assert host.requests == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_process_is_forked_after_the_verifier_was_made(host: KeyHost, tmp_path: Path) -> None:
    """Children begin with a fetch under way and the lock held by a thread they do not have."""
    key_file = tmp_path / "key.pem"
    OLD.save(key_file)
    script = textwrap.dedent(
        f"""
        import os, signal, sys, threading, time
        sys.path.insert(0, {str(tmp_path)!r})
        from ageassure.tokens import SigningKey
        from ageassure.verifier import JWKSetClient
        signal.alarm(20)
        client = JWKSetClient({host.uri!r}, timeout_seconds=5)
        client._keeper.lock.acquire()
        waiting = threading.Thread(target=client.key_set, daemon=True)
        waiting.start()
        time.sleep(0.05)
        children = []
        for number in range(4):
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                kid = SigningKey.load({str(key_file)!r}).kid
                assert client.key_set(kid).get(kid) is not None
                assert client.status().fetches == 1
                client.refresh()
                os._exit(0)
            children.append(child)
        client._keeper.lock.release()
        waiting.join()
        assert client.status().fetches == 1
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        """
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    assert host.requests == 1 + 4 * 2


def test_a_file_in_place_of_a_host(tmp_path: Path) -> None:
    path = tmp_path / KEY_SET_PATH

    def publish(*keys: SigningKey) -> None:
        key_set = JWKSet(keys=tuple(key.public for key in keys))
        write_publication(tmp_path, publication_files(issuer=ISSUER, key_set=key_set))

    elapsed = Elapsed()
    client = JWKSetClient(path.as_uri(), min_fresh_seconds=1, elapsed=elapsed)
    verifier = verifier_of(client)
    with pytest.raises(KeySetUnavailableError):
        accepts(verifier, OLD)
    publish(OLD)
    elapsed.now += 1
    assert accepts(verifier, OLD)
    publish(OLD, NEW)
    assert accepts(verifier, NEW)  # looked for because its name is unknown
    publish(NEW)
    elapsed.now += 10
    assert accepts(verifier, NEW)
    with pytest.raises(UntrustedKeyError):
        accepts(verifier, OLD)
    path.write_text(json.dumps({"keys": []}))
    elapsed.now += 10
    assert accepts(verifier, NEW)
    assert "must not be used" in (client.status().last_failure or "")
