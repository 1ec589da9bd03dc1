"""From a face's points to the chip that the age network looks at.

The network was trained on dlib's face chips: a similarity takes the picture to a template of eye
corners and nose base; while the face is more than twice as large as the chip the picture is halved
with the filter [1 4 6 4 1]/16; then it is sampled bilinearly. A warp straight from the large
picture would alias, and move the age.

Here all 468 points of the mesh are put on the mean places that they have in dlib's chips
(``models/age-v1/alignment`` fits them). Five of them on dlib's own template come a little closer
to dlib's chips, but tell ages apart less well: the eyes' corners alone say little of the face's
size when it is turned.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ageassure.errors import ModelIntegrityError
from ageassure.estimators.facial.geometry import Similarity
from ageassure.estimators.facial.mesh import MESH_POINTS
from ageassure.estimators.facial.resampling import bordered, halved_by_binomial, sampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ageassure.imaging import Frame

CHIP_PIXELS: Final = 64
"""Side of dlib's chip, in whose pixels regions are told; a network may look at it more finely."""

CHIP_PADDING: Final = 0.2
"""Margin around dlib's template on each side, in sides of the template."""

_CORNERS: Final = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]) * CHIP_PIXELS

FORMAT: Final = "ageassure-alignment-1"
_MEMBERS: Final = frozenset({"format", "template", "fit"})


def read_template(text: bytes) -> NDArray[np.float64]:
    """Read ``alignment.json``: ``{"format": …, "template": [[x, y], … 468 times], "fit": {…}}``.

    Returns:
        Places of the mesh's points in units of dlib's template, ``[468, 2]``.

    Raises:
        ModelIntegrityError: If it is not exactly of this form.
    """
    document = _parsed(text)
    if not isinstance(document, dict) or document.keys() != _MEMBERS:
        raise ModelIntegrityError(f"got other members in an alignment, expected {sorted(_MEMBERS)}")
    if document["format"] != FORMAT:
        raise ModelIntegrityError(f"got another alignment format, expected {FORMAT!r}")
    rows = document["template"]
    if not isinstance(rows, list) or not all(_is_place(row) for row in rows):
        raise ModelIntegrityError("got an alignment whose template is no list of places")
    if len(rows) != MESH_POINTS:
        raise ModelIntegrityError(f"got {len(rows)} places, expected {MESH_POINTS}")
    return np.array(rows, dtype=np.float64)


def _parsed(text: bytes) -> Any:  # noqa: ANN401 - JSON; every member is checked by its reader
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    raise ModelIntegrityError("got an alignment that is no JSON")


def _is_place(row: object) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 2
        and all(type(value) is float and abs(value) < 2 for value in row)
    )


def to_chip(template: NDArray[np.float64]) -> NDArray[np.float64]:
    """From units of dlib's template to the chip's pixels, ``[..., 2]``."""
    return (template + CHIP_PADDING) * (CHIP_PIXELS / (1 + 2 * CHIP_PADDING))


def chip_region(points: NDArray[np.float64], template: NDArray[np.float64]) -> Similarity:
    """From the chip's pixels to the picture.

    Args:
        points: ``[N, 2]``, in the picture's pixels.
        template: Their places in units of dlib's template, ``[N, 2]``.
    """
    return Similarity.fit(to_chip(template), points)


def halvings(scale: float) -> int:
    """How often dlib halves the picture first: while it stays larger than the chip.

    Args:
        scale: Pixels of the picture for each of the chip.
    """
    count = 0
    while scale / 2 ** (count + 1) > 1:
        count += 1
    return count


def extract_chip(frame: Frame, region: Similarity, side: int = CHIP_PIXELS) -> NDArray[np.float32]:
    """The chip, RGB float32 ``[side, side, 3]`` of 0 … 255; black outside the picture.

    It is not rounded to bytes and the sampling is exact, so that it depends continuously on the
    region. It is wiped with the frame.

    Args:
        frame: The picture.
        region: From a chip of 64 pixels to the picture.
        side: How many pixels the same region gets.
    """
    return extract_chips(frame, region, {side})[side]


def extract_chips(
    frame: Frame, region: Similarity, sides: set[int]
) -> dict[int, NDArray[np.float32]]:
    """The chips of several sizes, by their sides; each as :func:`extract_chip` makes it."""
    depths = {side: halvings(region.scale * CHIP_PIXELS / side) for side in sides}
    levels, left, top = _levels(frame, region, max(depths.values()))
    planes = {depth: bordered(frame, levels[depth]) for depth in set(depths.values())}
    chips = {}
    for side, depth in depths.items():
        places, step = region.moved(_grid(side)), 2**depth
        x, y = (places.real - left) / step, (places.imag - top) / step
        chips[side] = sampled(frame, planes[depth], x, y)
    return chips


@cache
def _grid(side: int) -> NDArray[np.complex128]:
    """Where the chip's pixels lie in the region, x + iy, ``[side, side]``."""
    ticks = np.arange(side, dtype=np.float64) * (CHIP_PIXELS / side)
    grid: NDArray[np.complex128] = ticks + 1j * ticks[:, None]
    grid.flags.writeable = False
    return grid


def _levels(
    frame: Frame, region: Similarity, depth: int
) -> tuple[list[NDArray[np.uint8]], int, int]:
    """The part of the picture around the region, halved 0 … ``depth`` times; its left and top."""
    corners = region.apply(_CORNERS)
    step = 2**depth
    # The filter reaches 2 pixels of every level; starts are multiples of the step, so that the same
    # pixels are kept wherever the part begins.
    margin = 4 * step
    height, width = frame.pixels.shape[:2]
    low = np.floor(corners.min(axis=0) - margin)
    high = np.ceil(corners.max(axis=0) + margin) + 1
    left, top = (np.clip(low, 0, (width, height)) // step * step).astype(int).tolist()
    right, bottom = np.clip(high, (left, top), (width, height)).astype(int)
    levels = [frame.pixels[top:bottom, left:right]]
    for _ in range(depth):
        last = levels[-1]
        levels.append(halved_by_binomial(frame, last) if last.size else last)
    return levels, left, top
