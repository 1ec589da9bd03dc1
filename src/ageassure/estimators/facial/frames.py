"""Several pictures of one person, taken one after another, as one piece of evidence.

Every picture is assessed by itself. The distributions are then averaged, each weighing the same:
the mean is the mean of the single means, and the spread grows by how far those lie apart, so that
pictures that disagree say so. Where they lie further apart than pictures of one person do, no
distribution is given at all.

A copy of a picture is no further evidence: the average of copies is what one of them says, and
eight that agree because they are one prove nothing. So an object that is given twice is refused,
and so are two files of the same bytes. That is no defence: one byte of difference passes, and
whether pictures were really taken one after another is not known here.

If one picture is refused, all of it is, with that picture's code: an age from those of several
pictures that happened to please would be an age by selection. Take fewer, or other ones.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.errors import FaceError, PictureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_FRAMES: Final = 8
"""Bounds the work: eight pictures take eight times as long as one."""


def frames_of(evidence: object) -> Sequence[object]:
    """The pictures in a piece of evidence: those of a list or tuple, else the one that it is.

    Raises:
        PictureError: ``picture_malformed`` for an empty sequence, ``picture_too_large`` for more
            than :data:`MAX_FRAMES`, ``picture_unsupported`` where one is given twice.
    """
    if not isinstance(evidence, list | tuple):
        return (evidence,)
    if not evidence:
        raise PictureError("got no picture, expected at least one", code="picture_malformed")
    if len(evidence) > MAX_FRAMES:
        raise PictureError(
            f"got {len(evidence)} pictures, expected at most {MAX_FRAMES}",
            code="picture_too_large",
        )
    if any(_same(one, other) for one, other in combinations(evidence, 2)):
        raise PictureError(
            "got one picture twice, expected pictures taken one after another",
            code="picture_unsupported",
        )
    return evidence


def _same(one: object, other: object) -> bool:
    if one is other:
        return True
    files = bytes | bytearray | memoryview
    return isinstance(one, files) and isinstance(other, files) and one == other


def combined(frames: Sequence[NDArray[np.float64]], *, greatest_gap_years: float) -> list[float]:
    """One distribution out of those of all frames; of a single frame it is its own.

    Args:
        frames: Probabilities of the completed years, each ``[121]``.
        greatest_gap_years: How far the means of two frames may lie apart.

    Raises:
        FaceError: ``frames_disagree``.
    """
    means = [float(np.arange(len(frame)) @ frame) for frame in frames]
    if max(means) - min(means) > greatest_gap_years:
        raise FaceError(
            "got pictures that look like people of different ages, expected one person",
            code="frames_disagree",
        )
    together: list[float] = np.mean(np.stack(frames), axis=0).tolist()
    return together
