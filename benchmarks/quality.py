r"""Where each limit of quality sits: pictures spoilt by degrees, and pictures as they come.

::

    python benchmarks/quality.py ../shared/data/london ../shared/data/fairface-train \
        --json benchmarks/results/quality.json

**Spoilt pictures.** The neutral photographs of the London set (self-reported ages), and a sample of
FairFace's calibration part (apparent age groups, judged by crowd workers; with the black border of
``models/data/fairface_chips.py``), each in every degree of ``benchmarks/degradations.py``. Taken
are those that are accepted unspoilt. For every degree:

* the share that is refused, by code;
* how far the estimate moves from that of the unspoilt picture, among all whose face is still found
  (what would happen without the limits) and among those that the limits let pass;
* London: the mean absolute error; FairFace: the ROC AUC of 10–19 against 20 and over, and the share
  of those of 10–19 that is called OVER 18 at the widest error claimed.

**Pictures as they come.** All of FairFace's calibration part: how far the estimate lies outside the
labelled group, by what was measured of the picture; and who is refused, by ethnicity and age.

Intervals are 95 %: percentiles of a bootstrap over pictures, each of another person; ± 1.96 times
the standard error for pictures as they come; Clopper–Pearson for shares. Estimates are those
of the shipped calibration, which was fitted on the same part of FairFace; the limits were chosen on
these figures. The test part is not touched.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from degradations import DEGRADATIONS

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "data"))

from fairface_chips import bordered
from fairface_outputs import AGE_GROUPS, FIRST_YEARS
from fairface_split import Part, load_split, read_pictures, split_digest
from london import with_interval
from measures import area_with_interval, share

from ageassure.errors import EvidenceError
from ageassure.estimators import FacialAgeEstimator
from ageassure.estimators.facial.calibration import Calibration
from ageassure.estimators.facial.faces import FaceFinder, only_face
from ageassure.estimators.facial.pipeline import LONG_SIDE_PIXELS, FacialPipeline
from ageassure.imaging import Frame, decode
from ageassure.inference import read_pinned
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from degradations import Pixels
    from numpy.typing import NDArray

    from ageassure.estimators.facial.quality import Quality

SEED: Final = 20_261_125
TEENS, ADULTS = 80, 120
LIMIT_YEARS, ALPHA = 18, 0.05
TWENTY = FIRST_YEARS.index(20)

SIGNS: Final = {
    "mesh_score": (0.0, 0.5, 0.7, 0.9, 0.99, 0.999, 1.01),
    "point_gap": (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 10.0),
    "yaw_degrees": (0, 10, 20, 30, 35, 40, 90),
    "pitch_degrees": (0, 10, 20, 25, 30, 90),
    "highlight": (0, 50, 70, 90, 130, 200, 240, 256),
    "burnt_share": (0, 0.001, 0.05, 0.1, 0.25, 1.01),
    "blur": (0, 0.45, 0.55, 0.65, 0.7, 0.75, 1.01),
}
"""Edges of the bins by which pictures as they come are sorted."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was made of one picture; ``code`` is empty if it was accepted."""

    person: str
    label: str
    code: str
    years: float = np.nan
    quality: Quality | None = None


class Gauge:
    """The pipeline with its limits applied afterwards, so that refused faces have an age too."""

    def __init__(self) -> None:
        self.pipeline = FacialPipeline.shipped("age-v1")
        self.calibration = Calibration.from_json(read_pinned("age-v1", "calibration.json"))
        self._finder = FaceFinder.shipped()

    def look(self, frame: Frame, person: str, label: str) -> Seen:
        """Run the pipeline on one picture, then apply the limits."""
        try:
            quality, raw = self.pipeline.unjudged(frame)
        except EvidenceError as error:
            return Seen(person=person, label=label, code=error.code)
        years = float(np.arange(MAX_YEARS + 1) @ self.calibration.probabilities(raw))
        seen = Seen(person=person, label=label, code="", years=years, quality=quality)
        try:
            self.pipeline.limits.check(quality)
        except EvidenceError as error:
            return replace(seen, code=error.code)
        return seen

    def spoilt(self, pixels: Pixels, person: str, label: str) -> dict[tuple[str, float], Seen]:
        """One picture in every degree; empty if it is refused as it is."""
        with Frame(pixels.copy()) as frame:
            before = self.look(frame, person, label)
            if before.code:
                return {}
            points = only_face(self._finder.find(frame)).points
        found = {("", 0.0): before}
        for way in DEGRADATIONS:
            for degree in way.degrees:
                with Frame(way.spoil(pixels, points, degree)) as frame:
                    found[way.name, degree] = self.look(frame, person, label)
        return found


