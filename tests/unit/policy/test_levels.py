from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.policy import DEFAULT_LEVELS, LevelRow
from ageassure.policy.levels import checked_levels, level_of
from ageassure.results import AssuranceLevel, MethodClass, PresentationAttack

GOOD: dict[str, Any] = {
    "method_class": MethodClass.VERIFICATION,
    "bound": True,
    "presentation_attack": PresentationAttack.PASSED,
    "level": AssuranceLevel.STRICT,
}


@pytest.mark.parametrize(
    "weakness",
    [
        {"method_class": MethodClass.DECLARATION},
        {"bound": False},
        {"presentation_attack": PresentationAttack.NOT_EVALUATED},
    ],
)
def test_no_table_lifts_weak_evidence(weakness: dict[str, Any]) -> None:
    LevelRow(**GOOD)
    LevelRow(**GOOD | weakness | {"level": AssuranceLevel.ASSERTED})
    for level in ("standard", "enhanced", "strict"):
        with pytest.raises(ConfigurationError, match="at most asserted"):
            LevelRow(**GOOD | weakness | {"level": AssuranceLevel(level)})


def test_weak_evidence_is_asserted_by_the_table_that_ships() -> None:
    for kind in product(MethodClass, (True, False), PresentationAttack):
        method_class, bound, presentation_attack = kind
        if (
            method_class is MethodClass.DECLARATION
            or not bound
            or presentation_attack is PresentationAttack.NOT_EVALUATED
        ):
            assert level_of(DEFAULT_LEVELS, *kind) is AssuranceLevel.ASSERTED
        assert level_of(DEFAULT_LEVELS, *kind) is not AssuranceLevel.STRICT
        assert level_of((), *kind) is AssuranceLevel.ASSERTED


@pytest.mark.parametrize(
    ("method_class", "presentation_attack", "level"),
    [
        ("verification", "passed", "enhanced"),
        ("verification", "not_applicable", "standard"),
        ("estimation", "passed", "standard"),
        ("estimation", "not_applicable", "asserted"),
        ("inference", "passed", "standard"),
        ("inference", "not_applicable", "standard"),
    ],
)
def test_the_table_that_ships(method_class: str, presentation_attack: str, level: str) -> None:
    kind = (MethodClass(method_class), True, PresentationAttack(presentation_attack))
    assert level_of(DEFAULT_LEVELS, *kind) == AssuranceLevel(level)


@pytest.mark.parametrize("name", list(GOOD))
def test_texts_are_not_taken_for_members(name: str) -> None:
    with pytest.raises(ConfigurationError):
        LevelRow(**GOOD | {name: "passed"})


def test_one_row_for_each_kind() -> None:
    row = LevelRow(**GOOD)
    assert checked_levels([row]) == (row,)
    with pytest.raises(ConfigurationError, match="two level rows"):
        checked_levels([row, LevelRow(**GOOD | {"level": AssuranceLevel.STANDARD})])
    with pytest.raises(ConfigurationError):
        checked_levels([("verification", True)])  # type: ignore[list-item]
