"""Fit where the face's points lie in dlib's chips, and write ``alignment.json``.

FairFace's pictures lie in template coordinates already, so the median place of each point over
many of them is where it belongs. Only training pictures are looked at, and no labels. It takes a
few minutes on one processor; from the repository's folder::

    python models/age-v1/alignment/fit_alignment.py ../shared/data/fairface-train

With ``--check`` the file is compared, not written.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))

from fairface_chips import bordered, to_template
from fairface_split import Part, load_split, read_pictures, split_digest

from ageassure.estimators.facial.alignment import CHIP_PADDING, CHIP_PIXELS, FORMAT, read_template
from ageassure.estimators.facial.faces import FaceFinder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

PICTURES: Final = 10_000
DECIMALS: Final = 4
"""Of units of the template: 1/200 pixel of the chip."""

TARGET: Final = Path(__file__).parents[1] / "alignment.json"


def training_places(folder: Path, pictures: int) -> Iterator[NDArray[np.float64]]:
    """The mesh's points in units of the template, of every picture with one confirmed face."""
    finder = FaceFinder.shipped()
    train = [face for face in load_split(folder / "labels.csv") if face.part is Part.TRAIN]
    for _, jpeg in islice(read_pictures(folder, train), pictures):
        with bordered(jpeg) as frame:
            faces = finder.find(frame)
            if len(faces) == 1:
                yield to_template(faces[0].points)


def fitted(folder: Path, pictures: int) -> dict[str, object]:
    """The contents of ``alignment.json``."""
    places = np.stack(list(training_places(folder, pictures)))
    median = np.median(places, axis=0)
    to_pixels = CHIP_PIXELS / (1 + 2 * CHIP_PADDING)
    spread = np.median(np.abs(places - median), axis=(0, 1)) * to_pixels
    return {
        "format": FORMAT,
        "template": np.round(median, DECIMALS).tolist(),
        "fit": {
            "data": "FairFace (Karkkainen and Joo, WACV 2021), CC BY 4.0, training part",
            "split": split_digest(load_split(folder / "labels.csv")),
            "pictures": pictures,
            "pictures_with_one_face": len(places),
            "median_deviation_chip_pixels": np.round(spread, 2).tolist(),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--check", action="store_true", help="compare with the file there is")
    arguments = parser.parse_args()
    document = fitted(arguments.folder, arguments.pictures)
    print(json.dumps(document["fit"], indent=1))
    text = (json.dumps(document) + "\n").encode()
    template = read_template(text)
    if arguments.check:
        gap = np.abs(template - read_template(TARGET.read_bytes())).max()
        sys.exit(f"off by {gap:.4f} of the template" if gap > 10**-DECIMALS else 0)
    TARGET.write_bytes(text)


if __name__ == "__main__":
    main()
