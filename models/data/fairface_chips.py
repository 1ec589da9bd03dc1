"""FairFace's pictures as the pipeline takes them, and where dlib's template lies in them.

FairFace's pictures are dlib face chips of padding 0.25, here 128 pixels wide. The face fills them,
which no camera's picture does; so they get a black border, and the detector sees them as it sees a
face in a room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.estimators.facial.alignment import CHIP_PADDING, CHIP_PIXELS
from ageassure.estimators.facial.geometry import Similarity
from ageassure.imaging import Frame, decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

PICTURE_PIXELS: Final = 128
BORDER_PIXELS: Final = 64

FAIRFACE_PADDING: Final = 0.25
FAIRFACE_PIXELS: Final = 224
"""Side of FairFace's own files, before they were made smaller."""


def bordered(jpeg: bytes) -> Frame:
    """Decode one of FairFace's pictures and put a black border around it.

    Returns:
        256 × 256 pixels; wipe it after use.
    """
    with decode(jpeg) as picture:
        return Frame(np.pad(picture.pixels, ((BORDER_PIXELS,) * 2, (BORDER_PIXELS,) * 2, (0, 0))))


def to_template(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """From pixels of the bordered picture to units of dlib's template.

    dlib's chips have whole coordinates at the centres of their pixels; the pictures were made
    smaller with their corners kept.
    """
    ratio = FAIRFACE_PIXELS / PICTURE_PIXELS
    original = (places - BORDER_PIXELS + 0.5) * ratio - 0.5
    return original / FAIRFACE_PIXELS * (1 + 2 * FAIRFACE_PADDING) - FAIRFACE_PADDING


def exact_region() -> Similarity:
    """From the age network's chip to the bordered picture, by FairFace's own alignment."""
    corners = np.array([[0.0, 0.0], [CHIP_PIXELS, 0.0], [0.0, CHIP_PIXELS]])
    template = corners * (1 + 2 * CHIP_PADDING) / CHIP_PIXELS - CHIP_PADDING
    ratio = PICTURE_PIXELS / FAIRFACE_PIXELS
    original = (template + FAIRFACE_PADDING) / (1 + 2 * FAIRFACE_PADDING) * FAIRFACE_PIXELS
    return Similarity.fit(corners, (original + 0.5) * ratio - 0.5 + BORDER_PIXELS)
