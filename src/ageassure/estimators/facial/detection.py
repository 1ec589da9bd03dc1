"""Where faces may be: BlazeFace.

V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019; the
networks' constants are those of MediaPipe's short-range and back-camera models.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.estimators.facial.resampling import halved_by_mean, resized

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ageassure.imaging import Frame
    from ageassure.inference import Model

SCORE_BAR: Final = 0.5
"""A face counts from this score on (MediaPipe)."""

OVERLAP_BAR: Final = 0.3
"""Boxes whose intersection over union reaches this are one face (MediaPipe)."""

_CELLS: Final = ((16, 2), (8, 6))
"""Grid sides and anchors per cell, the same at both input sizes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DetectedFace:
    """One face in the picture's pixels.

    Attributes:
        score: Sigmoid of the network's score, 0.5 … 1; no probability.
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
    """What is added to a box's eight pairs of numbers: its cell's centre, to its size nothing.

    In units of the input's side, ``[896, 8, 2]``, row by row.
    """
    grids = []
    for cells, repeats in _CELLS:
        ticks = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        y, x = np.meshgrid(ticks, ticks, indexing="ij")
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), repeats, axis=0))
    anchors: NDArray[np.float32] = np.repeat(np.concatenate(grids)[:, None], 8, axis=1)
    anchors[:, 1] = 0
    return anchors


_ANCHORS: Final = _anchors()


def find_faces(frame: Frame, network: Model) -> list[DetectedFace]:
    """All faces that one network finds, the largest first.

    Args:
        frame: The picture; takes over what has to be wiped with it.
        network: BlazeFace; the side of its input is read from its contract.
    """
    side = int(network.manifest.input.shape[-1])
    level = frame.pixels
    factor = 1
    # Halving by itself is fast; a mean over any other ratio of a large picture is not.
    while max(level.shape[:2]) >= 2 * side:
        level = halved_by_mean(frame, level)
        factor *= 2
    height, width = level.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    # Black bars around it, as in MediaPipe.
    square = frame.own(np.zeros((side, side, 3), dtype=np.uint8))
    square[top : top + size[1], left : left + size[0]] = resized(frame, level, size)
    boxes, logits = network.run(frame.own(network.normalised(square)[None]))
    # From input pixels, counted from the corner, to picture pixels, counted from the first centre.
    ratio = np.array([width / size[0], height / size[1]]) * factor
    offset = np.array([left, top])
    faces = [
        DetectedFace(
            score=score,
            centre=(values[0] * side - offset) * ratio - 0.5,
            size=values[1] * side * ratio,
            points=(values[2:] * side - offset) * ratio - 0.5,
        )
        for score, values in _decoded(boxes[0], logits[0], side)
    ]
    return sorted(faces, key=lambda face: face.side, reverse=True)


def _decoded(
    boxes: NDArray[np.float32], logits: NDArray[np.float32], side: int
) -> list[tuple[float, NDArray[np.float64]]]:
    """Scores and ``[8, 2]`` centre, size and points, in units of the input's side.

    Boxes of one face are averaged, weighted by their scores (MediaPipe's way): steadier than the
    best one alone.
    """
    likely = np.flatnonzero(logits >= math.log(SCORE_BAR / (1 - SCORE_BAR)))
    scores = 1 / (1 + np.exp(-logits[likely].astype(np.float64)))
    values = boxes[likely].reshape(-1, 8, 2).astype(np.float64) / side
    values += _ANCHORS[likely]
    found = []
    while scores.size:
        best = int(scores.argmax())
        same = _overlaps(values[:, :2], values[best, :2]) >= OVERLAP_BAR
        same[best] = True
        weights = scores[same, None, None]
        face = (values[same] * weights).sum(axis=0) / weights.sum()
        found.append((float(scores[best]), face))
        scores, values = scores[~same], values[~same]
    return found


def _overlaps(boxes: NDArray[np.float64], box: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of boxes ``[N, 2, 2]`` (centre, size) with one of them."""
    low = np.maximum(boxes[:, 0] - boxes[:, 1] / 2, box[0] - box[1] / 2)
    high = np.minimum(boxes[:, 0] + boxes[:, 1] / 2, box[0] + box[1] / 2)
    shared = _area(np.maximum(high - low, 0))
    union = _area(boxes[:, 1]) + _area(box[1]) - shared
    overlaps: NDArray[np.float64] = shared / np.maximum(union, sys.float_info.min)
    return overlaps


def _area(size: NDArray[np.float64]) -> NDArray[np.float64]:
    area: NDArray[np.float64] = size[..., 0] * size[..., 1]
    return area
