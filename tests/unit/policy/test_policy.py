from __future__ import annotations

import json
import pickle
from itertools import product
from typing import Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.policy import (
    DEFAULT_LEVELS,
    AgeBand,
    Binding,
    Decision,
    LevelRow,
    Policy,
    PresentationAttackRule,
    Reason,
    RequiredCertainty,
    Told,
)
from ageassure.results import (
    AgeDistribution,
    AgeEstimate,
    AgeInterval,
    AssuranceLevel,
    Direction,
    MethodClass,
    Outcome,
    PresentationAttack,
    Provenance,
)
from ageassure.testing import (
    TEST_TIME,
    challenge_age_for_tests,
    estimated_age,
    known_age,
    lower_bar_for_tests,
)

OVER_18: dict[str, Any] = {
    "age_limit": 18,
    "direction": Direction.OVER,
    "methods": {MethodClass.ESTIMATION, MethodClass.VERIFICATION},
    "binding": Binding.REQUIRED,
    "presentation_attack": PresentationAttackRule.EVALUATED,
    "over": challenge_age_for_tests(),
    "under": None,
    "session_alpha": 0.01,
    "max_attempts": 1,
}
UNDER_13 = OVER_18 | {
    "age_limit": 13,
    "direction": Direction.UNDER,
    "over": challenge_age_for_tests(20.0),
    "under": lower_bar_for_tests(10.0),
}
INTERVALS_ONLY = OVER_18 | {"over": None, "session_alpha": None}


def _policy(base: dict[str, Any] = OVER_18, **changes: Any) -> Policy:
    return Policy(**base | changes)


def _says(policy: Policy, estimate: AgeEstimate) -> tuple[str, tuple[str, ...]]:
    decision = policy.decide(estimate)
    assert (decision.method_class is None) == (decision.level is None) == (not decision.settled)
    return decision.outcome, decision.reasons


class TestConstruction:
    @pytest.mark.parametrize("name", list(OVER_18))
    def test_what_must_be_thought_about_has_no_default(self, name: str) -> None:
        with pytest.raises(TypeError, match=name):
            Policy(**{n: v for n, v in OVER_18.items() if n != name})

    @pytest.mark.parametrize(
        "changes",
        [
            {"methods": set()},
            {"methods": "estimation"},
            {"methods": {"guess"}},
            {"age_limit": 0},
            {"age_limit": 100},
            {"age_limit": True},
            {"direction": "over"},
            {"direction": Outcome.OVER},
            {"binding": True},
            {"binding": "required"},
            {"presentation_attack": "evaluated"},
            {"over": 25},
            {"over": lower_bar_for_tests(18.0)},
            {
                "under": lower_bar_for_tests(
                    11.0, protected_band=AgeBand(first_years=13, last_years=19)
                )
            },
            {"under": RequiredCertainty(certainty=0.99)},
            {"session_alpha": None},
            {"session_alpha": 0},
            {"session_alpha": 1},
            {"session_alpha": "1 %"},
            {"session_alpha": True},
            {"over": None},
            {"max_attempts": 0},
            {"max_attempts": 101},
            {"max_attempts": True},
            {"max_attempts": 1.0},
            {"levels": (DEFAULT_LEVELS[0], DEFAULT_LEVELS[0])},
            {"may_tell": {"method"}},
            {"age_limit": 21, "over": challenge_age_for_tests(30.0)},
            {"over": challenge_age_for_tests(17.0)},
        ],
    )
    def test_malformed_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            _policy(**changes)

    @pytest.mark.parametrize(
        "changes",
        [
            {"under": 10},
            {"under": challenge_age_for_tests(13.0)},
            {"under": lower_bar_for_tests(13.5)},
            {"under": lower_bar_for_tests(protected_band=AgeBand(first_years=14, last_years=17))},
            {"under": lower_bar_for_tests(alpha=0.02)},
        ],
    )
    def test_malformed_for_under_is_refused(self, changes: dict[str, Any]) -> None:
        _policy(UNDER_13)
        with pytest.raises(ConfigurationError):
            _policy(UNDER_13, **changes)

    def test_session_alpha_stands_beside_bars_only(self) -> None:
        _policy(INTERVALS_ONLY)
        with pytest.raises(ConfigurationError):
            _policy(INTERVALS_ONLY, session_alpha=0.01)

    @pytest.mark.parametrize("age_limit", [0, 100, True, 18.0, "18", None])
    def test_the_limit_is_checked_without_a_bar_too(self, age_limit: Any) -> None:
        with pytest.raises(ConfigurationError):
            _policy(INTERVALS_ONLY, age_limit=age_limit)

    def test_it_is_a_value(self) -> None:
        policy = _policy()
        assert policy == _policy(methods=["verification", "estimation"])
        assert hash(policy) == hash(_policy(may_tell=set(Told), levels=list(DEFAULT_LEVELS)))
        assert pickle.loads(pickle.dumps(policy)) == policy
        with pytest.raises(AttributeError):
            policy.max_attempts = 99  # type: ignore[misc]


