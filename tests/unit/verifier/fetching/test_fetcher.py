"""The steps from a name to addresses, and from a connection to TLS."""

from __future__ import annotations

import ssl
import time
from threading import Thread
from typing import Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.verifier.fetching import BoundedFetcher, FetchFailedError, Question, take_apart

TARGET = take_apart("https://keys.example/jwks", name="uri")


def fetcher(context: Any) -> BoundedFetcher:
    return BoundedFetcher(allowed_networks=(), ssl_context=context, resolve=lambda *_: [])


def test_no_thread_to_be_had_for_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", start)
    question = Question(media_types=("application/json",), called="JSON", max_bytes=10)
    with pytest.raises(FetchFailedError, match="has a name that was not resolved") as caught:
        fetcher(None).fetch(TARGET, question, timeout_seconds=1)
    assert caught.value.__context__ is None


def test_checking_must_be_required_and_not_optional() -> None:
    context = ssl.create_default_context()
    fetcher(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    with pytest.raises(ConfigurationError, match="does not check"):
        fetcher(context)


def test_a_handshake_has_no_more_time_than_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    done: list[object] = []

    class Connection:
        def settimeout(self, seconds: float) -> None:
            done.append(seconds)

        def close(self) -> None:
            done.append("closed")

    class Context:
        verify_mode, check_hostname = ssl.CERT_REQUIRED, True

        def wrap_socket(self, _connection: object, **arguments: object) -> None:
            done.append(arguments["server_hostname"])
            raise ssl.SSLError

    connection: Any = Connection()
    with pytest.raises(ssl.SSLError):
        fetcher(Context())._secured(connection, TARGET, 100.5)
    assert done == [0.5, "keys.example", "closed"]
