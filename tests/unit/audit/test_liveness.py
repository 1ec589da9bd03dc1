from __future__ import annotations

from typing import Any

import pytest
from scipy import stats

from ageassure.audit.figure import Why
from ageassure.audit.liveness import LivenessAnswer, Presentation, liveness
from ageassure.errors import ConfigurationError


def presented(
    species: str | None, answer: LivenessAnswer, count: int, *, let_through: bool = False
) -> list[Presentation]:
    return [
        Presentation(
            species=species,
            instrument=f"{species} {index % 5}",
            answer=answer,
            let_through=let_through,
        )
        for index in range(count)
    ]


ALL = [
    *presented("print", LivenessAnswer.ATTACK, 97),
    *presented("print", LivenessAnswer.BONA_FIDE, 2, let_through=True),
    *presented("print", LivenessAnswer.BONA_FIDE, 1),
    *presented("mask", LivenessAnswer.ATTACK, 6),
    *presented("mask", LivenessAnswer.BONA_FIDE, 2),
    *presented("mask", LivenessAnswer.NO_RESPONSE, 2),
    *presented(None, LivenessAnswer.BONA_FIDE, 90, let_through=True),
    *presented(None, LivenessAnswer.BONA_FIDE, 4),
    *presented(None, LivenessAnswer.ATTACK, 3),
    *presented(None, LivenessAnswer.NO_RESPONSE, 3),
]


def test_counted_by_hand() -> None:
    found = liveness(ALL)
    mask, printed = found.species
    assert (printed.name, printed.apcer.k, printed.apcer.n) == ("print", 3, 100)
    assert (mask.apcer.k, mask.apcer.n) == (2, 8)  # of those answered
    assert (mask.apnrr.k, mask.apnrr.n) == (2, 10)
    assert printed.iapar.value == 0.02
    assert printed.instruments == 5
    # The worst species stands for the system; over all attacks it would be 5 of 108.
    assert (found.worst_apcer, found.apcer_max.value) == ("mask", 0.25)
    assert (found.worst_iapar, found.iapar_max.value) == ("print", 0.02)
    assert (found.bpcer.k, found.bpcer.n) == (3, 97)
    assert (found.bpnrr.k, found.bpnrr.n) == (3, 100)
    assert found.frr.value == 0.1
    assert found.riapar.value == pytest.approx(0.12)
    assert found.riapar.reason is Why.NO_INTERVAL
    oracle = stats.binomtest(2, 8).proportion_ci(0.95, method="exact")
    assert mask.apcer.high == pytest.approx(oracle.high)


def test_a_species_that_was_never_answered_leaves_the_greatest_open() -> None:
    found = liveness([*ALL, *presented("doll", LivenessAnswer.NO_RESPONSE, 3)])
    assert found.apcer_max.reason is Why.NOBODY
    assert found.worst_apcer is None
    assert found.iapar_max.value == 0.02


def test_no_attacks_or_no_living_people() -> None:
    assert liveness(presented(None, LivenessAnswer.BONA_FIDE, 3)).apcer_max.value is None
    only_attacks = liveness(presented("print", LivenessAnswer.ATTACK, 3))
    assert only_attacks.bpcer.reason is Why.NOBODY
    assert only_attacks.riapar.value is None
    with pytest.raises(ConfigurationError, match="no presentations"):
        liveness([])


@pytest.mark.parametrize(
    "changes",
    [
        {"species": ""},
        {"instrument": ""},
        {"answer": "attack"},
        {"let_through": 1},
        {"answer": LivenessAnswer.ATTACK, "let_through": True},
        {"answer": LivenessAnswer.NO_RESPONSE, "let_through": True},
    ],
)
def test_a_malformed_presentation_is_refused(changes: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "species": "print",
        "instrument": "1",
        "answer": LivenessAnswer.BONA_FIDE,
        "let_through": False,
    }
    with pytest.raises(ConfigurationError):
        Presentation(**good | changes)
