"""DET, AUC and FNR at an FPR against scikit-learn and counting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ageassure.audit.figure import Method, Why
from ageassure.audit.metrics.cells import Grid
from ageassure.audit.metrics.separation import Separation, allowed_at, separation

from .tables import PLAN, table


def measured(made: Any) -> tuple[Separation, ...]:
    return separation(made, Grid.of(made, PLAN), PLAN, 18)


def made_up(n: int, decimals: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(5)
    ages = rng.integers(10, 30, n)
    return ages, np.round(ages + rng.normal(0, 4, n), decimals).clip(0), rng.choice(["f", "m"], n)


@pytest.mark.parametrize("decimals", [6, 0], ids=["without ties", "with ties"])
def test_against_scikit_learn(decimals: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    ages, seen, sex = made_up(500, decimals)
    everybody, female, _ = measured(
        table(ages.tolist(), seen.tolist(), groups={"sex": sex.tolist()})
    )
    truth = ages >= 18
    assert everybody.auc.value == pytest.approx(metrics.roc_auc_score(truth, seen), abs=1e-12)
    of_f = sex == "f"
    assert female.where == {"sex": "f"}
    assert female.auc.value == pytest.approx(metrics.roc_auc_score(truth[of_f], seen[of_f]))
    fpr, tpr, _ = metrics.roc_curve(truth, seen, drop_intermediate=False)
    for mark, name in ((0.1, "10 %"), (0.05, "5 %"), (0.01, "1 %"), (0.005, "0.5 %")):
        best = 1 - max(tpr[fpr <= mark + 1e-12])
        assert everybody.fnr_at_fpr[name].value == pytest.approx(best)


def test_the_curve_counts_every_threshold() -> None:
    ages, seen, sex = made_up(200, 3)
    (everybody, *_) = measured(table(ages.tolist(), seen.tolist(), groups={"sex": sex.tolist()}))
    for threshold, fpr, fnr in everybody.curve[::7]:
        assert fpr == pytest.approx((seen[ages < 18] >= threshold).mean())
        assert fnr == pytest.approx((seen[ages >= 18] < threshold).mean())
    assert everybody.curve[0][1:] == (1.0, 0.0)
    assert everybody.curve[-1][1:] == (0.0, 1.0)


def test_the_interval_of_the_area_is_delongs() -> None:
    # Hand-computed. Minors 1, 3; adults 2, 4: AUC 3/4. Parts of adults: ½, 1; of minors: 1, ½.
    # Variance: (⅛ / 2) + (⅛ / 2) = ⅛.
    made = table([17, 17, 18, 18] * 2, [1.0, 3.0, 2.0, 4.0] * 2, groups={"sex": ["f"] * 8})
    (everybody, _) = measured(made)
    assert everybody.auc.value == 0.75
    assert everybody.auc.method is Method.DELONG
    # Four of each: S² = 1/12 for either, so the standard error is √(1/12 / 4 · 2); on the logit
    # scale it is divided by ¾ · ¼.
    half = 1.959964 * (1 / 12 / 4 * 2) ** 0.5 / (0.75 * 0.25)
    low, high = (1 / (1 + np.exp(-(np.log(3) + sign * half))) for sign in (-1, 1))
    assert everybody.auc.low == pytest.approx(low, abs=1e-6)
    assert everybody.auc.high == pytest.approx(high, abs=1e-6)


def test_several_samples_of_a_person_widen_the_interval() -> None:
    ages, seen, sex = made_up(100, 6)
    four = np.repeat(np.arange(100), 4)
    (once, *_) = measured(table(ages.tolist(), seen.tolist(), groups={"sex": sex.tolist()}))
    (copied, *_) = measured(
        table(
            ages[four].tolist(),
            seen[four].tolist(),
            subjects=four.tolist(),
            groups={"sex": sex[four].tolist()},
        )
    )
    assert copied.auc.value == pytest.approx(once.auc.value)
    assert once.auc.low is not None
    assert copied.auc.low == pytest.approx(once.auc.low, abs=0.002)
    assert copied.fnr_at_fpr["10 %"].reason is Why.SAMPLES_OF_ONE_PERSON


def test_one_side_only_and_nobody() -> None:
    made = table([17, 16], [1.0, 2.0], groups={"sex": ["f", ""]})
    everybody, female = measured(made)
    assert everybody.auc.reason is Why.ONE_CLASS
    assert everybody.curve == ()
    assert female.fnr_at_fpr["1 %"].reason is Why.ONE_CLASS
    refused = table([17, 18], [None, None], groups={"sex": ["f", "f"]})
    assert measured(refused)[0].auc.reason is Why.NOBODY


def test_perfect_separation_has_no_interval_rather_than_one_without_width() -> None:
    made = table([10, 11, 12, 30, 31, 32], [10.0, 11, 12, 30, 31, 32], groups={"sex": ["f"] * 6})
    (everybody, _) = measured(made)
    assert everybody.auc.value == 1.0
    assert everybody.auc.reason is Why.NO_SPREAD
    few = measured(table([10, 30], [10.0, 31.0], groups={"sex": ["f"] * 2}))[0]
    assert few.auc.reason is Why.FEW_PEOPLE
    assert few.fnr_at_fpr["1 %"].reason is Why.FEW_PEOPLE


def test_how_many_may_pass_is_counted_exactly() -> None:
    # 0.1 · 30 and 0.005 · 200 are whole numbers, whatever a float makes of them.
    assert [allowed_at(0.1, 30), allowed_at(0.005, 200), allowed_at(0.01, 99)] == [3, 1, 0]


def test_the_interval_of_fnr_holds_the_value() -> None:
    ages, seen, sex = made_up(2_000, 6)
    (everybody, *_) = measured(table(ages.tolist(), seen.tolist(), groups={"sex": sex.tolist()}))
    for figure in everybody.fnr_at_fpr.values():
        assert figure.low is not None
        assert figure.high is not None
        assert figure.value is not None
        assert figure.low <= figure.value <= figure.high
