"""Pictures made smaller, turned and sampled; the one user of OpenCV in this room.

Every result is handed to the frame, so that it is wiped with the picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import cv2
import numpy as np

from ageassure.errors import PictureError
from ageassure.imaging.decoding import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ageassure.estimators.facial.geometry import Similarity
    from ageassure.imaging import Frame

PixelT = TypeVar("PixelT", np.uint8, np.float32)

_EDGE: Final = 1e-6
"""Keeps the four neighbours of every place inside the planes."""


def halved_by_mean(frame: Frame, image: NDArray[PixelT]) -> NDArray[PixelT]:
    """Means of 2 × 2 pixels; a last odd row or column is left out. Fast.

    A place p, counted from the picture's corner, goes to p / 2.
    """
    height, width = image.shape[0] // 2, image.shape[1] // 2
    even = image[: 2 * height, : 2 * width]
    return _owned(frame, cv2.resize, even, (width, height), interpolation=cv2.INTER_AREA)


def halved_by_binomial(frame: Frame, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every second pixel after the filter [1 4 6 4 1]/16 in both directions.

    A place p, counted from the centre of the first pixel, goes to p / 2.
    """
    return _owned(frame, cv2.pyrDown, image)


def resized(frame: Frame, image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The image at another size, width first: means where it shrinks, else bilinear."""
    shrinks = size[0] < image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return _owned(frame, cv2.resize, image, size, interpolation=method)


def blurred(frame: Frame, image: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Means over ``size`` pixels, width first; the image is mirrored at its edges."""
    return _owned(frame, cv2.blur, image, size, borderType=cv2.BORDER_REFLECT)


def curvature(frame: Frame, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The norm of the second derivatives, by Sobel's filters of 3 × 3; four times too large.

    It is 0 where the image is plain or changes evenly. The image is mirrored at its edges.
    """
    across, down, both = (
        _owned(frame, cv2.Sobel, image, -1, *order, ksize=3, borderType=cv2.BORDER_REFLECT)
        for order in ((2, 0), (0, 2), (1, 1))
    )
    for part in (across, down, both):  # in place, so that no copy is left
        part *= part
    both *= 2
    across += down
    across += both
    np.sqrt(across, out=across)
    return across


def least_around(frame: Frame, image: NDArray[PixelT]) -> NDArray[PixelT]:
    """The least of the 3 × 3 pixels around each; outside lies nothing."""
    return _owned(frame, cv2.erode, image, np.ones((3, 3), dtype=np.uint8))


def median_around(frame: Frame, image: NDArray[PixelT]) -> NDArray[PixelT]:
    """The median of the 5 × 5 pixels around each; outside, the edge goes on.

    It takes away noise and lines of up to two pixels, and spreads no edge.
    """
    return _owned(frame, cv2.medianBlur, image, 5)


def warped(frame: Frame, region: Similarity, side: int) -> NDArray[np.uint8]:
    """A square of the picture, ``[side, side, 3]``, bilinear; black outside the picture.

    Args:
        frame: The picture.
        region: From the square's pixels to the picture's.
        side: Pixels of the square's side.
    """
    return _owned(
        frame,
        cv2.warpAffine,
        frame.pixels,
        region.matrix(),
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )


def square_around(
    frame: Frame, *, centre: NDArray[np.float64], side: float, pixels: int, border: int
) -> NDArray[np.uint8]:
    """An upright square of the picture, ``[pixels, pixels, 3]``: means where it shrinks.

    Args:
        frame: The picture.
        centre: Its x and y.
        side: Its side, rounded to whole pixels.
        pixels: Side of the result.
        border: Value of all three channels outside the picture.
    """
    square = frame.own(np.full((pixels, pixels, 3), border, dtype=np.uint8))
    low = np.round(centre - side / 2)
    length = max(1.0, float(np.round(side)))
    # Only what lies in the picture is resized: a square far larger than it costs no memory.
    start = np.clip(low, 0, frame.pixels.shape[1::-1]).astype(int)
    stop = np.clip(low + length, start, frame.pixels.shape[1::-1]).astype(int)
    first, last = (np.round((edge - low) / length * pixels).astype(int) for edge in (start, stop))
    if (stop > start).all() and (last > first).all():
        part = frame.pixels[start[1] : stop[1], start[0] : stop[0]]
        size = (int(last[0] - first[0]), int(last[1] - first[1]))
        square[first[1] : last[1], first[0] : last[0]] = resized(frame, part, size)
    return square


def filled_hull(points: NDArray[np.float64], side: int) -> NDArray[np.bool_]:
    """Pixels inside the convex hull of points, bool ``[side, side]``."""
    mask = np.zeros((side, side), dtype=np.uint8)
    corners = cv2.convexHull(np.round(points).astype(np.int32))
    return cv2.fillConvexPoly(mask, corners, 1).astype(bool)


def bordered(frame: Frame, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image with a border of one black pixel, its colours apart, ``[3, H + 2, W + 2]``."""
    height, width = image.shape[:2]
    planes = frame.own(np.zeros((3, height + 2, width + 2), dtype=np.uint8))
    planes[:, 1:-1, 1:-1] = image.transpose(2, 0, 1)
    return planes


def sampled(
    frame: Frame, planes: NDArray[np.uint8], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Bilinear samples, float32 ``[..., 3]``; outside, the image fades to black within one pixel.

    Unlike those of OpenCV 4, whose weights have five bits, they depend continuously on the places.
    The colours lie apart in memory, as networks take them.

    Args:
        frame: The picture.
        planes: Of the image, as :func:`bordered` makes them.
        x: Places, counted from the centre of the image's first pixel, ``[...]``.
        y: Likewise.
    """
    height, width = planes.shape[1:]
    pixels = planes.reshape(3, -1)
    column, dx = _split(x, width)
    row, dy = _split(y, height)
    first = row * width + column
    rows = []
    for corner in (first, first + width):
        pair = [frame.own(pixels.take(index, axis=1)) for index in (corner, corner + 1)]
        left, right = (frame.own(side.astype(np.float32)) for side in pair)
        rows.append(_mixed(left, right, dx))
    upper, lower = rows
    return np.moveaxis(_mixed(upper, lower, dy), 0, -1)


def _split(
    places: NDArray[np.float64], length: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Where in the planes the pixel before each place lies, and how far behind it the place is."""
    inside = np.clip(places + 1, 0, length - 1 - _EDGE)
    before = inside.astype(np.intp)
    return before, (inside - before).astype(np.float32)


def _mixed(
    one: NDArray[np.float32], other: NDArray[np.float32], part: NDArray[np.float32]
) -> NDArray[np.float32]:
    """``part`` of the other with the rest of the one; in place of both, so that no copy is left."""
    one *= 1 - part
    other *= part
    one += other
    return one


def _owned(
    frame: Frame, function: Callable[..., Any], *args: object, **options: object
) -> NDArray[Any]:
    try:
        image: NDArray[Any] = function(*args, **options)
        return frame.own(image)
    except cv2.error as error:
        code = "picture_too_large" if is_out_of_memory(error) else "picture_malformed"
    # Raised outside the except block: a chained error would keep the picture alive.
    raise PictureError("opencv cannot resample the picture", code=code)
