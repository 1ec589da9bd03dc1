r"""An age network on the test part of FairFace, through all that ships and on ready-made chips.

::

    python benchmarks/fairface.py ../shared/data/fairface-train --cache ~/.cache/fairface
    python benchmarks/fairface.py ../shared/data/fairface-train --cache ~/.cache/fairface \
        --model age-v1 --json benchmarks/results/age-v1-fairface.json

This looks into one of our networks: its outputs before calibration, on FairFace's own chips beside
the pipeline's, and bars with a calibration that was fitted on other people. README and model card
take these figures. How estimators compare on these pictures is measured in ``accuracy/``, through
the audit suite.

The ages are **apparent age groups, judged by crowd workers**; a picture is taken as a person. Its
chip of 128 pixels has a black border of 64 pixels, so that the detector sees a face in a room; the
pictures that calibration and operating points were fitted on had the same. Nothing was fitted on
the test part. Figures are among the pictures that were processed; failures are counted beside them.

The calibration error (ECE) of P(age ≥ 20) has ten bins of equal mass. It is never 0, however good
the probabilities: beside it stands what probabilities that are exactly right would show on as many
people (mean and 95th percentile of simulated outcomes).

``at_one_percent`` compares networks: the bar on P(age ≥ 20) is read off the test part itself, where
1 % of the 10–19-year-olds pass, and is one for all groups. It is no operating point; those ship in
``operating_points.json`` and are earned on the calibration part.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "data"))
sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "calibration"))

from fairface_outputs import AGE_GROUPS, FIRST_YEARS, outputs
from fairface_split import Part, load_split, split_digest
from fit import FOLDS, FORMS, folds
from measures import Coverage, area_with_interval, reliability, reliability_bins
from operating_points import AGE_PROOF, failures, protected_group, share, shares_by_group

from ageassure.estimators.facial.calibration import Calibration
from ageassure.estimators.facial.calibrations import AnyCalibration, read_calibration
from ageassure.estimators.facial.estimator import pipeline_digest
from ageassure.estimators.facial.pipeline import AGE_MODELS, DEFAULT_MODEL, FacialPipeline
from ageassure.estimators.facial.raw import CLASS_YEARS, FEATURES
from ageassure.inference import read_pinned
from ageassure.policy import AgeBand, calibrate_challenge_age
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fairface_outputs import Outputs
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Vector = NDArray[np.float64]

TEENS, TWENTIES, THIRTIES = (AGE_GROUPS.index(name) for name in ("10–19", "20–29", "30–39"))
LIMIT_YEARS: Final = 18
EDGES: Final = np.array([*FIRST_YEARS, MAX_YEARS + 1])
READ_OFF: Final = 0.99
"""Share of the 10–19-year-olds that the bar of ``at_one_percent`` lies above."""

Json = dict[str, Any]


def discrimination(scores: Vector, groups: NDArray[np.intp]) -> Json:
    """How well a score tells 20 and over from younger ones."""
    adults = groups >= TWENTIES
    return {
        "10–19 against 20+": area_with_interval(scores, groups == TEENS, adults),
        "0–9 against 20+": area_with_interval(scores, groups < TEENS, adults),
    }


def people(measured: Outputs) -> Iterator[tuple[str, str, Flags]]:
    """Axis, group and members: by sex, ethnicity, and both together."""
    sex = np.array([face.sex for face in measured.faces])
    ethnicity = np.array([face.ethnicity for face in measured.faces])
    both = np.array([f"{e}, {s}" for e, s in zip(ethnicity, sex, strict=True)])
    for axis, values in (("sex", sex), ("ethnicity", ethnicity), ("ethnicity and sex", both)):
        for value in sorted(set(values.tolist())):
            yield axis, value, values == value


class Answers:
    """What was made of the processed pictures of the test part."""

    def __init__(self, measured: Outputs, calibration: AnyCalibration) -> None:
        kept = measured.processed()
        self.measured = kept
        self.groups = kept.groups
        self.means = kept.mean_years(calibration)
        probabilities = kept.calibrated(calibration)
        self.over_20 = probabilities[:, FIRST_YEARS[TWENTIES] :].sum(axis=1)
        under = np.concatenate([np.zeros((len(kept.faces), 1)), probabilities.cumsum(axis=1)], 1)
        self.likeliest_group = np.diff(under[:, EDGES], axis=1).argmax(axis=1)
        self.coverage = Coverage(probabilities, EDGES)
        teens = self.over_20[self.groups == TEENS]
        self.passes = self.over_20 > np.quantile(teens, READ_OFF, method="higher")
        self.raw_means = kept.features()[:, FEATURES.index("mean_years")]
        raw = kept.probabilities.mean(axis=1).astype(np.float64)
        self.raw_over_20 = raw[:, FIRST_YEARS[TWENTIES] <= CLASS_YEARS].sum(axis=1)

    def summary(self) -> Json:
        """Figures of everybody together."""
        children = self.groups < TEENS
        adults = self.groups >= TWENTIES
        return {
            "n": len(self.groups),
            "auc_by_estimated_age": discrimination(self.means, self.groups),
            "auc_by_probability_of_20": discrimination(self.over_20, self.groups),
            "auc_by_raw_age": discrimination(self.raw_means, self.groups),
            "right_one_of_nine_groups": share(self.likeliest_group == self.groups),
            "at_one_percent": shares_by_group(self.passes, self.groups),
            "interval_coverage": self.coverage.of(self.groups, np.ones(len(self.groups), bool)),
            "children_0_9_at_18_or_over": {
                "raw": share(self.raw_means[children] >= LIMIT_YEARS),
                "calibrated": share(self.means[children] >= LIMIT_YEARS),
            },
            "probability_of_20": {
                "calibrated": reliability(self.over_20, adults),
                "raw": reliability(self.raw_over_20, adults),
                "bins": reliability_bins(self.over_20, adults),
            },
        }

    def by_age(self) -> Json:
        """Coverage and P(age ≥ 20) in every age group."""
        return {
            name: {
                "n": int((self.groups == index).sum()),
                "right_group": share(self.likeliest_group[self.groups == index] == index),
                "mean_probability_of_20": round(
                    float(self.over_20[self.groups == index].mean()), 4
                ),
                "interval_coverage": self.coverage.in_group(self.groups, index),
            }
            for index, name in enumerate(AGE_GROUPS)
        }

    def by_group(self, points: list[Json]) -> Json:
        """The same by sex, ethnicity, and both; with what the operating points do."""
        adults = self.groups >= TWENTIES
        found: Json = {}
        for axis, name, members in people(self.measured):
            figures: Json = {
                "n": int(members.sum()),
                "auc_by_estimated_age_10_19_against_20": area_with_interval(
                    self.means, members & (self.groups == TEENS), members & adults
                ),
                "auc_by_probability_of_20_10_19_against_20": area_with_interval(
                    self.over_20, members & (self.groups == TEENS), members & adults
                ),
                "probability_of_20": reliability(self.over_20[members], adults[members]),
                "interval_coverage": self.coverage.of(self.groups, members),
                "at_one_percent": shares_by_group(self.passes[members], self.groups[members]),
            }
            figures["called_over_18"] = {
                str(point["alpha"]): shares_by_group(
                    self.means[members] >= point["bar"]["age_years"], self.groups[members]
                )
                for point in points
            }
            found.setdefault(axis, {})[name] = figures
        return found


def alike(pipeline: Outputs, exact: Outputs) -> Json:
    """How far raw ages through detector and alignment lie from those of FairFace's own chips."""
    mean = FEATURES.index("mean_years")
    kept = pipeline.refusals == 0
    gap = np.abs(pipeline.features()[kept, mean] - exact.features()[kept, mean])
    return {
        "n": int(kept.sum()),
        "mean_years": round(float(gap.mean()), 2),
        "median_years": round(float(np.median(gap)), 2),
        "p95_years": round(float(np.quantile(gap, 0.95)), 2),
    }


