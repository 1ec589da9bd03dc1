"""Thresholds earned on people, tried on others, and tried several times."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ageassure.audit.derivation import derive_challenge_age, estimates_of_people
from ageassure.audit.figure import Method, Why
from ageassure.audit.metrics.attempts import several_tries
from ageassure.audit.metrics.cells import Grid
from ageassure.audit.metrics.transfer import transfer
from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.errors import ConfigurationError, InsufficientEvidenceError
from ageassure.policy import AgeBand

from .tables import table

BAND = AgeBand(first_years=16, last_years=17)
POINT = OperatingPoint(
    limit_years=18, challenge_age_years=20.0, alpha=0.05, protected_band=BAND, chosen_on=None
)
PLAN = EvaluationPlan(
    points=(POINT,), axes=("domain",), pair_with=None, seed=1, transfer_axis="domain"
)
ASKED: dict[str, Any] = {
    "limit_years": 18,
    "alpha": 0.05,
    "protected_band": BAND,
    "pipeline_digest": "0" * 64,
}


def test_one_estimate_of_each_person_of_the_band() -> None:
    made = table(
        [16, 17, 17, 15, 18, (16, 17), (10, 19), 17, 17],
        [20.0, 21.0, 25.0, 30.0, 31.0, 22.0, 33.0, None, 23.0],
        subjects=[0, 1, 1, 2, 3, 4, 5, 6, 6],
    )
    assert estimates_of_people(made, BAND, attempts=1) == [20.0, 21.0, 22.0, 23.0]
    assert estimates_of_people(made, BAND, attempts=2) == [25.0]
    assert estimates_of_people(made, BAND, attempts=3) == []
    shuffled = made.rows(np.array([8, 2, 1, 0, 5, 3, 4, 7, 6]))
    assert estimates_of_people(shuffled, BAND, attempts=1) == [20.0, 21.0, 22.0, 23.0]
    with pytest.raises(ConfigurationError):
        estimates_of_people(made, BAND, attempts=0)


def test_the_rule_of_the_policy_is_used() -> None:
    seen = np.random.default_rng(1).normal(18, 3, 93)
    made = table([17] * 93, seen.tolist())
    bar = derive_challenge_age(made, **ASKED)
    assert (bar.n, bar.k) == (93, 1)
    assert bar.age_years == np.nextafter(np.sort(seen)[-2], np.inf)
    assert (bar.source, bar.age_proof) == ("made-up people", "identity document")


def test_thin_evidence_is_refused() -> None:
    with pytest.raises(InsufficientEvidenceError, match="expected at least 59"):
        derive_challenge_age(table([17] * 58, [15.0] * 58), **ASKED)
    copies = table([17] * 590, [15.0] * 590, subjects=[row // 12 for row in range(590)])
    with pytest.raises(InsufficientEvidenceError, match="n = 50"):
        derive_challenge_age(copies, **ASKED)


def test_a_threshold_carried_from_one_domain_to_another() -> None:
    rng = np.random.default_rng(3)
    domain = ["studio"] * 300 + ["telephone"] * 300 + ["kiosk"] * 20
    seen = [*rng.normal(17, 1.5, 300), *rng.normal(19, 3, 300), *rng.normal(17, 1, 20)]
    made = table([17] * 620, np.clip(seen, 0, 120).tolist(), groups={"domain": domain})
    found = transfer(made, Grid.of(made, PLAN), PLAN, POINT)
    assert found is not None
    rows = {row.chosen_on: row for row in found.rows}
    studio = rows["studio"]
    assert studio.fpr_band["studio"].value is not None
    assert studio.fpr_band["studio"].value <= 0.05
    assert studio.fpr_band["telephone"].value is not None
    assert studio.worst_ratio == studio.fpr_band["telephone"].value / 0.05
    assert studio.worst_ratio > 3
    assert rows["kiosk"].challenge_age_years is None
    assert rows["kiosk"].refusal is not None
    assert "expected at least 59" in rows["kiosk"].refusal
    assert transfer(made, Grid.of(made, PLAN), replace(PLAN, transfer_axis=None), POINT) is None


class TestTries:
    def measured(self, made: Any, *, simulated: bool = False) -> Any:
        plan = replace(PLAN, axes=(), transfer_axis=None)
        return several_tries(made, Grid.of(made, plan), plan, POINT, simulated=simulated)

    def test_against_every_choice_of_samples(self) -> None:
        passes = [[1, 0, 0, 0], [1, 1, 0], [0, 0], [1], [0, 0, 0, 0, 1]] * 3
        subjects = [p for p, samples in enumerate(passes) for _ in samples]
        seen = [21.0 if passed else 15.0 for samples in passes for passed in samples]
        found = self.measured(table([17] * len(seen), seen, subjects=subjects))
        for tries, figure in enumerate(found.fpr_at, 1):
            chances = [
                np.mean([any(chosen) for chosen in itertools.combinations(samples, tries)])
                for samples in passes
                if len(samples) >= tries
            ]
            assert figure.value == pytest.approx(np.mean(chances))
            assert figure.subjects == len(chances)
        assert found.fpr_at[0].method is Method.BCA
        assert not found.simulated

    def test_a_refused_sample_is_a_try(self) -> None:
        made = table([17, 17], [None, 21.0], subjects=[1, 1])
        found = self.measured(made, simulated=True)
        assert [figure.value for figure in found.fpr_at[:2]] == [0.5, 1.0]
        assert found.fpr_at[2].reason is Why.NOT_SO_MANY_TRIES
        assert found.simulated

    def test_nobody_of_the_band(self) -> None:
        found = self.measured(table([30], [31.0]))
        assert found.fpr_at[0].reason is Why.NOT_SO_MANY_TRIES


@pytest.mark.parametrize(("rule", "holds"), [("earned", True), ("least observed", False)])
def test_how_often_a_threshold_holds_what_it_claims(rule: str, holds: bool) -> None:
    """Seeded: the rule is right in 95 % of repetitions, the observed rate is a coin toss."""
    rng = np.random.default_rng(20261125)
    right = 0
    for _ in range(300):
        seen = rng.random(400) * 60
        if rule == "earned":
            threshold = derive_challenge_age(table([17] * 400, seen.tolist()), **ASKED).age_years
        else:  # the least threshold at which at most 5 % of these people pass
            threshold = float(np.nextafter(np.sort(seen)[-1 - 20], np.inf))
        right += (60 - threshold) / 60 <= 0.05
    assert (right >= 0.93 * 300) == holds
    assert right > 0.3 * 300