class TestSessionAlpha:
    @pytest.mark.parametrize(
        ("alpha", "attempts", "max_attempts", "fits"),
        [
            (0.01, 1, 1, True),
            (0.011, 1, 1, False),
            (0.01, 1, 2, False),
            (0.005, 1, 2, True),
            (0.01 / 3, 1, 3, True),
            (0.0034, 1, 3, False),
            (0.01, 3, 3, True),
            (0.01, 5, 3, True),
            (0.01, 2, 3, False),
            (0.005, 2, 3, False),
        ],
    )
    def test_it_holds_for_all_attempts(
        self, alpha: float, attempts: int, max_attempts: int, *, fits: bool
    ) -> None:
        bar = challenge_age_for_tests(alpha=alpha, attempts=attempts)
        if fits:
            _policy(over=bar, max_attempts=max_attempts)
        else:
            with pytest.raises(ConfigurationError, match=f"over {max_attempts} attempts"):
                _policy(over=bar, max_attempts=max_attempts)

    def test_a_required_certainty_costs_its_rest_each_time(self) -> None:
        bar = RequiredCertainty(certainty=0.99)
        _policy(over=bar)
        _policy(over=bar, max_attempts=3, session_alpha=0.03)
        with pytest.raises(ConfigurationError):
            _policy(over=bar, max_attempts=3, session_alpha=0.02)

    def test_the_two_kinds_of_error_are_not_added(self) -> None:
        _policy(
            UNDER_13,
            over=challenge_age_for_tests(20.0, alpha=0.01),
            under=lower_bar_for_tests(10.0, alpha=0.01),
            session_alpha=0.01,
        )


class TestOutcomesForOver:
    @pytest.mark.parametrize(
        ("estimate", "expected"),
        [
            (known_age(18), ("over", ("known_at_or_over",))),
            (known_age(34, 35), ("over", ("known_at_or_over",))),
            (known_age(17, 19), ("inconclusive", ("interval_spans_limit",))),
            (known_age(15, 16), ("inconclusive", ("under_not_asked",))),
            (known_age(17, 18), ("inconclusive", ("under_not_asked",))),
            (estimated_age(25.0), ("over", ("challenge_age_reached",))),
            (estimated_age(24.999), ("inconclusive", ("challenge_age_not_reached",))),
            (estimated_age(22.0), ("inconclusive", ("challenge_age_not_reached",))),
            (estimated_age(17.4), ("inconclusive", ("challenge_age_not_reached",))),
            (estimated_age(4.0), ("inconclusive", ("challenge_age_not_reached",))),
            (
                estimated_age(60.0, pipeline_digest="cd" * 32),
                ("inconclusive", ("pipeline_mismatch",)),
            ),
        ],
    )
    def test_by_challenge_age(self, estimate: AgeEstimate, expected: tuple[str, Any]) -> None:
        assert _says(_policy(), estimate) == expected

    @pytest.mark.parametrize(
        ("estimate", "expected"),
        [
            (estimated_age(18.0), ("over", ("certainty_reached",))),
            (estimated_age(17.75), ("inconclusive", ("certainty_not_reached",))),
            (estimated_age(5.0), ("inconclusive", ("certainty_not_reached",))),
            (estimated_age(60.0, pipeline_digest="cd" * 32), ("over", ("certainty_reached",))),
        ],
    )
    def test_by_certainty(self, estimate: AgeEstimate, expected: tuple[str, Any]) -> None:
        policy = _policy(over=RequiredCertainty(certainty=0.9), session_alpha=0.1)
        assert _says(policy, estimate) == expected

    def test_without_a_bar_only_intervals_settle(self) -> None:
        policy = _policy(INTERVALS_ONLY)
        assert _says(policy, known_age(18)) == ("over", ("known_at_or_over",))
        assert _says(policy, estimated_age(60.0)) == ("inconclusive", ("no_bar",))


