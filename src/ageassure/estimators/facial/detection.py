"""Where the faces are: BlazeFace at 128 pixels, and at 256 where that finds none.

V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019; the
networks' constants are those of MediaPipe's short-range and back-camera models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from ageassure.errors import FaceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ageassure.estimators.facial.scratch import Scratch
    from ageassure.inference import Model

SCORE_BAR: Final = 0.5
"""A face counts from this score on: MediaPipe's own bar."""

OVERLAP_BAR: Final = 0.3
"""Boxes whose intersection over union reaches this are one face (MediaPipe)."""

SECOND_FACE_SHARE: Final = 0.4
"""Another face counts as present from this share of the largest one's side on."""

_CELLS: Final = ((16, 2), (8, 6))
"""Grid sides and anchors per cell, the same at both input sizes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DetectedFace:
    """One face in the picture's pixels.

    Attributes:
        score: Sigmoid of the network's score, 0.5 … 1.
        centre: Centre of the box, float64 ``[2]``.
        size: Width and height of the box, float64 ``[2]``.
        points: Right eye, left eye (the person's), nose tip, mouth, right and left ear tragion,
            float64 ``[6, 2]``.
    """

    score: float
    centre: NDArray[np.float64]
    size: NDArray[np.float64]
    points: NDArray[np.float64]

    @property
    def side(self) -> float:
        """Longer side of the box."""
        return float(self.size.max())


def _anchors() -> NDArray[np.float32]:
    """Centres of the cells in units of the input's side, ``[896, 2]``, row by row."""
    grids = []
    for cells, repeats in _CELLS:
        ticks = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        y, x = np.meshgrid(ticks, ticks, indexing="ij")
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), repeats, axis=0))
    return np.concatenate(grids)


_ANCHORS: Final = _anchors()


class FaceDetector:
    """Both networks.

    Args:
        near: BlazeFace at 128 pixels.
        far: BlazeFace at 256 pixels, for smaller faces.
    """

    def __init__(self, *, near: Model, far: Model) -> None:
        self._networks = ((near, 128), (far, 256))

    def find(self, pixels: NDArray[np.uint8], scratch: Scratch) -> list[DetectedFace]:
        """All faces, the largest first; none is an empty list.

        Args:
            pixels: RGB uint8 ``[H, W, 3]``.
            scratch: Takes what has to be wiped.
        """
        for network, side in self._networks:
            faces = _find(pixels, network, side, scratch)
            if faces:
                return sorted(faces, key=lambda face: face.side, reverse=True)
        return []


def only_face(faces: Sequence[DetectedFace]) -> DetectedFace:
    """The one face that a picture is of.

    Faces under :data:`SECOND_FACE_SHARE` of the largest stand far behind and do not count.

    Raises:
        FaceError: ``no_face`` or ``several_faces``.
    """
    if not faces:
        raise FaceError("no face was found", code="no_face")
    largest = faces[0]
    others = sum(face.side >= SECOND_FACE_SHARE * largest.side for face in faces[1:])
    if others:
        raise FaceError(f"got {1 + others} faces, expected one", code="several_faces")
    return largest


def _find(
    pixels: NDArray[np.uint8], network: Model, side: int, scratch: Scratch
) -> list[DetectedFace]:
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = scratch.keep(cv2.resize(pixels, size, interpolation=method))
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    # Black bars, as in MediaPipe; black is −1.
    image = scratch.keep(np.full((1, 3, side, side), -1, dtype=np.float32))
    inside = image[0, :, top : top + size[1], left : left + size[0]]
    np.divide(small.transpose(2, 0, 1), 127.5, out=inside, dtype=np.float32)
    inside -= 1
    boxes, logits = network.run(image)
    # From input pixels to picture pixels; a pixel's centre has whole coordinates in both.
    ratio = np.array([width / size[0], height / size[1]])
    offset = np.array([left, top])
    return [
        DetectedFace(
            score=score,
            centre=(values[0] * side - offset) * ratio - 0.5,
            size=values[1] * side * ratio,
            points=(values[2:] * side - offset) * ratio - 0.5,
        )
        for score, values in _decoded(boxes[0], logits[0], side)
    ]


def _decoded(
    boxes: NDArray[np.float32], logits: NDArray[np.float32], side: int
) -> list[tuple[float, NDArray[np.float64]]]:
    """Scores and ``[8, 2]`` centre, size and points, in units of the input's side.

    Boxes of one face are averaged, weighted by their scores (MediaPipe's way): steadier than the
    best one alone.
    """
    likely = np.flatnonzero(logits >= np.log(SCORE_BAR / (1 - SCORE_BAR)))
    scores = 1 / (1 + np.exp(-logits[likely].astype(np.float64)))
    values = boxes[likely].reshape(-1, 8, 2).astype(np.float64) / side
    values[:, [0, 2, 3, 4, 5, 6, 7]] += _ANCHORS[likely, None]
    found = []
    while scores.size:
        best = int(scores.argmax())
        same = _overlaps(values[:, :2], values[best, :2]) >= OVERLAP_BAR
        same[best] = True
        weights = scores[same]
        found.append((float(scores[best]), np.average(values[same], axis=0, weights=weights)))
        scores, values = scores[~same], values[~same]
    return found


def _overlaps(boxes: NDArray[np.float64], box: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of boxes ``[N, 2, 2]`` (centre, size) with one of them."""
    low = np.maximum(boxes[:, 0] - boxes[:, 1] / 2, box[0] - box[1] / 2)
    high = np.minimum(boxes[:, 0] + boxes[:, 1] / 2, box[0] + box[1] / 2)
    shared = np.clip(high - low, 0, None).prod(axis=1)
    union = boxes[:, 1].prod(axis=1) + box[1].prod() - shared
    return shared / np.maximum(union, np.finfo(np.float64).tiny)
