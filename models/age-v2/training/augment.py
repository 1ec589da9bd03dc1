"""From a picture to a chip that differs each time: one warp, then what cameras do to pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

UNIT_PIXELS: Final = 64
"""Regions and shifts are in pixels of a chip of this side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jitter:
    """How far a chip's place is moved, as standard deviations.

    Attributes:
        degrees: Rotation.
        log_scale: Logarithm of the scale.
        sideways: Shift in pixels of a 64-pixel chip.
        upright: The same up and down.
    """

    degrees: float
    log_scale: float
    sideways: float
    upright: float


EXACT: Final = Jitter(degrees=6.0, log_scale=0.07, sideways=2.4, upright=1.7)
"""For FairFace's own alignment: as large as our mesh's own deviations from it."""

ALIGNED: Final = Jitter(degrees=4.0, log_scale=0.05, sideways=1.3, upright=1.1)
"""For our own alignment, which brings its own deviations."""


def at_side(region: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """The region for a chip of ``side`` pixels that shows the same, ``[2, 3]``.

    Chips have whole coordinates at the centres of their pixels, and dlib's template starts at 0.
    """
    ratio = UNIT_PIXELS / side
    return region * [ratio, ratio, 1.0]


def warp(picture: NDArray[np.uint8], region: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    """The chip, ``[side, side, 3]``, bilinear, black outside the picture."""
    chip: NDArray[np.uint8] = cv2.warpAffine(
        picture,
        at_side(region, side),
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )
    return chip


def jittered(region: NDArray[np.float64], jitter: Jitter, random: Generator) -> NDArray[np.float64]:
    """The region moved at random, and mirrored half the time."""
    turn, grow, right, down = random.standard_normal(4)
    angle = math.radians(turn * jitter.degrees)
    scale = math.exp(grow * jitter.log_scale)
    a, b = scale * math.cos(angle), scale * math.sin(angle)
    middle = (UNIT_PIXELS - 1) / 2
    flip = -1.0 if random.random() < 0.5 else 1.0
    x = middle + right * jitter.sideways
    y = middle + down * jitter.upright
    inner = np.array(
        [
            [a * flip, -b, x - (a * flip - b) * middle],
            [b * flip, a, y - (b * flip + a) * middle],
            [0.0, 0.0, 1.0],
        ]
    )
    return region @ inner


def degraded(chip: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
    """What cameras and compression do: sharpness, colours, JPEG, something in front of the face."""
    side = len(chip)
    chance = random.random(6)
    if chance[0] < 0.22:
        small = int(side * random.uniform(0.35, 0.8))
        chip = cv2.resize(chip, (small, small), interpolation=cv2.INTER_AREA)
        chip = cv2.resize(chip, (side, side), interpolation=cv2.INTER_LINEAR)
    elif chance[0] < 0.34:
        chip = cv2.GaussianBlur(chip, (0, 0), random.uniform(0.4, 1.2) * side / UNIT_PIXELS)
    elif chance[0] < 0.48:
        smooth = cv2.GaussianBlur(chip, (0, 0), 1.0)
        chip = cv2.addWeighted(chip, 1 + (more := random.uniform(0.2, 1.0)), smooth, -more, 0)
    if chance[1] < 0.8:
        chip = _recoloured(chip, random)
    if chance[2] < 0.1:
        chip = cv2.cvtColor(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if chance[3] < 0.12:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 85))]
        chip = cv2.imdecode(cv2.imencode(".jpg", chip, quality)[1], cv2.IMREAD_COLOR)
    if chance[4] < 0.25:
        chip = _covered(chip, random)
    return chip


def _recoloured(chip: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
    ramp = np.arange(256, dtype=np.float32)[:, None] / 255
    gain = math.exp(0.2 * random.standard_normal()) * np.exp(0.06 * random.standard_normal(3))
    gamma = math.exp(0.2 * random.standard_normal())
    offset = 0.06 * random.standard_normal()
    table = np.clip((ramp**gamma * gain + offset) * 255, 0, 255).astype(np.uint8)
    recoloured: NDArray[np.uint8] = cv2.LUT(chip, table[:, None, :])
    return recoloured


def _covered(chip: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
    side = len(chip)
    width, height = (random.uniform(0.12, 0.42, 2) * side).astype(int)
    left, top = int(random.integers(0, side - width)), int(random.integers(0, side - height))
    chip = chip.copy()
    chip[top : top + height, left : left + width] = random.integers(0, 256, 3)
    return chip