class TestOutcomesForUnder:
    @pytest.mark.parametrize(
        ("estimate", "expected"),
        [
            (known_age(13), ("over", ("known_at_or_over",))),
            (known_age(12, 13), ("under", ("known_under",))),
            (known_age(12, 14), ("inconclusive", ("interval_spans_limit",))),
            (estimated_age(9.5), ("under", ("lower_bar_met",))),
            (
                estimated_age(10.0),
                ("inconclusive", ("lower_bar_not_met", "challenge_age_not_reached")),
            ),
            (
                estimated_age(19.5),
                ("inconclusive", ("lower_bar_not_met", "challenge_age_not_reached")),
            ),
            (estimated_age(20.0), ("over", ("challenge_age_reached",))),
            (
                estimated_age(5.0, pipeline_digest="cd" * 32),
                ("inconclusive", ("pipeline_mismatch",)),
            ),
        ],
    )
    def test_by_both_bars(self, estimate: AgeEstimate, expected: tuple[str, Any]) -> None:
        assert _says(_policy(UNDER_13), estimate) == expected

    def test_a_challenge_age_alone_never_says_under(self) -> None:
        policy = _policy(UNDER_13, under=None)
        for mean in range(20):
            assert policy.decide(estimated_age(float(mean))).outcome is Outcome.INCONCLUSIVE

    def test_certainty_on_the_other_side(self) -> None:
        policy = _policy(UNDER_13, over=None, under=RequiredCertainty(certainty=0.99))
        assert _says(policy, estimated_age(11.0)) == ("under", ("certainty_reached",))
        assert _says(policy, estimated_age(12.5)) == ("inconclusive", ("certainty_not_reached",))
        assert _says(policy, estimated_age(40.0)) == ("inconclusive", ("certainty_not_reached",))

    def test_an_estimate_that_meets_both_bars_settles_nothing(self) -> None:
        # 60 % at 13, 40 % at 2: the mean is 8.6, and yet 13 or over is likely.
        probabilities = [0.0] * 121
        probabilities[2], probabilities[13] = 0.4, 0.6
        estimate = AgeDistribution(
            probabilities=probabilities, provenance=estimated_age(20.0).provenance
        )
        certainty = RequiredCertainty(certainty=0.55)
        both = _policy(UNDER_13, over=certainty, session_alpha=0.45)
        assert _says(both, estimate) == ("inconclusive", ("bars_disagree",))
        one = _policy(UNDER_13, over=None)
        assert _says(one, estimate) == ("under", ("lower_bar_met",))
        other = _policy(UNDER_13, under=None, over=certainty, session_alpha=0.45)
        assert _says(other, estimate) == ("over", ("certainty_reached",))


