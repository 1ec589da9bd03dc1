"""Self-declaration: the lowest level, and never more."""

from __future__ import annotations

from typing import Any

import pytest

from ageassure.errors import BirthDateError, ConfigurationError
from ageassure.estimators.credential import SelfDeclaration, SelfDeclarationEstimator
from ageassure.policy import Binding, Policy, PresentationAttackRule, Reason
from ageassure.results import AssuranceLevel, Direction, MethodClass, Outcome, PresentationAttack

from .wallets import NOW, clock

ESTIMATOR = SelfDeclarationEstimator(now=clock)


def policy(**changes: Any) -> Policy:
    members: dict[str, Any] = {
        "age_limit": 18,
        "direction": Direction.OVER,
        "methods": frozenset({MethodClass.DECLARATION}),
        "binding": Binding.UNBOUND_ACCEPTED,
        "presentation_attack": PresentationAttackRule.EVALUATED,
        "over": None,
        "under": None,
        "session_alpha": None,
        "max_attempts": 1,
    }
    return Policy(**(members | changes))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"birth_date": "2000-01-31"}, (26, 27)),
        ({"birth_date": "2008-06-02"}, (17, 19)),
        ({"birth_date": "1990"}, (35, 37)),
        ({"over_years": 18}, (18, 121)),
        ({"under_years": 16}, (0, 16)),
    ],
)
def test_what_is_said_is_taken(said: dict[str, Any], expected: tuple[int, int]) -> None:
    estimate = ESTIMATOR.estimate(SelfDeclaration(**said))
    assert estimate.interval(0.5) == expected
    assert estimate.method_class is MethodClass.DECLARATION
    assert not estimate.bound
    assert estimate.presentation_attack is PresentationAttack.NOT_APPLICABLE
    assert estimate.as_of == NOW


def test_it_settles_only_where_a_policy_names_it() -> None:
    estimate = ESTIMATOR.estimate(SelfDeclaration(over_years=18))
    decision = policy().decide(estimate)
    assert (decision.outcome, decision.level) == (Outcome.OVER, AssuranceLevel.ASSERTED)
    others = frozenset(MethodClass) - {MethodClass.DECLARATION}
    assert Reason.METHOD_NOT_ACCEPTED in policy(methods=others).decide(estimate).reasons
    assert Reason.NOT_BOUND in policy(binding=Binding.REQUIRED).decide(estimate).reasons


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"over_years": 18, "under_years": 21},
        {"over_years": 18, "birth_date": "2000-01-31"},
        {"over_years": 0},
        {"over_years": True},
        {"under_years": 100},
    ],
)
def test_not_exactly_one_thing(said: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        SelfDeclaration(**said)


@pytest.mark.parametrize("date", ["", "x", "31.01.2000", "2000-02-30", "2027-01-01", "1850", 2000])
def test_impossible_dates(date: Any) -> None:
    with pytest.raises(BirthDateError) as caught:
        ESTIMATOR.estimate(SelfDeclaration(birth_date=date))
    assert caught.value.__context__ is caught.value.__cause__ is None


def test_bad_setups() -> None:
    with pytest.raises(ConfigurationError):
        SelfDeclarationEstimator(now=lambda: NOW.replace(tzinfo=None))
    text: Any = "18"
    with pytest.raises(ConfigurationError):
        ESTIMATOR.estimate(text)
