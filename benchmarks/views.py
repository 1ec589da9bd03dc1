r"""Views of one face whose answers are averaged: do small shifts pay for what they cost?

::

    python benchmarks/views.py ../shared/data/fairface-train \
        --json benchmarks/results/views.json

The age network is asked about a chip and its mirror image. Here it is asked about more: the same
chip moved a little, with its mirror image. One chip by itself is shown too. The answers are
averaged and calibrated by the shipped calibration, which was fitted on two views.

On FairFace's **calibration** part (apparent age groups, judged by crowd workers): everybody of
10–19 and a sample of those of 20 and over, among the pictures that the pipeline accepts. How many
views ship is chosen on these figures, so the test part is not touched.

Shown is the ROC AUC of 10–19 against 20 and over by estimated age and by P(age ≥ 20), how far
estimates lie outside the labelled group (there is no age in years to compare with), and the
difference of each from the two views that ship, on the same pictures. Intervals are 95 %,
percentiles of a bootstrap over pictures. The cost is CPU time for cutting the chips and asking the
network, with one thread, all ways in turn; the least of all turns.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "data"))

from fairface_chips import bordered
from fairface_outputs import AGE_GROUPS, FIRST_YEARS
from fairface_split import Part, load_split, read_pictures, split_digest
from measures import area

from ageassure.errors import EvidenceError
from ageassure.estimators.facial.alignment import (
    chip_region,
    extract_chip,
    read_template,
)
from ageassure.estimators.facial.calibrations import read_calibration
from ageassure.estimators.facial.estimator import pipeline_digest
from ageassure.estimators.facial.faces import FaceFinder, only_face
from ageassure.estimators.facial.geometry import Similarity
from ageassure.estimators.facial.pipeline import DEFAULT_MODEL, FacialPipeline
from ageassure.estimators.facial.raw import RawAge
from ageassure.inference import read_pinned
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from fairface_split import LabelledFace
    from numpy.typing import NDArray

    from ageassure.imaging import Frame

    Vector = NDArray[np.float64]

SEED: Final = 20_261_126
ADULTS: Final = 800
RESAMPLES: Final = 2_000
TURNS: Final = 40
TWENTY: Final = FIRST_YEARS.index(20)
ENDS: Final = np.array([*FIRST_YEARS, MAX_YEARS + 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A chip that is not cut where the alignment puts it.

    Attributes:
        moved: Sideways and down, in pixels of dlib's chip, whose side has 64.
    """

    moved: complex = 0j

    def region(self, region: Similarity) -> Similarity:
        """From its pixels to the picture."""
        shift = region.shift + region.factor * self.moved
        return Similarity(factor=region.factor, shift=shift)


PLAIN: Final = Chip()
SHIPPED: Final = "chip and mirror image"


def _ways() -> dict[str, tuple[bool, tuple[Chip, ...]]]:
    """By name: whether mirror images are asked about too, and the chips."""
    ways: dict[str, tuple[bool, tuple[Chip, ...]]] = {
        "chip alone": (False, (PLAIN,)),
        SHIPPED: (True, (PLAIN,)),
    }
    for by in (1.0, 2.0):
        aside = Chip(moved=-by + 0j), Chip(moved=by + 0j)
        where = f"{by:g} of 64 pixels to the left and to the right, with mirror images"
        ways[f"two chips, {where}"] = (True, aside)
        ways[f"three chips, not moved and {where}"] = (True, (PLAIN, *aside))
    cross = tuple(Chip(moved=step) for step in (-1 + 0j, 1 + 0j, -1j, 1j))
    ways["five chips, not moved and 1 of 64 pixels to each side, with mirror images"] = (
        True,
        (PLAIN, *cross),
    )
    return ways


WAYS: Final = _ways()
CHIPS: Final = tuple(dict.fromkeys(chip for _, chips in WAYS.values() for chip in chips))

COMMAND: Final = "python benchmarks/views.py ../shared/data/fairface-train"

Json = dict[str, Any]


class Viewer:
    """The shipped pipeline, which lets a face be looked at in other ways."""

    def __init__(self) -> None:
        self.pipeline = FacialPipeline.shipped(DEFAULT_MODEL)
        self._finder = FaceFinder.shipped()
        self._template = read_template(read_pinned("age-v1", "alignment.json"))

    def region(self, frame: Frame) -> Similarity | None:
        """Of the one face that the pipeline accepts; None if it refuses."""
        try:
            self.pipeline.raw(frame)
        except EvidenceError:
            return None
        return chip_region(only_face(self._finder.find(frame)).points, self._template)

    def answers(self, frame: Frame, region: Similarity, chip: Chip) -> Vector:
        """For one chip and its mirror image, float64 ``[2, 81]``."""
        side = self.pipeline.chip_pixels
        return self.pipeline.age_probabilities(
            frame, extract_chip(frame, chip.region(region), side)
        )

    def milliseconds(self, jpeg: bytes) -> Json:
        """Least CPU time of each way that asks about mirror images, all in turn."""
        least = dict.fromkeys((name for name, (mirrored, _) in WAYS.items() if mirrored), np.inf)
        for _ in range(TURNS):
            with bordered(jpeg) as frame:
                region = self.region(frame)
                assert region is not None
                for name in least:
                    begun = time.process_time()
                    for chip in WAYS[name][1]:
                        self.answers(frame, region, chip)
                    least[name] = min(least[name], (time.process_time() - begun) * 1000)
        return {name: round(value, 2) for name, value in least.items()}


