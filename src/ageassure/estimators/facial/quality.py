"""What is measured of one face in one picture; :mod:`.quality_limits` says what each figure is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.estimators.facial.alignment import CHIP_PIXELS, to_chip
from ageassure.estimators.facial.resampling import blurred, filled_hull
from ageassure.estimators.facial.structure import quiet_curvature, ranked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ageassure.estimators.facial.mesh import Face
    from ageassure.imaging import Frame

PAIRS: Final = ((33, 263), (133, 362), (61, 291), (234, 454), (127, 356), (58, 288))
"""Points of the right and of the left half of the face: eye corners, mouth corners, and three on
the outline. In a face from the front each pair is level and equally deep."""

_SIDES: Final = np.array(PAIRS).T

FOREHEAD: Final = 10
CHIN: Final = 152

LUMA: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""

HIGHLIGHT_PERCENT: Final = 95
BURNT: Final = 250.0
"""A pixel of the chip counts as burnt out from this brightness on."""

BLUR_PIXELS: Final = 5
"""Side of the mean filter of the blur's measure, in pixels of the chip."""

_NO_CHANGE: Final = 1e-3
"""Added to the sum of all changes, so that a face without any is 1, blurred."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Quality:
    """What was measured; see :mod:`.quality_limits`."""

    eye_distance_pixels: float
    cut_share: float
    mesh_score: float
    point_gap: float
    yaw_degrees: float
    pitch_degrees: float
    roll_degrees: float
    highlight: float
    burnt_share: float
    blur: float
    quiet_curvature: float


class QualityMeter:
    """Measures faces; may be shared by threads.

    Args:
        template: Where the mesh's points lie in the chip, see :mod:`.alignment`.
    """

    def __init__(self, template: NDArray[np.float64]) -> None:
        self._inside = filled_hull(to_chip(template), CHIP_PIXELS)
        self._pairs_inside = [np.logical_and(*_neighbours(self._inside, axis)) for axis in (0, 1)]
        half = CHIP_PIXELS // 2
        self._inside_halved = self._inside.reshape(half, 2, half, 2).mean(axis=(1, 3)) > 0.5

    def measure(self, frame: Frame, face: Face, chip: NDArray[np.float32]) -> Quality:
        """Measure one face.

        Args:
            frame: The picture; takes over what has to be wiped with it.
            face: The face in it.
            chip: Its chip, RGB float32 ``[64, 64, 3]`` of 0 … 255.
        """
        luma = frame.own(chip @ LUMA)
        inside = frame.own(luma[self._inside])
        yaw, pitch, roll = head_pose(face)
        height, width = frame.pixels.shape[:2]
        outside = (face.points < -0.5) | (face.points > np.array([width, height]) - 0.5)
        burnt = frame.own(inside >= BURNT)
        return Quality(
            eye_distance_pixels=face.eye_distance,
            cut_share=float(outside.any(axis=1).mean()),
            mesh_score=face.score,
            point_gap=face.gap,
            yaw_degrees=yaw,
            pitch_degrees=pitch,
            roll_degrees=roll,
            highlight=ranked(inside, HIGHLIGHT_PERCENT),
            burnt_share=float(burnt.mean()),
            blur=self._blur(frame, luma),
            quiet_curvature=quiet_curvature(frame, luma, self._inside_halved),
        )

    def _blur(self, frame: Frame, luma: NDArray[np.float32]) -> float:
        """The larger of the two directions', since a hand that shakes blurs along one line."""
        shares = []
        for axis, size in ((0, (1, BLUR_PIXELS)), (1, (BLUR_PIXELS, 1))):
            before, after = (
                self._changes(frame, image, axis) for image in (luma, blurred(frame, luma, size))
            )
            total = float(before.sum()) + _NO_CHANGE
            before -= after
            np.maximum(before, 0, out=before)
            shares.append(1 - float(before.sum()) / total)
        return max(shares)

    def _changes(self, frame: Frame, image: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
        """From each pixel of the face to the next."""
        changes = frame.own(np.subtract(*_neighbours(image, axis)))
        np.abs(changes, out=changes)
        return frame.own(changes[self._pairs_inside[axis]])


def head_pose(face: Face) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees, each 0 for an upright face from the front."""
    space = np.column_stack([face.points, face.depths])
    right, left = space[_SIDES].mean(axis=1)
    across, down = left - right, space[CHIN] - space[FOREHEAD]
    radians = (
        math.atan2(across[2], math.hypot(across[0], across[1])),
        math.atan2(down[2], math.hypot(down[0], down[1])),
        math.atan2(across[1], across[0]),
    )
    yaw, pitch, roll = map(math.degrees, radians)
    return yaw, pitch, roll


def _neighbours(image: NDArray[np.generic], axis: int) -> tuple[NDArray[np.generic], ...]:
    """The image without its first and without its last row (axis 0) or column."""
    return (image[1:], image[:-1]) if axis == 0 else (image[:, 1:], image[:, :-1])