class TestRefusals:
    @pytest.mark.parametrize(
        ("estimate", "reason", "named"),
        [
            (
                known_age(40, method_class=MethodClass.DECLARATION),
                Reason.METHOD_NOT_ACCEPTED,
                {"methods": {MethodClass.DECLARATION}},
            ),
            (
                known_age(40, method_class=MethodClass.INFERENCE),
                Reason.METHOD_NOT_ACCEPTED,
                {"methods": {MethodClass.INFERENCE}},
            ),
            (
                known_age(40, bound=False),
                Reason.NOT_BOUND,
                {"binding": Binding.UNBOUND_ACCEPTED},
            ),
            (
                estimated_age(40.0, presentation_attack=PresentationAttack.NOT_EVALUATED),
                Reason.PRESENTATION_ATTACK_NOT_EVALUATED,
                {"presentation_attack": PresentationAttackRule.UNEVALUATED_ACCEPTED},
            ),
        ],
    )
    def test_it_settles_only_where_it_is_named(
        self, estimate: AgeEstimate, reason: Reason, named: dict[str, Any]
    ) -> None:
        assert _says(_policy(), estimate) == ("inconclusive", (reason,))
        decision = _policy(**named).decide(estimate)
        assert decision.outcome is Outcome.OVER
        assert decision.level is AssuranceLevel.ASSERTED or reason is Reason.METHOD_NOT_ACCEPTED

    def test_a_document_has_no_presentation_attack_and_needs_none(self) -> None:
        estimate = known_age(40, presentation_attack=PresentationAttack.NOT_APPLICABLE)
        assert _policy().decide(estimate).outcome is Outcome.OVER

    def test_all_refusals_are_told_and_none_tells_the_age(self) -> None:
        kinds: dict[str, Any] = {
            "method_class": MethodClass.DECLARATION,
            "bound": False,
            "presentation_attack": PresentationAttack.NOT_EVALUATED,
        }
        said = {
            _policy().decide(known_age(age, **kinds), minimum_level=AssuranceLevel.STANDARD)
            for age in (3, 17, 18, 40)
        }
        assert said == {
            Decision(
                outcome=Outcome.INCONCLUSIVE,
                reasons=(
                    Reason.METHOD_NOT_ACCEPTED,
                    Reason.NOT_BOUND,
                    Reason.PRESENTATION_ATTACK_NOT_EVALUATED,
                    Reason.LEVEL_TOO_LOW,
                ),
            )
        }

    def test_a_request_narrows_the_methods(self) -> None:
        only = frozenset({MethodClass.VERIFICATION})
        policy = _policy()
        assert policy.decide(estimated_age(40.0), methods=only).reasons == ("method_not_accepted",)
        assert policy.decide(known_age(40), methods=only).outcome is Outcome.OVER
        inference = frozenset({MethodClass.INFERENCE})
        refused = policy.decide(
            known_age(40, method_class=MethodClass.INFERENCE), methods=inference
        )
        assert refused.reasons == ("method_not_accepted",), "narrowing never widens"

    def test_a_level_must_be_reached(self) -> None:
        policy = _policy()
        face = estimated_age(40.0)
        assert policy.decide(face).level is AssuranceLevel.STANDARD
        for level in ("asserted", "standard"):
            decision = policy.decide(face, minimum_level=AssuranceLevel(level))
            assert decision.outcome is Outcome.OVER
        for level in ("enhanced", "strict"):
            decision = policy.decide(face, minimum_level=AssuranceLevel(level))
            assert decision.reasons == ("level_too_low",)


class TestWhatDerivedResultsKeepTo:
    """Evidence that is itself an age result is neither raised nor outlived."""

    @staticmethod
    def _known(**changes: Any) -> AgeInterval:
        return AgeInterval(
            lower_years=18,
            upper_years=None,
            provenance=Provenance(
                method_class=MethodClass.VERIFICATION,
                bound=True,
                presentation_attack=PresentationAttack.PASSED,
                as_of=TEST_TIME,
                **changes,
            ),
        )

    @pytest.mark.parametrize("most", [None, *AssuranceLevel])
    def test_the_level_is_not_above_its_own(self, most: AssuranceLevel | None) -> None:
        decision = _policy(INTERVALS_ONLY).decide(self._known(maximum_level=most))
        table = AssuranceLevel.ENHANCED
        expected = table if most is None or most.rank > table.rank else most
        assert decision.level is expected

    def test_a_demanded_level_above_its_own_is_not_reached(self) -> None:
        decision = _policy(INTERVALS_ONLY).decide(
            self._known(maximum_level=AssuranceLevel.STANDARD),
            minimum_level=AssuranceLevel.ENHANCED,
        )
        assert decision.reasons == (Reason.LEVEL_TOO_LOW,)

    def test_its_end_is_passed_on_where_it_settles(self) -> None:
        known = self._known(not_after=TEST_TIME)
        assert _policy(INTERVALS_ONLY).decide(known).not_after == TEST_TIME
        assert _policy(INTERVALS_ONLY, age_limit=21).decide(known).not_after is None
        assert _policy(INTERVALS_ONLY).decide(self._known()).not_after is None


