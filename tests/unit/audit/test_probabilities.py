"""Calibration of probabilities against scikit-learn, counting and made-up certainty."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ageassure.audit.figure import Method, Why
from ageassure.audit.metrics.cells import Grid
from ageassure.audit.metrics.probabilities import central, coverage, reliability
from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.policy import AgeBand

from .tables import table

PLAN = EvaluationPlan(
    points=(
        OperatingPoint(
            limit_years=18,
            challenge_age_years=25.0,
            alpha=0.05,
            protected_band=AgeBand(first_years=13, last_years=17),
            chosen_on=None,
        ),
    ),
    axes=("sex",),
    pair_with="sex",
    seed=3,
)
CUTS = (13, 16, 18, 20, 21, 25)


def right(n: int, *, shift: float = 0.0, seed: int = 2) -> Any:
    """People whose ages are drawn from what is said of them; ``shift`` makes it wrong."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(8, 32, n)
    years = np.arange(121)
    density = np.exp(-0.5 * ((years - mean[:, None]) / 3) ** 2)
    density /= density.sum(axis=1, keepdims=True)
    ages = np.array([rng.choice(years, p=row) for row in density])
    moved = np.exp(-0.5 * ((years - mean[:, None] - shift) / 3) ** 2)
    moved /= moved.sum(axis=1, keepdims=True)
    p_over = {cut: moved[:, cut:].sum(axis=1).clip(0, 1).tolist() for cut in CUTS}
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
    assert sum(found.pit) == pytest.approx(1)
    assert max(abs(share - 0.1) for share in found.pit) < 0.03
    everybody = found.cells[0].figures
    for share in (80, 90, 95):
        observed, claimed = everybody[f"coverage_{share}"], everybody[f"claimed_{share}"]
        assert claimed.value is not None
        assert claimed.value >= share / 100
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
    assert seen.pit == ()
    assert seen.cells[0].figures["claimed_80"].value is None
