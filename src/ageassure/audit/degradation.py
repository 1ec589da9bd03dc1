"""Pictures made worse in known steps, to see how far an estimate moves.

Six ways, each with one number, its level; all are deterministic. What a level means depends on the
size of the face in the picture, so sizes are given in pixels or shares of the *region*: the box of
the face where the caller knows it, else the whole picture. Simulated damage is not a bad camera:
real blur comes with noise and movement, and no turned head (yaw) can be made from a picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ageassure.errors import ConfigurationError
from ageassure.extras import require_extra

require_extra("face", "numpy", "cv2")

import cv2  # noqa: E402 - where numpy is missing it prints, so it comes after the check
import numpy as np  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

GREY: Final = 128
"""What covers a face, and what comes in at the corners when a picture is turned."""


class Degradation(StrEnum):
    """A way of making a picture worse, and what its level is."""

    BLUR = "blur"
    """Standard deviation of a Gaussian, as a share of the region's height, in (0, 0.5]."""
    JPEG = "jpeg"
    """Quality of libjpeg, 1 … 100; the picture is encoded and decoded again."""
    BRIGHTNESS = "brightness"
    """Factor of every pixel value, in (0, 8]; what exceeds 255 is burnt out."""
    RESOLUTION = "resolution"
    """Height in pixels that is left of the region, ≥ 4; scaled back to the size that it had."""
    ROTATION = "rotation"
    """Degrees anticlockwise in the plane of the picture, about the region's middle, ±180."""
    OCCLUSION = "occlusion"
    """Share of the region's height that is covered from below by a grey mask, in (0, 1]."""


LEVELS: Final[Mapping[Degradation, tuple[float, ...]]] = MappingProxyType(
    {
        Degradation.BLUR: (0.005, 0.01, 0.02, 0.04),
        Degradation.JPEG: (80, 50, 20, 10),
        Degradation.BRIGHTNESS: (0.25, 0.5, 1.5, 2.0),
        Degradation.RESOLUTION: (96, 48, 32, 24),
        Degradation.ROTATION: (-30, -15, 15, 30),
        Degradation.OCCLUSION: (0.1, 0.2, 0.3, 0.4),
    }
)
"""Levels of a robustness curve, from mild to strong (rotation and brightness: either side)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Box of the face in pixels: ``left`` ≤ x < ``right``, ``top`` ≤ y < ``bottom``.

    Raises:
        ConfigurationError: If it is empty, or a side is no int ≥ 0.
    """

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        sides = (self.left, self.top, self.right, self.bottom)
        if not all(type(side) is int and side >= 0 for side in sides):
            raise ConfigurationError("got a side of a region that is no int ≥ 0")
        if self.left >= self.right or self.top >= self.bottom:
            raise ConfigurationError("got an empty region")


def degrade(
    pixels: Pixels, degradation: Degradation, level: float, *, region: Region | None = None
) -> Pixels:
    """Make a picture worse.

    Args:
        pixels: RGB, uint8 [height, width, 3]; left as it is.
        degradation: In which way.
        level: How much; see :class:`Degradation`.
        region: Box of the face; None for the whole picture. Blur, JPEG, brightness, resolution and
            rotation change the whole picture, measured by the region; occlusion changes the region.

    Returns:
        A new array of the same shape. It is the caller's to wipe.

    Raises:
        ConfigurationError: If the picture is no such array, the level is outside its range, or the
            region leaves the picture.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ConfigurationError("got a picture that is no uint8 array [height, width, 3]")
    height, width, _ = pixels.shape
    box = region or Region(left=0, top=0, right=width, bottom=height)
    if box.right > width or box.bottom > height:
        raise ConfigurationError("got a region that leaves the picture")
    _check_level(degradation, level)
    return _WAYS[degradation](pixels, level, box)


_RANGES: Final[Mapping[Degradation, tuple[float, float]]] = MappingProxyType(
    {
        Degradation.BLUR: (0.0001, 0.5),
        Degradation.JPEG: (1, 100),
        Degradation.BRIGHTNESS: (0.01, 8),
        Degradation.RESOLUTION: (4, 10_000),
        Degradation.ROTATION: (-180, 180),
        Degradation.OCCLUSION: (0.001, 1),
    }
)


def _check_level(degradation: Degradation, level: float) -> None:
    least, most = _RANGES[degradation]
    if isinstance(level, bool) or not math.isfinite(level) or not least <= level <= most:
        raise ConfigurationError(
            f"got a level of {degradation} outside {least:g} to {most:g}, its range"
        )


def _blur(pixels: Pixels, level: float, box: Region) -> Pixels:
    sigma = level * (box.bottom - box.top)
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), dtype=np.uint8)


def _jpeg(pixels: Pixels, level: float, _box: Region) -> Pixels:
    # Red and blue stand in OpenCV's order while it encodes: chroma is subsampled as in a camera.
    options = (cv2.IMWRITE_JPEG_QUALITY, round(level))
    _, file = cv2.imencode(".jpg", pixels[..., ::-1], options)
    try:
        return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
    finally:
        file.fill(0)


def _brightness(pixels: Pixels, level: float, _box: Region) -> Pixels:
    values = np.minimum(np.rint(np.arange(256) * level), 255).astype(np.uint8)
    return np.asarray(values[pixels], dtype=np.uint8)


def _resolution(pixels: Pixels, level: float, box: Region) -> Pixels:
    scale = level / (box.bottom - box.top)
    if scale >= 1:  # nothing to lose: a picture is never enlarged
        return pixels.copy()
    height, width, _ = pixels.shape
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    try:
        large = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(large, dtype=np.uint8)
    finally:
        small.fill(0)


def _rotation(pixels: Pixels, level: float, box: Region) -> Pixels:
    height, width, _ = pixels.shape
    middle = (box.left + box.right - 1) / 2, (box.top + box.bottom - 1) / 2
    turned = cv2.warpAffine(
        pixels,
        cv2.getRotationMatrix2D(middle, level, 1.0),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(GREY, GREY, GREY),
    )
    return np.asarray(turned, dtype=np.uint8)


def _occlusion(pixels: Pixels, level: float, box: Region) -> Pixels:
    covered = pixels.copy()
    top = box.bottom - max(1, round(level * (box.bottom - box.top)))
    covered[top : box.bottom, box.left : box.right] = GREY
    return covered


_WAYS: Final[Mapping[Degradation, Callable[[Pixels, float, Region], Pixels]]] = MappingProxyType(
    {
        Degradation.BLUR: _blur,
        Degradation.JPEG: _jpeg,
        Degradation.BRIGHTNESS: _brightness,
        Degradation.RESOLUTION: _resolution,
        Degradation.ROTATION: _rotation,
        Degradation.OCCLUSION: _occlusion,
    }
)
