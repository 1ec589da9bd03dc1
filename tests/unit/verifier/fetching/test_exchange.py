"""What may be put into a request's head."""

from __future__ import annotations

import pytest

from ageassure.errors import ConfigurationError
from ageassure.verifier.fetching import Question


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
