"""Conformal lower bounds against MAPIE, and their coverage in a seeded simulation."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ageassure.audit.figure import Why
from ageassure.audit.metrics.cells import Grid
from ageassure.audit.metrics.conformal import conformal, quantile

from .tables import PLAN, STATEMENT, table

OTHERS = replace(STATEMENT, digest="1" * 64)


def test_the_quantile_is_that_of_mapie() -> None:
    pytest.importorskip("mapie")
    regression = importlib.import_module("mapie.regression")
    linear = importlib.import_module("sklearn.linear_model")
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 40, (260, 1))
    y = x[:, 0] + rng.gamma(2, 2, 260)
    model = linear.LinearRegression().fit(x[:60], y[:60])
    oracle = regression.SplitConformalRegressor(model, confidence_level=0.95, prefit=True)
    oracle.conformalize(x[60:], y[60:])
    predicted, intervals = oracle.predict_interval(x[:1])
    scores = np.abs(y[60:] - model.predict(x[60:]))
    assert quantile(scores, 0.95) == pytest.approx(intervals[0, 1, 0] - predicted[0])


def test_the_quantile_by_hand() -> None:
    scores = np.array([float(score) for score in range(19)])
    assert quantile(scores, 0.95) == 18.0  # ⌈20 · 0.95⌉ = the 19th of 19
    assert quantile(scores[:18], 0.95) is None  # ⌈19 · 0.95⌉ = 19 of 18
    assert quantile(np.arange(99.0), 0.95) == 94.0


def people(n: int, seed: int, **changes: Any) -> Any:
    rng = np.random.default_rng(seed)
    ages = rng.integers(10, 40, n)
    sex = rng.choice(["f", "m"], n)
    # Women are estimated two years older: their margin must be the wider one.
    seen = ages + rng.normal(0, 2, n) + 2 * (sex == "f")
    return table(ages.tolist(), seen.clip(0).tolist(), groups={"sex": sex.tolist()}, **changes)


def test_margins_and_what_they_cover() -> None:
    test = people(4_000, 1)
    found = conformal(people(4_000, 2, statement=OTHERS), test, Grid.of(test, PLAN), PLAN)
    assert found.margin.value is not None
    assert found.margin.reason is Why.A_BOUND
    by_sex = {
        cell.where["sex"]: cell.figures["margin_years"].value
        for cell in found.margins
        if set(cell.where) == {"sex"}
    }
    assert by_sex["f"] == pytest.approx(2 + 1.645 * 2, abs=0.3)
    assert by_sex["m"] == pytest.approx(1.645 * 2, abs=0.3)
    assert found.worst is not None
    assert found.worst["sex"] == "f"
    everybody = found.covered[0].figures
    assert everybody["with_margin"].value == pytest.approx(0.95, abs=0.015)
    assert found.worst_covered is not None
    assert found.worst_covered["sex"] == "f"
    for cell in found.covered:
        least = cell.figures["with_worst_margin"]
        assert least.high is not None
        assert least.high >= 0.95


def test_too_few_people_have_no_margin() -> None:
    test = people(60, 1)
    few = people(10, 2, statement=OTHERS)
    found = conformal(few, test, Grid.of(test, PLAN), PLAN)
    assert found.margin.reason is Why.FEW_FOR_MARGIN
    assert found.worst is None
    assert found.worst_covered is None
    assert not found.covered[0].figures


def test_several_samples_count_once_and_groups_by_their_first_year() -> None:
    plan = replace(PLAN, axes=(), pair_with=None)
    calibration = table(
        [(10, 19)] * 40,
        [12.0, 15.0] * 20,
        subjects=[row // 2 for row in range(40)],
        statement=OTHERS,
    )
    test = table([(10, 19)] * 3, [15.0, 15.5, 11.0])
    found = conformal(calibration, test, Grid.of(test, plan), plan)
    assert (found.margin.value, found.margin.subjects) == (5.0, 20)
    # 15.0 − 5 ≤ 10 holds for whoever is in the group, 15.5 − 5 does not for those of 10.
    assert found.covered[0].figures["with_margin"].k == 2
    nobody = table([17, 18], [None, None], statement=OTHERS)
    assert conformal(nobody, test, Grid.of(test, plan), plan).margin.reason is Why.NOBODY
