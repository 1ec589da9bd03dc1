"""What may be put into a request's head, and for how long it may take."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.verifier.fetching import Question, take_apart
from ageassure.verifier.fetching.exchange import exchange, remaining


def asked(name: str, value: str) -> Question:
    headers = (("Accept-Language", "en"), (name, value))
    return Question(media_types=("a/b",), called="a text", max_bytes=1, headers=headers)


@pytest.mark.parametrize("value", ["x", "Bearer abc", "a b c", "!~"])
def test_printable_headers_are_taken_and_not_shown(value: str) -> None:
    question = asked("Authorization", value)
    assert question.headers[1] == ("Authorization", value)
    assert "Authorization" not in repr(question)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "x\r\nHost: other"),
        ("Authorization", "x\n"),
        ("Authorization", "x\x00"),
        ("Authorization", "x\x7f"),
        ("Authorization", "\u00e9"),
        ("Authorization", ""),
        ("Authorization", " x"),
        ("Authorization", "x "),
        ("Authorization", "a  b"),
        ("A\r\nB", "x"),
        ("A\n", "x"),
        ("", "x"),
    ],
)
def test_other_headers_are_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match="not printable ASCII") as caught:
        asked(name, value)
    assert "Authorization" not in str(caught.value)


def test_no_time_is_left_at_the_deadline_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    assert remaining(100.5) == 0.5
    for deadline in (100.0, 99.0):
        with pytest.raises(TimeoutError):
            remaining(deadline)


def test_sending_has_no_more_time_than_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    done: list[tuple[str, object]] = []

    class Connection:
        def settimeout(self, seconds: float) -> None:
            done.append(("settimeout", seconds))

        def sendall(self, _data: bytes) -> None:
            done.append(("sendall", None))
            raise BrokenPipeError

    connection: Any = Connection()
    target = take_apart("https://keys.example/jwks", name="uri")
    with pytest.raises(BrokenPipeError):
        exchange(connection, target, asked("A", "b"), 100.5)
    assert done == [("settimeout", 0.5), ("sendall", None)]
