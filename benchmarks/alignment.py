r"""Which faces are found, and how the alignment moves their ages.

::

    python benchmarks/alignment.py ../shared/data/fairface-train
    python benchmarks/alignment.py ../shared/data/fairface-train \
        --json benchmarks/results/alignment.json

The last training pictures in the shards' order, which the alignment was not fitted on, with a black
border as in ``models/data/fairface_chips.py``. Four things are measured:

* how many faces are missed, and by which network;
* how far the raw age (mean of face and mirror image) lies from that of the exact chip, which
  FairFace's own alignment gives, for three ways to align: five points of the mesh on dlib's
  template; the same five on their median places; all 468 on their median places, which is what is
  shipped;
* how well each tells apparent age groups apart: the chance that of two people of two groups the
  older one has the higher raw age. Being close to the exact chip is not what an alignment is for;
* how often a second face in the picture is noticed, by its size: pairs of pictures side by side.

Ages and groups are apparent, judged by crowd workers; a picture is taken as a person. Intervals are
percentiles of 2,000 bootstrap resamples of the pictures.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "data"))


from fairface_chips import bordered, exact_region
from fairface_split import LabelledFace, Part, load_split, read_pictures, split_digest

from ageassure.estimators.facial.alignment import chip_region, extract_chip, read_template
from ageassure.estimators.facial.detection import find_faces
from ageassure.estimators.facial.faces import FaceFinder
from ageassure.estimators.facial.pipeline import FacialPipeline
from ageassure.estimators.facial.raw import CLASS_YEARS
from ageassure.imaging import Frame
from ageassure.inference import load_manifest, load_model, read_pinned

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageassure.estimators.facial.mesh import Face

PICTURES = 1_500
RESAMPLES = 2_000
PAIRS = 140
SHARES = (0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
GROUPS = ((0, 9), (10, 19), (20, 29), (30, 120))

Json = dict[str, Any]
Floats = NDArray[np.float64]


def ways() -> dict[str, Callable[[Face], Any]]:
    """The alignments compared: from a face to the chip's region."""
    template = read_template(read_pinned("age-v1", "alignment.json"))
    fit: Any = load_manifest("age-v1").fit
    points: Any = load_manifest("face-mesh-468").details["points"]
    five = [points[name] for name in fit["points"]]
    dlib = np.array(fit["template"])
    return {
        "exact chip": lambda _: exact_region(),
        "five points on dlib's template": lambda face: chip_region(face.points[five], dlib),
        "five points, fitted": lambda face: chip_region(face.points[five], template[five]),
        "468 points, fitted (shipped)": lambda face: chip_region(face.points, template),
    }


def measure(folder: Path, pictures: int) -> Json:
    labels = load_split(folder / "labels.csv")
    people = [face for face in labels if face.part is Part.TRAIN][-pictures:]
    near, far = load_model("blazeface-128"), load_model("blazeface-256")
    finder, pipeline = FaceFinder.shipped(), FacialPipeline.shipped()
    found: Counter[str] = Counter()
    refused: list[LabelledFace] = []
    kept: list[LabelledFace] = []
    ages: dict[str, list[tuple[float, float]]] = {name: [] for name in ways()}
    for person, jpeg in read_pictures(folder, people):
        with bordered(jpeg) as frame:
            seen = bool(find_faces(frame, near)), bool(find_faces(frame, far))
            found += Counter(missed_at_128=not seen[0], missed_at_256=not seen[1])
            faces = finder.find(frame)
            if len(faces) != 1:
                found += Counter(missed_by_both=not any(seen), several=len(faces) > 1)
                found += Counter(not_confirmed=any(seen) and not faces)
                refused.append(person)
                continue
            kept.append(person)
            for name, way in ways().items():
                answer = pipeline.age_probabilities(frame, extract_chip(frame, way(faces[0])))
                one, mirrored = answer @ CLASS_YEARS
                ages[name].append((one, mirrored))
    lows = np.array([person.age_low for person in kept])
    return {
        "split": split_digest(labels),
        "pipeline": pipeline.raw_digest,
        "pictures": len(people),
        "found": dict(found) | {"refused": len(refused), "used": len(kept)},
        "refused_by_group": by_group(people, refused),
        "alignment": alignment({name: np.array(pairs) for name, pairs in ages.items()}, lows),
    }


def by_group(people: list[LabelledFace], refused: list[LabelledFace]) -> Json:
    totals = Counter(f"{person.ethnicity}, {person.sex}" for person in people)
    missing = Counter(f"{person.ethnicity}, {person.sex}" for person in refused)
    return {name: {"n": totals[name], "refused": missing[name]} for name in sorted(totals)}


