"""FairFace's pictures as arrays, with the place of the face in each by our own detector and mesh.

Training draws from the pictures themselves: one warp takes a picture to the network's chip, by
FairFace's own alignment or by the pipeline's, jittered. So nothing is resampled twice. What is
kept are pictures of people: the folder is the caller's and lies outside the repository.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))

from fairface_chips import BORDER_PIXELS, PICTURE_PIXELS, bordered, exact_region
from fairface_split import LabelledFace, Part, load_split, read_pictures, split_digest

from ageassure.errors import FaceError
from ageassure.estimators.facial import alignment, faces
from ageassure.inference import read_pinned

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INSIDE: Final = slice(BORDER_PIXELS, BORDER_PIXELS + PICTURE_PIXELS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pictures:
    """One part of the split.

    Attributes:
        faces: Labels, in the split's order.
        pixels: RGB, uint8 ``[N, 128, 128, 3]``.
        regions: From a chip of 64 pixels to the picture, by detector and mesh, float64
            ``[N, 2, 3]``; not a number where no single face was found.
    """

    faces: tuple[LabelledFace, ...]
    pixels: NDArray[np.uint8]
    regions: NDArray[np.float64]

    def aligned(self) -> Self:
        """Only those in which a single face was found."""
        rows = np.flatnonzero(np.isfinite(self.regions[:, 0, 0]))
        return type(self)(
            faces=tuple(self.faces[row] for row in rows),
            pixels=self.pixels[rows],
            regions=self.regions[rows],
        )


def exact_matrix() -> NDArray[np.float64]:
    """From a chip of 64 pixels to the picture by FairFace's own alignment, ``[2, 3]``."""
    return _without_border(exact_region().matrix())


def load(folder: Path, part: Part, cache: Path) -> Pictures:
    """Read one part, from the cache where it is there.

    Args:
        folder: Holds ``labels.csv`` and the shards.
        part: Which part of the split.
        cache: Folder outside the repository; made if absent.
    """
    labels = load_split(folder / "labels.csv")
    found = tuple(face for face in labels if face.part is part)
    name = f"{part}-{split_digest(labels)[:16]}"
    pixels, regions = cache / f"{name}-pixels.npy", cache / f"{name}-regions.npy"
    if not regions.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        arrays = _read(folder, found)
        np.save(pixels, arrays[0])
        np.save(regions, arrays[1])
    return Pictures(
        faces=found,
        pixels=np.load(pixels),
        regions=np.load(regions),
    )


def _read(
    folder: Path, labels: tuple[LabelledFace, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    finder = faces.FaceFinder.shipped()
    template = alignment.read_template(read_pinned("age-v1", "alignment.json"))
    position = {face.fairface_file: index for index, face in enumerate(labels)}
    pixels = np.empty((len(labels), PICTURE_PIXELS, PICTURE_PIXELS, 3), dtype=np.uint8)
    regions = np.full((len(labels), 2, 3), np.nan)
    for count, (face, jpeg) in enumerate(read_pictures(folder, labels), start=1):
        index = position[face.fairface_file]
        with bordered(jpeg) as frame:
            pixels[index] = frame.pixels[_INSIDE, _INSIDE]
            try:
                points = faces.only_face(finder.find(frame)).points
            except FaceError:
                pass
            else:
                region = alignment.chip_region(points, template).matrix()
                regions[index] = _without_border(region)
        if count % 1000 == 0:
            print(f"aligned {count:,} of {len(labels):,}", flush=True)
    return pixels, regions


def _without_border(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return matrix - [[0, 0, BORDER_PIXELS], [0, 0, BORDER_PIXELS]]
