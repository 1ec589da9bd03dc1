from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ageassure.audit.metrics.cells import Grid
from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.audit.traps import SENTENCES, Trap, notes
from ageassure.policy import AgeBand

from .tables import STATEMENT, table

POINT = OperatingPoint(
    limit_years=18,
    challenge_age_years=25.0,
    alpha=0.05,
    protected_band=AgeBand(first_years=10, last_years=19),
    chosen_on=None,
)
PLAN = EvaluationPlan(points=(POINT,), axes=("sex",), pair_with=None, seed=3)
SEX = {"sex": ["f", "m", "f"]}
CLEAN: dict[str, Any] = {"ages": [17, 17, 30], "estimates": [17.3, None, 29.9], "groups": SEX}


def found(**changes: Any) -> dict[Trap, tuple[int, str | None]]:
    made = table(**CLEAN | changes)
    return {note.code: (note.n, note.about) for note in notes(made, Grid.of(made, PLAN), PLAN)}


def test_clean_data_have_no_note() -> None:
    assert found() == {}
    assert SENTENCES.keys() == set(Trap)


@pytest.mark.parametrize(
    ("changes", "trap", "n", "about"),
    [
        ({"estimates": [17.0, None, 30.0]}, Trap.ESTIMATES_ROUNDED, 2, None),
        ({"estimates": [17.5, None, 30.5]}, Trap.ESTIMATES_HALF_A_YEAR_OFF, 2, None),
        ({"estimates": [17.3, 18.2, 30.5]}, Trap.NO_FAILURES, 3, None),
        ({"subjects": [1, 1, 2]}, Trap.SEVERAL_SAMPLES, 3, None),
        (
            {"statement": replace(STATEMENT, subjects_known=False)},
            Trap.SUBJECTS_UNKNOWN,
            3,
            None,
        ),
        (
            {"statement": replace(STATEMENT, age_proof="apparent, judged by others")},
            Trap.AGE_NOT_PROVED,
            3,
            "apparent, judged by others",
        ),
        ({"ages": [16, 17, 30]}, Trap.AGE_MIX, 2, "18"),
        ({"ages": [(10, 24), 17, 30]}, Trap.GROUP_ACROSS_LIMIT, 1, "18"),
        ({"groups": {"sex": ["f", "", "f"]}}, Trap.VALUE_UNKNOWN, 1, "sex"),
    ],
)
def test_each_trap_is_found(changes: dict[str, Any], trap: Trap, n: int, about: str | None) -> None:
    assert found(**changes) == {trap: (n, about)}


def test_a_band_across_the_limit_is_said_to_dilute() -> None:
    seen = found(ages=[(10, 19), 17, 30])
    assert seen[Trap.BAND_ACROSS_LIMIT] == (1, "10–19 at 18")
    assert "easy ages dilute it" in SENTENCES[Trap.BAND_ACROSS_LIMIT]
