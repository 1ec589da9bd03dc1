"""Is there structure all over a face, as in a photograph, or in its strokes alone, as in a drawing?

Skin that was photographed has structure everywhere: the face's shape in its shading, pores, hair,
and what a camera and a file add. What a program drew has strokes, and between them paint that is
plain or, where light was added, changes evenly. So the quietest quarter of a face is compared with
the whole of it, by how its brightness is curved: by second derivatives, which are 0 in what is
plain and in every even change.

* They are taken of the chip averaged over 2 × 2 pixels, where noise is weaker than structure.
* A place counts as the quietest of the 3 × 3 around it, so that a stroke takes no room beside it.
* The livelier half of the face counts, left or right: where a head is turned, the other one holds
  much of what lies behind it.
* What is black or burnt out has no structure in a photograph either, and is left out with its edge.

A ratio, so that contrast and brightness, and with them the colour of the skin, cancel out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.estimators.facial.resampling import curvature, halved_by_mean, least_around

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ageassure.imaging import Frame

BLACK: Final = 3.0
WHITE: Final = 250.0
"""Places that are no brighter than the one, or no darker than the other, of 255, are left out."""

QUIET_PERCENT: Final = 25
"""Share of one half's places that lie below its quiet curvature."""

LEAST_PLACES: Final = 100
"""In one half of the face, for anything to be said of it; there are about 360, and 154 at least in
the livelier half of 14,163 photographs that every other limit let pass."""

_NO_CURVATURE: Final = 0.1
"""Added to the mean, so that a face without any structure is 0."""


def quiet_curvature(frame: Frame, luma: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Curvature of the quietest quarter of a face, in shares of the whole face's mean curvature.

    Args:
        frame: Takes over what has to be wiped.
        luma: The chip's brightness, float32 of 0 … 255, ``[64, 64]``.
        inside: Which pixels of the averaged chip are face, ``[32, 32]``.

    Returns:
        0 as well where hardly anything is left to look at.
    """
    image = halved_by_mean(frame, luma)
    curved = curvature(frame, image)
    clear = frame.own(image > BLACK)
    clear &= frame.own(image < WHITE)
    seen = least_around(frame, clear.view(np.uint8)).view(np.bool_)
    seen &= inside
    mean = float(curved.mean(where=seen)) if seen.any() else 0.0
    np.copyto(curved, np.inf, where=frame.own(~seen))
    quiet = least_around(frame, curved)
    middle = quiet.shape[1] // 2
    return max(
        _lower_quartile(frame.own(quiet[:, half][seen[:, half]])) / (mean + _NO_CURVATURE)
        for half in (slice(middle), slice(middle, None))
    )


def ranked(values: NDArray[np.float32], percent: int) -> float:
    """The value that ``percent`` of the others do not exceed; reorders them in place.

    Without interpolation; several times as fast as numpy's percentiles.
    """
    place = (len(values) - 1) * percent // 100
    values.partition(place)
    return float(values[place])


def _lower_quartile(values: NDArray[np.float32]) -> float:
    """In place; 0 of too few."""
    if len(values) < LEAST_PLACES:
        return 0.0
    return ranked(values, QUIET_PERCENT)
