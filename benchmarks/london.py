r"""Estimated ages of the London photographs, through everything that ships.

This looks into our own estimator: what its policies decide at the challenge ages that ship, and how
far its ages were off before calibration. README and model card take these figures. How estimators
compare on these pictures is measured in ``accuracy/``, through the audit suite.

The Face Research Lab London Set (DeBruine & Jones, CC BY 4.0): 204 studio photographs of 102
consenting adults of 18 to 54, a neutral and a smiling one each. Their ages are self-reported; four
photographs of two people have none. The pictures are not part of this repository::

    python benchmarks/london.py ../shared/data/london
    python benchmarks/london.py ../shared/data/london --model age-v1 \
        --json benchmarks/results/age-v1-london.json

Two photographs of one person are not independent: intervals (95 %, percentile) come from a
bootstrap over people. Nothing was fitted on these photographs. Nobody in them is under 18, so they
say nothing of false positives; and a studio is kinder than a telephone.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ageassure.cli.face import DEFAULT_ALPHA, facial_policy
from ageassure.errors import EvidenceError
from ageassure.estimators import FacialAgeEstimator
from ageassure.estimators.facial.pipeline import (
    AGE_MODELS,
    DEFAULT_MODEL,
    LONG_SIDE_PIXELS,
    FacialPipeline,
)
from ageassure.estimators.facial.raw import FEATURES
from ageassure.imaging import decode
from ageassure.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

RESAMPLES: Final = 10_000
SEED: Final = 20_261_121
AGE_LIMIT: Final = 18
OTHER_ALPHAS: Final = (0.05, 0.005)
COVERAGES: Final = (0.8, 0.9, 0.95)
AGE_BANDS: Final = ((18, 20), (20, 25), (25, 30), (30, 40), (40, 55))

Json = dict[str, Any]
Row = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One photograph: its labels, and what was made of it or why not."""

    row: Row
    refusal: str = ""
    mean_years: float = 0.0
    raw_years: float = 0.0
    outcome: Outcome = Outcome.INCONCLUSIVE
    reasons: tuple[str, ...] = ()
    other_outcomes: tuple[Outcome, ...] = ()
    covered: tuple[bool, ...] = ()

    @property
    def age(self) -> int | None:
        """Completed years; None if not told."""
        return int(float(self.row["age"])) if self.row["age"] else None


def measure(model_id: str, folder: Path) -> tuple[list[Measured], Json]:
    """Run every photograph through estimator and policy."""
    estimator, pipeline = FacialAgeEstimator(model=model_id), FacialPipeline.shipped(model_id)
    policies = {
        alpha: facial_policy(estimator, age_limit=AGE_LIMIT, alpha=alpha)
        for alpha in (DEFAULT_ALPHA, *OTHER_ALPHAS)
    }
    found: list[Measured] = []
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        picture = (folder / row["path"]).read_bytes()
        try:
            estimate = estimator.estimate(picture)
        except EvidenceError as error:
            found.append(Measured(row=row, refusal=error.code))
            continue
        with decode(picture, long_side_pixels=LONG_SIDE_PIXELS) as frame:
            raw = pipeline.raw(frame).features()[FEATURES.index("mean_years")]
        decisions = {alpha: policy.decide(estimate) for alpha, policy in policies.items()}
        ends = [estimate.interval(coverage) for coverage in COVERAGES]
        age = float(row["age"] or -1)
        found.append(
            Measured(
                row=row,
                mean_years=estimate.mean_years,
                raw_years=float(raw),
                outcome=decisions[DEFAULT_ALPHA].outcome,
                reasons=tuple(str(reason) for reason in decisions[DEFAULT_ALPHA].reasons),
                other_outcomes=tuple(decisions[alpha].outcome for alpha in OTHER_ALPHAS),
                covered=tuple(low <= age < high for low, high in ends),
            )
        )
    how = {
        "model": model_id,
        "age_limit": AGE_LIMIT,
        "alpha": DEFAULT_ALPHA,
        "challenge_age_years": estimator.challenge_age(AGE_LIMIT, alpha=DEFAULT_ALPHA).age_years,
        "other_challenge_ages_years": {
            str(alpha): estimator.challenge_age(AGE_LIMIT, alpha=alpha).age_years
            for alpha in OTHER_ALPHAS
        },
        "pipeline_digest": estimator.pipeline_digest,
    }
    return found, how


