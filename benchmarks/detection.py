r"""Where the second detector pays: found faces against their size in the picture.

::

    python benchmarks/detection.py ../shared/data/london --json benchmarks/results/detection.json

Each neutral photograph of the London set (one a person) is made smaller and set into the middle of
a grey square of 960 pixels, so that the face's width (the extent of the mesh's 468 points) has a
chosen share of the picture's side. Counted is whether the mesh confirms a face that the detector at
128 pixels found, and whether it does with the detector at 256 pixels asked where the first found
none, which is what ships. A studio portrait on grey is the easiest of pictures: the sizes tell the
detectors apart, and promise nothing of a room. Intervals: 95 %, Clopper–Pearson. Times are CPU time
of one thread, medians; only their ratio travels to another machine.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from measures import share

from ageassure.estimators.facial.detection import find_faces
from ageassure.estimators.facial.faces import MAX_CANDIDATES, FaceFinder
from ageassure.estimators.facial.mesh import FACE_BAR, face_mesh
from ageassure.imaging import Frame, decode
from ageassure.inference import load_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ageassure.inference import Model

SIDE_PIXELS: Final = 960
GREY: Final = 128
SHARES: Final = (0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.06, 0.05, 0.04, 0.03)

COMMAND: Final = "python benchmarks/detection.py ../shared/data/london"

Json = dict[str, Any]


def portraits(folder: Path, finder: FaceFinder) -> Iterator[tuple[NDArray[np.uint8], float]]:
    """Pixels of each neutral photograph, and the width of the face in it."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if "neutral" in row["path"]]
    for row in rows:
        with decode((folder / row["path"]).read_bytes()) as frame:
            (face, *_) = finder.find(frame)
            yield frame.pixels.copy(), float(np.ptp(face.points[:, 0]))


def set_into_grey(pixels: NDArray[np.uint8], face_width: float, part: float) -> NDArray[np.uint8]:
    factor = part * SIDE_PIXELS / face_width
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=method)
    small = small[:SIDE_PIXELS, :SIDE_PIXELS]
    canvas = np.full((SIDE_PIXELS, SIDE_PIXELS, 3), GREY, dtype=np.uint8)
    top, left = ((SIDE_PIXELS - side) // 2 for side in small.shape[:2])
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def finds(frame: Frame, detector: Model, mesh: Model) -> bool:
    candidates = find_faces(frame, detector)[:MAX_CANDIDATES]
    return any(face_mesh(frame, found, mesh).score >= FACE_BAR for found in candidates)


def measure(folder: Path) -> Json:
    finder = FaceFinder.shipped()
    near, far, mesh = map(load_model, ("blazeface-128", "blazeface-256", "face-mesh-468"))
    people = list(portraits(folder, finder))
    rows, spent = [], ([], [])  # type: tuple[list[Json], tuple[list[float], list[float]]]
    for part in SHARES:
        alone, both = [], []
        for pixels, width in people:
            with Frame(set_into_grey(pixels, width, part)) as frame:
                start = time.thread_time()
                first = finds(frame, near, mesh)
                middle = time.thread_time()
                second = finds(frame, far, mesh)
                end = time.thread_time()
            alone.append(first)
            both.append(first or second)
            spent[0].append(middle - start)
            spent[1].append(end - middle)
        rows.append(
            {
                "share_of_side": part,
                "at_128": share(np.array(alone)),
                "at_128_then_256": share(np.array(both)),
            }
        )
    return {
        "benchmark": "detection",
        "command": COMMAND,
        "data": "Face Research Lab London Set (DeBruine & Jones), CC BY 4.0",
        "people": len(people),
        "picture_pixels": SIDE_PIXELS,
        "milliseconds": {
            name: round(float(np.median(times)) * 1000, 2)
            for name, times in zip(("at_128", "at_256"), spent, strict=True)
        },
        "found": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Find faces of all sizes with both detectors.")
    parser.add_argument("folder", type=Path, help="holds labels.csv and images/")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    arguments = parser.parse_args()
    result = measure(arguments.folder)
    for row in result["found"]:
        shares = [f"{row[key][2]:.2f}" for key in ("at_128", "at_128_then_256")]
        print(f"{row['share_of_side']:.2f} of the side: {' '.join(shares)}")
    print(result["milliseconds"])
    if arguments.json is not None:
        text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
