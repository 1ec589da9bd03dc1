r"""Several pictures as one piece of evidence: are errors smaller, and is nobody more let through?

::

    python benchmarks/frames.py ../shared/data/london ../shared/data/fairface-train \
        --json benchmarks/results/frames.json

**London** (self-reported ages): the neutral and the smiling photograph of each person together,
against each by itself; and the neutral one of each person with the smiling one of each other, as if
two people shared the evidence. Nobody in it is under 18, so a bar is tried at other ages: who of
those in the ten years below reaches it.

**FairFace, calibration part** (apparent age groups; one picture a person): everybody of 10–19, at
the shipped challenge ages, by the picture itself and by three variants of it together: as it is,
turned and brightened a little, turned and darkened a little. Variants of one picture are more alike
than pictures of one person.

Intervals are 95 %: percentiles of a bootstrap over people, Clopper–Pearson for shares.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "data"))

from degradations import exposed
from fairface_chips import bordered
from fairface_split import Part, load_split, read_pictures
from london import share as share_of_people
from london import with_interval
from measures import share

from ageassure.errors import EvidenceError, FaceError
from ageassure.estimators import FacialAgeEstimator
from ageassure.estimators.facial.calibrations import read_calibration
from ageassure.estimators.facial.frames import combined
from ageassure.estimators.facial.pipeline import (
    AGE_MODELS,
    DEFAULT_MODEL,
    LONG_SIDE_PIXELS,
    FacialPipeline,
)
from ageassure.imaging import decode
from ageassure.inference import read_pinned
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from degradations import Pixels
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

TRIED_YEARS: Final = (25, 30, 35, 40)
LIMIT_YEARS: Final = 18
ALPHAS: Final = (0.05, 0.01)
YEARS: Final = np.arange(MAX_YEARS + 1)
NO_LIMIT_YEARS: Final = 1e9

COMMAND: Final = "python benchmarks/frames.py ../shared/data/london ../shared/data/fairface-train"

Json = dict[str, Any]


class Ages:
    """Distributions of single pictures, and what the shipped limit makes of several."""

    def __init__(self, model_id: str) -> None:
        self.estimator = FacialAgeEstimator(model=model_id)
        self._pipeline = FacialPipeline.shipped(model_id)
        self._calibration = read_calibration(read_pinned(model_id, "calibration.json"))
        self.greatest_gap_years = self._pipeline.limits.greatest_frame_gap_years

    def single(self, evidence: bytes | Pixels) -> Vector | None:
        """The distribution of one picture; None if it is refused."""
        try:
            with decode(evidence, long_side_pixels=LONG_SIDE_PIXELS) as frame:
                return self._calibration.probabilities(self._pipeline.raw(frame))
        except EvidenceError:
            return None

    def agree(self, frames: list[Vector]) -> bool:
        """Whether several pictures pass as one person's."""
        try:
            combined(frames, greatest_gap_years=self.greatest_gap_years)
        except FaceError:
            return False
        return True


def together(frames: list[Vector]) -> Vector:
    return np.array(combined(frames, greatest_gap_years=NO_LIMIT_YEARS))


def mean(distribution: Vector) -> float:
    """As the estimator rounds it: a bar lies just above somebody's mean."""
    total = math.fsum(distribution)
    return math.fsum(year * share for year, share in enumerate(distribution.tolist())) / total


def spread(distribution: Vector) -> float:
    return float(np.sqrt((YEARS - mean(distribution)) ** 2 @ distribution))


