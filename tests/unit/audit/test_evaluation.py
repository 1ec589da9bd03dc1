from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ageassure.audit.evaluation import evaluate
from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.audit.table import EvaluationTable
from ageassure.errors import ConfigurationError
from ageassure.policy import AgeBand

from .tables import STATEMENT, table

POINT = OperatingPoint(
    limit_years=18,
    challenge_age_years=25.0,
    alpha=0.05,
    protected_band=AgeBand(first_years=13, last_years=17),
    chosen_on=None,
)
PLAN = EvaluationPlan(
    points=(POINT,),
    axes=("sex", "domain"),
    pair_with="sex",
    seed=7,
    transfer_axis="domain",
)


def people(n: int, *, seed: int = 1, clustered: bool = False, **changes: Any) -> EvaluationTable:
    rng = np.random.default_rng(seed)
    subjects = rng.integers(0, n // 3, n) if clustered else np.arange(n)
    of_subject = rng.integers(6, 40, n), rng.integers(0, 2, n), rng.normal(0, 2, n)
    ages = of_subject[0][subjects]
    estimates = np.clip(ages + of_subject[2][subjects] + rng.normal(0.3, 2, n), 0, 120)
    p_over = {a: 1 / (1 + np.exp(-(estimates - a) / 1.6)) for a in (13, 18, 25)}
    refused = rng.random(n) < 0.02
    return table(
        ages.tolist(),
        [None if r else float(e) for r, e in zip(refused, estimates, strict=True)],
        subjects=subjects.tolist(),
        groups={
            "sex": [("female", "male")[s] for s in of_subject[1][subjects]],
            "domain": [("telephone", "webcam", "")[d] for d in rng.integers(0, 3, n)],
        },
        p_over={age: column.tolist() for age, column in p_over.items()},
        **changes,
    )


def data(evaluation: Any) -> str:
    return json.dumps(evaluation.to_dict(), allow_nan=False, sort_keys=True)


@pytest.mark.parametrize("clustered", [False, True])
def test_order_and_shards_do_not_change_a_digit(clustered: bool) -> None:
    whole = people(600, clustered=clustered)
    mixed = np.random.default_rng(2).permutation(len(whole))
    shards = [whole.rows(part) for part in np.array_split(mixed, 7)]
    plan = replace(PLAN, transfer_axis=None)
    assert data(evaluate(EvaluationTable.concatenate(shards), plan)) == data(evaluate(whole, plan))


def test_every_part_is_there_and_is_json() -> None:
    calibration = people(900, seed=3, statement=replace(STATEMENT, digest="1" * 64))
    found = json.loads(data(evaluate(people(900), PLAN, calibration=calibration)))
    assert found["format"] == "ageassure-evaluation-1"
    assert found["counts"]["rows"] == 900
    for part in ("points", "failures", "years", "child_safety", "limits", "reliability"):
        assert found[part]
    assert found["coverage"]["pit"]
    assert found["conformal"]["margin"]["value"] > 0
    assert [row["chosen_on"] for row in found["transfers"][0]["rows"]] == ["telephone", "webcam"]


def test_a_threshold_chosen_on_these_people_is_refused() -> None:
    tuned = replace(POINT, chosen_on=STATEMENT.digest)
    with pytest.raises(ConfigurationError, match="chosen on this data set"):
        evaluate(people(60), replace(PLAN, points=(tuned,)))


def test_calibrating_on_the_test_part_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="same data set"):
        evaluate(people(60), PLAN, calibration=people(60))


def test_an_axis_that_is_no_column_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no columns.*'skin'"):
        evaluate(people(60), replace(PLAN, axes=("sex", "domain", "skin")))


@pytest.mark.parametrize(
    "made",
    [
        table([30], [None]),
        table([30], [31.0]),
        table([30, 31, 32], [31.0, 30.0, 35.0]),
        table([17, 16], [18.0, 30.0]),
        table([(10, 19), (20, 29), (0, 9)], [18.0, 30.0, 5.0]),
        table([17, 17, 30], [18.0, 19.0, 40.0], subjects=[1, 1, 1]),
        table([17, 18, 30], [None, None, None]),
        table([17, 18], [0.0, 0.0], p_over={18: [0.0, 0.0]}),
        table([17, 18], [17.0, 18.0], p_over={18: [0.0, 1.0]}),
    ],
    ids=[
        "nobody processed",
        "one person, no minors",
        "zero minors",
        "zero adults",
        "groups",
        "one subject",
        "failures only",
        "no variance",
        "certain",
    ],
)
def test_thin_data_give_nulls_with_reasons_never_nan(made: EvaluationTable) -> None:
    plan = replace(PLAN, axes=(), pair_with=None, transfer_axis=None)
    assert "NaN" not in data(evaluate(made, plan))


def test_parts_that_differ_are_refused() -> None:
    one = people(60)
    with pytest.raises(ConfigurationError, match="no parts"):
        EvaluationTable.concatenate([])
    other = people(60, statement=replace(STATEMENT, name="others"))
    with pytest.raises(ConfigurationError, match="different statements"):
        EvaluationTable.concatenate([one, other])
    with pytest.raises(ConfigurationError, match="different columns"):
        EvaluationTable.concatenate([one, table([3], [4.0])])
    with pytest.raises(ConfigurationError, match="more than once"):
        EvaluationTable.concatenate([one, one])
