from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ageassure.audit.evaluation import evaluate
from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.audit.report.limits import Limit, limits_of
from ageassure.audit.table import DatasetStatement
from ageassure.policy import AgeBand

from ..tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

GUESSED = DatasetStatement(
    name="made-up people", digest="0" * 64, licence="CC0-1.0", age_proof="apparent",
    subjects_known=True,
)  # fmt: skip
NOBODY = {"yaw_degrees": np.full(3, np.nan), "inter_ocular_pixels": np.full(3, np.nan)}
ONE = {"yaw_degrees": np.array([np.nan, 3.0, np.nan])}


def _limits(
    ages: Sequence[int | tuple[int, int]], band: tuple[int, int], *, sexes: tuple[str, ...]
) -> dict[str, Limit]:
    estimates = np.full(len(ages), 15.0).tolist()
    sex = [sexes[row % len(sexes)] for row in range(len(ages))]
    people = table(ages, estimates, groups={"sex": sex}, statement=GUESSED)
    point = OperatingPoint(
        limit_years=18,
        challenge_age_years=25.0,
        alpha=0.01,
        protected_band=AgeBand(first_years=band[0], last_years=band[1]),
        chosen_on="f" * 64,
    )
    plan = EvaluationPlan(points=(point,), axes=("sex",), pair_with=None, seed=1)
    found = limits_of(evaluate(people, plan), robustness=True, liveness=True, recorded=True)
    return {limit.code.value: limit for limit in found}


def test_groups_too_small_for_the_claim_are_told_with_their_n() -> None:
    found = _limits([17] * 312 + [30] * 8, (17, 17), sexes=("female", "male", "male"))
    assert "too_few" not in found
    limit = found["too_few_in_group"]
    assert (limit.n, limit.needed) == (104, 299)
    assert limit.sentence.startswith(
        "Cannot support a claim of at most 1 % about people of 17 by sex: n = 104 (female); 2 "
    )
    assert "choice_unknown" not in found
    assert not found.keys() & {"no_robustness", "no_liveness", "estimator_unknown", "no_adults"}


def test_what_everybody_lacks_is_told() -> None:
    found = _limits([16] * 13, (13, 17), sexes=("female",))
    assert found["too_few"].n == 13
    assert "about people of 13–17: n = 13; 299 people" in found["too_few"].sentence
    assert found["no_adults"].n == 0
    assert "13 or 14 or 15 or 17" in found["year_without_people"].sentence
    assert "one group only" in found["only_one_group"].sentence
    assert "ages are apparent" in found["age_not_proved"].sentence


def test_groups_of_ages_are_told() -> None:
    found = _limits([(10, 19)] * 20 + [(20, 29)] * 10, (10, 19), sexes=("female", "male"))
    assert found["ages_in_groups"].n == 30
    assert "year_without_people" not in found


@pytest.mark.parametrize(("measured", "lacking"), [({}, True), (NOBODY, True), (ONE, False)])
def test_conditions_that_are_known_of_nobody_are_none(
    measured: dict[str, NDArray[np.float64]], *, lacking: bool
) -> None:
    people = table([30] * 3, [29.0] * 3, conditions=measured)
    point = OperatingPoint(
        limit_years=18,
        challenge_age_years=25.0,
        alpha=0.01,
        protected_band=AgeBand(first_years=17, last_years=17),
        chosen_on=None,
    )
    plan = EvaluationPlan(points=(point,), axes=(), pair_with=None, seed=1)
    found = limits_of(evaluate(people, plan), robustness=True, liveness=True, recorded=True)
    assert ("no_conditions" in {limit.code.value for limit in found}) is lacking


def test_what_two_points_lack_alike_is_told_once() -> None:
    people = table([17] * 10 + [30] * 5, [15.0] * 15, statement=GUESSED)
    points = tuple(
        OperatingPoint(
            limit_years=18,
            challenge_age_years=25.0,
            alpha=alpha,
            protected_band=AgeBand(first_years=17, last_years=17),
            chosen_on=None,
        )
        for alpha in (0.01, 0.05)
    )
    plan = EvaluationPlan(points=points, axes=(), pair_with=None, seed=1)
    found = limits_of(evaluate(people, plan), robustness=True, liveness=True, recorded=True)
    assert len(set(found)) == len(found)
    assert [limit.code.value for limit in found].count("too_few") == 2
    assert [limit.code.value for limit in found].count("choice_unknown") == 1
