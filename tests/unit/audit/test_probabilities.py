"""Calibration of probabilities against scikit-learn, counting and made-up certainty."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ageassure.audit.figure import Method, Why, as_data
from ageassure.audit.metrics.cells import Grid
from ageassure.audit.metrics.coverage import central, coverage, coverage_by_year
from ageassure.audit.metrics.reliability import reliability

from .tables import PLAN, table

if TYPE_CHECKING:
    from collections.abc import Sequence

CUTS = (13, 16, 18, 20, 21, 25)
YEARS = tuple(range(1, 121))


def right(
    n: int, *, shift: float = 0.0, seed: int = 2, cuts: Sequence[int] = CUTS, spread: float = 3.0
) -> Any:
    """People whose ages are drawn from what is said of them; ``shift`` makes it wrong."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(8, 32, n)
    years = np.arange(121)
    density = np.exp(-0.5 * ((years - mean[:, None]) / 3) ** 2)
    density /= density.sum(axis=1, keepdims=True)
    ages = np.array([rng.choice(years, p=row) for row in density])
    moved = np.exp(-0.5 * ((years - mean[:, None] - shift) / spread) ** 2)
    moved /= moved.sum(axis=1, keepdims=True)
    survival = moved[:, ::-1].cumsum(axis=1)[:, ::-1].clip(0, 1)
    p_over = {cut: survival[:, cut].tolist() for cut in cuts}
    return table(ages.tolist(), mean.tolist(), groups={"sex": ["f", "m"] * (n // 2)}, p_over=p_over)


@pytest.fixture(scope="module")
def calibrated() -> Any:
    return right(1_000)


def test_scores_against_scikit_learn(calibrated: Any) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    found = reliability(calibrated, Grid.of(calibrated, PLAN), PLAN)
    assert [one.age_years for one in found] == list(CUTS)
    (at_18,) = [one for one in found if one.age_years == 18]
    truth, said = calibrated.age_low_years >= 18, calibrated.p_over[18]
    figures = at_18.cells[0].figures
    assert figures["brier"].value == pytest.approx(metrics.brier_score_loss(truth, said))
    assert figures["log_loss"].value == pytest.approx(metrics.log_loss(truth, said))
    assert figures["observed"].value == truth.mean()
    assert figures["mean_probability"].value == pytest.approx(said.mean())
    assert figures["brier"].method is Method.BCA
    female = calibrated.groups["sex"].where("f")
    assert at_18.cells[1].where == {"sex": "f"}
    assert at_18.cells[1].figures["brier"].value == pytest.approx(
        metrics.brier_score_loss(truth[female], said[female])
    )


def test_equal_mass_bins_and_their_error(calibrated: Any) -> None:
    found = reliability(calibrated, Grid.of(calibrated, PLAN), PLAN)[2]
    truth, said = calibrated.age_low_years >= 18, calibrated.p_over[18]
    order = np.argsort(said, kind="stable")
    parts = np.array_split(order, 10)
    gaps = [abs(said[part].mean() - truth[part].mean()) for part in parts]
    assert found.cells[0].figures["ece"].value == pytest.approx(np.mean(gaps), abs=1e-9)
    assert [one.observed.n for one in found.bins] == [100] * 10
    assert [one.mean_probability for one in found.bins] == pytest.approx(
        [said[part].mean() for part in parts]
    )


def test_the_error_of_right_probabilities_is_that_of_chance_and_of_wrong_ones_is_not() -> None:
    for shift, inside in ((0.0, True), (3.0, False)):
        made = right(600, shift=shift)
        ece = reliability(made, Grid.of(made, PLAN), PLAN)[2].cells[0].figures["ece"]
        assert ece.method is Method.CHANCE
        assert ece.low is not None
        assert ece.high is not None
        assert ece.value is not None
        assert (ece.low <= ece.value <= ece.high) is inside
        assert ece.value > ece.high or inside


def test_coverage_and_pit_of_right_distributions(calibrated: Any) -> None:
    found = coverage(calibrated, Grid.of(calibrated, PLAN), PLAN)
    assert found is not None
    assert found.ages_years == CUTS
    assert sum(share.value or 0 for share in found.pit) == pytest.approx(1)
    for share in found.pit:
        assert (share.n, share.subjects, share.method) == (1_000, 1_000, Method.BCA)
        assert share.value == pytest.approx(0.1, abs=0.03)
        assert share.low is not None
        assert share.high is not None
        assert share.low < 0.11
        assert share.high > 0.09
    everybody = found.cells[0].figures
    for percent in (80, 90, 95):
        observed, claimed = everybody[f"coverage_{percent}"], everybody[f"claimed_{percent}"]
        assert claimed.value is not None
        assert claimed.value >= percent / 100
        assert observed.low is not None
        assert observed.high is not None
        assert observed.low <= claimed.value <= observed.high
    assert any(cell.where == {"age_band": "16–17"} for cell in found.cells)


def test_wrong_distributions_cover_too_little() -> None:
    made = right(600, shift=6.0)
    found = coverage(made, Grid.of(made, PLAN), PLAN)
    assert found is not None
    everybody = found.cells[0].figures
    assert everybody["coverage_80"].high is not None
    assert everybody["claimed_80"].value is not None
    assert everybody["coverage_80"].high < everybody["claimed_80"].value


def test_central_intervals_by_hand() -> None:
    #                     cuts:   0     13    18    25   121
    survival = np.array([[1.0, 0.97, 0.60, 0.04, 0.0], [1.0, 1.0, 1.0, 1.0, 0.0]])
    low, high = central(survival, 0.9)
    assert low.tolist() == [1, 3]  # 3 % under 13 may be left out, 40 % under 18 not
    assert high.tolist() == [3, 4]  # 4 % at 25 or over may be left out
    low, high = central(survival, 0.95)
    assert (low[0], high[0]) == (0, 4)


def test_groups_across_an_age_are_left_out_and_counted() -> None:
    made = table(
        [(10, 19), 17, 30], [15.0, 16.0, 31.0], groups={"sex": ["f"] * 3}, p_over={18: [0.2, 0, 1]}
    )
    grid = Grid.of(made, PLAN)
    (found,) = reliability(made, grid, PLAN)
    assert found.left_out == 1
    assert found.cells[0].figures["brier"].value == 0
    assert found.cells[0].figures["brier"].n == 2
    covered = coverage(made, grid, PLAN)
    assert covered is not None
    assert covered.left_out == 1
    assert covered.cells[0].figures["coverage_80"].value == 1


def test_certainty_that_is_wrong_costs_much_but_not_infinitely() -> None:
    made = table([17] * 6, [30.0] * 6, groups={"sex": ["f"] * 6}, p_over={18: [1.0] * 6})
    (found,) = reliability(made, Grid.of(made, PLAN), PLAN)
    assert found.cells[0].figures["log_loss"].value == pytest.approx(27.63, abs=0.01)
    assert found.cells[0].figures["ece"].value == pytest.approx(1)


def test_an_estimator_without_probabilities() -> None:
    made = table([17, 18], [17.0, 18.0], groups={"sex": ["f", "f"]})
    grid = Grid.of(made, PLAN)
    assert reliability(made, grid, PLAN) == ()
    assert coverage(made, grid, PLAN) is None


def test_nobody_of_a_group_and_several_samples_of_a_person() -> None:
    made = table(
        [17, 18, 19],
        [17.0, 18.0, None],
        subjects=[1, 1, 2],
        groups={"sex": ["f", "f", "m"]},
        p_over={18: [0.5, 0.5, 0.5]},
    )
    (found,) = reliability(made, Grid.of(made, PLAN), PLAN)
    everybody, female, male = (cell.figures for cell in found.cells)
    assert everybody["ece"].reason is Why.SAMPLES_OF_ONE_PERSON
    assert female["brier"].subjects == 1
    assert male["brier"].reason is Why.NOBODY_PROCESSED
    refused = table([17], [None], groups={"sex": ["f"]}, p_over={18: [0.5]})
    assert coverage(refused, Grid.of(refused, PLAN), PLAN) is None
    only = replace(PLAN, axes=(), pair_with=None)
    across = table([(10, 19)], [15.0], p_over={18: [0.5]})
    seen = coverage(across, Grid.of(across, only), only)
    assert seen is not None
    assert {share.reason for share in seen.pit} == {Why.AGES_IN_GROUPS}
    assert seen.cells[0].figures["claimed_80"].value is None


class TestSingleYears:
    def test_six_ages_are_no_whole_distribution(self, calibrated: Any) -> None:
        assert coverage_by_year(calibrated, Grid.of(calibrated, PLAN), PLAN) is None
        none = table([17], [17.0], groups={"sex": ["f"]}, p_over={a: [np.nan] for a in YEARS})
        assert coverage_by_year(none, Grid.of(none, PLAN), PLAN) is None

    def test_right_distributions_are_flat_and_hold_what_they_claim(self) -> None:
        made = right(2_000, cuts=YEARS)
        found = coverage_by_year(made, Grid.of(made, PLAN), PLAN)
        assert found is not None
        assert (found.ages_years, found.left_out) == (YEARS, 0)
        for share in found.pit:
            assert share.value == pytest.approx(0.1, abs=0.03)
        everybody = found.cells[0].figures
        for percent in (80, 90, 95):
            claimed, seen = everybody[f"claimed_{percent}"], everybody[f"coverage_{percent}"]
            assert claimed.value is not None
            assert seen.low is not None
            assert seen.high is not None
            assert percent / 100 <= claimed.value < percent / 100 + 0.08
            assert seen.low <= claimed.value <= seen.high
        by_age = {cell.where["age"]: cell.figures for cell in found.cells if "age" in cell.where}
        assert by_age["17"]["coverage_90"].n == int((made.age_low_years == 17).sum()) > 20
        assert by_age["17"]["coverage_90"].low is not None

    def test_a_distribution_that_is_too_narrow_has_full_ends(self) -> None:
        made = right(1_000, cuts=YEARS, spread=1.5)
        found = coverage_by_year(made, Grid.of(made, PLAN), PLAN)
        assert found is not None
        assert found.pit[0].low is not None
        assert found.pit[0].low > 0.15
        everybody = found.cells[0].figures
        assert everybody["coverage_90"].high is not None
        assert everybody["coverage_90"].high < 0.8

    def test_the_pit_against_the_definition(self) -> None:
        made = right(50, cuts=YEARS)
        found = coverage_by_year(made, Grid.of(made, PLAN), PLAN)
        assert found is not None

        def reached(row: int, u: float) -> float:
            """F(u | y) of Czado, Gneiting and Held (2009), equation 2."""
            age = int(made.age_low_years[row])
            under = 1 - (made.p_over[age][row] if age else 1.0)
            upto = 1 - made.p_over[age + 1][row]
            return float(min(1.0, max(0.0, (u - under) / (upto - under))))

        for tenth, share in enumerate(found.pit):
            parts = [reached(row, (tenth + 1) / 10) - reached(row, tenth / 10) for row in range(50)]
            assert share.value == pytest.approx(sum(parts) / 50, abs=1e-9)

    def test_the_other_figures_are_those_of_the_six_ages(self) -> None:
        whole, six = right(300, cuts=YEARS), right(300)
        for measure in (coverage, reliability):
            found = [measure(made, Grid.of(made, PLAN), PLAN) for made in (whole, six)]
            assert as_data(found[0]) == as_data(found[1])

    def test_several_samples_of_a_person_and_the_order_of_rows(self) -> None:
        made = right(200, cuts=YEARS)
        subjects = np.arange(200) // 2
        twice = replace(made, subjects=subjects)
        turned = twice.rows(np.arange(200)[::-1])
        found = [coverage_by_year(t, Grid.of(t, PLAN), PLAN) for t in (twice, turned)]
        assert as_data(found[0]) == as_data(found[1])
        assert found[0] is not None
        assert (found[0].pit[0].n, found[0].pit[0].subjects) == (200, 100)
        assert found[0].pit[0].low is not None

    def test_age_groups_are_in_no_single_year(self) -> None:
        made = table(
            [(10, 19), 17], [15.0, 17.0], groups={"sex": ["f", "m"]},
            p_over={a: [float(a < 16)] * 2 for a in YEARS},
        )  # fmt: skip
        found = coverage_by_year(made, Grid.of(made, PLAN), PLAN)
        assert found is not None
        assert found.left_out == 1
        assert {"age": "10–19"} not in [dict(cell.where) for cell in found.cells]
        assert found.pit[9].n == 1
