"""Errors in years against tables counted by hand, numpy, scipy and scikit-learn."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ageassure.audit.figure import Figure, Method, Why
from ageassure.audit.metrics.bootstrap import LEAST_IN_STRATUM, Units, adjusted, resampled
from ageassure.audit.metrics.cells import Grid
from ageassure.audit.metrics.sums import Atoms, strata_in, strata_of
from ageassure.audit.metrics.years import YearsOfError, years_of_error
from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.policy import AgeBand

from .tables import table

if TYPE_CHECKING:
    from ageassure.audit.table import EvaluationTable

POINT = OperatingPoint(
    limit_years=18,
    challenge_age_years=25.0,
    alpha=0.05,
    protected_band=AgeBand(first_years=13, last_years=17),
    chosen_on=None,
)
PLAN = EvaluationPlan(points=(POINT,), axes=("sex",), pair_with="sex", seed=3)


def measured(made: EvaluationTable, plan: EvaluationPlan = PLAN) -> YearsOfError:
    return years_of_error(made, Grid.of(made, plan), plan)


def cell(found: YearsOfError, **where: str) -> dict[str, Figure]:
    (one,) = [c for c in found.cells if c.where == where]
    return dict(one.figures)


def made_up(n: int, seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    ages = rng.integers(18, 31, n)
    return ages, np.clip(ages + rng.gamma(2, 1.5, n) - 2, 0, 120), rng.choice(["f", "m"], n)


def test_counted_by_hand() -> None:
    # Errors: +1.0, −2.0, +0.5, −10.5; one refused.
    made = table(
        [20, 20, 30, 30, 40],
        [21.0, 18.0, 30.5, 19.5, None],
        groups={"sex": ["f", "f", "m", "m", "m"]},
    )
    found = measured(made)
    everybody = cell(found)
    assert everybody["mae"].value == 14 / 4
    assert everybody["bias"].value == -11 / 4
    assert everybody["rmse"].value == math.sqrt((1 + 4 + 0.25 + 110.25) / 4)
    assert everybody["median_ae"].value == 1.5
    assert [everybody[f"within_{k}"].k for k in (1, 2, 10)] == [2, 3, 3]
    assert everybody["within_1"].method is Method.CLOPPER_PEARSON
    assert (everybody["mae"].n, everybody["mae"].reason) == (4, Why.FEW_PEOPLE)
    assert cell(found, sex="f")["mae"].value == 1.5
    assert cell(found, sex="m", age_band="30–39")["mae"].value == 5.5
    assert cell(found, sex="m", age_band="40–59")["mae"].reason is Why.NOBODY_PROCESSED
    assert cell(found, sex="f", age_band="40–59")["mae"].reason is Why.NOBODY


def test_against_numpy_and_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    ages, seen, sex = made_up(700)
    everybody = cell(measured(table(ages.tolist(), seen.tolist(), groups={"sex": sex.tolist()})))
    assert everybody["mae"].value == pytest.approx(
        metrics.mean_absolute_error(ages, seen), abs=1e-7
    )
    assert everybody["rmse"].value == pytest.approx(
        metrics.root_mean_squared_error(ages, seen), abs=1e-7
    )
    assert everybody["median_ae"].value == metrics.median_absolute_error(ages, seen)
    assert everybody["bias"].value == pytest.approx((seen - ages).mean(), abs=1e-7)
    for k in (1, 3, 10):
        assert everybody[f"within_{k}"].value == (np.abs(seen - ages) <= k).mean()


def test_macro_is_the_mean_over_sex_and_year() -> None:
    ages, seen, sex = made_up(900)
    found = measured(table(ages.tolist(), seen.tolist(), groups={"sex": sex.tolist()}))
    cells = [
        np.abs(seen - ages)[(ages == year) & (sex == side)].mean()
        for year in range(18, 31)
        for side in "fm"
    ]
    assert found.macro.figures["mae"].value == pytest.approx(np.mean(cells), abs=1e-7)
    assert found.macro.figures["mae"].method is Method.PERCENTILE
    missing = measured(table([18, 19], [18.0, 19.0], groups={"sex": ["f", "m"]}))
    assert missing.macro.figures["mae"].reason is Why.AGE_MISSING


def test_a_bootstrap_of_bins_is_that_of_scipy() -> None:
    ages, seen, _ = made_up(300)
    plan = replace(PLAN, axes=(), pair_with=None, resamples=20_000)
    made = table(ages.tolist(), seen.tolist())
    grid = Grid.of(made, plan)
    strata = np.zeros(len(grid), dtype=np.int64)  # scipy's has one stratum
    atoms = Atoms.of(made, grid, strata, made.processed)
    (drawn,) = resampled(atoms, [np.ones(1, dtype=np.bool_)], seed=(1,), resamples=20_000)
    replicates = drawn[:, 2] / drawn[:, 0]
    error = np.abs(seen - ages)
    oracle = stats.bootstrap((error,), np.mean, n_resamples=20_000, rng=1, method="BCa")
    levels = [
        adjusted(replicates, error.mean(), Units.of(atoms).acceleration(2), level)
        for level in (0.025, 0.975)
    ]
    low, high = np.quantile(replicates, levels)
    width = oracle.confidence_interval.high - oracle.confidence_interval.low
    assert low == pytest.approx(oracle.confidence_interval.low, abs=0.04 * width)
    assert high == pytest.approx(oracle.confidence_interval.high, abs=0.04 * width)
    assert replicates.std() == pytest.approx(oracle.standard_error, rel=0.03)


def test_the_acceleration_is_that_of_the_jackknife() -> None:
    ages, seen, _ = made_up(200)
    made = table(ages.tolist(), seen.tolist(), subjects=[row // 2 for row in range(200)])
    plan = replace(PLAN, axes=(), pair_with=None)
    grid = Grid.of(made, plan)
    atoms = Atoms.of(made, grid, np.zeros(len(grid), dtype=np.int64), made.processed)
    error = np.abs(seen - ages).reshape(100, 2).sum(axis=1)
    left_out = (error.sum() - error) / 198
    centred = left_out.mean() - left_out
    jackknife = (centred**3).sum() / (6 * (centred**2).sum() ** 1.5)
    assert Units.of(atoms).acceleration(2) == pytest.approx(jackknife, rel=1e-3)


def test_copies_of_pictures_do_not_make_an_interval_tighter() -> None:
    ages, seen, sex = made_up(120)
    once = cell(measured(table(ages.tolist(), seen.tolist(), groups={"sex": sex.tolist()})))["mae"]
    five = np.repeat(np.arange(120), 5)
    copied = cell(
        measured(
            table(
                ages[five].tolist(),
                seen[five].tolist(),
                subjects=five.tolist(),
                groups={"sex": sex[five].tolist()},
            )
        )
    )
    assert copied["mae"].value == pytest.approx(once.value)
    assert (copied["mae"].n, copied["mae"].subjects) == (600, 120)
    assert copied["mae"].low is not None
    assert copied["mae"].high is not None
    assert once.low is not None
    assert once.high is not None
    width = copied["mae"].high - copied["mae"].low
    assert width == pytest.approx(once.high - once.low, rel=0.15)
    assert copied["median_ae"].reason is Why.SAMPLES_OF_ONE_PERSON
    assert copied["within_1"].method is Method.BCA


def test_bands_share_people_where_a_person_has_several_ages() -> None:
    subjects = [row // 2 for row in range(80)]
    made = table([20, 26] * 40, [21.0, 28.0] * 40, subjects=subjects)
    found = measured(made, replace(PLAN, axes=(), pair_with=None))
    (spread,) = [s for s in found.spreads if s.over == "age_band" and s.metric == "mae"]
    assert spread.figures["max_min"].value == 1.0
    assert spread.figures["max_min"].reason is Why.SAMPLES_OF_ONE_PERSON
    assert spread.figures["max_min"].subjects == 40


def test_groups_of_ages_have_no_error_but_a_least_one() -> None:
    made = table([(10, 19), (10, 19), (20, 29)], [8.0, 12.0, 31.5], groups={"sex": ["f", "f", "f"]})
    everybody = cell(measured(made))
    assert everybody["mae"].reason is Why.AGES_IN_GROUPS
    assert everybody["mae_at_least"].value == pytest.approx((2 + 0 + 2.5) / 3)
    assert everybody["mae_at_least"].reason is Why.LOWER_LIMIT
    assert cell(measured(made), age_band="10–19")["mae_at_least"].value == 1.0


def test_equal_errors_have_no_interval_rather_than_one_without_width() -> None:
    made = table([20] * 30, [21.0] * 30, groups={"sex": ["f"] * 30})
    assert cell(measured(made))["mae"].reason is Why.NO_SPREAD


ROWS = st.lists(
    st.tuples(st.integers(0, 40), st.floats(0, 120), st.sampled_from("fm")), min_size=2, max_size=40
)


@settings(max_examples=40, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_sums_of_parts_are_the_sum_of_the_whole(rows: list[Any], random: Any) -> None:
    ages, seen, sex = map(list, zip(*rows, strict=True))
    made = table(ages, seen, groups={"sex": sex})
    grid = Grid.of(made, PLAN)
    strata = strata_of(grid)
    whole = Atoms.of(made, grid, strata, made.processed).sums.sum(axis=0)
    first = np.array([random.random() < 0.5 for _ in rows])
    parts = [Atoms.of(made, grid, strata, kept).sums.sum(axis=0) for kept in (first, ~first)]
    assert np.array_equal(parts[0] + parts[1], whole)


def test_few_people_are_drawn_as_one_stratum() -> None:
    """A person alone in a stratum would be drawn every time, and never vary."""
    bands = [20, 26, 35, 45, 65]
    made = table(
        [age for age in bands for _ in range(4)],
        [age + step for age in bands for step in (0.5, 1.5, 2.5, 3.5)],
        groups={"sex": ["f"] * 20},
    )
    grid = Grid.of(made, PLAN)
    strata = strata_of(grid)
    atoms = Atoms.of(made, grid, strata, made.processed)
    assert len(atoms.of_strata(strata_in(grid.everybody(), strata)).sums) == 20
    units = Units.of(atoms)
    assert len(np.unique(units.stratum)) == 1
    assert LEAST_IN_STRATUM == 20
