"""Pictures that are like no other: a scene under noise, in every format."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from ageassure.audit.retention.scenes import Scene, draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL_PIXELS: Final = 512
LARGE_PIXELS: Final = 1920
"""JPEG of this long side is decoded at a reduced scale."""

_BORDER: Final = 24
_NOISE: Final = 4


class Encoding(StrEnum):
    """File formats, and kinds of them that are decoded by different code."""

    JPEG = "jpeg"
    PROGRESSIVE = "progressive jpeg"
    PNG = "png"
    WEBP = "webp"
    TURNED = "turned jpeg"
    ALPHA = "png with alpha"
    DEEP = "16-bit png"


VARIANTS: Final = frozenset({Encoding.TURNED, Encoding.ALPHA, Encoding.DEEP})
"""Given once, in the smallest size: what differs from the others is done right after decoding."""


_OPTIONS: Final[dict[Encoding, tuple[str, tuple[int, ...]]]] = {
    Encoding.JPEG: (".jpg", (cv2.IMWRITE_JPEG_QUALITY, 90)),
    Encoding.PROGRESSIVE: (
        ".jpg",
        (cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    ),
    Encoding.PNG: (".png", (cv2.IMWRITE_PNG_COMPRESSION, 1)),
    Encoding.WEBP: (".webp", (cv2.IMWRITE_WEBP_QUALITY, 90)),
    Encoding.TURNED: (".jpg", (cv2.IMWRITE_JPEG_QUALITY, 90)),
    Encoding.ALPHA: (".png", (cv2.IMWRITE_PNG_COMPRESSION, 1)),
    Encoding.DEEP: (".png", (cv2.IMWRITE_PNG_COMPRESSION, 1)),
}

_LEAST_ALPHA: Final = 250

_EXIF_TURN_RIGHT: Final = (
    b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
)
"""EXIF 2.32, 4.5 and 4.6.4 A: an orientation of 6 and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Picture:
    """A file, and what it is."""

    scene: Scene
    encoding: Encoding
    long_side: int
    file: bytes


def make_picture(scene: Scene, encoding: Encoding, long_side: int, *, seed: int) -> Picture:
    """Make a picture with noise of its own all over, and rows and columns of noise at its border.

    Raises:
        MissingExtraError: If scikit-image is not installed.
    """
    rng = np.random.default_rng(seed)
    pixels = draw(scene, long_side, rng)
    noise = rng.integers(-_NOISE, _NOISE + 1, pixels.shape, np.int16)
    pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    for edge in (pixels[:_BORDER], pixels[-_BORDER:], pixels[:, :_BORDER], pixels[:, -_BORDER:]):
        edge[:] = rng.integers(0, 256, edge.shape, np.uint8)
    extension, options = _OPTIONS[encoding]
    _, encoded = cv2.imencode(extension, _stored(pixels, encoding, rng), options)
    file = encoded.tobytes()
    if encoding is Encoding.TURNED:
        file = file[:2] + _EXIF_TURN_RIGHT + file[2:]
    return Picture(scene=scene, encoding=encoding, long_side=max(pixels.shape), file=file)


def _stored(pixels: NDArray[np.uint8], encoding: Encoding, rng: np.random.Generator) -> Any:  # noqa: ANN401 - OpenCV's
    """What is laid into the file, BGR."""
    bgr = pixels[..., ::-1]
    if encoding is Encoding.TURNED:
        return np.rot90(bgr).copy()
    if encoding is Encoding.ALPHA:
        alpha = rng.integers(_LEAST_ALPHA, 256, (*bgr.shape[:2], 1), np.uint8)
        return np.concatenate([bgr, alpha], axis=2)
    if encoding is Encoding.DEEP:
        return bgr.astype(np.uint16) * 256 + rng.integers(0, 256, bgr.shape, np.uint16)
    return bgr