def cross_fitted(measured: Outputs, points: list[Json], shipped: AnyCalibration) -> list[Json]:
    """The challenge ages, had the calibration been fitted on other people than the bars.

    Both come from the calibration part. Here every fifth of it is judged by parameters fitted on
    the other four.
    """
    kept = measured.processed()
    form = FORMS["ordinal" if isinstance(shipped, Calibration) else "group-scaling"]
    fold, means = folds(len(kept.faces)), np.empty(len(kept.faces))
    for turn in range(FOLDS):
        calibration = form(kept.only(fold != turn), "0" * 64)
        means[fold == turn] = kept.only(fold == turn).mean_years(calibration)
    groups = kept.groups
    teens = protected_group(LIMIT_YEARS, over=True)
    return [
        {
            "alpha": point["alpha"],
            "shipped_years": point["bar"]["age_years"],
            "cross_fitted_years": calibrate_challenge_age(
                means[groups == teens].tolist(),
                age_limit=LIMIT_YEARS,
                alpha=point["alpha"],
                protected_band=AgeBand(**point["bar"]["protected_band"]),
                pipeline_digest="0" * 64,
                source="cross-fitted",
                age_proof=AGE_PROOF,
            ).age_years,
        }
        for point in points
    ]


def failures_by_group(measured: Outputs) -> Json:
    refused = measured.refusals > 0
    found: Json = failures(measured)
    for axis, name, members in people(measured):
        found.setdefault(f"by_{axis.replace(' ', '_')}", {})[name] = share(refused[members])
    return found


