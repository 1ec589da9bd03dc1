from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ageassure.audit.comparison import Comparison, compare
from ageassure.audit.figure import Figure, Method, Why
from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.errors import ConfigurationError
from ageassure.policy import AgeBand

from .tables import table

POINT = OperatingPoint(
    limit_years=18,
    challenge_age_years=20.0,
    alpha=0.05,
    protected_band=AgeBand(first_years=16, last_years=17),
    chosen_on=None,
)
PLAN = EvaluationPlan(points=(POINT,), axes=("sex",), pair_with=None, seed=1)


def of(found: Comparison, **where: str) -> dict[str, Figure]:
    (years,) = [c for c in found.years if c.where == where]
    (rates,) = [c for c in found.points[0] if c.where == where]
    return {**years.figures, **rates.figures}


def test_counted_by_hand() -> None:
    ages, sex = [16, 17, 18, 30, 40], {"sex": ["f", "m", "f", "m", "f"]}
    one = table(ages, [20.0, 15.0, 19.0, None, 41.0], groups=sex)
    two = table(ages, [17.0, 15.0, 21.0, 30.0, None], groups=sex).rows(np.array([4, 2, 0, 1, 3]))
    found = compare(one, two, PLAN)
    assert (found.samples, found.processed_by_both) == (5, 3)
    assert (found.processed_by_first_only, found.processed_by_second_only) == (1, 1)
    everybody = of(found)
    # |e|: 4, 2, 1 against 1, 2, 3.
    assert everybody["mae"].value == pytest.approx(-1 / 3)
    assert everybody["bias"].value == pytest.approx((-3 + 0 + 2) / 3)
    assert everybody["fpr_operational"].value == -1 / 2
    # Of three adults the first fails 18 and 30, the second 40.
    assert everybody["fnr_operational"].value == pytest.approx(-1 / 3)
    assert of(found, sex="m")["mae"].value == 0
    assert everybody["mae"].reason is Why.FEW_PEOPLE


def made_up(n: int, **changes: Any) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(2)
    ages = rng.integers(10, 40, n)
    own = rng.normal(0, 3, n)
    seen = [(ages + own + rng.normal(shift, 0.5, n)).clip(0) for shift in (0.5, 0.0)]
    sex = {"sex": ["f"] * n}
    tables = [table(ages.tolist(), s.tolist(), groups=sex, **changes) for s in seen]
    return tables[0], tables[1], np.abs(seen[1] - ages) - np.abs(seen[0] - ages)


def test_pairs_are_kept_together() -> None:
    one, two, difference = made_up(400)
    figure = of(compare(one, two, PLAN))["mae"]
    assert figure.value == pytest.approx(difference.mean())
    assert figure.method is Method.BCA
    oracle = stats.bootstrap((difference,), np.mean, n_resamples=5_000, rng=1).confidence_interval
    width = oracle.high - oracle.low
    assert figure.low == pytest.approx(oracle.low, abs=0.1 * width)
    assert figure.high == pytest.approx(oracle.high, abs=0.1 * width)


def test_several_samples_of_a_person_are_drawn_together() -> None:
    subjects = [row // 4 for row in range(400)]
    one, two, _ = made_up(400, subjects=subjects)
    figure = of(compare(one, two, PLAN))["mae"]
    assert (figure.n, figure.subjects) == (400, 100)
    renumbered = replace_subjects(two, [99 - subject for subject in subjects])
    assert of(compare(one, renumbered, PLAN))["mae"] == figure


def replace_subjects(made: Any, subjects: list[int]) -> Any:
    return replace_table(made, subjects=np.array(subjects))


def replace_table(made: Any, **changes: Any) -> Any:
    names = [f for f in made.__dataclass_fields__ if f not in ("processed", "clustered")]
    return type(made)(**{name: getattr(made, name) for name in names} | changes)


def test_groups_of_ages_have_no_difference_in_years() -> None:
    sex = {"sex": ["f", "m"]}
    made = table([(10, 15), (20, 29)], [15.0, 25.0], groups=sex)
    found = of(compare(made, made, PLAN))
    assert found["mae"].reason is Why.AGES_IN_GROUPS
    assert found["fpr_operational"].reason is Why.NOBODY
    assert found["fnr_operational"].value == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample_ids": np.array([f"t{i}" for i in range(6)])}, "different samples"),
        ({"age_low_years": np.full(6, 16)}, "differ in age_low_years"),
        ({"age_high_years": np.full(6, 18)}, "differ in age_high_years"),
        ({"subjects": np.array([0, 0, 1, 2, 3, 4])}, "which person"),
    ],
)
def test_tables_that_are_no_pair_are_refused(changes: dict[str, Any], message: str) -> None:
    made = table([17] * 6, [15.0] * 6, groups={"sex": ["f"] * 6})
    with pytest.raises(ConfigurationError, match=message):
        compare(made, replace_table(made, **changes), PLAN)


def test_an_axis_that_is_no_column_is_refused() -> None:
    made = table([17], [15.0], groups={"sex": ["f"]})
    with pytest.raises(ConfigurationError, match="no columns"):
        compare(made, made, replace(PLAN, axes=("skin",)))