def london(folder: Path) -> Iterator[tuple[Pixels, str, str]]:
    """Pixels, person, age: the neutral photographs of people with an age."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as stream:
        rows = [r for r in csv.DictReader(stream) if r["age"] and "neutral" in r["path"]]
    for row in rows:
        with decode(
            (folder / row["path"]).read_bytes(), long_side_pixels=LONG_SIDE_PIXELS
        ) as frame:
            yield frame.pixels.copy(), row["subject"], row["age"]


def fairface(folder: Path) -> Iterator[tuple[Pixels, str, str]]:
    """Pixels, picture, age group: a sample of 10–19 and of 20 and over."""
    labels = load_split(folder / "labels.csv")
    rng = np.random.default_rng(SEED)
    calibration = [face for face in labels if face.part is Part.CALIBRATION]
    teens = [face for face in calibration if face.group == "10–19"]
    adults = [face for face in calibration if AGE_GROUPS.index(face.group) >= TWENTY]
    chosen = [
        group[i]
        for group, count in ((teens, TEENS), (adults, ADULTS))
        for i in rng.permutation(len(group))[:count]
    ]
    for face, jpeg in read_pictures(folder, tuple(chosen)):
        with bordered(jpeg) as frame:
            yield frame.pixels.copy(), face.fairface_file, face.group


def shifts(seen: list[Seen], before: list[Seen]) -> Json:
    """How far estimates moved, in mean and in absolute mean."""
    people = [one.person for one in seen]
    gap = np.array([one.years - other.years for one, other in zip(seen, before, strict=True)])
    if not seen:
        return {"n": 0}
    return {
        "n": len(seen),
        "absolute_years": with_interval(np.abs(gap), people),
        "years": with_interval(gap, people),
    }


def mean_error(seen: list[Seen]) -> Json | None:
    if not seen:
        return None
    error = np.array([abs(one.years - float(one.label)) for one in seen])
    return with_interval(error, [one.person for one in seen])


def told_apart(seen: list[Seen], bar_years: float) -> Json:
    years = np.array([one.years for one in seen])
    teens = np.array([one.label == "10–19" for one in seen], dtype=np.bool_)
    enough = min(teens.sum(), (~teens).sum()) >= 20
    return {
        "auc_10_19_against_20": area_with_interval(years, teens, ~teens) if enough else None,
        "called_over_10_19": share(years[teens] >= bar_years),
        "called_over_20": share(years[~teens] >= bar_years),
    }


def measured(one: list[dict[tuple[str, float], Seen]], bar_years: float | None) -> Json:
    """Everything about one set of pictures, each in every degree."""

    def entry(way: str, degree: float) -> Json:
        spoilt = [picture[way, degree] for picture in one]
        before = [picture["", 0.0] for picture in one]
        pairs = list(zip(spoilt, before, strict=True))
        found: Json = {"refused": refusals(spoilt)}
        for name, kept in (
            ("found", [p for p in pairs if p[0].quality is not None]),
            ("passed", [p for p in pairs if not p[0].code]),
        ):
            seen = [p[0] for p in kept]
            figures = shifts(seen, [p[1] for p in kept])
            if bar_years is None:
                figures["mae_years"] = mean_error(seen)
            else:
                figures |= told_apart(seen, bar_years)
            found[name] = figures
        return found

    return {
        "pictures": len(one),
        "unspoilt": entry("", 0.0),
        "spoilt": [
            {"way": way.name, "unit": way.unit, "degree": degree, **entry(way.name, degree)}
            for way in DEGRADATIONS
            for degree in way.degrees
        ],
    }


def refusals(seen: Iterable[Seen]) -> Json:
    codes = [one.code for one in seen]
    flags = np.array(codes)
    found = {code: share(flags == code) for code, _ in Counter(codes).most_common() if code}
    return {"all": share(flags != ""), **found}


def as_they_come(gauge: Gauge, folder: Path) -> Json:
    """FairFace's calibration part: error by what was measured, and refusals by group."""
    labels = load_split(folder / "labels.csv")
    faces = tuple(face for face in labels if face.part is Part.CALIBRATION)
    seen, ethnicity = [], []
    for face, jpeg in read_pictures(folder, faces):
        with bordered(jpeg) as frame:
            seen.append(gauge.look(frame, face.fairface_file, face.group))
        ethnicity.append(face.ethnicity)
    axes = {"ethnicity": ethnicity, "age": [one.label for one in seen]}
    return {
        "pictures": len(seen),
        "refused": refusals(seen),
        "refused_by_group": {
            axis: {
                group: refusals(o for o, g in zip(seen, values, strict=True) if g == group)
                for group in sorted(set(values))
            }
            for axis, values in axes.items()
        },
        "error_by_sign": {sign: by_sign(seen, sign, edges) for sign, edges in SIGNS.items()},
    }