def with_interval(values: NDArray[np.float64], subjects: list[str]) -> Json:
    """Mean with its interval: people are drawn, and all photographs of each with them."""
    _, of_person = np.unique(subjects, return_inverse=True)
    sums, counts = np.bincount(of_person, values), np.bincount(of_person)
    drawn = np.random.default_rng(SEED).integers(0, len(sums), (RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "value": round(float(values.mean()), 3),
        "low": round(float(low), 3),
        "high": round(float(high), 3),
    }


def share(hits: list[bool], subjects: list[str]) -> Json:
    """A share with its interval.

    Where all photographs agree a bootstrap knows no doubt; then the interval is Clopper and
    Pearson's for the number of people.
    """
    found = with_interval(np.array(hits, dtype=np.float64), subjects)
    doubt = 1 - 0.025 ** (1 / len(set(subjects)))
    if not any(hits):
        found["high"] = round(doubt, 3)
    if all(hits):
        found["low"] = round(1 - doubt, 3)
    return found


def errors(found: list[Measured]) -> Json:
    """Errors of some photographs that were processed and have an age."""
    people = [one.row["subject"] for one in found]
    ages = np.array([one.age for one in found], dtype=np.float64)
    error = np.array([one.mean_years for one in found]) - ages
    raw = np.array([one.raw_years for one in found]) - ages
    return {
        "pictures": len(found),
        "people": len(set(people)),
        "mae_years": with_interval(np.abs(error), people),
        "bias_years": with_interval(error, people),
        "median_absolute_error_years": round(float(np.median(np.abs(error))), 3),
        "rmse_years": round(float(np.sqrt(np.mean(error**2))), 3),
        "within_5_years": share((np.abs(error) <= 5).tolist(), people),
        "called_over": share([one.outcome == Outcome.OVER for one in found], people),
        "uncalibrated": {
            "mae_years": with_interval(np.abs(raw), people),
            "bias_years": with_interval(raw, people),
        },
        "interval_coverage": {
            str(coverage): share([one.covered[place] for one in found], people)
            for place, coverage in enumerate(COVERAGES)
        },
    }


def grouped(found: list[Measured]) -> Json:
    """Errors by sex, ethnicity, expression and age."""
    by: Json = {
        column: {
            value: errors([one for one in found if one.row[column] == value])
            for value in sorted({one.row[column] for one in found})
        }
        for column in ("sex", "ethnicity")
    }
    by["expression"] = {
        kind: errors([one for one in found if kind in one.row["path"]])
        for kind in ("neutral", "smiling")
    }
    bands = {
        f"{low}–{high - 1}": [one for one in found if low <= (one.age or 0) < high]
        for low, high in AGE_BANDS
    }
    by["age"] = {name: errors(members) for name, members in bands.items() if members}
    return by


def counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(str(value) for value in values).items()))


def evaluated(found: list[Measured], how: Json) -> Json:
    processed = [one for one in found if not one.refusal]
    aged = [one for one in processed if one.age is not None]
    by_group = grouped(aged)
    worst = max(
        ((axis, name) for axis in by_group for name in by_group[axis]),
        key=lambda place: by_group[place[0]][place[1]]["mae_years"]["value"],
    )
    return {
        "benchmark": "london",
        "data": "Face Research Lab London Set (DeBruine & Jones), CC BY 4.0",
        "age_proof": "self-reported",
        "pictures": len(found),
        "processed": len(processed),
        "refusals": counted(one.refusal for one in found if one.refusal),
        "policy": how,
        "outcomes": counted(one.outcome for one in processed),
        "outcomes_at_other_alphas": {
            str(alpha): counted(one.other_outcomes[place] for one in processed)
            for place, alpha in enumerate(OTHER_ALPHAS)
        },
        "reasons": counted(reason for one in processed for reason in one.reasons),
        "bootstrap": {"unit": "person", "kind": "percentile, 95 %", "resamples": RESAMPLES},
        "overall": errors(aged),
        "by_group": by_group,
        "worst_group": {"measure": "mae_years", "axis": worst[0], "group": worst[1]},
    }


def show(result: Json) -> None:
    print(f"{result['processed']} of {result['pictures']} photographs processed", end="; ")
    print(f"refused: {result['refusals'] or 'none'}")
    policy = result["policy"]
    print(
        f"policy for {policy['age_limit']} at {policy['alpha']:.1%}: challenge age "
        f"{policy['challenge_age_years']:.2f}; outcomes {result['outcomes']}"
    )
    for alpha, bar in policy["other_challenge_ages_years"].items():
        outcomes = result["outcomes_at_other_alphas"][alpha]
        print(f"  at {float(alpha):.1%}: challenge age {bar:.2f}; outcomes {outcomes}")
    print()
    rows = [("all", result["overall"])]
    rows += [(f"{a} {g}", f) for a, groups in result["by_group"].items() for g, f in groups.items()]
    print(f"{'':28}{'pictures':>9}{'people':>7}{'MAE':>22}{'bias':>22}{'called OVER':>22}")
    for name, found in rows:
        cells = [_cell(found[key]) for key in ("mae_years", "bias_years", "called_over")]
        print(f"{name:28}{found['pictures']:>9}{found['people']:>7}", *cells)
    raw = result["overall"]["uncalibrated"]
    print(f"{'all, not calibrated':44}", _cell(raw["mae_years"]), _cell(raw["bias_years"]))
    print("coverage of the intervals:")
    for coverage, found in result["overall"]["interval_coverage"].items():
        print(f"  {float(coverage):.0%} {_cell(found)}")


def _cell(found: Json) -> str:
    return f"{found['value']:6.2f} [{found['low']:5.2f}, {found['high']:5.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the estimator on the London set.")
    parser.add_argument("folder", type=Path, help="holds labels.csv and images/")
    parser.add_argument("--model", choices=AGE_MODELS, default=DEFAULT_MODEL)
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    arguments = parser.parse_args()
    result = evaluated(*measure(arguments.model, arguments.folder))
    show(result)
    if arguments.json is not None:
        text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
