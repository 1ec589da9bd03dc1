"""Is there shape all over a face, as in a photograph, or in its strokes alone, as in a drawing?

Skin that was photographed is curved everywhere, as the face is, and so its shading is. What a
program drew has strokes, and between them paint that is plain or, where light was added, changes
evenly. Noise, and what a file makes of it, lies over both and says nothing. So the shape in the
quietest quarter of a face is compared with the whole face's structure and with its noise, all three
by how the brightness is curved: by second derivatives, which are 0 in what is plain and in every
even change.

* Shape is what a median leaves, which takes away thin strokes and most of the noise, spreads
  neither, and keeps every even change.
* Noise is what the quietest quarter has at the chip's finest scale. White noise leaves 0.08 of that
  to the shape. Shading is as strong at a coarse scale as at a fine one: 95 of 100 photographs
  of FairFace's calibration part have 0.6 and more there.
* Shape and structure are taken of the chip averaged over 2 × 2 pixels.
* A place counts as the quietest of the 3 × 3 around it, so that a stroke takes no room beside it.
* The livelier half of the face counts, left or right: where a head is turned, the other one holds
  much of what lies behind it.
* What is black or burnt out has no structure in a photograph either, and is left out with its edge.

A ratio, so that contrast and brightness, and with them the colour of the skin, cancel out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.estimators.facial.resampling import (
    curvature,
    halved_by_mean,
    least_around,
    median_around,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ageassure.imaging import Frame

BLACK: Final = 3.0
WHITE: Final = 250.0
"""Places that are no brighter than the one, or no darker than the other, of 255, are left out."""

QUIET_PERCENT: Final = 25
"""Share of one half's places that lie below its quiet curvature."""

LEAST_PLACES: Final = 100
"""In one half of the face, for anything to be said of it; there are about 360."""

NOISE_WEIGHT: Final = 4.0
"""How much a face's noise counts beside its structure, which alone would let noise pass as skin."""

_NO_CURVATURE: Final = 0.1
"""Added to structure and noise, so that a face without either is 0."""


def quiet_curvature(frame: Frame, luma: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Shape of the quietest quarter of a face, in shares of the face's structure and noise.

    Args:
        frame: Takes over what has to be wiped.
        luma: The chip's brightness, float32 of 0 … 255, ``[64, 64]``.
        inside: Which pixels of the averaged chip are face, ``[32, 32]``.

    Returns:
        0 as well where hardly anything is left to look at.
    """
    image = halved_by_mean(frame, luma)
    clear = frame.own(image > BLACK)
    clear &= frame.own(image < WHITE)
    seen = least_around(frame, clear.view(np.uint8)).view(np.bool_)
    seen &= inside
    curved = curvature(frame, image)
    structure = float(curved.mean(where=seen)) if seen.any() else 0.0
    noise = _of_the_quietest(frame, halved_by_mean(frame, curvature(frame, luma)), seen)
    smooth = halved_by_mean(frame, median_around(frame, luma))
    shape = _of_the_quietest(frame, curvature(frame, smooth), seen)
    return shape / (structure + NOISE_WEIGHT * noise + _NO_CURVATURE)


def _of_the_quietest(frame: Frame, curved: NDArray[np.float32], seen: NDArray[np.bool_]) -> float:
    """Of the livelier half; overwrites ``curved`` where nothing is seen."""
    np.copyto(curved, np.inf, where=frame.own(~seen))
    quiet = least_around(frame, curved)
    middle = quiet.shape[1] // 2
    return max(
        _lower_quartile(frame.own(quiet[:, half][seen[:, half]]))
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
