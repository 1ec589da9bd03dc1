"""Pictures that are like no other: a portrait, or none, under noise, in every format."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from ageassure.extras import require_extra

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL_PIXELS: Final = 512
LARGE_PIXELS: Final = 1920
"""From this long side on, JPEG is decoded at a reduced scale."""

_BORDER: Final = 24
_NOISE: Final = 4


class Encoding(StrEnum):
    """File formats; the two kinds of JPEG are decoded by different code."""

    JPEG = "jpeg"
    PROGRESSIVE = "progressive jpeg"
    PNG = "png"
    WEBP = "webp"


class Scene(StrEnum):
    """What a picture shows."""

    ONE_FACE = "one face"
    TWO_FACES = "two faces"
    NO_FACE = "no face"


_OPTIONS: Final[dict[Encoding, tuple[str, tuple[int, ...]]]] = {
    Encoding.JPEG: (".jpg", (cv2.IMWRITE_JPEG_QUALITY, 90)),
    Encoding.PROGRESSIVE: (
        ".jpg",
        (cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    ),
    Encoding.PNG: (".png", (cv2.IMWRITE_PNG_COMPRESSION, 1)),
    Encoding.WEBP: (".webp", (cv2.IMWRITE_WEBP_QUALITY, 90)),
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Picture:
    """A file, and what it is."""

    scene: Scene
    encoding: Encoding
    long_side: int
    file: bytes


def make_picture(scene: Scene, encoding: Encoding, long_side: int, *, seed: int) -> Picture:
    """Make a picture with noise of its own all over, and rows and columns of noise at its border.

    The portrait is scikit-image's ``astronaut``, a photograph of Eileen Collins by NASA, public
    domain.

    Raises:
        MissingExtraError: If scikit-image is not installed.
    """
    rng = np.random.default_rng(seed)
    pixels = _scene(scene, long_side, rng)
    noise = rng.integers(-_NOISE, _NOISE + 1, pixels.shape, np.int16)
    pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    for edge in (pixels[:_BORDER], pixels[-_BORDER:], pixels[:, :_BORDER], pixels[:, -_BORDER:]):
        edge[:] = rng.integers(0, 256, edge.shape, np.uint8)
    extension, options = _OPTIONS[encoding]
    _, file = cv2.imencode(extension, pixels[..., ::-1], options)
    return Picture(scene=scene, encoding=encoding, long_side=long_side, file=file.tobytes())


def _scene(scene: Scene, long_side: int, rng: np.random.Generator) -> NDArray[Any]:
    if scene is Scene.NO_FACE:
        coarse = rng.integers(0, 256, (9, 9, 3), np.uint8)
        return cv2.resize(coarse, (long_side, long_side), interpolation=cv2.INTER_CUBIC)
    require_extra("demo", "skimage")
    from skimage import data

    portrait: NDArray[np.uint8] = data.astronaut()  # type: ignore[no-untyped-call]
    if scene is Scene.ONE_FACE:
        return cv2.resize(portrait, (long_side, long_side), interpolation=cv2.INTER_CUBIC)
    half = cv2.resize(portrait, (long_side // 2, long_side // 2), interpolation=cv2.INTER_CUBIC)
    return np.concatenate([half, half[:, ::-1]], axis=1)
