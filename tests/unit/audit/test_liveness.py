from __future__ import annotations

from typing import Any

import pytest
from scipy import stats

from ageassure.audit.figure import Why
from ageassure.audit.liveness import LivenessAnswer, Presentation, liveness
from ageassure.audit.resources import resources
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


MACHINE: dict[str, Any] = {
    "machine": "two cores of a server",
    "threads": 1,
    "model_bytes": 10,
    "install_bytes": 20,
    "peak_rss_bytes": 30,
}


def test_resources() -> None:
    found = resources([0.001 * step for step in range(1, 101)], **MACHINE)
    assert found.n == 100
    assert found.median_ms == pytest.approx(50.5)
    assert found.p95_ms == pytest.approx(95)
    assert resources([0.2], **MACHINE).p95_ms == pytest.approx(200)


@pytest.mark.parametrize(
    ("latencies", "changes"),
    [
        ([], {}),
        ([0.0], {}),
        ([0.1, float("nan")], {}),
        ([0.1], {"threads": 0}),
        ([0.1], {"machine": ""}),
        ([0.1], {"model_bytes": 0}),
    ],
)
def test_malformed_resources_are_refused(latencies: list[float], changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        resources(latencies, **MACHINE | changes)
