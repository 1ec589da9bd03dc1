from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import ConfigurationError, InsufficientEvidenceError
from ageassure.policy import (
    DEFAULT_LEVELS,
    Binding,
    OnContradiction,
    Policy,
    PresentationAttackRule,
    RequiredCertainty,
    Step,
    Successive,
    policy_from_dict,
    successive_from_dict,
    successive_from_json,
)
from ageassure.policy.data import chosen, rows
from ageassure.results import Direction, MethodClass
from ageassure.testing import challenge_age_for_tests, lower_bar_for_tests

if TYPE_CHECKING:
    from collections.abc import Callable

FACE: dict[str, Any] = {
    "age_limit": 18,
    "direction": Direction.OVER,
    "methods": {MethodClass.ESTIMATION},
    "binding": Binding.REQUIRED,
    "presentation_attack": PresentationAttackRule.EVALUATED,
    "over": challenge_age_for_tests(),
    "under": None,
    "session_alpha": 0.01,
    "max_attempts": 1,
}
UNDER = FACE | {
    "age_limit": 13,
    "direction": Direction.UNDER,
    "over": None,
    "under": lower_bar_for_tests(),
}
CERTAIN = FACE | {"over": RequiredCertainty(certainty=0.99), "levels": DEFAULT_LEVELS[:2]}
DOCUMENT = FACE | {"methods": {MethodClass.VERIFICATION}, "over": None, "session_alpha": None}


def _chain() -> Successive:
    return Successive(
        steps=(
            Step(name="face", policy=Policy(**FACE), time_limit_seconds=60),
            Step(name="document", policy=Policy(**DOCUMENT)),
        ),
        session_alpha=0.01,
        on_contradiction=OnContradiction.STAYS_INCONCLUSIVE,
    )


@pytest.mark.parametrize("base", [FACE, UNDER, CERTAIN, DOCUMENT])
def test_a_policy_comes_back_as_it_was(base: dict[str, Any]) -> None:
    policy = Policy(**base)
    again = policy_from_dict(json.loads(json.dumps(policy.to_dict())))
    assert again.to_dict() == policy.to_dict()
    assert again.digest == policy.digest


def test_a_chain_comes_back_as_it_was() -> None:
    assert successive_from_json(json.dumps(_chain().to_dict())).to_dict() == _chain().to_dict()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.update(format="ageassure-successive-2"),
        lambda data: data.update(extra=1),
        lambda data: data.pop("session_alpha"),
        lambda data: data.update(steps={}),
        lambda data: data.update(steps=[data["steps"][0]] * 65),
        lambda data: data.update(on_contradiction="perhaps"),
        lambda data: data["steps"][0].update(name=3),
        lambda data: data["steps"][0].update(time_limit_seconds=True),
        lambda data: data["steps"][0].update(time_limit_seconds=0),
        lambda data: data["steps"][0].update(time_limit_seconds=86_401),
        lambda data: data["steps"][0]["policy"].update(direction="OVER"),
        lambda data: data["steps"][0]["policy"].update(methods=["estimation", 3]),
        lambda data: data["steps"][0]["policy"].update(methods=[]),
        lambda data: data["steps"][0]["policy"].update(levels=[{"level": "strict"}]),
        lambda data: data["steps"][0]["policy"]["levels"][0].update(level="highest"),
        lambda data: data["steps"][0]["policy"]["levels"][0].update(bound="no"),
        lambda data: data["steps"][0]["policy"].update(over={"kind": "lower_bar"}),
        lambda data: data["steps"][0]["policy"].update(over={"kind": "x", "certainty": 0.9}),
        lambda data: data["steps"][0]["policy"].update(over="required_certainty"),
    ],
)
def test_what_is_not_exactly_such_data_is_refused(spoil: Callable[[dict[str, Any]], Any]) -> None:
    data = _chain().to_dict()
    successive_from_dict(json.loads(json.dumps(data)))
    spoilt = json.loads(json.dumps(data))
    spoil(spoilt)
    with pytest.raises(ConfigurationError):
        successive_from_dict(spoilt)


def test_the_longest_list() -> None:
    assert rows([None] * 64) == [None] * 64


@pytest.mark.parametrize("refused", [[None] * 65, (), "", None, {}])
def test_what_is_no_list_or_too_long(refused: object) -> None:
    with pytest.raises(ConfigurationError, match="no list of at most 64 entries"):
        rows(refused)


@pytest.mark.parametrize("value", [None, 1, True, ["over"], {}, "", "Over", "OVER"])
def test_what_no_member_is_written_as(value: object) -> None:
    with pytest.raises(ConfigurationError, match="unknown side"):
        chosen(Direction, value, "side")


@pytest.mark.parametrize("data", ["[]", "{", '{"format": 1, "format": 2}', "null", "[" * 10_000])
def test_what_is_no_json_object_is_refused(data: str) -> None:
    with pytest.raises(ConfigurationError):
        successive_from_json(data)


@pytest.mark.parametrize("kind", ["lower_bar", "challenge_age", "certainty", "", None])
def test_a_bar_of_another_kind_is_refused(kind: object) -> None:
    data = Policy(**CERTAIN).to_dict()
    policy_from_dict(data)
    data["over"]["kind"] = kind
    with pytest.raises(ConfigurationError):
        policy_from_dict(data)


def test_a_file_claims_no_more_than_its_evidence_supports() -> None:
    data = _chain().to_dict()
    data["steps"][0]["policy"]["over"]["n"] = 298
    with pytest.raises(InsufficientEvidenceError):
        successive_from_dict(data)
