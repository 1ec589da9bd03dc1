"""Runs of 64 bytes are found wherever they begin, and nothing shorter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.audit.retention.search import RUN_BYTES, count_runs, index_texts

if TYPE_CHECKING:
    from collections import Counter

    from numpy.typing import NDArray

RNG = np.random.default_rng(7)
TEXT = RNG.bytes(3000)
OTHER = RNG.bytes(500)
TEXTS = index_texts({"text": TEXT, "other": OTHER})
EMPTY = index_texts({})


def memory_with(*pieces: tuple[int, bytes], size: int = 1200) -> NDArray[np.uint8]:
    memory = np.random.default_rng(8).integers(0, 256, size, np.uint8)
    for place, piece in pieces:
        memory[place : place + len(piece)] = np.frombuffer(piece, np.uint8)
    return memory


def found(*pieces: tuple[int, bytes]) -> Counter[str]:
    return count_runs(TEXTS, memory_with(*pieces))


@given(place=st.integers(0, 1200 - RUN_BYTES), start=st.integers(0, 3000 - RUN_BYTES))
def test_a_run_is_found_at_every_place_in_memory_and_text(place: int, start: int) -> None:
    assert found((place, TEXT[start : start + RUN_BYTES]))["text"] >= 1


@given(place=st.integers(0, 1200 - RUN_BYTES), start=st.integers(0, 3000 - RUN_BYTES))
def test_a_shorter_run_is_not(place: int, start: int) -> None:
    memory = memory_with((place, TEXT[start : start + RUN_BYTES]))
    memory[place] ^= 1
    if place + RUN_BYTES < len(memory):
        memory[place + RUN_BYTES] = TEXT[(start + RUN_BYTES) % len(TEXT)] ^ 1
    assert not count_runs(TEXTS, memory)


@pytest.mark.parametrize("place", [0, 1200 - RUN_BYTES])
def test_the_ends_of_memory_and_texts_are_searched(place: int) -> None:
    assert found((place, TEXT[:RUN_BYTES]))["text"] >= 1
    assert found((place, OTHER[-RUN_BYTES:])) == {"other": 1}


def test_each_text_is_told_by_its_name() -> None:
    assert set(found((0, TEXT[100:200]), (300, OTHER[100:200]))) == {"text", "other"}
    assert found((0, TEXT[:1200]))["text"] == 22  # words at 0, 56, … 1176


def test_memory_without_a_run_has_none() -> None:
    assert not found()
    assert not count_runs(TEXTS, np.zeros(1200, np.uint8))
    assert not count_runs(TEXTS, np.zeros(5, np.uint8))
    assert not count_runs(EMPTY, memory_with((0, TEXT[:500])))


def test_texts_shorter_than_a_run_are_left_out() -> None:
    assert index_texts({"short": TEXT[: RUN_BYTES - 1]}).names == ()


@pytest.mark.parametrize("unit", [b"\0", b"ab", b"abcd", b"\0\0\x80\x3f", b"abcdefg"])
def test_what_is_everywhere_does_not_count(unit: bytes) -> None:
    flat = unit * 400
    assert not count_runs(index_texts({"flat": flat}), memory_with((100, flat[:500])))


def test_a_word_that_stands_more_than_once_is_compared_at_each_place() -> None:
    word = TEXT[:8]
    text = OTHER[:100] + word + OTHER[100:200] + word + TEXT[1000:1100]
    memory = memory_with()
    # The looked-up word of this run is the second one's.
    memory[56:64] = np.frombuffer(word, np.uint8)
    memory[64:120] = np.frombuffer(TEXT[1000:1056], np.uint8)
    assert count_runs(index_texts({"text": text}), memory)["text"] >= 1


def test_many_finds_are_counted_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = found((0, TEXT[:1100]))
    monkeypatch.setattr("ageassure.audit.retention.search._BATCH", 3)
    assert found((0, TEXT[:1100])) == whole
