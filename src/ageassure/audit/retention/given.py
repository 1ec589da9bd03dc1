"""How a picture is handed to the estimator."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Given(StrEnum):
    """Forms of evidence.

    Members:
        FILE: A file, in one buffer.
        PAIR: A list of two such files.
        PIXELS: An array, which stays the caller's: the caller wipes it after the answer.
    """

    FILE = "a file"
    PAIR = "a list of two files"
    PIXELS = "an array"


GIVEN: Final = tuple(Given)


def evidence_of(content: bytearray, given: Given) -> object:
    """The evidence for an estimator, over this very buffer.

    Args:
        content: The file, or the pixels of a square picture, RGB.
        given: What it is to be.
    """
    if given is Given.PAIR:
        return [content, content + b"\0"]  # behind its end: two equal files are refused
    return _square(content) if given is Given.PIXELS else content


def _square(content: bytearray) -> NDArray[np.uint8]:
    import numpy as np  # not needed by every estimator, so not there for every one

    side = math.isqrt(len(content) // 3)
    return np.frombuffer(content, np.uint8).reshape(side, side, 3)


def buffers_of(evidence: object) -> list[bytearray]:
    """The buffers that have to be zeros after the answer."""
    parts = evidence if isinstance(evidence, list) else [evidence]
    return [part for part in parts if isinstance(part, bytearray)]