def of_london(ages: Ages, folder: Path) -> Json:
    people: dict[str, list[Vector]] = defaultdict(list)
    true: dict[str, int] = {}
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["age"]]
    for row in sorted(rows, key=lambda row: row["path"]):
        found = ages.single((folder / row["path"]).read_bytes())
        if found is not None:
            people[row["subject"]].append(found)
            true[row["subject"]] = int(float(row["age"]))
    pairs = {name: frames for name, frames in people.items() if len(frames) == 2}
    gaps = np.array([abs(mean(a) - mean(b)) for a, b in pairs.values()])
    return {
        "people": len(pairs),
        "gap_years": {
            name: round(float(np.quantile(gaps, at)), 2)
            for name, at in (("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("greatest", 1))
        },
        "one_person_refused": share(np.array([not ages.agree(pair) for pair in pairs.values()])),
        "two_people": two_people(ages, pairs, true),
        "errors": errors(pairs, true),
        "reached": [reached(pairs, true, bar) for bar in TRIED_YEARS],
    }


def two_people(ages: Ages, pairs: dict[str, list[Vector]], true: dict[str, int]) -> Json:
    """Refused, of all pairs of two people, by how far their true ages lie apart."""
    found: dict[str, list[bool]] = defaultdict(list)
    for one, (neutral, _) in pairs.items():
        for other, (_, smiling) in pairs.items():
            if one != other:
                apart = abs(true[one] - true[other])
                name = "under 10" if apart < 10 else "10–19" if apart < 20 else "20 and more"
                found[name].append(not ages.agree([neutral, smiling]))
    return {name: {"pairs": len(f), "refused": round(float(np.mean(f)), 3)} for name, f in
            sorted(found.items(), key=lambda entry: len(entry[1]), reverse=True)}  # fmt: skip


def errors(pairs: dict[str, list[Vector]], true: dict[str, int]) -> Json:
    """Absolute error and width, of single pictures and of both together."""
    names = list(pairs)
    singles = [(name, frame) for name in names for frame in pairs[name]]
    both = [(name, together(pairs[name])) for name in names]
    found: Json = {}
    for kind, members in (("one picture", singles), ("two pictures", both)):
        people = [name for name, _ in members]
        gap = np.array([abs(mean(frame) - true[name]) for name, frame in members])
        width = np.array([spread(frame) for _, frame in members])
        found[kind] = {
            "mae_years": with_interval(gap, people),
            "standard_deviation_years": with_interval(width, people),
        }
    return found


def reached(pairs: dict[str, list[Vector]], true: dict[str, int], bar: int) -> Json:
    """Who of those in the ten years below a bar reaches it."""
    below = [name for name in pairs if bar - 10 <= true[name] < bar]
    single = [mean(frame) >= bar for name in below for frame in pairs[name]]
    both = [mean(together(pairs[name])) >= bar for name in below]
    owners = [name for name in below for _ in range(2)]
    return {
        "bar_years": bar,
        "people": len(below),
        "one_picture": share_of_people(single, owners),
        "two_pictures": share_of_people(both, below),
    }


def variants(pixels: Pixels) -> list[Pixels]:
    """As it is; turned and brightened; turned back and darkened."""
    height, width = pixels.shape[:2]
    found = [pixels]
    for degrees, gain in ((4.0, 1.4), (-4.0, 0.6)):
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        turned = cv2.warpAffine(pixels, matrix, (width, height))
        found.append(exposed(np.asarray(turned, dtype=np.uint8), np.zeros((0, 2)), gain))
    return found


def of_fairface(ages: Ages, folder: Path) -> Json:
    labels = load_split(folder / "labels.csv")
    teens = tuple(f for f in labels if f.part is Part.CALIBRATION and f.group == "10–19")
    single, both = [], []
    for _, jpeg in read_pictures(folder, teens):
        with bordered(jpeg) as frame:
            frames = [ages.single(one) for one in variants(frame.pixels.copy())]
        accepted = [one for one in frames if one is not None]
        if len(accepted) == len(frames) and ages.agree(accepted):
            single.append(mean(accepted[0]))
            both.append(mean(together(accepted)))
    rows = []
    for alpha in ALPHAS:
        bar = ages.estimator.challenge_age(LIMIT_YEARS, alpha=alpha)
        rows.append(
            {
                "alpha": alpha,
                "bar_years": bar.age_years,
                "one_picture": share(np.array(single) >= bar.age_years),
                "three_variants": share(np.array(both) >= bar.age_years),
            }
        )
    return {"offered": len(teens), "processed": len(single), "called_over": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure several pictures as one evidence.")
    parser.add_argument("london", type=Path, help="holds labels.csv and images/")
    parser.add_argument("fairface", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--model", choices=AGE_MODELS, default=DEFAULT_MODEL)
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    arguments = parser.parse_args()
    ages = Ages(arguments.model)
    result = {
        "benchmark": "frames",
        "command": COMMAND,
        "model": arguments.model,
        "pipeline_digest": ages.estimator.pipeline_digest,
        "greatest_gap_years": ages.greatest_gap_years,
        "data": {
            "london": "Face Research Lab London Set (DeBruine & Jones), CC BY 4.0",
            "fairface": "FairFace (Karkkainen and Joo, WACV 2021), CC BY 4.0, calibration part",
        },
        "london": of_london(ages, arguments.london),
        "fairface_10_19": of_fairface(ages, arguments.fairface),
    }
    text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
    print(text)
    if arguments.json is not None:
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
