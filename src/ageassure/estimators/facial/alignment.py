"""The face's points, and the chip that the age network looks at.

The network was trained on dlib's face chips: a similarity takes the picture to a template of eye
corners and nose base; while the face is more than twice as large as the chip the picture is halved
with the filter [1 4 6 4 1]/16; then it is sampled bilinearly. A warp straight from the large
picture would alias, and move the age.

Face Mesh (Y. Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile
GPUs", 2019) gives the points. Its eye corners are not quite dlib's, so they are put on the mean
places that they have in dlib's chips, not on dlib's template; ``models/age-v1/alignment`` fits
them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.estimators.facial.geometry import Similarity
from ageassure.estimators.facial.resampling import halved_by_binomial, sampled, warped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ageassure.estimators.facial.detection import DetectedFace
    from ageassure.imaging import Frame
    from ageassure.inference import Model

MESH_PIXELS: Final = 192
MESH_MARGIN: Final = 1.5
"""Side of the region that the mesh looks at, in sides of the detector's box (MediaPipe)."""

MESH_POINTS: Final = (263, 362, 33, 133, 2)
"""Eye on the picture's right: outer and inner corner; on its left: outer, inner; nose base."""

DLIB_TEMPLATE: Final = (
    (0.8595674595992, 0.2134981538014),
    (0.6460604764104, 0.2289674387677),
    (0.1205750620789, 0.2137274526848),
    (0.3340850613712, 0.2290642403242),
    (0.4901123135679, 0.6277975316475),
)
"""dlib's five-point template, in the order of :data:`MESH_POINTS`."""

CHIP_PIXELS: Final = 64
CHIP_PADDING: Final = 0.2

_CENTRE_STEP: Final = 0.25
_ANGLE_STEP: Final = 2 * math.pi / 1024
"""The mesh's region is rounded to a grid, so that the detector's numerical noise ends there: within
a step, the same pixels go in."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaceMesh:
    """The mesh of one face.

    Attributes:
        points: float64 ``[468, 2]``, in the picture's pixels.
        score: Sigmoid of the network's own answer to "is there a face?".
    """

    points: NDArray[np.float64]
    score: float

    @property
    def eye_distance(self) -> float:
        """Pixels between the centres of the eyes, each the middle of its corners."""
        right_outer, right_inner, left_outer, left_inner = self.points[list(MESH_POINTS[:4])]
        return float(np.linalg.norm(right_outer + right_inner - left_outer - left_inner) / 2)


def mesh_region(face: DetectedFace) -> Similarity:
    """From the mesh's input pixels to the picture: a square, upright with respect to the eyes."""
    right_eye, left_eye = face.points[0], face.points[1]
    angle = math.atan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0])
    x, y = (round(value / _CENTRE_STEP) * _CENTRE_STEP for value in face.centre.tolist())
    return Similarity.box(
        centre=complex(x, y),
        side=max(1, round(face.side * MESH_MARGIN)),
        angle=round(angle / _ANGLE_STEP) * _ANGLE_STEP,
        pixels=MESH_PIXELS,
    )


def face_mesh(frame: Frame, face: DetectedFace, network: Model) -> FaceMesh:
    """Find the 468 points of a detected face.

    Args:
        frame: The picture; takes over what has to be wiped with it.
        face: What the detector found.
        network: Face Mesh at 192 pixels.
    """
    region = mesh_region(face)
    crop = warped(frame, region, MESH_PIXELS)
    points, logit = network.run(frame.own(network.normalised(crop)[None]))
    # The network counts from the corner of the first pixel, this library from its centre.
    inside = points[0, :, :2].astype(np.float64) - 0.5
    return FaceMesh(points=region.apply(inside), score=1 / (1 + math.exp(-float(logit[0, 0]))))


def chip_region(points: NDArray[np.float64], template: NDArray[np.float64]) -> Similarity:
    """From the chip's pixels to the picture.

    Args:
        points: ``[N, 2]``, in the picture's pixels.
        template: Their places in the template, ``[N, 2]``.
    """
    in_chip = (template + CHIP_PADDING) * (CHIP_PIXELS / (1 + 2 * CHIP_PADDING))
    return Similarity.fit(in_chip, points)


def halvings(region: Similarity) -> int:
    """How often dlib halves the picture first: while it stays larger than the chip."""
    count = 0
    while region.scale / 2 ** (count + 1) > 1:
        count += 1
    return count


def extract_chip(frame: Frame, region: Similarity) -> NDArray[np.float32]:
    """The chip, RGB float32 ``[64, 64, 3]`` of 0 … 255; black outside the picture.

    It is not rounded to bytes and the sampling is exact, so that it depends continuously on the
    region. It is wiped with the frame.
    """
    depth = halvings(region)
    level, start = _level(frame, region, depth)
    ticks = np.arange(CHIP_PIXELS, dtype=np.float64)
    grid = np.stack(np.meshgrid(ticks, ticks, indexing="xy"), axis=-1)
    places = (region.apply(grid) - start) / 2**depth
    return sampled(frame, level, places)


def _level(
    frame: Frame, region: Similarity, depth: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The part of the picture around the chip, halved ``depth`` times, and where it starts."""
    last = CHIP_PIXELS - 1.0
    corners = region.apply(np.array([[0, 0], [last, 0], [0, last], [last, last]]))
    step = 2**depth
    # The filter reaches 2 pixels of every level; starts are multiples of the step, so that the same
    # pixels are kept wherever the part begins.
    margin = 4 * step
    height, width = frame.pixels.shape[:2]
    low = np.floor(corners.min(axis=0) - margin)
    high = np.ceil(corners.max(axis=0) + margin) + 1
    left, top = (np.clip(low, 0, (width, height)) // step * step).astype(int)
    right, bottom = np.clip(high, (left, top), (width, height)).astype(int)
    level = frame.pixels[top:bottom, left:right]
    for _ in range(depth if level.size else 0):
        level = halved_by_binomial(frame, level)
    return level, np.array([left, top], dtype=np.float64)
