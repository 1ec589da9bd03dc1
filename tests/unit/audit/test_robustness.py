from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ageassure.audit.degradation import Degradation, Region
from ageassure.audit.figure import Method, Why
from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.audit.robustness import (
    DegradedEstimate,
    estimate_degraded,
    robustness,
    simulated_tries,
)
from ageassure.errors import ConfigurationError, PictureError
from ageassure.policy import AgeBand

from .tables import table

POINT = OperatingPoint(
    limit_years=18,
    challenge_age_years=20.0,
    alpha=0.05,
    protected_band=AgeBand(first_years=16, last_years=17),
    chosen_on=None,
)
PLAN = EvaluationPlan(points=(POINT,), axes=(), pair_with=None, seed=1)


def darker_is_older(pixels: Any) -> float:
    mean = float(pixels.mean())
    if mean < 20:
        raise PictureError("too dark", code="picture_dark")
    return 60 - mean / 4


def run(count: int) -> tuple[Any, list[DegradedEstimate]]:
    rng = np.random.default_rng(1)
    shades = rng.integers(100, 200, count)
    pictures = [np.full((8, 8, 3), shade, dtype=np.uint8) for shade in shades]
    made = table([17, 30] * (count // 2), [darker_is_older(picture) for picture in pictures])
    levels = {Degradation.BRIGHTNESS: (0.1, 0.5, 1.0)}
    degraded = estimate_degraded(
        (
            (str(sample), picture, Region(left=0, top=0, right=8, bottom=8))
            for sample, picture in zip(made.sample_ids, pictures, strict=True)
        ),
        darker_is_older,
        levels=levels,
    )
    found = list(degraded)
    assert all((picture > 0).all() for picture in pictures)  # the caller's own are left alone
    return made, found


def test_a_curve_from_pictures_to_slope() -> None:
    made, degraded = run(20)
    assert len(degraded) == 60
    assert {one.status for one in degraded} == {"ok", "picture_dark"}
    (curve,) = robustness(made, degraded, POINT, PLAN)
    assert [level.level for level in curve.levels] == [0.1, 0.5, 1.0]
    dark, half, same = (level.figures for level in curve.levels)
    assert same["shift"].value == 0
    assert same["shift"].reason is Why.NO_SPREAD
    assert half["shift"].value is not None
    assert half["shift"].value == pytest.approx(18.6, abs=3)
    assert half["movement"].value == half["shift"].value
    assert half["shift"].method is Method.BCA
    assert dark["ftp"].k == sum(one.status != "ok" for one in degraded)
    assert half["fpr_band"].value == 1
    assert half["fpr_band"].method is Method.CLOPPER_PEARSON
    assert half["fnr"].k == 0
    assert curve.slope.value is not None
    assert curve.slope.value < 0
    assert (curve.slope.n, curve.slope.subjects) == (40 + dark["shift"].n, 20)
    assert curve.slope.high is not None
    assert curve.slope.high < 0


def rows(*values: tuple[str, float, float | None]) -> list[DegradedEstimate]:
    return [
        DegradedEstimate(
            sample_id=sample,
            degradation=Degradation.BLUR,
            level=level,
            estimated_age_years=years,
            status="ok" if years is not None else "no_face",
        )
        for sample, level, years in values
    ]


def test_the_slope_by_hand_is_of_samples_processed_at_two_levels() -> None:
    made = table([17, 17, 17], [20.0, 20.0, 20.0])
    given = rows(
        ("s0000000", 0.1, 20.0),
        ("s0000000", 0.3, 24.0),
        ("s0000001", 0.1, 21.0),
        ("s0000001", 0.3, 23.0),
        ("s0000002", 0.1, 50.0),
        ("s0000002", 0.3, None),
    )
    (curve,) = robustness(made, given, POINT, PLAN)
    assert curve.slope.value == pytest.approx(15)  # (4 / 0.2 + 2 / 0.2) / 2
    assert curve.slope.subjects == 2
    assert curve.levels[1].figures["ftp"].k == 1


def test_what_was_not_given_is_no_failure() -> None:
    made = table([17, 17], [20.0, None])
    (curve,) = robustness(made, rows(("s0000001", 0.1, 20.0)), POINT, PLAN)
    figures = curve.levels[0].figures
    assert figures["ftp"].reason is Why.NOBODY
    assert figures["shift"].reason is Why.NOBODY_PROCESSED
    assert curve.slope.reason is Why.ONE_LEVEL
    (curve,) = robustness(made, rows(("s0000001", 0.1, None)), POINT, PLAN)
    assert curve.slope.reason is Why.NOBODY_PROCESSED
    assert robustness(made, [], POINT, PLAN) == ()


def test_several_samples_of_a_person_have_an_interval_over_people() -> None:
    made = table([17, 17], [20.0, 21.0], subjects=[1, 1])
    given = rows(("s0000000", 0.1, 20.0), ("s0000001", 0.1, 20.0))
    (curve,) = robustness(made, given, POINT, PLAN)
    share = curve.levels[0].figures["fpr_band"]
    assert (share.n, share.subjects, share.method) == (2, 1, Method.CLOPPER_PEARSON_PEOPLE)
    assert share.low == pytest.approx(0.025)


def test_strangers_and_repetitions_are_refused() -> None:
    made = table([17], [20.0])
    (one,) = rows(("s0000000", 0.1, 20.0))
    with pytest.raises(ConfigurationError, match="not in the table"):
        robustness(made, [replace(one, sample_id="x")], POINT, PLAN)
    with pytest.raises(ConfigurationError, match="twice"):
        robustness(made, [one, one], POINT, PLAN)


def test_degraded_pictures_as_simulated_tries() -> None:
    made = table([17, 17, 30], [15.0, 21.0, 40.0], subjects=[1, 1, 2])
    given = rows(("s0000000", 0.1, 20.0), ("s0000000", 0.3, None), ("s0000001", 0.1, 10.0))
    found = simulated_tries(made, given, POINT, PLAN)
    assert found.simulated
    # The first picture passes with one of three tries, the second with one of two.
    assert found.fpr_at[0].value == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert found.fpr_at[1].value == pytest.approx((2 / 3 + 1) / 2)
    assert (found.fpr_at[2].value, found.fpr_at[2].subjects) == (1.0, 1)
    with pytest.raises(ConfigurationError, match="not in the table"):
        simulated_tries(made, [replace(given[0], sample_id="x")], POINT, PLAN)
    with pytest.raises(ConfigurationError, match="more than once"):
        simulated_tries(made, [given[0], given[0]], POINT, PLAN)