class TestCanSettle:
    def test_by_method(self) -> None:
        policy = _policy()
        assert policy.can_settle()
        assert policy.can_settle(methods=frozenset({MethodClass.ESTIMATION}))
        assert not policy.can_settle(methods=frozenset({MethodClass.DECLARATION}))
        assert not policy.can_settle(methods=frozenset())

    def test_by_level(self) -> None:
        policy = _policy()
        assert policy.can_settle(minimum_level=AssuranceLevel.ENHANCED)
        assert not policy.can_settle(minimum_level=AssuranceLevel.STRICT)
        assert not policy.can_settle(
            methods=frozenset({MethodClass.ESTIMATION}), minimum_level=AssuranceLevel.ENHANCED
        )

    def test_it_agrees_with_decide(self) -> None:
        for binding, rule, methods, level in product(
            Binding, PresentationAttackRule, MethodClass, AssuranceLevel
        ):
            only = frozenset({methods})
            policy = _policy(
                INTERVALS_ONLY, methods=only, binding=binding, presentation_attack=rule
            )
            could = any(
                policy.decide(
                    known_age(40, method_class=m, bound=b, presentation_attack=p),
                    minimum_level=level,
                ).settled
                for m, b, p in product(MethodClass, (True, False), PresentationAttack)
            )
            assert policy.can_settle(minimum_level=level) == could


class TestDigest:
    def test_it_is_stable(self) -> None:
        assert _policy().digest == _policy(methods=["verification", "estimation"]).digest
        assert len(_policy().digest) == 64

    @pytest.mark.parametrize(
        "changes",
        [
            {"age_limit": 16},
            {"methods": {MethodClass.ESTIMATION}},
            {"binding": Binding.UNBOUND_ACCEPTED},
            {"presentation_attack": PresentationAttackRule.UNEVALUATED_ACCEPTED},
            {"over": challenge_age_for_tests(26.0)},
            {"over": RequiredCertainty(certainty=0.99)},
            {"over": None, "session_alpha": None},
            {"session_alpha": 0.02},
            {"max_attempts": 2, "over": challenge_age_for_tests(attempts=2)},
            {"levels": DEFAULT_LEVELS[1:]},
            {"may_tell": frozenset({Told.METHOD})},
        ],
    )
    def test_it_depends_on_every_member(self, changes: dict[str, Any]) -> None:
        assert _policy(**changes).digest != _policy().digest

    def test_direction_and_lower_bar_count(self) -> None:
        digests = {
            _policy(UNDER_13).digest,
            _policy(UNDER_13, under=lower_bar_for_tests(9.0)).digest,
            _policy(UNDER_13, under=None).digest,
            _policy(UNDER_13, under=None, direction=Direction.OVER).digest,
        }
        assert len(digests) == 4

    def test_the_order_of_level_rows_does_not_count(self) -> None:
        assert _policy(levels=DEFAULT_LEVELS[::-1]).digest == _policy().digest

    def test_it_is_plain_data(self) -> None:
        data = _policy(UNDER_13).to_dict()
        assert json.loads(json.dumps(data)) == data


def test_an_operator_may_bring_a_table() -> None:
    strict = LevelRow(
        method_class=MethodClass.VERIFICATION,
        bound=True,
        presentation_attack=PresentationAttack.PASSED,
        level=AssuranceLevel.STRICT,
    )
    checked = known_age(40, presentation_attack=PresentationAttack.PASSED)
    assert _policy(levels=(strict,)).decide(checked).level is AssuranceLevel.STRICT
    assert _policy(levels=()).decide(checked).level is AssuranceLevel.ASSERTED
