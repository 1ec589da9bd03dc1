"""Rates against tables that were counted by hand, scipy and fairlearn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ageassure.audit.figure import Figure, Method, Why
from ageassure.audit.intervals import upper_bound
from ageassure.audit.metrics.cells import Grid
from ageassure.audit.metrics.rates import PointResult, at_point
from ageassure.audit.metrics.thresholds import by_threshold
from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.audit.verdict import Verdict, all_of, verdict_of, worst_of
from ageassure.errors import ConfigurationError
from ageassure.policy import AgeBand

from .tables import table

BAND = AgeBand(first_years=16, last_years=17)
POINT = OperatingPoint(
    limit_years=18, challenge_age_years=20.0, alpha=0.4, protected_band=BAND, chosen_on=None
)
PLAN = EvaluationPlan(points=(POINT,), axes=("sex",), pair_with=None, seed=1)

#        15    16    16     16    17    17    17     18    19     25    30
AGES = [15, 16, 16, 16, 17, 17, 17, 18, 19, 25, 30]
SEEN = [14.0, 20.0, 19.999, None, 25.0, 12.0, 19.95, 19.0, 20.0, None, 31.0]
SEX = ["f", "f", "m", "m", "f", "m", "", "f", "m", "f", "m"]


def at(made: Any, plan: EvaluationPlan = PLAN) -> PointResult:
    return at_point(made, Grid.of(made, plan), plan, plan.points[0])


def cell(result: PointResult, **where: str) -> dict[str, Figure]:
    (found,) = [c for c in (*result.cells, *result.by_age) if c.where == where]
    return dict(found.figures)


def counts(figures: dict[str, Figure], *names: str) -> list[tuple[int | None, int]]:
    return [(figures[name].k, figures[name].n) for name in names]


@pytest.fixture(scope="module")
def counted() -> PointResult:
    return at(table(AGES, SEEN, groups={"sex": SEX}))


NAMES = ("fpr", "fpr_operational", "fpr_band", "fnr", "fnr_operational")


def test_counted_by_hand(counted: PointResult) -> None:
    # 20.0 passes at T = 20 (≥, not >); 19.999 and 19.95 do not, since nothing is rounded.
    assert counts(cell(counted), *NAMES) == [(2, 6), (2, 7), (2, 5), (1, 3), (2, 4)]
    assert counts(cell(counted, sex="f"), *NAMES) == [(2, 3), (2, 3), (2, 2), (1, 1), (2, 2)]
    assert counts(cell(counted, sex="m"), *NAMES) == [(0, 2), (0, 3), (0, 2), (0, 2), (0, 2)]


def test_a_refused_minor_did_not_pass_and_a_refused_adult_failed(counted: PointResult) -> None:
    everybody = cell(counted)
    assert everybody["fpr_operational"].value == 2 / 7
    assert everybody["fnr_operational"].value == 2 / 4


def test_single_ages(counted: PointResult) -> None:
    assert counts(cell(counted, age="16"), "fpr", "fpr_operational") == [(1, 2), (1, 3)]
    assert counts(cell(counted, age="17"), "fpr", "fpr_operational") == [(1, 3), (1, 3)]
    assert counts(cell(counted, age="18"), "fnr", "fnr_operational") == [(1, 1), (1, 1)]
    assert cell(counted, age="25")["fnr"].reason is Why.NOBODY_PROCESSED
    assert "fpr" not in cell(counted, age="18")


def test_every_year_weighs_the_same(counted: PointResult) -> None:
    standardised = cell(counted)["fpr_standardised"]
    assert standardised.value == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert standardised.method is Method.FAY_FEUER
    assert cell(counted)["fnr_standardised"].reason is Why.AGE_MISSING


def test_severity_and_tail(counted: PointResult) -> None:
    everybody = cell(counted)
    assert everybody["severity"].value == (2 + 1) / 6  # 16 and 17 passed: 2 and 1 years under
    assert everybody["severity_max"].value == 2
    assert counts(everybody, "tail_1", "tail_2", "tail_3") == [(2, 6), (1, 6), (0, 6)]
    assert cell(at(table([30], [31.0], groups={"sex": ["f"]})))["severity"].reason is Why.NOBODY


def test_the_claim(counted: PointResult) -> None:
    claim = counted.claim
    assert (claim.k, claim.n, claim.subjects) == (2, 5, 5)
    assert claim.upper == pytest.approx(upper_bound(2, 5))
    assert claim.min_provable == pytest.approx(1 - 0.05 ** (1 / 5))
    assert counted.verdict is Verdict.INCONCLUSIVE
    assert counted.worst is not None
    assert counted.worst.where == {"sex": "f"}
    # Two groups: each bound at 1 − 0.05 / 2.
    assert counted.claims[1].upper_together == pytest.approx(upper_bound(0, 2, 0.975))


def test_intervals_are_those_of_scipy(counted: PointResult) -> None:
    found = cell(counted)["fpr"]
    oracle = stats.binomtest(2, 6).proportion_ci(0.95, method="exact")
    assert found.low == pytest.approx(oracle.low)
    assert found.high == pytest.approx(oracle.high)
    assert found.method is Method.CLOPPER_PEARSON


def test_groups_and_their_range_against_fairlearn() -> None:
    fairlearn = pytest.importorskip("fairlearn.metrics")
    rng = np.random.default_rng(4)
    ages = rng.integers(10, 18, 500)
    seen = ages + rng.normal(2, 4, 500)
    sex = rng.choice(["f", "m", "x"], 500)
    result = at(table(ages.tolist(), seen.clip(0).tolist(), groups={"sex": sex.tolist()}))
    frame = fairlearn.MetricFrame(
        metrics=fairlearn.false_positive_rate,
        y_true=np.zeros(500, dtype=int),
        y_pred=(seen >= 20).astype(int),
        sensitive_features=sex,
    )
    for group in ("f", "m", "x"):
        assert cell(result, sex=group)["fpr"].value == pytest.approx(frame.by_group[group])
    band = ages >= 16
    frame = fairlearn.MetricFrame(
        metrics=fairlearn.selection_rate,
        y_true=np.zeros(band.sum(), dtype=int),
        y_pred=(seen[band] >= 20).astype(int),
        sensitive_features=sex[band],
    )
    (spread,) = [s for s in result.spreads if s.metric == "fpr_band"]
    assert spread.figures["max_min"].value == pytest.approx(frame.difference())
    assert spread.figures["max_over_min"].value == pytest.approx(1 / frame.ratio())
    assert spread.figures["gini"].low is not None


class TestAcrossTheLimit:
    """An age group that lies across the limit is neither minors nor adults."""

    MADE = table(
        [(0, 9), (10, 19), (10, 19), (20, 29), (10, 17)],
        [21.0, 21.0, 15.0, 19.0, 20.0],
        groups={"sex": [""] * 5},
    )

    def test_it_is_told_apart(self) -> None:
        everybody = cell(at(self.MADE))
        assert counts(everybody, "fpr", "fnr", "passed_across_limit") == [(2, 2), (1, 1), (1, 2)]
        assert set(cell(at(self.MADE), age="10–19")) == {"passed_across_limit"}

    def test_it_may_be_the_band_and_is_then_marked(self) -> None:
        teens = replace(POINT, protected_band=AgeBand(first_years=10, last_years=19))
        result = at(self.MADE, replace(PLAN, points=(teens,)))
        assert result.band_across_limit
        # The group 10–19 and the one of 10–17, which lies in it; never 0–9.
        assert (result.claim.k, result.claim.n) == (2, 3)
        assert not at(self.MADE).band_across_limit

    def test_a_year_of_a_group_is_no_single_year(self) -> None:
        assert cell(at(self.MADE))["fpr_standardised"].reason is Why.AGE_MISSING


class TestSeveralSamplesOfOnePerson:
    def test_people_are_counted_and_bounds_are_of_people(self) -> None:
        # Person 0 passes with one of three, person 1 with both, person 2 with neither.
        made = table(
            [17] * 7,
            [20.0, 10.0, 10.0, 20.0, 20.0, 10.0, 10.0],
            subjects=[0, 0, 0, 1, 1, 2, 2],
            groups={"sex": ["f"] * 7},
        )
        result = at(made)
        found = cell(result)["fpr"]
        assert (found.k, found.n, found.subjects) == (3, 7, 3)
        assert found.method is Method.CLOPPER_PEARSON_PEOPLE
        assert result.claim.subjects_passed == 2
        assert result.claim.upper == pytest.approx(upper_bound(2, 3))
        assert result.claim.lower == pytest.approx(1 - upper_bound(2, 3))
        oracle = stats.binomtest(2, 3).proportion_ci(0.95, method="exact")
        assert found.high == pytest.approx(oracle.high)

    def test_copies_of_a_picture_prove_nothing_more(self) -> None:
        once = at(table([17] * 40, [10.0] * 40, groups={"sex": ["f"] * 40}))
        copies = at(
            table(
                [17] * 400,
                [10.0] * 400,
                subjects=[row // 10 for row in range(400)],
                groups={"sex": ["f"] * 400},
            )
        )
        assert copies.claim.upper == once.claim.upper
        assert copies.verdict is once.verdict

    def test_a_bootstrap_of_people_where_enough_of_them_erred(self) -> None:
        seen = [20.0 if person % 3 == 0 else 10.0 for person in range(60) for _ in range(4)]
        subjects = [person for person in range(60) for _ in range(4)]
        made = table([17] * 240, seen, subjects=subjects, groups={"sex": ["f"] * 240})
        found = cell(at(made))["fpr"]
        assert found.method is Method.BCA
        assert found.low is not None
        assert found.high is not None
        # As wide as 20 of 60 people, not as 80 of 240.
        people = stats.binomtest(20, 60).proportion_ci(0.95, method="exact")
        rows = stats.binomtest(80, 240).proportion_ci(0.95, method="exact")
        assert rows.high - rows.low < 0.75 * (found.high - found.low)
        assert found.high - found.low == pytest.approx(people.high - people.low, rel=0.1)

    def test_standardised_rates_are_resampled_by_person(self) -> None:
        rng = np.random.default_rng(8)
        subjects = [person for person in range(80) for _ in range(4)]
        ages = [16, 16, 17, 17] * 80
        seen = (rng.normal(18, 3, 80)[subjects] + rng.normal(0, 1, 320)).tolist()
        made = table(ages, seen, subjects=subjects, groups={"sex": ["f"] * 320})
        found = cell(at(made))["fpr_standardised"]
        assert found.method is Method.PERCENTILE
        assert found.subjects == 80


class TestVerdicts:
    @pytest.mark.parametrize(
        ("errors", "people", "alpha", "verdict"),
        [
            (0, 299, 0.01, Verdict.PASS),
            (0, 298, 0.01, Verdict.INCONCLUSIVE),
            (1, 473, 0.01, Verdict.PASS),
            (1, 472, 0.01, Verdict.INCONCLUSIVE),
            (9, 299, 0.01, Verdict.FAIL),
            (0, 1, 0.01, Verdict.INCONCLUSIVE),
            (0, 0, 0.01, Verdict.INCONCLUSIVE),
            (395, 75_821, 0.01, Verdict.PASS),
            (500, 200_000, 0.01, Verdict.PASS),
            (3_000, 200_000, 0.01, Verdict.FAIL),
            (1, 1, 0.01, Verdict.FAIL),
        ],
    )
    def test_of_counts(self, errors: int, people: int, alpha: float, verdict: Verdict) -> None:
        assert verdict_of(errors, errors, people, alpha) is verdict

    def test_no_errors_among_few_is_never_a_pass(self) -> None:
        result = at(table([17] * 3, [10.0] * 3, groups={"sex": ["f"] * 3}))
        assert result.verdict is Verdict.INCONCLUSIVE
        assert result.claim.upper == pytest.approx(1 - 0.05 ** (1 / 3))

    def test_every_group_must_prove_it(self) -> None:
        groups = {"sex": ["f"] * 20 + ["m"] * 3}
        result = at(table([17] * 23, [10.0] * 23, groups=groups))
        assert result.verdict is Verdict.PASS
        assert [c.verdict for c in result.claims] == [Verdict.PASS, Verdict.INCONCLUSIVE]
        assert result.every_group is Verdict.INCONCLUSIVE
        assert result.worst is not None
        assert result.worst.where == {"sex": "m"}
        passing = at(table([17] * 40, [10.0] * 40, groups={"sex": ["f", "m"] * 20}))
        assert passing.every_group is Verdict.PASS

    def test_a_group_that_holm_finds_above_fails_the_family(self) -> None:
        groups = {"sex": ["f"] * 20 + ["m"] * 20}
        result = at(table([17] * 40, [10.0] * 20 + [30.0] * 20, groups=groups))
        assert [c.above_by_holm for c in result.claims] == [False, True]
        assert result.every_group is Verdict.FAIL
        assert result.claims[1].verdict is Verdict.FAIL

    def test_no_groups_prove_nothing(self) -> None:
        assert all_of(()) is Verdict.INCONCLUSIVE
        assert worst_of(()) is None

    def test_an_empty_group_is_a_row_and_keeps_the_family_open(self) -> None:
        made = table([17] * 20 + [30], [10.0] * 20 + [31.0], groups={"sex": ["f"] * 20 + ["m"]})
        result = at(made)
        assert [c.n for c in result.claims] == [20, 0]
        assert result.claims[1].upper is None
        assert result.every_group is Verdict.INCONCLUSIVE
        assert cell(result, sex="m")["fpr_band"].reason is Why.NOBODY


class TestThresholds:
    def test_rates_by_threshold(self) -> None:
        made = table(AGES, SEEN, groups={"sex": SEX})
        rows = by_threshold(made, Grid.of(made, PLAN), 18)
        assert [row.threshold_years for row in rows] == [float(t) for t in range(18, 31)]
        at_20 = rows[2].figures
        assert counts(at_20, "fpr", "fnr", "fpr_17", "fnr_18") == [(2, 6), (1, 3), (1, 3), (1, 1)]
        assert at_20["fpr"].method is Method.WILSON
        assert at_20["fpr_13"].reason is Why.NOBODY

    def test_no_interval_for_several_samples_of_a_person(self) -> None:
        made = table([17, 17], [10.0, 20.0], subjects=[1, 1], groups={"sex": ["f", "f"]})
        (row, *_) = by_threshold(made, Grid.of(made, PLAN), 18)
        assert row.figures["fpr"].reason is Why.SAMPLES_OF_ONE_PERSON


class TestPlan:
    @pytest.mark.parametrize(
        "changes",
        [
            {"challenge_age_years": 17.9},
            {"challenge_age_years": 121.0},
            {"challenge_age_years": float("nan")},
            {"alpha": 0.0},
            {"alpha": 0.5},
            {"limit_years": 0},
            {"protected_band": AgeBand(first_years=10, last_years=16)},
            {"protected_band": (16, 17)},
            {"chosen_on": "abc"},
        ],
    )
    def test_a_malformed_point_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            replace(POINT, **changes)

    @pytest.mark.parametrize(
        "changes",
        [
            {"points": ()},
            {"points": (POINT, POINT)},
            {"points": ("18",)},
            {"axes": ("sex", "sex")},
            {"axes": ("",)},
            {"axes": tuple("abcdefghi")},
            {"pair_with": "region"},
            {"transfer_axis": "region"},
            {"seed": -1},
            {"resamples": 1999},
        ],
    )
    def test_a_malformed_plan_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            replace(PLAN, **changes)
