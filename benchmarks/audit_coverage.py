"""Do the audit's intervals hold what they say? Measured by simulation, with seeds.

Made-up people whose true rates and errors are known are drawn again and again; it is counted how
often the interval holds the truth, and how often the threshold rule's true rate is at most α::

    python benchmarks/audit_coverage.py --json benchmarks/results/audit-coverage.json

A two-sided interval should hold the truth in 95 % of repetitions, a guarantee in more. Beside
each share stands its own 95 % Clopper–Pearson interval, since repetitions are finite too.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ageassure.audit.derivation import derive_challenge_age
from ageassure.audit.figure import Figure, Method
from ageassure.audit.intervals import clopper_pearson, fay_feuer, upper_bound, wilson
from ageassure.audit.metrics.bootstrap import Units, ends
from ageassure.audit.metrics.cells import Grid
from ageassure.audit.metrics.coverage import coverage_by_year
from ageassure.audit.metrics.separation import area_under_curve
from ageassure.audit.metrics.shares import Shares
from ageassure.audit.metrics.slopes import slope, slope_within
from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.audit.table import Column, DatasetStatement, EvaluationTable
from ageassure.audit.verdict import Verdict, verdict_of
from ageassure.policy import AgeBand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

SEED: Final = 20_261_125
REPETITIONS: Final = 1_000

PLAN: Final = EvaluationPlan(
    points=(
        OperatingPoint(
            limit_years=18,
            challenge_age_years=25.0,
            alpha=0.05,
            protected_band=AgeBand(first_years=16, last_years=17),
            chosen_on=None,
        ),
    ),
    axes=(),
    pair_with=None,
    seed=SEED,
)
Row = dict[str, Any]


def people(
    ages: NDArray[np.int64], estimates: NDArray[np.float64], subjects: NDArray[np.int64]
) -> EvaluationTable:
    return EvaluationTable(
        sample_ids=np.array([f"{row:06}" for row in range(len(ages))]),
        age_low_years=ages,
        age_high_years=ages,
        subjects=subjects,
        groups={},
        estimated_age_years=estimates.clip(0, 120),
        p_over={},
        status=Column(values=("ok",), codes=np.zeros(len(ages), dtype=np.int64)),
        statement=DatasetStatement(
            name="made-up people",
            digest="0" * 64,
            licence="CC0-1.0",
            age_proof="made up",
            subjects_known=True,
        ),
    )


def told(what: str, people_drawn: str, promise: str, hits: Iterable[bool | None]) -> Row:
    """How often it held; repetitions without an interval are counted apart."""
    outcomes = list(hits)
    held = [bool(hit) for hit in outcomes if hit is not None]
    low, high = clopper_pearson(sum(held), len(held))
    row = {
        "what": what,
        "people": people_drawn,
        "promise": promise,
        "held": round(sum(held) / len(held), 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "repetitions": len(held),
        "without_interval": len(outcomes) - len(held),
    }
    print(row, flush=True)
    return row


def repeated(one: Callable[[np.random.Generator], bool | None], purpose: int) -> list[bool | None]:
    return [one(np.random.default_rng((SEED, purpose, index))) for index in range(REPETITIONS)]


def shares() -> list[Row]:
    rows = []
    cases = ((300, 0.005), (300, 0.03), (1000, 0.01))
    for index, (n, rate) in enumerate(cases):
        drawn = np.random.default_rng((SEED, 1, index)).binomial(n, rate, 20_000).tolist()
        asked = f"n = {n}, true rate {rate:.1%}"
        bound = {k: upper_bound(k, n) for k in set(drawn)}
        exact = {k: clopper_pearson(k, n) for k in set(drawn)}
        score = {k: wilson(k, n) for k in set(drawn)}
        rows += [
            told(
                "Clopper–Pearson upper bound",
                asked,
                "at least 95 %",
                (rate <= bound[k] for k in drawn),
            ),
            told(
                "Clopper–Pearson interval",
                asked,
                "at least 95 %",
                (exact[k][0] <= rate <= exact[k][1] for k in drawn),
            ),
            told(
                "Wilson interval (plots only)",
                asked,
                "95 % on average",
                (score[k][0] <= rate <= score[k][1] for k in drawn),
            ),
        ]
    return rows


def verdicts() -> list[Row]:
    rows = []
    for index, n in enumerate((300, 1000)):
        drawn = np.random.default_rng((SEED, 2, index)).binomial(n, 0.01, 20_000).tolist()
        found = {k: verdict_of(k, k, n, 0.01) for k in set(drawn)}
        just_above = np.random.default_rng((SEED, 3, index)).binomial(n, 0.0101, 20_000).tolist()
        found |= {k: verdict_of(k, k, n, 0.01) for k in set(just_above)}
        rows += [
            told(
                "verdict is not PASS where the rate is just above α = 1 %",
                f"n = {n}",
                "at least 95 %",
                (found[k] is not Verdict.PASS for k in just_above),
            ),
            told(
                "verdict is not FAIL where the rate is α = 1 %",
                f"n = {n}",
                "at least 95 %",
                (found[k] is not Verdict.FAIL for k in drawn),
            ),
        ]
    return rows


def standardised() -> Row:
    n = np.array([60, 80, 100, 120, 140])
    rates = np.array([0.002, 0.004, 0.01, 0.02, 0.05])

    def one(rng: np.random.Generator) -> bool:
        low, high = fay_feuer(rng.binomial(n, rates).tolist(), n.tolist())
        return bool(low <= rates.mean() <= high)

    return told(
        "age-standardised rate (Fay–Feuer)",
        "60 to 140 of each of five years",
        "at least 95 %",
        repeated(one, 4),
    )


def _errors(rng: np.random.Generator, n: int, samples: int) -> NDArray[np.float64]:
    """Skewed errors, of which those of one person are alike; their mean is 3."""
    return rng.gamma(2.0, 1.0, (n, 1)) + rng.gamma(1.0, 1.0, (n, samples))


def means() -> list[Row]:
    rows = []
    for purpose, (n, samples) in enumerate(((30, 1), (200, 1), (60, 5)), 5):
        for method in (Method.BCA, Method.PERCENTILE):

            def one(
                rng: np.random.Generator,
                n: int = n,
                samples: int = samples,
                method: Method = method,
            ) -> bool | None:
                sums = _errors(rng, n, samples).sum(axis=1)
                units = Units(
                    stratum=np.zeros(n, dtype=np.int64),
                    people=np.ones(n, dtype=np.int64),
                    sums=np.stack([np.full(n, float(samples)), sums], axis=1),
                )
                drawn = units.replicates(rng, PLAN.resamples)
                acceleration = units.acceleration(1) if method is Method.BCA else None
                found = ends(
                    drawn[:, 1] / drawn[:, 0],
                    float(sums.mean() / samples),
                    n,
                    acceleration=acceleration,
                )
                return bool(found["low"] <= 3 <= found["high"])

            rows.append(
                told(
                    f"mean error in years, {method.value}",
                    f"{n} people, {samples} sample{'s' * (samples > 1)} each",
                    "95 % for many people",
                    repeated(one, purpose),
                )
            )
    return rows


def shares_of_people() -> list[Row]:
    rows = []
    for purpose, (n, samples) in enumerate(((100, 4), (400, 4)), 10):

        def one(rng: np.random.Generator, n: int = n, samples: int = samples) -> tuple[bool, bool]:
            own = rng.beta(0.5, 9.5, n)  # each one's own rate; 5 % on average
            hits = rng.random((n, samples)) < own[:, None]
            subjects = np.repeat(np.arange(n), samples)
            made = people(np.full(n * samples, 17), np.full(n * samples, 20.0), subjects)
            grid = Grid.of(made, PLAN)
            share = Shares(made, grid, grid.all_cells(), hits.ravel())
            figure = share.figure(grid.all_cells(), PLAN)
            counted = share.counted(grid.all_cells())
            low, high = figure.low or 0.0, figure.high or 1.0
            return low <= 0.05 <= high, counted.upper() >= 0.05

        found = [one(np.random.default_rng((SEED, purpose, index))) for index in range(REPETITIONS)]
        asked = f"{n} people, {samples} samples each, rate 5 %"
        rows += [
            told(
                "share of samples, bootstrap of people",
                asked,
                "95 % for many people",
                (f[0] for f in found),
            ),
            told("fpr_ucb over people", asked, "at least 95 %", (f[1] for f in found)),
        ]
    return rows


def area() -> Row:
    # Minors N(15, 4), adults N(21, 4): P(adult > minor) = Φ(6 / √32).
    truth = NormalDist().cdf(6 / 32**0.5)

    def one(rng: np.random.Generator) -> bool | None:
        ages = np.repeat([15, 21], [80, 120])
        made = people(ages, ages + rng.normal(0, 4, 200), np.arange(200))
        found = area_under_curve(made, ages < 18, ages >= 18)
        if found.low is None or found.high is None:
            return None
        return found.low <= truth <= found.high

    return told(
        "AUC (DeLong, logit scale)",
        "80 minors, 120 adults",
        "95 % for many people",
        repeated(one, 20),
    )


TRUE_SLOPE: Final = 0.1


def slopes() -> list[Row]:
    rows = []
    for purpose, (n, samples) in enumerate(((200, 1), (60, 5)), 30):

        def one(rng: np.random.Generator, n: int = n, samples: int = samples) -> bool | None:
            x = rng.uniform(0, 40, (n, samples))
            spread = 0.5 + x / 40  # who is turned further errs more
            y = TRUE_SLOPE * x + spread * (_errors(rng, n, samples) - 3)
            subjects = np.repeat(np.arange(n), samples)
            return _holds(slope(x.ravel(), y.ravel(), subjects, PLAN, 14), TRUE_SLOPE)

        rows.append(
            told(
                "slope against a condition, percentile",
                f"{n} people, {samples} sample{'s' * (samples > 1)} each",
                "95 % for many people",
                repeated(one, purpose),
            )
        )
    for purpose, (n, samples) in enumerate(((30, 4), (200, 2)), 32):

        def within(rng: np.random.Generator, n: int = n, samples: int = samples) -> bool | None:
            x = rng.uniform(0, 40, (n, samples))
            own = rng.normal(TRUE_SLOPE, 0.05, (n, 1))  # people differ in their slopes
            y = rng.normal(30, 10, (n, 1)) + own * x + rng.gamma(1.0, 1.0, (n, samples))
            subjects = np.repeat(np.arange(n), samples)
            found = slope_within(x.ravel(), y.ravel(), subjects, subjects, PLAN, 15)
            return _holds(found, TRUE_SLOPE)

        rows.append(
            told(
                "slope within persons, BCa",
                f"{n} people, {samples} samples each",
                "95 % for many people",
                repeated(within, purpose),
            )
        )
    return rows


def _holds(found: Figure, truth: float) -> bool | None:
    if found.low is None or found.high is None:
        return None
    return found.low <= truth <= found.high


def pit() -> list[Row]:
    years = np.arange(121)

    def one(rng: np.random.Generator) -> bool | None:
        mean = rng.uniform(8, 40, 100)
        density = np.exp(-0.5 * ((years - mean[:, None]) / 3) ** 2)
        reached = np.cumsum(density / density.sum(axis=1, keepdims=True), axis=1)
        ages = (rng.random((100, 1)) > reached).sum(axis=1)  # drawn from what is said of them
        over = (1 - reached).clip(0, 1)
        made = replace(
            people(ages, mean, np.arange(100)),
            p_over={age: np.ascontiguousarray(over[:, age - 1]) for age in range(1, 121)},
        )
        found = coverage_by_year(made, Grid.of(made, PLAN), PLAN)
        return None if found is None else _holds(found.pit[0], 0.1)

    hits = repeated(one, 34)
    return [told("first tenth of the PIT in single years, BCa", "100 people",
                 "95 % for many people", hits)]  # fmt: skip


def thresholds() -> list[Row]:
    rows = []
    for n, alpha in ((299, 0.01), (500, 0.01), (1_000, 0.01), (300, 0.05)):
        estimates = np.random.default_rng((SEED, 21, n)).random((REPETITIONS, n)) * 60

        def earned(seen: NDArray[np.float64], n: int = n, alpha: float = alpha) -> bool:
            made = people(np.full(n, 17), seen, np.arange(n))
            bar = derive_challenge_age(
                made,
                limit_years=18,
                alpha=alpha,
                protected_band=AgeBand(first_years=16, last_years=17),
                pipeline_digest="0" * 64,
            )
            return (60 - bar.age_years) / 60 <= alpha

        def observed(seen: NDArray[np.float64], n: int = n, alpha: float = alpha) -> bool:
            threshold = np.nextafter(np.sort(seen)[-1 - int(alpha * n)], np.inf)
            return bool((60 - threshold) / 60 <= alpha)

        asked = f"n = {n}, α = {alpha:.0%}"
        rows += [
            told(
                "true rate ≤ α at the earned challenge age",
                asked,
                "at least 95 %",
                map(earned, estimates),
            ),
            told(
                "true rate ≤ α at the least threshold with an observed rate ≤ α",
                asked,
                "nothing",
                map(observed, estimates),
            ),
        ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = [
        *shares(),
        *verdicts(),
        standardised(),
        *means(),
        *shares_of_people(),
        area(),
        *slopes(),
        *pit(),
        *thresholds(),
    ]
    found = {"data": "made-up people with known rates", "seed": SEED, "rows": rows}
    if arguments.json:
        text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
        arguments.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
