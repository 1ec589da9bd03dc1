from __future__ import annotations

import json
import math
from typing import Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.policy import (
    Binding,
    Decision,
    Finding,
    OnContradiction,
    Policy,
    PresentationAttackRule,
    RequiredCertainty,
    Step,
    Successive,
    Told,
)
from ageassure.policy.bars import ROUNDING
from ageassure.results import (
    AgeDistribution,
    AgeEstimate,
    AssuranceLevel,
    Direction,
    MethodClass,
    Outcome,
)
from ageassure.testing import challenge_age_for_tests, estimated_age, known_age

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
DOCUMENT = FACE | {"methods": {MethodClass.VERIFICATION}, "over": None, "session_alpha": None}

ADULT_DOCUMENT = known_age(34, 35)


def _step(name: str, base: dict[str, Any], **changes: Any) -> Step:
    return Step(name=name, policy=Policy(**base | changes))


def _chain(**changes: Any) -> Successive:
    members: dict[str, Any] = {
        "steps": (_step("face", FACE), _step("document", DOCUMENT)),
        "session_alpha": 0.01,
        "on_contradiction": OnContradiction.STAYS_INCONCLUSIVE,
    }
    return Successive(**members | changes)


def _decide(chain: Successive, **found: AgeEstimate | str) -> Decision:
    findings = [
        Finding(step=step, code=what)
        if isinstance(what, str)
        else Finding(step=step, estimate=what)
        for step, what in found.items()
    ]
    return chain.decide(findings)


