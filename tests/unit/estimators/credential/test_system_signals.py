"""Signals of operating systems: read strictly, unsigned, and so declarations."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.estimators.credential import (
    AppleAgeRange,
    AppleDeclaration,
    PlayAgeSignals,
    PlayTier,
    SystemSignalEstimator,
)
from ageassure.results import MethodClass

from .wallets import NOW, clock, code_of

PLAY: dict[str, Any] = {
    "ageSignalsStatus": "SHARED",
    "ageRangeSource": "TIER_C",
    "ageLower": 13,
    "ageUpper": 15,
}
APPLE: dict[str, Any] = {
    "response": "sharing",
    "lowerBound": 13,
    "upperBound": 16,
    "ageRangeDeclaration": "guardianDeclared",
}


def estimator(**changes: Any) -> SystemSignalEstimator:
    arguments: dict[str, Any] = {
        "play_tiers": list(PlayTier),
        "apple_declarations": list(AppleDeclaration),
        "now": clock,
    }
    return SystemSignalEstimator(**(arguments | changes))


def play(**changes: Any) -> PlayAgeSignals:
    return PlayAgeSignals(answer=json.dumps(PLAY | changes).encode())


def apple(**changes: Any) -> AppleAgeRange:
    return AppleAgeRange(answer=json.dumps(APPLE | changes).encode())


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (play(), (13, 16)),
        (play(ageLower=0, ageUpper=12), (0, 13)),
        (play(ageLower=18, ageUpper=None), (18, 121)),
        (play(ageLower=None, ageUpper=14), (0, 15)),
        (play(installId="x", significantChangeStatus="APPROVED"), (13, 16)),
        (apple(), (13, 16)),
        (apple(lowerBound=None), (0, 16)),
        (apple(upperBound=None), (13, 121)),
        (apple(activeParentalControls=[]), (13, 16)),
    ],
)
def test_ranges(evidence: Any, expected: tuple[int, int]) -> None:
    assert estimator().estimate(evidence).interval(0.5) == expected


@pytest.mark.parametrize("tier", PlayTier)
def test_no_tier_raises_the_class(tier: PlayTier) -> None:
    estimate = estimator().estimate(play(ageRangeSource=tier))
    assert estimate.method_class is MethodClass.DECLARATION
    assert not estimate.bound
    assert estimate.as_of == NOW


@pytest.mark.parametrize("declaration", AppleDeclaration)
def test_no_declaration_does(declaration: AppleDeclaration) -> None:
    estimate = estimator().estimate(apple(ageRangeDeclaration=declaration))
    assert estimate.method_class is MethodClass.DECLARATION
    assert not estimate.bound


def test_only_accepted_ways_are_read() -> None:
    some = estimator(play_tiers=[PlayTier.TIER_D], apple_declarations=[])
    assert code_of(lambda: some.estimate(play())) == "untrusted"
    assert code_of(lambda: some.estimate(apple())) == "untrusted"
    assert some.estimate(play(ageRangeSource="TIER_D")).interval(0.5) == (13, 16)


@pytest.mark.parametrize(
    "evidence",
    [
        play(ageSignalsStatus="NOT_SHARED", ageRangeSource=None, ageLower=None, ageUpper=None),
        play(ageSignalsStatus="VERIFICATION_REQUIRED"),
        play(ageLower=None, ageUpper=None),
        apple(response="declinedSharing"),
        apple(lowerBound=None, upperBound=None),
    ],
)
def test_no_age(evidence: Any) -> None:
    assert code_of(lambda: estimator().estimate(evidence)) == "no_age"


@pytest.mark.parametrize(
    "evidence",
    [
        play(ageLower=16, ageUpper=15),
        apple(lowerBound=16, upperBound=16),
        apple(lowerBound=18, upperBound=13),
    ],
)
def test_bounds_that_cross(evidence: Any) -> None:
    assert code_of(lambda: estimator().estimate(evidence)) == "contradictory"


@pytest.mark.parametrize(
    "evidence",
    [
        play(ageSignalsStatus=None),
        play(ageSignalsStatus="shared"),
        play(ageSignalsStatus=["SHARED"]),
        play(ageRangeSource=None),
        play(ageRangeSource="TIER_E"),
        play(ageRangeSource=["TIER_A"]),
        play(ageLower="13"),
        play(ageLower=True),
        play(ageLower=-1),
        play(ageUpper=19),
        play(ageUpper=15.5),
        apple(response=None),
        apple(response={"sharing": {}}),
        apple(ageRangeDeclaration=None),
        apple(ageRangeDeclaration="SELF_DECLARED"),
        apple(lowerBound=-1),
        apple(lowerBound=100),
        apple(upperBound="16"),
        PlayAgeSignals(answer=b'{"userStatus":"VERIFIED"}'),
        PlayAgeSignals(answer=b""),
        PlayAgeSignals(answer=b"[]"),
        PlayAgeSignals(answer=b'{"a":1,"a":1}'),
        PlayAgeSignals(answer=b" " * 5000),
        AppleAgeRange(answer=b"\xff"),
        AppleAgeRange(answer="{}"),  # type: ignore[arg-type]
        AppleAgeRange(answer=None),  # type: ignore[arg-type]
    ],
)
def test_malformed(evidence: Any) -> None:
    assert code_of(lambda: estimator().estimate(evidence)) == "malformed"


@pytest.mark.parametrize(
    "changes",
    [
        {"play_tiers": [], "apple_declarations": []},
        {"play_tiers": ["TIER_A"]},
        {"apple_declarations": ["selfDeclared"]},
        {"now": lambda: NOW.replace(tzinfo=None)},
    ],
)
def test_bad_setups(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        estimator(**changes)


def test_evidence_of_another_type() -> None:
    other: Any = PLAY
    with pytest.raises(ConfigurationError):
        estimator().estimate(other)


def test_signals_of_one_system_alone() -> None:
    assert estimator(play_tiers=[]).estimate(apple()).interval(0.5) == (13, 16)
    assert estimator(apple_declarations=[]).estimate(play()).interval(0.5) == (13, 16)
