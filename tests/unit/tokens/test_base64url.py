"""One spelling for each byte string."""

from __future__ import annotations

import base64
import itertools
import string

import pytest

from ageassure.tokens import base64url

ALPHABET = string.ascii_letters + string.digits + "-_"


@pytest.mark.parametrize("length", range(70))
def test_round_trip(length: int) -> None:
    data = bytes((7 * i + 251) % 256 for i in range(length))
    text = base64url.encode(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert base64url.decode(text.encode()) == data
    assert base64url.decode_text(text) == data


def test_each_byte_string_has_one_spelling() -> None:
    for length, size in ((2, 1), (3, 2)):
        texts = ("".join(letters) for letters in itertools.product(ALPHABET, repeat=length))
        decoded = [data for text in texts if (data := base64url.decode(text.encode())) is not None]
        assert len(decoded) == len(set(decoded)) == 256**size


@pytest.mark.parametrize(
    "text",
    ["A", "AAAAA", "AA==", "AB", "AAB", "A+", "A/", "AA\n", " AA", "A.A", "A\x00", "\u00e9A"],
)
def test_other_spellings_are_refused(text: str) -> None:
    assert base64url.decode(text.encode()) is None
    assert base64url.decode_text(text) is None


@pytest.mark.parametrize("value", [None, 1, b"AA", ["AA"], "\ud800A"])
def test_what_is_no_text(value: object) -> None:
    assert base64url.decode_text(value) is None
