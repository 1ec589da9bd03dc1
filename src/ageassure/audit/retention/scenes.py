"""What the pictures show: a portrait, spoilt in every way that is refused, or none."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from ageassure.extras import require_extra

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALL_PIXELS: Final = 120
_SIGMA_SHARE: Final = 3.5 / 512
_TURN_DEGREES: Final = 110
_LIGHT_SHARE: Final = 0.1
_BLACK: Final = 4
_GLARE: Final = 110

_FACE_CENTRE: Final = (226 / 512, 125 / 512)
"""Where the face is in the portrait, in shares of its side."""


class Scene(StrEnum):
    """What a picture shows."""

    ONE_FACE = "one face"
    TWO_FACES = "two faces"
    NO_FACE = "no face"
    SMALL_FACE = "a small face"
    TURNED_FACE = "a face turned on its side"
    DARK = "a face in the dark"
    BURNT_OUT = "a face in glaring light"
    BLURRED = "a face out of focus"


def draw(scene: Scene, long_side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a scene, RGB ``[height, width, 3]``; a small face is small whatever the side.

    The portrait is scikit-image's ``astronaut``, a photograph of Eileen Collins by NASA, public
    domain.

    Raises:
        MissingExtraError: If scikit-image is not installed.
    """
    if scene is Scene.NO_FACE:
        coarse = rng.integers(0, 256, (9, 9, 3), np.uint8)
        return _scaled(coarse, long_side, long_side)
    require_extra("demo", "skimage")
    from skimage import data

    portrait: NDArray[np.uint8] = data.astronaut()  # type: ignore[no-untyped-call]
    if scene is Scene.TWO_FACES:
        half = _scaled(portrait, long_side // 2, long_side // 2)
        return np.concatenate([half, half[:, ::-1]], axis=1)
    if scene is Scene.SMALL_FACE:
        return np.asarray(
            cv2.resize(portrait, (_SMALL_PIXELS, _SMALL_PIXELS), interpolation=cv2.INTER_AREA)
        )
    return _spoilt(scene, _scaled(portrait, long_side, long_side))


def _spoilt(scene: Scene, portrait: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = len(portrait)
    spoilt: Any = portrait
    if scene is Scene.TURNED_FACE:
        centre = _FACE_CENTRE[0] * side, _FACE_CENTRE[1] * side
        matrix = cv2.getRotationMatrix2D(centre, _TURN_DEGREES, 1)
        spoilt = cv2.warpAffine(portrait, matrix, (side, side), borderMode=cv2.BORDER_REFLECT)
    elif scene is Scene.DARK:
        spoilt = (portrait * _LIGHT_SHARE).astype(np.uint8) + np.uint8(_BLACK)
    elif scene is Scene.BURNT_OUT:
        spoilt = np.minimum(portrait.astype(np.int16) + _GLARE, 255).astype(np.uint8)
    elif scene is Scene.BLURRED:
        spoilt = cv2.GaussianBlur(portrait, (0, 0), _SIGMA_SHARE * side)
    return np.asarray(spoilt)


def _scaled(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    scaled: Any = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(scaled)