class TestConstruction:
    @pytest.mark.parametrize("name", ["steps", "session_alpha", "on_contradiction"])
    def test_nothing_has_a_default(self, name: str) -> None:
        chain = _chain()
        members = {
            n: getattr(chain, n)
            for n in ("steps", "session_alpha", "on_contradiction")
            if n != name
        }
        with pytest.raises(TypeError, match=name):
            Successive(**members)

    @pytest.mark.parametrize(
        "changes",
        [
            {"steps": ()},
            {"steps": (Policy(**FACE),)},
            {"steps": (_step("face", FACE), _step("face", DOCUMENT))},
            {"steps": (_step("face", FACE), _step("document", DOCUMENT, age_limit=16))},
            {
                "steps": (
                    _step("face", FACE),
                    _step("document", DOCUMENT, direction=Direction.UNDER),
                )
            },
            {"steps": (_step("face", FACE), _step("document", DOCUMENT, may_tell=frozenset()))},
            {"on_contradiction": "stays_inconclusive"},
            {"on_contradiction": False},
            {"session_alpha": None},
            {"session_alpha": 0},
            {"session_alpha": 1},
            {"session_alpha": "1 %"},
            {"session_alpha": 0.009},
            {"steps": (_step("document", DOCUMENT),)},
        ],
    )
    def test_malformed_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            _chain(**changes)

    @pytest.mark.parametrize(
        "name", ["", "Face", "face step", "1face", "a" * 33, "face\n", None, 1]
    )
    def test_step_names(self, name: Any) -> None:
        with pytest.raises(ConfigurationError):
            _step(name, FACE)

    def test_a_chain_without_steps_says_so(self) -> None:
        with pytest.raises(ConfigurationError, match="got no steps"):
            _chain(steps=())

    def test_a_step_holds_a_policy(self) -> None:
        with pytest.raises(ConfigurationError):
            Step(name="face", policy=_chain())  # type: ignore[arg-type]

    def test_errors_of_the_steps_add_up(self) -> None:
        second = _step("voice", FACE)
        steps = (_step("face", FACE), second, _step("document", DOCUMENT))
        _chain(steps=steps, session_alpha=0.02)
        with pytest.raises(ConfigurationError, match=r"add up to 0\.02"):
            _chain(steps=steps, session_alpha=0.019)

    def test_three_thirds_are_one(self) -> None:
        third = {"over": challenge_age_for_tests(alpha=0.01 / 3), "session_alpha": 0.01 / 3}
        steps = tuple(_step(name, FACE, **third) for name in ("face", "voice", "hand"))
        _chain(steps=steps, session_alpha=0.01)

    def test_a_step_may_take_a_day_and_no_longer(self) -> None:
        policy = Policy(**DOCUMENT)
        assert Step(name="d", policy=policy, time_limit_seconds=86_400).time_limit_seconds == 86_400
        with pytest.raises(ConfigurationError):
            Step(name="d", policy=policy, time_limit_seconds=86_401)

    def test_errors_may_add_up_to_the_rounding_and_no_further(self) -> None:
        most = 0.25 * ROUNDING
        _chain(steps=(_step("face", FACE, session_alpha=most),), session_alpha=0.25)
        more = math.nextafter(most, 1)
        with pytest.raises(ConfigurationError, match="add up to"):
            _chain(steps=(_step("face", FACE, session_alpha=more),), session_alpha=0.25)

    @pytest.mark.parametrize("alpha", [-0.5, 0, 1, 1.5])
    def test_a_session_alpha_is_a_share(self, alpha: float) -> None:
        with pytest.raises(ConfigurationError, match="outside"):
            _chain(session_alpha=alpha)

    def test_without_bars_there_is_no_alpha(self) -> None:
        chain = _chain(steps=(_step("document", DOCUMENT),), session_alpha=None)
        assert chain.session_alpha is None

    def test_it_asks_what_its_steps_ask(self) -> None:
        chain = _chain()
        assert (chain.age_limit, chain.direction) == (18, Direction.OVER)
        assert chain.may_tell == frozenset(Told)

    @pytest.mark.parametrize(
        "members",
        [{}, {"estimate": ADULT_DOCUMENT, "code": "no_face"}, {"code": "born_2011"}],
    )
    def test_a_finding_is_an_estimate_or_a_known_code(self, members: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            Finding(step="face", **members)

    def test_a_finding_does_not_show_the_estimate(self) -> None:
        assert "34" not in repr(Finding(step="document", estimate=ADULT_DOCUMENT))


class TestDecide:
    def test_the_first_step_may_settle(self) -> None:
        decision = _decide(_chain(), face=estimated_age(30.0))
        assert decision.outcome is Outcome.OVER
        assert decision.method_class is MethodClass.ESTIMATION
        assert decision.reasons == ("challenge_age_reached",)

    def test_a_later_step_settles_with_its_own_class_and_level(self) -> None:
        decision = _decide(_chain(), face=estimated_age(22.0), document=ADULT_DOCUMENT)
        assert decision.outcome is Outcome.OVER
        assert decision.method_class is MethodClass.VERIFICATION
        assert decision.level is AssuranceLevel.STANDARD
        assert decision.reasons == ("challenge_age_not_reached", "known_at_or_over")

    def test_what_could_not_be_assessed_is_a_reason(self) -> None:
        decision = _decide(_chain(), face="no_face", document=ADULT_DOCUMENT)
        assert decision.outcome is Outcome.OVER
        assert decision.reasons == ("no_face", "known_at_or_over")
        assert _decide(_chain(), face="no_face").outcome is Outcome.INCONCLUSIVE

    def test_the_first_settled_outcome_stands(self) -> None:
        both = _decide(_chain(), face=estimated_age(30.0), document=ADULT_DOCUMENT)
        assert both.method_class is MethodClass.ESTIMATION
        then_unsettled = _decide(_chain(), face=estimated_age(30.0), document=known_age(17, 19))
        assert then_unsettled.method_class is MethodClass.ESTIMATION

    def test_each_step_is_judged_by_its_own_policy(self) -> None:
        decision = _decide(_chain(), face=ADULT_DOCUMENT, document=estimated_age(30.0))
        assert decision.outcome is Outcome.INCONCLUSIVE
        assert decision.reasons == ("method_not_accepted",)

    def test_a_step_that_the_chain_does_not_have_is_refused(self) -> None:
        with pytest.raises(ConfigurationError):
            _decide(_chain(), palm=ADULT_DOCUMENT)

    def test_what_a_request_insists_on_reaches_every_step(self) -> None:
        findings = [Finding(step="document", estimate=ADULT_DOCUMENT)]
        chain = _chain()
        assert chain.decide(findings).outcome is Outcome.OVER
        enhanced = chain.decide(findings, minimum_level=AssuranceLevel.ENHANCED)
        assert enhanced.reasons == ("level_too_low",)
        narrowed = chain.decide(findings, methods=frozenset({MethodClass.ESTIMATION}))
        assert narrowed.reasons == ("method_not_accepted",)


WELL_UNDER = estimated_age(12.0)
WELL_OVER = estimated_age(40.0)
UNSURE = estimated_age(18.0, spread_years=4)


class TestContradictions:
    @pytest.mark.parametrize(
        ("face", "document"),
        [
            (WELL_UNDER, ADULT_DOCUMENT),
            (estimated_age(17.0), known_age(18, 19)),
        ],
    )
    def test_an_earlier_unsettled_estimate_contradicts_a_later_settled_one(
        self, face: AgeEstimate, document: AgeEstimate
    ) -> None:
        stays = _decide(_chain(), face=face, document=document)
        assert stays.outcome is Outcome.INCONCLUSIVE
        assert stays.reasons[-1] == "contradiction"
        assert (stays.method_class, stays.level) == (None, None)
        despite = _chain(on_contradiction=OnContradiction.SETTLES_DESPITE_CONTRADICTION)
        settles = _decide(despite, face=face, document=document)
        assert settles.outcome is Outcome.OVER
        assert settles.reasons[-1] == "contradiction"

    def test_the_other_way_round(self) -> None:
        under = {"direction": Direction.UNDER}
        chain = _chain(steps=(_step("face", FACE | under), _step("document", DOCUMENT | under)))
        other_pipeline = estimated_age(40.0, pipeline_digest="cd" * 32)
        decision = _decide(chain, face=other_pipeline, document=known_age(15, 16))
        assert decision.outcome is Outcome.INCONCLUSIVE
        assert decision.reasons == ("pipeline_mismatch", "known_under", "contradiction")

    def test_two_unsettled_estimates_contradict_each_other_too(self) -> None:
        decision = _decide(_chain(), face=WELL_UNDER, document=known_age(34, 35, bound=False))
        assert decision.reasons == ("challenge_age_not_reached", "not_bound", "contradiction")

    @pytest.mark.parametrize(
        ("face", "document"),
        [
            (UNSURE, ADULT_DOCUMENT),
            (WELL_OVER, ADULT_DOCUMENT),
            (WELL_UNDER, known_age(15, 16)),
            (WELL_UNDER, known_age(15, 40)),
            (estimated_age(60.0, pipeline_digest="cd" * 32), known_age(18, 19)),
        ],
    )
    def test_what_is_unsure_or_on_the_same_side_contradicts_nothing(
        self, face: AgeEstimate, document: AgeEstimate
    ) -> None:
        assert "contradiction" not in _decide(_chain(), face=face, document=document).reasons

    @pytest.mark.parametrize(
        ("over_percent", "contradicts"), [(0, True), (4, True), (6, False), (50, False)]
    )
    def test_the_tail_is_five_percent(self, over_percent: int, *, contradicts: bool) -> None:
        face = estimated_age(17 + over_percent / 100)  # so much of it at 18
        reasons = _decide(_chain(), face=face, document=known_age(18)).reasons
        assert ("contradiction" in reasons) == contradicts

    @pytest.mark.parametrize(
        ("under_percent", "contradicts"), [(0, True), (4, True), (6, False), (50, False)]
    )
    def test_on_the_upper_side_too(self, under_percent: int, *, contradicts: bool) -> None:
        face = estimated_age(18 - under_percent / 100)
        reasons = _decide(_chain(), face=face, document=known_age(15, 16)).reasons
        assert ("contradiction" in reasons) == contradicts

    def test_five_percent_itself_is_in_the_tail(self) -> None:
        for under, over, document in ((0.95, 0.05, known_age(18)), (0.05, 0.95, known_age(15, 16))):
            probabilities = [0.0] * 121
            probabilities[17], probabilities[18] = under, over
            face = AgeDistribution(probabilities=probabilities, provenance=UNSURE.provenance)
            assert face.probability_at_or_over(18) == over
            assert "contradiction" in _decide(_chain(), face=face, document=document).reasons

    def test_attempts_at_one_step_may_contradict_each_other(self) -> None:
        chain = _chain(
            steps=(
                _step(
                    "face",
                    FACE,
                    over=RequiredCertainty(certainty=0.995),
                    max_attempts=2,
                ),
            )
        )
        findings = [
            Finding(step="face", estimate=WELL_UNDER),
            Finding(step="face", estimate=WELL_OVER),
        ]
        assert chain.decide(findings).outcome is Outcome.INCONCLUSIVE
        assert chain.decide(findings[1:]).outcome is Outcome.OVER

    def test_one_estimate_cannot_contradict_itself(self) -> None:
        for age in range(120):
            assert (
                "contradiction" not in _decide(_chain(), document=known_age(age, age + 1)).reasons
            )


class TestDigest:
    def test_it_depends_on_every_member(self) -> None:
        digests = {
            _chain().digest,
            _chain(session_alpha=0.02).digest,
            _chain(on_contradiction=OnContradiction.SETTLES_DESPITE_CONTRADICTION).digest,
            _chain(steps=(_step("face", FACE),)).digest,
            _chain(steps=(_step("document", DOCUMENT), _step("face", FACE))).digest,
            _chain(steps=(_step("selfie", FACE), _step("document", DOCUMENT))).digest,
        }
        assert len(digests) == 6
        assert _chain().digest in digests

    def test_it_is_plain_data(self) -> None:
        data = _chain().to_dict()
        assert json.loads(json.dumps(data)) == data
