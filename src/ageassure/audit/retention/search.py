"""Find runs of 64 bytes of known texts in memory, at every offset of both.

A run of 64 bytes holds a whole 8-byte word at a multiple of 56 bytes, wherever it begins. So one
word out of seven is looked up among all words of the texts, at every offset, and what is found is
compared byte by byte to both sides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

RUN_BYTES: Final = 64
_WORD: Final = 8
_STRIDE_WORDS: Final = (RUN_BYTES - _WORD) // _WORD
_SIDE: Final = RUN_BYTES - _WORD
_FEWEST_VALUES: Final = 8
"""A run of fewer different bytes (zeros, a fill pattern, 1.0 again and again) tells nothing."""

_SAME_WORDS: Final = 4
"""Places of one word in the texts that are compared."""

_BATCH: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Texts:
    """What is searched for; made by :func:`index_texts`.

    Attributes:
        names: Of the texts.
        ends: Where each of them ends in ``joined``.
        joined: All of them, with something else before, between and after.
        words: Every 8-byte word in them that is not periodic, ascending.
        places: Where each of the words begins in ``joined``.
    """

    names: tuple[str, ...]
    ends: NDArray[np.int64]
    joined: NDArray[np.uint8]
    words: NDArray[np.uint64]
    places: NDArray[np.int64]


def index_texts(texts: Mapping[str, bytes]) -> Texts:
    """Make texts ready to be searched for; those shorter than a run are left out."""
    kept = {name: text for name, text in texts.items() if len(text) >= RUN_BYTES}
    rng = np.random.default_rng(0)  # a separator has to be unlike anything, not secret
    parts = [rng.bytes(RUN_BYTES)]
    ends = []
    for text in kept.values():
        parts += [text, rng.bytes(RUN_BYTES)]
        ends.append(sum(map(len, parts)) - RUN_BYTES)
    joined = np.frombuffer(b"".join(parts), np.uint8)
    pairs = [_words_from(joined, shift) for shift in range(_WORD)]
    words = np.concatenate([words for words, _ in pairs])
    places = np.concatenate([places for _, places in pairs])
    inside = (places >= RUN_BYTES) & (places < len(joined) - RUN_BYTES - _WORD) & _telling(words)
    words, places = words[inside], places[inside]
    order = np.argsort(words)
    return Texts(
        names=tuple(kept),
        ends=np.array(ends, np.int64),
        joined=joined,
        words=words[order],
        places=places[order],
    )


def _words_from(joined: NDArray[np.uint8], shift: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    count = (len(joined) - shift) // _WORD
    words = joined[shift : shift + count * _WORD].view(np.uint64)
    return words, np.arange(count, dtype=np.int64) * _WORD + shift


def _telling(words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether a word is not made of one, two or four bytes repeated."""
    halves = words.view(np.uint32).reshape(-1, 2)
    telling: NDArray[np.bool_] = halves[:, 0] != halves[:, 1]
    return telling


def count_runs(texts: Texts, memory: NDArray[np.uint8]) -> Counter[str]:
    """Count the runs of each text in a piece of memory.

    Long runs count once for about every 56 bytes. Runs that cross the piece's ends count only if
    64 bytes of them lie inside.
    """
    found: Counter[str] = Counter()
    words = memory[: len(memory) // _WORD * _WORD].view(np.uint64)[::_STRIDE_WORDS].copy()
    places = np.flatnonzero(_telling(words))
    order = np.argsort(words[places])
    places = places[order]
    words = words[places]
    if not (len(words) and len(texts.words)):
        return found
    first = np.searchsorted(texts.words, words)
    last = len(texts.words) - 1
    for nth in range(_SAME_WORDS):
        at = np.minimum(first + nth, last)
        same = np.flatnonzero((texts.words[at] == words) & (first + nth <= last))
        for start in range(0, len(same), _BATCH):
            some = same[start : start + _BATCH]
            in_memory = places[some] * _WORD * _STRIDE_WORDS
            _compare(texts, texts.places[at[some]], memory, in_memory, found)
    return found


def _compare(
    texts: Texts,
    in_texts: NDArray[np.int64],
    memory: NDArray[np.uint8],
    in_memory: NDArray[np.int64],
    found: Counter[str],
) -> None:
    """Count those of the places at which the bytes around the word are alike far enough."""
    reach = np.arange(-_SIDE, _WORD + _SIDE)
    around = texts.joined[in_texts[:, None] + reach]
    wanted = in_memory[:, None] + reach
    inside_memory = (wanted >= 0) & (wanted < len(memory))
    alike = (around == memory[np.clip(wanted, 0, len(memory) - 1)]) & inside_memory
    before = np.logical_and.accumulate(alike[:, _SIDE - 1 :: -1], axis=1)
    after = np.logical_and.accumulate(alike[:, _SIDE:], axis=1)
    run = before.sum(axis=1) + after.sum(axis=1) >= RUN_BYTES
    inside = np.concatenate([before[:, ::-1], after], axis=1)[run]
    for bytes_of_run, in_run, place in zip(around[run], inside, in_texts[run], strict=True):
        if len(set(bytes_of_run[in_run].tolist())) >= _FEWEST_VALUES:
            found[texts.names[int(np.searchsorted(texts.ends, place, side="right"))]] += 1
