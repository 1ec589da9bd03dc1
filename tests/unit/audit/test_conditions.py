"""Errors against measured conditions, and the slopes that they share with degraded pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ageassure.audit.figure import Method, Why, as_data
from ageassure.audit.metrics.conditions import conditions
from ageassure.audit.metrics.slopes import slope, slope_within
from ageassure.errors import ConfigurationError

from .tables import PLAN, table

EVERYBODY = replace(PLAN, axes=(), pair_with=None)


def people(n: int, *, each: int = 1, seed: int = 1) -> Any:
    """Errors of 0.1 year for each degree of turn, and -1 year for everybody."""
    rng = np.random.default_rng(seed)
    ages = np.repeat(rng.integers(10, 40, n // each), each)
    yaw = rng.uniform(-40, 40, n)
    estimates = ages - 1 + 0.1 * np.abs(yaw) + rng.normal(0, 2, n)
    return table(
        ages.tolist(),
        estimates.clip(0, 120).tolist(),
        subjects=np.repeat(np.arange(n // each), each).tolist(),
        conditions={"yaw_degrees": yaw},
    )


def test_the_slope_is_that_of_least_squares() -> None:
    made = people(400)
    (found,) = conditions(made, EVERYBODY)
    yaw = np.abs(made.conditions["yaw_degrees"])
    error = made.estimated_age_years - made.age_low_years
    assert found.slope.value == pytest.approx(np.polyfit(yaw, error, 1)[0], rel=1e-9)
    assert (found.name, found.unknown) == ("yaw_degrees", 0)
    assert (found.slope.n, found.slope.subjects) == (400, 400)
    assert found.slope.method is Method.PERCENTILE
    assert found.slope.low is not None
    assert found.slope.high is not None
    assert 0.05 < found.slope.low < 0.1 < found.slope.high < 0.15
    assert found.slope_within.value is None
    assert found.slope_within.reason is Why.ONE_LEVEL


def test_the_interval_is_as_wide_as_theory_has_it() -> None:
    made = people(2_000)
    (found,) = conditions(made, EVERYBODY)
    yaw = np.abs(made.conditions["yaw_degrees"])
    error = made.estimated_age_years - made.age_low_years
    _, covariance = np.polyfit(yaw, error, 1, cov=True)
    assert found.slope.low is not None
    assert found.slope.high is not None
    expected = 2 * 1.96 * float(np.sqrt(covariance[0, 0]))
    assert found.slope.high - found.slope.low == pytest.approx(expected, rel=0.1)


def test_five_parts_show_the_form() -> None:
    (found,) = conditions(people(1_000), EVERYBODY)
    assert [part.figures["mae"].n for part in found.parts] == [200] * 5
    assert found.parts[0].least >= 0  # the size of the turn
    ends = [end for part in found.parts for end in (part.least, part.most)]
    assert ends == sorted(ends)
    bias = [part.figures["bias"].value or 0 for part in found.parts]
    assert bias == sorted(bias)
    assert bias[0] == pytest.approx(-0.6, abs=0.5)
    assert bias[4] == pytest.approx(2.6, abs=0.5)
    assert found.parts[0].figures["bias"].low is not None


def test_within_persons_it_does_not_matter_who_looks_aside() -> None:
    """Older people are turned further and are judged younger: pooled, the sign is wrong."""
    yaw = np.array([0.0, 10.0, 20.0, 30.0, 40.0, 50.0] * 10) + np.repeat(np.arange(10) % 3, 6)
    ages = np.tile(np.repeat([20, 40, 60], 2), 10)
    estimates = ages - (ages - 20) / 4 + 0.1 * yaw
    made = table(
        ages.tolist(),
        estimates.tolist(),
        subjects=(np.repeat(np.arange(10), 6) * 3 + np.tile(np.repeat([0, 1, 2], 2), 10)).tolist(),
        conditions={"yaw_degrees": yaw},
    )
    (found,) = conditions(made, EVERYBODY)
    assert found.slope.value is not None
    assert found.slope.value < 0
    assert found.slope_within.value == pytest.approx(0.1, abs=1e-9)
    assert (found.slope_within.n, found.slope_within.subjects) == (60, 30)


def test_the_order_of_rows_does_not_change_a_digit() -> None:
    for each in (1, 3):
        made = people(300, each=each)
        turned = made.rows(np.random.default_rng(2).permutation(300))
        assert as_data(conditions(made, EVERYBODY)) == as_data(conditions(turned, EVERYBODY))


def test_several_pictures_of_a_person_widen_the_interval() -> None:
    rng = np.random.default_rng(4)
    yaw = np.repeat(rng.uniform(0, 40, 50), 6)  # a person is always turned as far
    error = np.repeat(rng.normal(0, 3, 50), 6)
    subjects = np.repeat(np.arange(50), 6)
    clustered = slope(yaw, error, subjects, EVERYBODY, 14)
    alone = slope(yaw, error, np.arange(300), EVERYBODY, 14)
    assert clustered.value == pytest.approx(alone.value)
    assert clustered.subjects == 50
    for figure in (clustered, alone):
        assert figure.low is not None
        assert figure.high is not None
    widths = [(f.high or 0) - (f.low or 0) for f in (clustered, alone)]
    assert widths[0] > 1.8 * widths[1]


def test_what_is_not_known_is_counted_and_left_out() -> None:
    made = table(
        [17, 18, 19, (20, 29), 30], [17.0, 19.0, None, 25.0, 33.0],
        conditions={
            "inter_ocular_pixels": np.array([60.0, np.nan, 80.0, 90.0, 100.0]),
            "yaw_degrees": np.array([np.nan] * 5),
        },
    )  # fmt: skip
    eyes, yaw = conditions(made, EVERYBODY)
    assert (eyes.name, eyes.unknown, eyes.slope.n) == ("inter_ocular_pixels", 1, 2)
    assert eyes.slope.value == pytest.approx(3 / 40)
    assert eyes.slope.reason is Why.FEW_PEOPLE
    assert (yaw.unknown, yaw.slope.reason, yaw.parts) == (4, Why.NOBODY_PROCESSED, ())
    assert yaw.slope_within.reason is Why.NOBODY_PROCESSED


def test_groups_of_ages_have_no_error_and_one_level_no_slope() -> None:
    grouped = table([(10, 19)] * 3, [15.0] * 3, conditions={"yaw_degrees": np.array([1.0, 2, 3])})
    (found,) = conditions(grouped, EVERYBODY)
    assert (found.slope.reason, found.parts) == (Why.AGES_IN_GROUPS, ())
    level = table([17] * 6, [15.0] * 6, conditions={"yaw_degrees": np.full(6, -3.0)})
    (found,) = conditions(level, EVERYBODY)
    assert found.slope.reason is Why.ONE_LEVEL
    assert len(found.parts) == 5
    assert conditions(table([17], [17.0]), EVERYBODY) == ()


def test_resamples_without_a_spread_have_no_slope() -> None:
    x, y = np.array([1.0, *[2.0] * 5]), np.arange(6.0)
    found = slope(x, y, np.arange(6), EVERYBODY, 14)
    assert found.value == pytest.approx(3.0)
    assert found.reason is Why.RESAMPLES_UNDEFINED


def test_nothing_has_no_slope() -> None:
    none, who = np.array([]), np.array([], dtype=np.int64)
    assert slope(none, none, who, EVERYBODY, 14).reason is Why.NOBODY_PROCESSED
    assert slope_within(none, none, who, who, EVERYBODY, 15).reason is Why.NOBODY_PROCESSED


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="got 1 rows of yaw_degrees, expected 2"):
        table([17, 18], [17.0, 18.0], conditions={"yaw_degrees": np.array([1.0])})