def alignment(ages: dict[str, Floats], lows: NDArray[np.int_]) -> Json:
    exact = ages["exact chip"].mean(axis=1)
    results: Json = {}
    for name, pairs in ages.items():
        age = pairs.mean(axis=1)
        moved = np.abs(age - exact)
        results[name] = {
            "moved_years": {
                "mean": interval(lambda rows, moved=moved: moved[rows].mean(), len(moved)),
                "median": interval(lambda rows, moved=moved: np.median(moved[rows]), len(moved)),
                "p95": interval(
                    lambda rows, moved=moved: np.quantile(moved[rows], 0.95), len(moved)
                ),
                "bias": interval(lambda rows, d=age - exact: d[rows].mean(), len(moved)),
            },
            "mirroring_moves_mean_years": round(float(np.abs(pairs[:, 0] - pairs[:, 1]).mean()), 2),
            "older_is_higher": {
                f"{low}–{high} and {next_low}+": interval(
                    lambda rows, age=age, low=low, high=high, next_low=next_low: ordered(
                        age[rows], lows[rows], (low, high), next_low
                    ),
                    len(age),
                )
                for (low, high), (next_low, _) in pairwise(GROUPS)
            },
        }
    return results


def ordered(age: Floats, lows: NDArray[np.int_], young: tuple[int, int], old: int) -> float:
    """Chance that somebody of ``old`` or over has a higher age than somebody of ``young``."""
    younger = np.sort(age[(lows >= young[0]) & (lows <= young[1])])
    older = age[lows >= old]
    below = np.searchsorted(younger, older, "left") + np.searchsorted(younger, older, "right")
    return float(below.mean() / 2 / max(1, younger.size))


def interval(statistic: Callable[[NDArray[np.intp]], Any], n: int) -> Json:
    generator = np.random.default_rng(20260601)
    draws = [float(statistic(generator.integers(0, n, n))) for _ in range(RESAMPLES)]
    low, high = np.quantile(draws, [0.025, 0.975])
    value = float(statistic(np.arange(n)))
    return {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4)}


def second_faces(folder: Path) -> list[Json]:
    """Two people side by side, the first 240 pixels wide in 640 × 480, the second smaller."""
    finder = FaceFinder.shipped()
    labels = load_split(folder / "labels.csv")
    people = [face for face in labels if face.part is Part.TRAIN][-3 * PAIRS :]
    alone = []
    for _, jpeg in read_pictures(folder, people):
        with bordered(jpeg) as frame:
            if len(finder.find(frame)) == 1:
                alone.append(frame.pixels[64:-64, 64:-64].copy())
    results = []
    for share in SHARES:
        pairs = list(zip(alone[::2], alone[1::2], strict=False))[:PAIRS]
        noticed = [len(finder.find(beside(first, second, share))) > 1 for first, second in pairs]
        results.append({"share": share, "pairs": len(pairs), "noticed": sum(noticed)})
    return results


def beside(first: NDArray[np.uint8], second: NDArray[np.uint8], share: float) -> Frame:
    pixels = np.full((480, 640, 3), 60, dtype=np.uint8)
    pixels[120:360, 60:300] = cv2.resize(first, (240, 240), interpolation=cv2.INTER_CUBIC)
    side = round(240 * share)
    top = 240 - side // 2
    method = cv2.INTER_AREA if side < 128 else cv2.INTER_CUBIC
    pixels[top : top + side, 340 : 340 + side] = cv2.resize(
        second, (side, side), interpolation=method
    )
    return Frame(pixels)


def show(result: Json) -> None:
    print(f"{result['pictures']} pictures: {result['found']}")
    for name, counts in result["refused_by_group"].items():
        print(f"  {name:28}{counts['refused']:4} of {counts['n']:4} refused")
    for name, figures in result["alignment"].items():
        print(f"{name}; mirroring moves {figures['mirroring_moves_mean_years']} years")
        for kind in ("moved_years", "older_is_higher"):
            for key, value in figures[kind].items():
                print(f"  {key:18}{value['value']:8.3f}  {value['low']:.3f} … {value['high']:.3f}")
    for row in result["second_faces"]:
        print(f"second face of {row['share']} of the size: {row['noticed']} of {row['pairs']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--json", type=Path, dest="path", help="write the result here")
    arguments = parser.parse_args()
    result = {
        "circumstances": {
            "made": datetime.now(UTC).date().isoformat(),
            "python": platform.python_version(),
            "machine": platform.machine(),
            **{name: version(name) for name in ("ageassure", "numpy", "onnxruntime")},
        },
        **measure(arguments.folder, arguments.pictures),
        "second_faces": second_faces(arguments.folder),
    }
    show(result)
    if arguments.path is not None:
        text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        arguments.path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