def worst(by_group: Json) -> Json:
    """The worst cells of ethnicity × sex: by AUC, by errors, and by adults turned away."""
    cells = by_group["ethnicity and sex"]

    def area(name: str) -> float:
        found: float = cells[name]["auc_by_probability_of_20_10_19_against_20"]["value"]
        return found

    def over(name: str, group: str) -> float:
        found: float = cells[name]["called_over_18"]["0.05"][group][2]
        return found

    return {
        "least_auc": min(
            cells, key=lambda name: cells[name]["auc_by_estimated_age_10_19_against_20"]["value"]
        ),
        "least_auc_by_probability_of_20": min(cells, key=area),
        "fewest_30_and_over_pass_at_one_percent": min(
            cells, key=lambda name: cells[name]["at_one_percent"]["30+"][2]
        ),
        "most_10_19_called_over_18_at_0.05": max(cells, key=lambda name: over(name, "10–19")),
        "fewest_30_and_over_called_over_18_at_0.05": min(cells, key=lambda n: over(n, "30+")),
    }


def measure(model_id: str, folder: Path, cache: Path) -> Json:
    pipeline = FacialPipeline.shipped(model_id)
    calibration = read_calibration(read_pinned(model_id, "calibration.json"))
    document = json.loads(read_pinned(model_id, "operating_points.json"))
    points = [
        point
        for point in document["challenge_ages"]
        if point["age_limit"] == LIMIT_YEARS and point["bar"] is not None
    ]
    test = outputs(pipeline, folder, Part.TEST, cache)
    exact = outputs(pipeline, folder, Part.TEST, cache, exact=True)
    through, on_chips = Answers(test, calibration), Answers(exact, calibration)
    by_group = through.by_group(points)
    return {
        "benchmark": "fairface",
        "model": model_id,
        "pipeline_digest": pipeline_digest(pipeline, calibration),
        "data": "FairFace (Karkkainen and Joo, WACV 2021), CC BY 4.0, test part",
        "age_proof": AGE_PROOF,
        "split": split_digest(load_split(folder / "labels.csv")),
        "pictures": len(test.faces),
        "through_the_pipeline": through.summary(),
        "on_exact_chips": on_chips.summary(),
        "pipeline_against_exact_chips": alike(test, exact),
        "by_age": through.by_age(),
        "by_group": by_group,
        "worst_group": worst(by_group),
        "failures_to_process": failures_by_group(test),
        "challenge_age_cross_fitted": cross_fitted(
            outputs(pipeline, folder, Part.CALIBRATION, cache), points, calibration
        ),
    }


