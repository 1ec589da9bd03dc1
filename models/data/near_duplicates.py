"""Find the FairFace pictures that have a near-duplicate; they all go to train.

Pictures of one photograph, or of one moment, must not lie in two parts: what was learnt on one
would be tested on the other. Nor may two of them lie in calibration or test: bounds on error rates
count independent people. So every picture that has a near-duplicate is a training picture.

1. Contrast is normalised locally, so that brightness, colour casts and silhouettes count little.
2. All pairs are compared at 32 × 32 pixels, as they are and mirrored (normalised correlation,
   exact, no hashing); those at ``CANDIDATE`` or above are candidates.
3. A candidate pair is aligned by an affine map (enhanced correlation coefficient: G. Evangelidis
   and E. Psarakis, IEEE TPAMI 30, 2008) and compared at 104 × 104 pixels; ``NEAR_DUPLICATE`` and
   above counts.

About six minutes on one processor; needs the extra ``face``::

    python models/data/near_duplicates.py ../shared/data/fairface-train
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from fairface_split import NEAR_DUPLICATES, LabelledFace, load_split, read_pictures

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE: Final = 128
SMALL_SIDE: Final = 32
MARGIN: Final = 12
"""Left out at the edges, so that the other picture may lie shifted, turned or scaled."""

CANDIDATE: Final = 0.50
NEAR_DUPLICATE: Final = 0.80
"""Set by eye on pairs of every score; see README.md."""

BLOCK: Final = 1000
_STEPS: Final = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)


def contrast_normalised(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Subtract the local mean and divide by the local deviation (σ = 6 pixels)."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0)
    detail = smooth - cv2.GaussianBlur(smooth, (0, 0), 6.0)
    deviation = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), 6.0))
    return (detail / (deviation + 6.0)).astype(np.float32)


def small(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture as a unit vector with mean 0, so that a product is a correlation."""
    vector = cv2.resize(image, (SMALL_SIDE, SMALL_SIDE), interpolation=cv2.INTER_AREA).ravel()
    vector = vector - vector.mean()
    unit: NDArray[np.float32] = vector / max(float(np.linalg.norm(vector)), 1e-6)
    return unit


def aligned_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Correlation of the first picture's middle with the second after the best affine map."""
    middle = np.ascontiguousarray(first[MARGIN:-MARGIN, MARGIN:-MARGIN])
    start = np.array([[1, 0, MARGIN], [0, 1, MARGIN]], dtype=np.float32)
    try:
        return float(cv2.findTransformECC(middle, second, start, cv2.MOTION_AFFINE, _STEPS)[0])
    except cv2.error:  # the search left the picture: no map aligns the two
        return -1.0


def candidates(rows: NDArray[np.float32], columns: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of rows and columns whose product is at least ``CANDIDATE``."""
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(rows), BLOCK):
        found = np.argwhere(rows[start : start + BLOCK] @ columns.T >= CANDIDATE)
        found[:, 0] += start
        pairs += [(int(i), int(j)) for i, j in found if i < j]
    return pairs


def near_duplicates(images: NDArray[np.float16], *, mirrored: bool) -> list[tuple[int, int, float]]:
    """Pairs (i, j, correlation) of near-duplicates among normalised pictures ``[N, 128, 128]``."""
    rows = np.stack([small(image.astype(np.float32)) for image in images])
    columns = rows
    if mirrored:
        columns = np.stack([small(image[:, ::-1].astype(np.float32)) for image in images])
    pairs = []
    for i, j in candidates(rows, columns):
        second = images[j][:, ::-1] if mirrored else images[j]
        correlation = aligned_correlation(
            images[i].astype(np.float32), np.ascontiguousarray(second, dtype=np.float32)
        )
        if correlation >= NEAR_DUPLICATE:
            pairs.append((i, j, correlation))
    return pairs


def read_all(folder: Path, faces: tuple[LabelledFace, ...]) -> tuple[NDArray[np.float16], int]:
    """All pictures, normalised, in the order of ``faces``; and how many have a twin byte by byte.

    Raises:
        ValueError: If a picture cannot be decoded or has another size.
    """
    position = {face.fairface_file: index for index, face in enumerate(faces)}
    images = np.empty((len(faces), SIDE, SIDE), dtype=np.float16)
    digests: set[bytes] = set()
    for face, jpeg in read_pictures(folder, faces):
        digests.add(hashlib.sha256(jpeg).digest())
        grey = cv2.imdecode(np.frombuffer(jpeg, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
        if grey is None or grey.shape != (SIDE, SIDE):
            raise ValueError(f"got another picture than {SIDE} × {SIDE} pixels")
        images[position[face.fairface_file]] = contrast_normalised(grey.astype(np.uint8))
    return images, len(faces) - len(digests)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--out", type=Path, default=NEAR_DUPLICATES, help="list to write")
    parser.add_argument("--pairs", type=Path, help="also write all pairs with their correlation")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    faces = load_split(arguments.folder / "labels.csv", near_duplicates=())
    images, identical = read_all(arguments.folder, faces)
    names = [face.fairface_file for face in faces]
    found = {
        kind: near_duplicates(images, mirrored=kind == "mirrored") for kind in ("plain", "mirrored")
    }
    lines = [
        f"{kind},{names[i]},{names[j]},{score:.4f}\n"
        for kind, pairs in found.items()
        for i, j, score in pairs
    ]
    if arguments.pairs:
        arguments.pairs.write_text("".join(lines), encoding="utf-8")
    both = {(i, j) for pairs in found.values() for i, j, _ in pairs}
    listed = sorted({names[index] for pair in both for index in pair})
    header = (
        "# Pictures that have a near-duplicate, by their name in FairFace; they all go to train.\n"
        "# Written by near_duplicates.py.\n"
    )
    arguments.out.write_text(header + "".join(f"{name}\n" for name in listed), encoding="utf-8")
    straddling = sum(faces[i].part is not faces[j].part for i, j in both)
    print(f"pictures {len(faces):,}, byte-identical to another one {identical}")
    print(f"pairs {len(both)}: plain {len(found['plain'])}, mirrored {len(found['mirrored'])}")
    print(f"of them across parts {straddling}; pictures in pairs {len(listed)}")


if __name__ == "__main__":
    main()
