"""What a policy makes of a document: without a holder check it binds nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from ageassure.estimators.birth_dates import BirthDate, age_interval
from ageassure.estimators.document.holder import HolderCheck, document_provenance
from ageassure.policy import Binding, Policy, PresentationAttackRule, Reason
from ageassure.results import AgeInterval, AssuranceLevel, Direction, MethodClass, Outcome

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def policy(
    binding: Binding,
    attack: PresentationAttackRule = PresentationAttackRule.EVALUATED,
    direction: Direction = Direction.OVER,
) -> Policy:
    return Policy(
        age_limit=18,
        direction=direction,
        methods=frozenset(MethodClass),
        binding=binding,
        presentation_attack=attack,
        over=None,
        under=None,
        session_alpha=None,
        max_attempts=1,
    )


def stated(year: int, check: HolderCheck) -> AgeInterval:
    birth = BirthDate(year=year, month=1, day=15)
    return age_interval(birth, provenance=document_provenance(check, NOW))


@pytest.mark.parametrize(
    ("attack", "direction"), list(product(PresentationAttackRule, Direction)), ids=str
)
@pytest.mark.parametrize("year", range(1910, 2027, 4))
def test_a_policy_that_requires_binding_never_settles_on_a_document_alone(
    year: int, attack: PresentationAttackRule, direction: Direction
) -> None:
    decision = policy(Binding.REQUIRED, attack, direction).decide(
        stated(year, HolderCheck.NOT_MADE)
    )
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert decision.reasons == (Reason.NOT_BOUND,)
    assert decision.level is None


@pytest.mark.parametrize(
    ("check", "level"),
    [
        (HolderCheck.NOT_MADE, None),
        (HolderCheck.IN_PERSON, AssuranceLevel.STANDARD),
        (HolderCheck.LIVE_FACE, AssuranceLevel.ENHANCED),
        (HolderCheck.FACE_WITHOUT_LIVENESS, None),
    ],
)
def test_what_a_holder_check_is_worth(check: HolderCheck, level: AssuranceLevel | None) -> None:
    decision = policy(Binding.REQUIRED).decide(stated(1990, check))
    assert decision.level is level
    assert (decision.outcome is Outcome.OVER) == (level is not None)


@pytest.mark.parametrize("check", [HolderCheck.NOT_MADE, HolderCheck.FACE_WITHOUT_LIVENESS])
def test_a_policy_that_accepts_the_weaker_by_name_settles_at_the_lowest_level(
    check: HolderCheck,
) -> None:
    weak = policy(Binding.UNBOUND_ACCEPTED, PresentationAttackRule.UNEVALUATED_ACCEPTED)
    decision = weak.decide(stated(1990, check))
    assert (decision.outcome, decision.level) == (Outcome.OVER, AssuranceLevel.ASSERTED)


def test_the_policy_decides_and_not_the_document() -> None:
    check = HolderCheck.IN_PERSON
    for year, over, under in (
        (1990, Outcome.OVER, Outcome.OVER),
        (2012, Outcome.INCONCLUSIVE, Outcome.UNDER),
    ):
        assert policy(Binding.REQUIRED).decide(stated(year, check)).outcome is over
        asked = policy(Binding.REQUIRED, direction=Direction.UNDER)
        assert asked.decide(stated(year, check)).outcome is under
