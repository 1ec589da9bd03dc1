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

**Pictures as they come** (``quality_natural.py``). All of FairFace's calibration part: by what was
measured of the picture, how far the estimate lies outside the labelled group, the same AUC, and who
of 10–19 is called OVER 18; and who is refused, by ethnicity and age. A head that is turned away
cannot be made from one that is not: what that does is seen here alone.

Intervals are 95 %: percentiles of a bootstrap over pictures, each of another person; ± 1.96 times
the standard error for pictures as they come; Clopper–Pearson for shares. Estimates are those
of the shipped calibration, which was fitted on the same part of FairFace. The limits were chosen on
the figures of age-v1; age-v2 has the same. The test part is not touched.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
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
from quality_gauge import Gauge, refusals
from quality_natural import as_they_come

from ageassure.estimators import FacialAgeEstimator
from ageassure.estimators.facial.pipeline import AGE_MODELS, DEFAULT_MODEL, LONG_SIDE_PIXELS
from ageassure.imaging import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from degradations import Pixels
    from quality_gauge import Seen

SEED: Final = 20_261_125
TEENS, ADULTS = 80, 120
LIMIT_YEARS, ALPHA = 18, 0.05
TWENTY = FIRST_YEARS.index(20)

COMMAND: Final = "python benchmarks/quality.py ../shared/data/london ../shared/data/fairface-train"

Json = dict[str, Any]


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


def measure(model_id: str, london_folder: Path, fairface_folder: Path) -> Json:
    gauge, estimator = Gauge(model_id), FacialAgeEstimator(model=model_id)
    bar = estimator.challenge_age(LIMIT_YEARS, alpha=ALPHA)
    sets = {"london": london(london_folder), "fairface": fairface(fairface_folder)}
    found: Json = {
        "benchmark": "quality",
        "command": COMMAND,
        "model": model_id,
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
    return found | {"as_they_come": as_they_come(gauge, fairface_folder, bar.age_years)}


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
            cells = (_cell(row["years_outside_the_group"]), _cell(row["auc_10_19_against_20"]))
            print(f"{sign:14}{ends:12}{row['n']:6} {' | '.join(cells)} {row['called_over_10_19']}")


def _cell(found: Json | None) -> str:
    if not found:
        return "—"
    return f"{found['value']:6.2f} [{found['low']:5.2f}, {found['high']:5.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description="Spoil pictures by degrees, and see.")
    parser.add_argument("london", type=Path, help="holds labels.csv and images/")
    parser.add_argument("fairface", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--model", choices=AGE_MODELS, default=DEFAULT_MODEL)
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    arguments = parser.parse_args()
    result = measure(arguments.model, arguments.london, arguments.fairface)
    show(result)
    if arguments.json is not None:
        text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