def show(result: Json) -> None:
    failed = result["failures_to_process"]["all"]
    print(f"{result['pictures']:,} pictures, {failed[0]} not processed ({failed[2]:.1%})\n")
    print(f"{'':44}{'pipeline':>12}{'exact chips':>12}")
    sides = [result[side] for side in ("through_the_pipeline", "on_exact_chips")]
    for score in ("estimated_age", "probability_of_20", "raw_age"):
        for pair in ("10–19 against 20+", "0–9 against 20+"):
            values = "".join(f"{side[f'auc_by_{score}'][pair]['value']:12.3f}" for side in sides)
            print(f"{f'AUC by {score}, {pair}':44}{values}")
    rows = {
        "right one of nine groups": ("right_one_of_nine_groups", 2),
        "30+ at 1 % of 10–19, by P(age ≥ 20)": ("at_one_percent", "30+", 2),
        "20–29 likewise": ("at_one_percent", "20–29", 2),
        "0–9 likewise": ("at_one_percent", "0–9", 2),
        "0–9 at 18 or over, raw": ("children_0_9_at_18_or_over", "raw", 2),
        "0–9 at 18 or over": ("children_0_9_at_18_or_over", "calibrated", 2),
        "ECE of P(age ≥ 20), raw": ("probability_of_20", "raw", "ece"),
        "ECE of P(age ≥ 20)": ("probability_of_20", "calibrated", "ece"),
        "  by chance": ("probability_of_20", "calibrated", "ece_by_chance"),
    }
    for name, path in rows.items():
        print(f"{name:44}" + "".join(f"{_at(side, path):12.3f}" for side in sides))
    print(f"\nraw ages, pipeline against chips: {result['pipeline_against_exact_chips']}")
    for axis, groups in result["by_group"].items():
        head = ("n", "AUC", "AUC P20", "ECE", "chance", "10–19", "30+", "30+ 1 %")
        print(f"\n{axis:28}" + "".join(f"{name:>8}" for name in head))
        for name, found in groups.items():
            areas = [
                found[f"auc_by_{score}_10_19_against_20"]["value"]
                for score in ("estimated_age", "probability_of_20")
            ]
            ece = found["probability_of_20"]
            over = [found["called_over_18"]["0.05"][group][2] for group in ("10–19", "30+")]
            at_one = found["at_one_percent"]["30+"][2]
            cells = (*areas, ece["ece"], ece["ece_by_chance"], *over, at_one)
            print(f"{name:28}{found['n']:>8}" + "".join(f"{cell:8.3f}" for cell in cells))
    print(
        "\n10–19 and 30+: called OVER 18 at alpha 5 %; the last column: at_one_percent\n"
        f"worst cells {result['worst_group']}"
    )
    for row in result["challenge_age_cross_fitted"]:
        print(
            f"challenge age at {row['alpha']:.1%}: {row['shipped_years']:.2f}, cross-fitted "
            f"{row['cross_fitted_years']:.2f}"
        )


def _at(found: Any, path: tuple[str | int, ...]) -> float:  # noqa: ANN401 - JSON
    for step in path:
        found = found[step]
    return float(found)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure an age network on FairFace.")
    parser.add_argument("folder", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--cache", type=Path, required=True, help="folder for raw answers")
    parser.add_argument("--model", choices=AGE_MODELS, default=DEFAULT_MODEL)
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    arguments = parser.parse_args()
    result = measure(arguments.model, arguments.folder, arguments.cache)
    show(result)
    if arguments.json is not None:
        text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
