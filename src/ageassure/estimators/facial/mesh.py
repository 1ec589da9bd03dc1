"""468 points on a detected face: Face Mesh, and its word on whether there is a face at all.

Y. Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", 2019.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.estimators.facial.geometry import Similarity
from ageassure.estimators.facial.resampling import warped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ageassure.estimators.facial.detection import DetectedFace
    from ageassure.imaging import Frame
    from ageassure.inference import Model

MESH_PIXELS: Final = 192
MESH_POINTS: Final = 468

REGION_SIDES: Final = 1.5
"""Side of the region that the mesh looks at, in sides of the detector's box (MediaPipe)."""

FACE_BAR: Final = 0.5
"""The mesh confirms a face from this score on (MediaPipe). It turns down what the detector takes
for a face by mistake, and profiles, in which no second eye is seen."""

EYE_CORNERS: Final = (33, 133, 362, 263)
"""Right eye (the person's): outer, inner; left eye: inner, outer."""

NOSE_TIP: Final = 1
LIPS: Final = (13, 14)
"""Inner edges of the upper and the lower lip."""

_WEIGHTED: Final = np.array([*EYE_CORNERS, NOSE_TIP, *LIPS])
_WEIGHTS: Final = np.array(
    [
        [0.5, 0.5, 0, 0, 0, 0, 0],
        [0, 0, 0.5, 0.5, 0, 0, 0],
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0.5, 0.5],
    ]
)
"""Which points, with which weights, make the right eye, the left eye, the nose tip and the mouth:
in the detector's order."""

_CENTRE_STEP: Final = 0.25
_ANGLE_STEP: Final = 2 * math.pi / 1024
"""The region is rounded to a grid, so that the detector's numerical noise ends there: as long as it
does not reach the next step, exactly the same pixels go in."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Face:
    """One face with its points.

    Attributes:
        points: float64 ``[468, 2]``, in the picture's pixels.
        depths: float64 ``[468]``, in the same unit, smaller towards the camera; as the network
            guesses them, not measured.
        score: Sigmoid of the mesh's own answer to "is there a face?"; no probability.
        side: Longer side of the detector's box, pixels.
        gap: How far the detector's eyes, nose tip and mouth lie from the mesh's, on average, in
            distances between the eyes. The two disagree where one of them is wrong, as both are
            about faces that are upside down.
    """

    points: NDArray[np.float64]
    depths: NDArray[np.float64]
    score: float
    side: float
    gap: float

    @property
    def eye_distance(self) -> float:
        """Pixels between the centres of the eyes, each the middle of its corners."""
        return math.dist(*_middles(self.points)[:2])


def mesh_region(found: DetectedFace) -> Similarity:
    """From the mesh's input pixels to the picture: a square, upright with respect to the eyes."""
    right_eye, left_eye = found.points[0], found.points[1]
    angle = math.atan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0])
    x, y = (round(value / _CENTRE_STEP) * _CENTRE_STEP for value in found.centre.tolist())
    return Similarity.box(
        centre=complex(x, y),
        side=max(1, round(found.side * REGION_SIDES)),
        angle=round(angle / _ANGLE_STEP) * _ANGLE_STEP,
        pixels=MESH_PIXELS,
    )


def face_mesh(frame: Frame, found: DetectedFace, network: Model) -> Face:
    """Find the 468 points of a detected face.

    Args:
        frame: The picture; takes over what has to be wiped with it.
        found: What the detector found.
        network: Face Mesh.
    """
    region = mesh_region(found)
    crop = warped(frame, region, MESH_PIXELS)
    points, logit = network.run(frame.own(network.normalised(crop)[None]))
    # The network counts from the corner of the first pixel, this library from its centre.
    places = region.apply(points[0, :, :2].astype(np.float64) - 0.5)
    return Face(
        points=places,
        depths=points[0, :, 2].astype(np.float64) * region.scale,
        score=1 / (1 + math.exp(-float(logit[0, 0]))),
        side=found.side,
        gap=_gap(places, found.points[:4]),
    )


def _middles(points: NDArray[np.float64]) -> list[list[float]]:
    """Places of the right eye, the left eye, the nose tip and the mouth."""
    middles: list[list[float]] = (_WEIGHTS @ points[_WEIGHTED]).tolist()
    return middles


def _gap(points: NDArray[np.float64], detected: NDArray[np.float64]) -> float:
    seen = _middles(points)
    away = sum(map(math.dist, seen, detected.tolist())) / len(seen)
    return away / max(math.dist(*seen[:2]), sys.float_info.min)