def by_sign(seen: list[Seen], sign: str, edges: tuple[float, ...]) -> list[Json]:
    kept = [one for one in seen if one.quality is not None]
    values = np.abs([float(getattr(one.quality, sign)) for one in kept])
    outside = np.array([_outside(one) for one in kept])
    rows = []
    for low, high in pairwise(edges):
        members = (values >= low) & (values < high)
        if members.any():
            error = outside[members]
            doubt = 1.96 * float(error.std()) / len(error) ** 0.5
            rows.append(
                {
                    "from": low,
                    "to": high,
                    "n": int(members.sum()),
                    "years_outside_the_group": {
                        "value": round(float(error.mean()), 3),
                        "low": round(float(error.mean()) - doubt, 3),
                        "high": round(float(error.mean()) + doubt, 3),
                    },
                }
            )
    return rows


def _outside(one: Seen) -> float:
    """How far an estimate lies outside the group that the label names, in years."""
    group = AGE_GROUPS.index(one.label)
    ends: NDArray[np.int_] = np.array([*FIRST_YEARS, MAX_YEARS + 1])[group : group + 2]
    return float(max(0.0, ends[0] - one.years, one.years - ends[1]))


def measure(london_folder: Path, fairface_folder: Path) -> Json:
    gauge, estimator = Gauge(), FacialAgeEstimator(model="age-v1")
    bar = estimator.challenge_age(LIMIT_YEARS, alpha=ALPHA)
    sets = {"london": london(london_folder), "fairface": fairface(fairface_folder)}
    found: Json = {
        "benchmark": "quality",
        "pipeline_digest": estimator.pipeline_digest,
        "limits": gauge.pipeline.limits.as_dict(),
        "data": {
            "london": "Face Research Lab London Set (DeBruine & Jones), CC BY 4.0",
            "fairface": "FairFace (Karkkainen and Joo, WACV 2021), CC BY 4.0, calibration part",
        },
        "age_proof": {"london": "self-reported", "fairface": "apparent age groups"},
        "split": split_digest(load_split(fairface_folder / "labels.csv")),
        "challenge_age": {"age_limit": LIMIT_YEARS, "alpha": ALPHA, "age_years": bar.age_years},
    }
    for name, pictures in sets.items():
        spoilt = [gauge.spoilt(*picture) for picture in pictures]
        accepted = [one for one in spoilt if one]
        found[name] = {"offered": len(spoilt)} | measured(
            accepted, None if name == "london" else bar.age_years
        )
    return found | {"as_they_come": as_they_come(gauge, fairface_folder)}


def show(result: Json) -> None:
    for name, measure_of in (("london", "mae_years"), ("fairface", "auc_10_19_against_20")):
        found = result[name]
        print(f"\n{name}: {found['pictures']} of {found['offered']} accepted; {measure_of}")
        rows = [("unspoilt", "", found["unspoilt"])]
        rows += [(row["way"], f"{row['degree']:g}", row) for row in found["spoilt"]]
        for way, degree, row in rows:
            codes = {k: round(v[2], 3) for k, v in row["refused"].items() if k != "all"}
            sides = " | ".join(
                f"{row[side]['n']:4} {_cell(row[side].get('absolute_years'))} "
                f"{_cell(row[side].get(measure_of))}"
                for side in ("found", "passed")
            )
            print(f"{way:20}{degree:>6} refused {row['refused']['all'][2]:.2f} | {sides} {codes}")
    natural = result["as_they_come"]
    print(f"\nas they come: {natural['refused']}")
    for axis, groups in natural["refused_by_group"].items():
        for group, codes in groups.items():
            print(f"{axis} {group:16}", {k: round(v[2], 4) for k, v in codes.items()})
    for sign, rows in natural["error_by_sign"].items():
        for row in rows:
            ends = f"{row['from']:g}–{row['to']:g}"
            print(f"{sign:14}{ends:12}{row['n']:6} {_cell(row['years_outside_the_group'])}")


def _cell(found: Json | None) -> str:
    if not found:
        return "—"
    return f"{found['value']:6.2f} [{found['low']:5.2f}, {found['high']:5.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description="Spoil pictures by degrees, and see.")
    parser.add_argument("london", type=Path, help="holds labels.csv and images/")
    parser.add_argument("fairface", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    arguments = parser.parse_args()
    result = measure(arguments.london, arguments.fairface)
    show(result)
    if arguments.json is not None:
        text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
