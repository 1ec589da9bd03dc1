"""Find the FairFace pictures that have a near-duplicate; they all go to train.

Pictures of one photograph, or of one moment, must not lie in two parts: what was learnt on one
would be tested on the other. Nor may two of them lie in calibration or test: bounds on error rates
count independent people. So every picture that has a near-duplicate is a training picture.

How two pictures are compared: ``ageassure.audit.datasets.likeness``. All
pairs are, plain and mirrored.

About six minutes on one processor; needs the extra ``face``::

    python models/data/near_duplicates.py ../shared/data/fairface-train
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from fairface_split import NEAR_DUPLICATES, LabelledFace, load_split, read_pictures

from ageassure.audit.datasets.likeness import (
    NEAR_DUPLICATE,
    SIDE,
    aligned_correlation,
    candidates,
    contrast_normalised,
    small,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
