"""Ways to spoil a picture, each by degrees, for ``benchmarks/quality.py``.

Every function takes RGB uint8 ``[height, width, 3]`` and the face's points in it, and returns a new
picture. Lengths are in distances between the eyes, so that a degree means the same in every
picture; light is changed in linear light and rounded to bytes again, as a camera does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ageassure.estimators.facial.mesh import EYE_CORNERS

if TYPE_CHECKING:
    from collections.abc import Callable

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

GREY: Final = (96, 96, 96)


def eye_distance(points: Points) -> float:
    outer, inner, other_inner, other_outer = points[list(EYE_CORNERS)]
    return float(np.linalg.norm(outer + inner - other_inner - other_outer) / 2)


def blurred(pixels: Pixels, points: Points, sigma: float) -> Pixels:
    """Out of focus: a Gaussian whose σ is a share of the distance between the eyes."""
    return _pixels(cv2.GaussianBlur(pixels, (0, 0), sigma * eye_distance(points)))


def shaken(pixels: Pixels, points: Points, length: float) -> Pixels:
    """Moved while the shutter was open: a level line, its length a share of the eyes' distance."""
    size = max(3, round(length * eye_distance(points)) | 1)
    kernel = np.zeros((size, size), np.float32)
    kernel[size // 2] = 1 / size
    return _pixels(cv2.filter2D(pixels, -1, kernel))


def smaller(pixels: Pixels, points: Points, between_eyes: float) -> Pixels:
    """The whole picture made smaller, until so many pixels lie between the eyes."""
    factor = min(1.0, between_eyes / eye_distance(points))
    return _pixels(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))


def compressed(pixels: Pixels, _points: Points, quality: float) -> Pixels:
    """Written as JPEG of so much quality and read again."""
    return as_jpeg(pixels, round(quality))


def as_jpeg(pixels: Pixels, quality: int) -> Pixels:
    """What comes out of a JPEG file of that quality; the colours are halved (4:2:0)."""
    _, file = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return _pixels(cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1])


def noisy(pixels: Pixels, _points: Points, sigma: float) -> Pixels:
    """With noise that is the same for every picture of one size."""
    return with_noise(pixels, sigma, np.random.default_rng(1))


def with_noise(pixels: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """With normal noise of its own on every channel of every pixel."""
    noise = rng.normal(0, sigma, pixels.shape)
    return _pixels(np.rint(np.clip(pixels + noise, 0, 255)).astype(np.uint8))


def exposed(pixels: Pixels, _points: Points, gain: float) -> Pixels:
    """So many times the light (IEC 61966-2-1), cut off at white and rounded to bytes."""
    coded = np.arange(256) / 255
    light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    light = np.minimum(light * gain, 1)
    again = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return _pixels(np.round(again * 255).astype(np.uint8)[pixels])


def rolled(pixels: Pixels, points: Points, degrees: float) -> Pixels:
    """Turned in its plane about the middle of the face; the edge's pixels fill what is empty."""
    x, y = points.mean(axis=0).tolist()
    matrix = cv2.getRotationMatrix2D((x, y), degrees, 1)
    size = (pixels.shape[1], pixels.shape[0])
    return _pixels(cv2.warpAffine(pixels, matrix, size, borderMode=cv2.BORDER_REPLICATE))


def cut(pixels: Pixels, points: Points, share: float) -> Pixels:
    """The left of the picture cut off, with that share of the face's width."""
    low, high = points[:, 0].min(), points[:, 0].max()
    return _pixels(pixels[:, max(0, round(low + share * (high - low))) :])


def covered_below(pixels: Pixels, points: Points, share: float) -> Pixels:
    """A grey bar from the chin up over that share of the face's height: a mask."""
    return _bar(pixels, points, 1 - share, 1.0)


def covered_eyes(pixels: Pixels, points: Points, share: float) -> Pixels:
    """A grey bar over the eyes, that share of the face's height: dark glasses."""
    low, high = points[:, 1].min(), points[:, 1].max()
    middle = (points[list(EYE_CORNERS), 1].mean() - low) / (high - low)
    return _bar(pixels, points, middle - share / 2, middle + share / 2)


def _bar(pixels: Pixels, points: Points, start: float, stop: float) -> Pixels:
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    height = bottom - top
    spoilt = pixels.copy()
    rows = slice(max(0, round(top + start * height)), max(0, round(top + stop * height)))
    spoilt[rows, max(0, round(left)) : max(0, round(right))] = GREY
    return spoilt


def _pixels(image: object) -> Pixels:
    return np.ascontiguousarray(image, dtype=np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """One way to spoil a picture.

    Attributes:
        name: For tables.
        unit: What a degree counts.
        spoil: Does it.
        degrees: From mild to severe.
    """

    name: str
    unit: str
    spoil: Callable[[Pixels, Points, float], Pixels]
    degrees: tuple[float, ...]


DEGRADATIONS: Final = (
    Degradation(
        name="out of focus",
        unit="σ in eye distances",
        spoil=blurred,
        degrees=(0.02, 0.03, 0.04, 0.05, 0.07, 0.1),
    ),
    Degradation(
        name="camera shake",
        unit="eye distances",
        spoil=shaken,
        degrees=(0.1, 0.15, 0.2, 0.3, 0.4, 0.6),
    ),
    Degradation(
        name="fewer pixels",
        unit="pixels between the eyes",
        spoil=smaller,
        degrees=(32.0, 24.0, 20.0, 16.0, 14.0, 12.0, 10.0, 8.0),
    ),
    Degradation(
        name="JPEG compression",
        unit="quality",
        spoil=compressed,
        degrees=(50.0, 25.0, 12.0, 6.0),
    ),
    Degradation(
        name="noise",
        unit="grey levels (σ)",
        spoil=noisy,
        degrees=(4.0, 8.0, 16.0, 24.0, 32.0, 48.0),
    ),
    Degradation(
        name="less light",
        unit="times the light",
        spoil=exposed,
        degrees=(0.5, 0.25, 0.12, 0.06, 0.03, 0.015),
    ),
    Degradation(
        name="more light",
        unit="times the light",
        spoil=exposed,
        degrees=(1.5, 2.0, 3.0, 4.0, 6.0, 9.0),
    ),
    Degradation(
        name="turned in the plane",
        unit="degrees",
        spoil=rolled,
        degrees=(15.0, 30.0, 60.0, 90.0, 120.0, 150.0, 180.0),
    ),
    Degradation(
        name="cut at the side",
        unit="of the face's width",
        spoil=cut,
        degrees=(0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4),
    ),
    Degradation(
        name="lower face covered",
        unit="of the face's height",
        spoil=covered_below,
        degrees=(0.2, 0.3, 0.4, 0.5),
    ),
    Degradation(
        name="eyes covered",
        unit="of the face's height",
        spoil=covered_eyes,
        degrees=(0.1, 0.2, 0.3),
    ),
)
