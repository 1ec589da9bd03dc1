"""Do two pictures show one photograph, or one moment? By comparing pixels, exactly, without hashes.

1. Contrast is normalised locally, so that brightness, colour casts and silhouettes count little.
2. Pictures are compared at 32 × 32 pixels, as they are and mirrored (normalised correlation); those
   at :data:`CANDIDATE` or above are candidates.
3. A candidate pair is aligned by an affine map (enhanced correlation coefficient: G. Evangelidis
   and E. Psarakis, IEEE TPAMI 30, 2008) and compared at 104 × 104 pixels; :data:`NEAR_DUPLICATE`
   and above counts, :data:`ONE_PHOTOGRAPH` and above leaves no doubt.

Another photograph of the same person is not found: pixels say nothing of identity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ageassure.extras import require_extra

require_extra("face", "numpy", "cv2")

import cv2  # noqa: E402 - where numpy is missing it prints, so it comes after the check
import numpy as np  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SIDE: Final = 128
SMALL_SIDE: Final = 32
MARGIN: Final = 12
"""Left out at the edges, so that the other picture may lie shifted, turned or scaled."""

CANDIDATE: Final = 0.50
NEAR_DUPLICATE: Final = 0.80
"""Set by eye on pairs of FairFace's face chips of every score; see models/data/README.md."""

ONE_PHOTOGRAPH: Final = 0.95
"""Strangers posed alike in one studio (London set, 102 people) reach 0.91; the same file, made
smaller, cropped by a twentieth or compressed, stays above this."""

BLOCK: Final = 1000
_STEPS: Final = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)


def grey_square(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB pixels [height, width, 3] as a grey square of :data:`SIDE` pixels."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    try:
        square = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    finally:
        grey.fill(0)
    return np.asarray(square, dtype=np.uint8)


def contrast_normalised(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Subtract the local mean and divide by the local deviation (σ = 6 pixels)."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0)
    detail = smooth - cv2.GaussianBlur(smooth, (0, 0), 6.0)
    deviation = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), 6.0))
    return np.asarray(detail / (deviation + 6.0), dtype=np.float32)


def small(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture as a unit vector with mean 0, so that a product is a correlation."""
    vector = cv2.resize(image, (SMALL_SIDE, SMALL_SIDE), interpolation=cv2.INTER_AREA).ravel()
    vector = vector - vector.mean()
    unit: NDArray[np.float32] = vector / max(float(np.linalg.norm(vector)), 1e-6)
    return unit


def mirrored(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture, left and right exchanged."""
    return np.ascontiguousarray(image[:, ::-1])


def aligned_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Correlation of the first picture's middle with the second after the best affine map."""
    middle = np.ascontiguousarray(first[MARGIN:-MARGIN, MARGIN:-MARGIN])
    start = np.array([[1, 0, MARGIN], [0, 1, MARGIN]], dtype=np.float32)
    try:
        return float(cv2.findTransformECC(middle, second, start, cv2.MOTION_AFFINE, _STEPS)[0])
    except cv2.error:  # the search left the picture: no map aligns the two
        return -1.0


def candidates(
    rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> Iterator[tuple[int, int]]:
    """Pairs (i, j), i < j, of rows and columns whose product is at least :data:`CANDIDATE`."""
    for start in range(0, len(rows), BLOCK):
        found = np.argwhere(rows[start : start + BLOCK] @ columns.T >= CANDIDATE)
        found[:, 0] += start
        yield from ((int(i), int(j)) for i, j in found if i < j)
