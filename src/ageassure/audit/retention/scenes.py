"""What the pictures show: a portrait, or none."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ageassure.extras import require_extra

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Scene(StrEnum):
    """What a picture shows."""

    ONE_FACE = "one face"
    TWO_FACES = "two faces"
    NO_FACE = "no face"


def draw(scene: Scene, long_side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a scene, RGB ``[height, width, 3]``.

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
    return _scaled(portrait, long_side, long_side)


def _scaled(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    scaled: Any = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(scaled)
