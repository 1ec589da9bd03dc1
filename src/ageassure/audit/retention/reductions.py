"""A picture as somebody else's estimator may have reduced it, before a network of a usual size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from ageassure.audit.retention.layouts import pixel_samples

if TYPE_CHECKING:
    from ageassure.audit.retention.pictures import Picture

SIDES: Final = (96, 112, 128, 160, 192, 224, 256, 299, 320, 640)
"""Pixels; the picture is made a square, as networks of these sizes take it."""

_INTERPOLATIONS: Final = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
    "cubic": cv2.INTER_CUBIC,
}

_FORM_BYTES: Final = 4 * 1024
"""There are many forms, and each is small: one that is kept is kept whole."""


def reduced_forms(picture: Picture) -> dict[str, bytes]:
    """Name → parts of the whole picture at each usual size, by each of OpenCV's interpolations.

    Each in the layouts of :func:`~ageassure.audit.retention.layouts.pixel_samples`, by 32 blocks of
    128 bytes or a few less. Other sizes and interpolations, parts of the picture, and what is
    rounded otherwise are not looked for.
    """
    encoded = np.frombuffer(picture.file, np.uint8)
    pixels: Any = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
    return {
        name: sample.parts
        for side in SIDES
        for how, code in _INTERPOLATIONS.items()
        for name, sample in pixel_samples(
            f"{side} {how}",
            np.asarray(cv2.resize(pixels, (side, side), interpolation=code)),
            _FORM_BYTES,
        ).items()
    }
