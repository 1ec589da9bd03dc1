from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.policy import (
    ChallengeAge,
    LowerBar,
    OnContradiction,
    RequiredCertainty,
    Successive,
    load_preset,
    preset_names,
    read_preset,
)
from ageassure.policy.bars import ROUNDING
from ageassure.policy.presets.file import parse_preset
from ageassure.results import Direction, MethodClass, Outcome
from ageassure.testing import challenge_age_for_tests, estimated_age, known_age, lower_bar_for_tests

if TYPE_CHECKING:
    from collections.abc import Callable

FOLLOWED = ("au-smma-16", "de-kjm-18", "eu-dsa-13", "eu-dsa-16", "eu-dsa-18", "uk-ofcom-18")
STEPS = ("face", "credential", "document")


def _bar(**changes: Any) -> ChallengeAge:
    return replace(challenge_age_for_tests(alpha=0.005), **changes)


def _chain(name: str, **bar: Any) -> Successive:
    preset = load_preset(name)
    with_bar = {step.name for step in preset.steps if step.bar_alpha is not None}
    return preset.chain(
        steps={step.name for step in preset.steps},
        bars={step: _bar(**bar) for step in with_bar},
    )


def test_the_presets_are_these() -> None:
    assert preset_names() == tuple(sorted({*FOLLOWED, "fr-arcom-18", "us-coppa-13"}))


@pytest.mark.parametrize("name", ["fr-arcom-18", *FOLLOWED, "us-coppa-13"])
def test_each_says_what_it_is_and_what_it_is_not(name: str) -> None:
    preset = read_preset(name)
    assert preset.name == name
    assert name.endswith(f"-{preset.age_limit}")
    assert "no legal advice" in preset.notice
    assert preset.left_to_operator
    assert preset.choices
    assert preset.sources
    for source in preset.sources:
        assert date(1990, 1, 1) < source.dated < preset.drawn_up_on
    assert preset.drawn_up_on <= datetime.now().astimezone().date()
    assert preset.on_contradiction is OnContradiction.STAYS_INCONCLUSIVE
    assert len(preset.digest) == 64
    assert len({read_preset(other).digest for other in preset_names()}) == len(preset_names())


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_chain_asks_for_over_the_limit_and_needs_bound_evaluated_evidence(name: str) -> None:
    chain = _chain(name)
    assert (chain.direction, chain.age_limit) == (Direction.OVER, load_preset(name).age_limit)
    for step in chain.steps:
        assert MethodClass.DECLARATION not in step.policy.methods
        decision = step.policy.decide(known_age(40, 41, bound=False))
        assert decision.outcome is Outcome.INCONCLUSIVE


def test_france_waits_for_the_blind_profile() -> None:
    with pytest.raises(ConfigurationError, match="token profile 'blind'"):
        load_preset("fr-arcom-18")


def test_verification_alone_settles_content_of_high_risk_in_the_union() -> None:
    methods = {m for step in _chain("eu-dsa-18").steps for m in step.policy.methods}
    assert methods == {MethodClass.VERIFICATION}


def test_a_declaration_is_taken_in_the_united_states_and_said_to_be_one() -> None:
    (step,) = _chain("us-coppa-13").steps
    assert step.policy.methods == {MethodClass.DECLARATION}


def test_a_buffer_raises_a_bar_that_was_earned_lower_and_leaves_a_higher_one() -> None:
    def bar_of(chain: Successive) -> float:
        bar = chain.steps[0].policy.over
        assert isinstance(bar, ChallengeAge)
        return bar.age_years

    assert bar_of(_chain("de-kjm-18", age_years=22.5)) == 25
    assert bar_of(_chain("de-kjm-18", age_years=31.5)) == 31.5
    assert bar_of(_chain("uk-ofcom-18", age_years=22.5)) == 22.5
    face = _chain("de-kjm-18", age_years=22.5).steps[0].policy
    assert face.decide(estimated_age(24.0)).outcome is Outcome.INCONCLUSIVE
    assert face.decide(estimated_age(26.0)).outcome is Outcome.OVER