def chosen(folder: Path) -> tuple[LabelledFace, ...]:
    """Everybody of 10–19 in the calibration part, and a sample of those of 20 and over."""
    faces = [f for f in load_split(folder / "labels.csv") if f.part is Part.CALIBRATION]
    groups = np.array([AGE_GROUPS.index(face.group) for face in faces])
    adults = np.random.default_rng(SEED).permutation(np.flatnonzero(groups >= TWENTY))[:ADULTS]
    return tuple(faces[i] for i in sorted([*np.flatnonzero(groups == TWENTY - 1), *adults]))


class Scores:
    """What one way of looking says of everybody; the figures of all, or of some drawn again."""

    def __init__(self, probabilities: Vector, groups: NDArray[np.intp]) -> None:
        years = probabilities @ np.arange(MAX_YEARS + 1)
        self._scores = {
            "auc_by_estimated_age": years,
            "auc_by_probability_of_20": probabilities[:, FIRST_YEARS[TWENTY] :].sum(axis=1),
        }
        low, high = ENDS[groups], ENDS[groups + 1]
        self._outside = np.maximum(0, np.maximum(low - years, years - high))

    def figures(self, teens: NDArray[np.intp], adults: NDArray[np.intp]) -> dict[str, float]:
        """Of these people, by their places."""
        found = {name: area(score[teens], score[adults]) for name, score in self._scores.items()}
        outside = self._outside[np.concatenate([teens, adults])]
        return found | {"years_outside_the_group": float(outside.mean())}


def compared(scores: dict[str, Scores], groups: NDArray[np.intp]) -> dict[str, Json]:
    """Every way's figures, and how they differ from those of the two views that ship."""
    teens, adults = np.flatnonzero(groups == TWENTY - 1), np.flatnonzero(groups >= TWENTY)
    whole = {name: one.figures(teens, adults) for name, one in scores.items()}
    rng = np.random.default_rng(SEED)
    drawn = []
    for _ in range(RESAMPLES):
        some = rng.choice(teens, len(teens)), rng.choice(adults, len(adults))
        drawn.append({name: one.figures(*some) for name, one in scores.items()})

    def figure(way: str, name: str) -> Json:
        gain = whole[way][name] - whole[SHIPPED][name]
        ends = np.quantile([one[way][name] - one[SHIPPED][name] for one in drawn], [0.025, 0.975])
        keys = ("value", "more_than_shipped", "low", "high")
        values = (whole[way][name], gain, *map(float, ends))
        return {key: round(value, 5) for key, value in zip(keys, values, strict=True)}

    return {way: {name: figure(way, name) for name in whole[way]} for way in scores}


def measure(folder: Path) -> Json:
    viewer, labels = Viewer(), chosen(folder)
    groups, answers, last = [], [], b""
    for face, jpeg in read_pictures(folder, labels):
        with bordered(jpeg) as frame:
            region = viewer.region(frame)
            if region is not None:
                answers.append([viewer.answers(frame, region, chip) for chip in CHIPS])
                groups.append(AGE_GROUPS.index(face.group))
                last = jpeg
    every, group = np.array(answers), np.array(groups)
    calibration = read_calibration(read_pinned(DEFAULT_MODEL, "calibration.json"))
    scores = {}
    for name, (mirrored, chips) in WAYS.items():
        views = every[:, [CHIPS.index(chip) for chip in chips], : 2 if mirrored else 1]
        raw = views.reshape(len(every), -1, every.shape[-1])
        calibrated = [
            calibration.probabilities(RawAge(probabilities=one, eye_distance_pixels=0.0))
            for one in raw
        ]
        scores[name] = Scores(np.array(calibrated), group)
    found, cost = compared(scores, group), viewer.milliseconds(last)
    return {
        "benchmark": "views",
        "command": COMMAND,
        "model": DEFAULT_MODEL,
        "pipeline_digest": pipeline_digest(viewer.pipeline, calibration),
        "data": "FairFace (Karkkainen and Joo, WACV 2021), CC BY 4.0, calibration part",
        "age_proof": "apparent age groups",
        "split": split_digest(load_split(folder / "labels.csv")),
        "offered": len(labels),
        "processed": {
            "10–19": int((group == TWENTY - 1).sum()),
            "20 and over": int((group >= TWENTY).sum()),
        },
        "shipped": SHIPPED,
        "ways": {
            name: {
                "views": len(chips) * (2 if mirrored else 1),
                "cpu_ms": cost.get(name),
                **found[name],
            }
            for name, (mirrored, chips) in WAYS.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Average more views of one face, and compare.")
    parser.add_argument("folder", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    arguments = parser.parse_args()
    text = json.dumps(measure(arguments.folder), indent=1, ensure_ascii=False, allow_nan=False)
    print(text)
    if arguments.json is not None:
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