def test_an_operator_runs_the_steps_that_they_have_in_the_order_of_the_preset() -> None:
    chain = load_preset("uk-ofcom-18").chain(steps=["document", "credential"], bars={})
    assert [step.name for step in chain.steps] == ["credential", "document"]
    assert chain.session_alpha is None


def test_attempts_and_errors_fit_the_session() -> None:
    chain = _chain("uk-ofcom-18")
    assert chain.session_alpha == 0.01
    assert chain.steps[0].policy.session_alpha == pytest.approx(0.01)
    twice = _chain("uk-ofcom-18", attempts=2)
    assert twice.steps[0].policy.session_alpha == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("steps", "bars", "told"),
    [
        ((), {}, "got steps outside"),
        (("palm",), {}, "got steps outside"),
        (("document", "palm"), {}, "got steps outside"),
        (("face",), {}, "got bars for other steps"),
        (("document",), {"face": _bar()}, "got bars for other steps"),
        (("face",), {"face": _bar(), "document": _bar()}, "got bars for other steps"),
        (("face",), {"face": RequiredCertainty(certainty=0.999)}, "no ChallengeAge"),
        (("face",), {"face": lower_bar_for_tests()}, "no ChallengeAge"),
        (("face",), {"face": _bar(alpha=0.01)}, r"got a bar with error 0\.01, expected at most"),
    ],
)
def test_steps_and_bars_that_do_not_fit_are_refused(
    steps: tuple[str, ...], bars: dict[str, ChallengeAge | LowerBar | RequiredCertainty], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load_preset("uk-ofcom-18").chain(steps=steps, bars=bars)  # type: ignore[arg-type]


def test_a_bar_may_claim_the_presets_error_but_for_rounding() -> None:
    step = load_preset("uk-ofcom-18").steps[0]
    assert step.bar_alpha is not None
    bar = _bar(alpha=step.bar_alpha * ROUNDING)
    chain = load_preset("uk-ofcom-18").chain(steps=(step.name,), bars={step.name: bar})
    assert chain.steps[0].policy.over == bar


@pytest.mark.parametrize("name", ["", "uk", "../uk-ofcom-18", "uk-ofcom-18.toml"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected one of"):
        read_preset(name)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.update(format="ageassure-preset-2"),
        lambda data: data.update(stray=1),
        lambda data: data.pop("left_to_operator"),
        lambda data: data.update(left_to_operator=[]),
        lambda data: data.update(source=[]),
        lambda data: data.update(step=[]),
        lambda data: data.update(version=0),
        lambda data: data.update(age_limit=True),
        lambda data: data.update(session_alpha=0),
        lambda data: data.update(session_alpha=1.0),
        lambda data: data.update(session_alpha="None"),
        lambda data: data.update(drawn_up_on="2026-11-25"),
        lambda data: data.update(drawn_up_on=datetime(2026, 11, 25)),  # noqa: DTZ001
        lambda data: data["step"][0].update(methods=[]),
        lambda data: data["step"][0].update(binding="none"),
        lambda data: data["step"][0].update(bar_alpha=0.0),
        lambda data: data["step"][0].update(bar_alpha=0.5),
        lambda data: data["step"][0].update(least_challenge_age=0),
        lambda data: data["step"][0].update(least_challenge_age=120),
        lambda data: data["step"][0].update(time_limit_seconds=0),
        lambda data: data["step"][0].update(max_attempts=101),
        lambda data: data["source"][0].update(title=""),
    ],
)
def test_a_file_that_is_not_exactly_a_preset_is_refused(
    spoil: Callable[[dict[str, Any]], Any],
) -> None:
    folder = files("ageassure.policy.presets")
    data = tomllib.loads((folder / "uk-ofcom-18.toml").read_text(encoding="utf-8"))
    parse_preset(data, name="x")
    spoil(data)
    with pytest.raises(ConfigurationError):
        parse_preset(data, name="x")
