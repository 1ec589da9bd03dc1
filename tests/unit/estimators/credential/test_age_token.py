"""Another provider's token as evidence: never outlived, never raised, never anybody else's."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from ageassure.errors import ConfigurationError, IssuanceError
from ageassure.estimators.credential import AgeTokenEstimator, AgeTokenEvidence
from ageassure.policy import (
    DEFAULT_LEVELS,
    Binding,
    MemoryAttemptStore,
    Policy,
    PresentationAttackRule,
)
from ageassure.policy.levels import level_of
from ageassure.provider import Provider, RelyingParty
from ageassure.results import (
    AgeRequest,
    AssuranceLevel,
    Direction,
    MethodClass,
    Outcome,
    PresentationAttack,
)
from ageassure.testing import TEST_ISSUER, FixedClock, ThrowAway, throw_away
from ageassure.tokens import SigningKey, TokenIssuer, make_holder_proof
from ageassure.tokens.jws import parse_compact
from ageassure.verifier import MemoryReplayStore, TokenVerifier

from .wallets import code_of

HERE = "https://provider.example"
PLATFORM = "https://platform.example"
NONCE, OTHER_NONCE = "n" * 43, "m" * 43


@pytest.fixture
def other() -> ThrowAway:
    """Another provider, whose tokens are for us."""
    return throw_away(audience=HERE)


def token(
    other: ThrowAway,
    *,
    outcome: Outcome = Outcome.OVER,
    method: MethodClass = MethodClass.VERIFICATION,
    level: AssuranceLevel = AssuranceLevel.STANDARD,
    **changes: Any,
) -> str:
    asked: dict[str, Any] = {"audience": HERE, "nonce": NONCE, "age_over": 18}
    asked |= {"tell_method": True, "tell_level": True}
    return other.issuer.issue(
        AgeRequest(**(asked | changes)), outcome=outcome, method_class=method, level=level
    )


def evidence(text: Any, **changes: Any) -> AgeTokenEvidence:
    members: dict[str, Any] = {"token": text, "nonce": NONCE, "age_over": 18}
    return AgeTokenEvidence(**(members | changes))


def refusal(other: ThrowAway, text: Any, **changes: Any) -> str:
    held = evidence(text, **changes)
    return code_of(lambda: AgeTokenEstimator(verifier=other.verifier).estimate(held))


def test_what_an_estimate_says(other: ThrowAway) -> None:
    estimate = AgeTokenEstimator(verifier=other.verifier).estimate(evidence(token(other)))
    assert estimate.interval(0.5) == (18, 121)
    assert estimate.method_class is MethodClass.VERIFICATION
    assert estimate.bound
    provenance = estimate.provenance
    assert provenance.maximum_level is AssuranceLevel.STANDARD
    assert provenance.not_after == other.clock() + timedelta(seconds=900)
    assert provenance.as_of == other.clock()


def test_under(other: ThrowAway) -> None:
    text = token(other, outcome=Outcome.UNDER, age_over=None, age_under=16)
    held = evidence(text, age_over=None, age_under=18)
    estimate = AgeTokenEstimator(verifier=other.verifier).estimate(held)
    assert estimate.interval(0.5) == (0, 16)


def test_a_token_for_a_higher_limit_proves_that_limit(other: ThrowAway) -> None:
    held = evidence(token(other, age_over=21))
    estimate = AgeTokenEstimator(verifier=other.verifier).estimate(held)
    assert estimate.interval(0.5) == (21, 121)


@pytest.mark.parametrize(("method", "level"), list(product(MethodClass, AssuranceLevel)))
def test_neither_class_nor_level_is_raised(
    other: ThrowAway, method: MethodClass, level: AssuranceLevel
) -> None:
    text = token(other, method=method, level=level)
    estimate = AgeTokenEstimator(verifier=other.verifier).estimate(evidence(text))
    assert estimate.method_class is method
    policy = Policy(
        age_limit=18,
        direction=Direction.OVER,
        methods=frozenset(MethodClass),
        binding=Binding.UNBOUND_ACCEPTED,
        presentation_attack=PresentationAttackRule.UNEVALUATED_ACCEPTED,
        over=None,
        under=None,
        session_alpha=None,
        max_attempts=1,
    )
    decision = policy.decide(estimate)
    assert decision.outcome is Outcome.OVER
    assert decision.level is not None
    assert decision.level.rank <= level.rank
    best = level_of(DEFAULT_LEVELS, method, True, PresentationAttack.PASSED)
    if level is best is not AssuranceLevel.ENHANCED:
        assert decision.level is level  # nothing is lost either, where the table has it


@pytest.mark.parametrize("missing", ["tell_method", "tell_level"])
def test_a_token_that_does_not_tell_both(other: ThrowAway, missing: str) -> None:
    untold: dict[str, Any] = {missing: False}
    assert refusal(other, token(other, **untold)) == "no_age"


def test_another_audience(other: ThrowAway) -> None:
    assert refusal(other, token(other, audience=PLATFORM)) == "wrong_transaction"


def test_another_nonce(other: ThrowAway) -> None:
    assert refusal(other, token(other, nonce=OTHER_NONCE)) == "wrong_transaction"


def test_another_limit(other: ThrowAway) -> None:
    assert refusal(other, token(other, age_over=16)) == "no_age"


def test_it_is_taken_once(other: ThrowAway) -> None:
    text = token(other)
    AgeTokenEstimator(verifier=other.verifier).estimate(evidence(text))
    assert refusal(other, text) == "replayed"


def test_times(other: ThrowAway) -> None:
    text = token(other)
    other.clock.advance(seconds=931)
    assert refusal(other, text) == "expired"
    other.clock.advance(seconds=-2000)
    assert refusal(other, text) == "not_yet_valid"


@pytest.mark.parametrize("text", [None, "", "a.b.c", "x" * 9000, "\u00e9"])
def test_no_token(other: ThrowAway, text: Any) -> None:
    assert refusal(other, text) == "malformed"


def test_an_untrusted_issuer(other: ThrowAway) -> None:
    assert refusal(other, token(throw_away(audience=HERE))) == "untrusted"
    head, payload, _ = token(other).split(".")
    assert refusal(other, f"{head}.{payload}.{'A' * 86}") == "untrusted"


class _Down:
    def claim(self, key: bytes, expires_at: int) -> bool:
        raise OSError(key, expires_at)


def test_a_store_that_is_down(other: ThrowAway) -> None:
    verifier = TokenVerifier(
        issuers={TEST_ISSUER: other.issuer.jwks},
        audience=HERE,
        replay_store=_Down(),
        now=other.clock,
    )
    held = evidence(token(other))
    estimator = AgeTokenEstimator(verifier=verifier)
    assert code_of(lambda: estimator.estimate(held)) == "unverifiable"


def test_a_holder(other: ThrowAway) -> None:
    key = SigningKey.generate()
    text = token(other, holder_jkt=key.kid)
    assert refusal(other, text, holder_jkt=key.kid) == "not_bound"
    proof = make_holder_proof(text, holder_key=key, audience=HERE, nonce=NONCE, now=other.clock)
    held = evidence(text, holder_jkt=key.kid, holder_proof=proof)
    estimate = AgeTokenEstimator(verifier=other.verifier).estimate(held)
    assert estimate.interval(0.5) == (18, 121)


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "short"},
        {"age_over": None},
        {"age_under": 16},
        {"age_over": 0},
        {"age_over": None, "age_under": 100},
    ],
)
def test_bad_evidence(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        evidence("x", **changes)


def test_bad_setups(other: ThrowAway) -> None:
    verifier: Any = other.issuer
    with pytest.raises(ConfigurationError):
        AgeTokenEstimator(verifier=verifier)
    held: Any = "text"
    with pytest.raises(ConfigurationError):
        AgeTokenEstimator(verifier=other.verifier).estimate(held)


def _provider(other: ThrowAway, clock: FixedClock) -> Provider:
    return Provider(
        estimators={"token": AgeTokenEstimator(verifier=other.verifier)},
        policies=[
            Policy(
                age_limit=18,
                direction=Direction.OVER,
                methods=frozenset({MethodClass.VERIFICATION}),
                binding=Binding.REQUIRED,
                presentation_attack=PresentationAttackRule.EVALUATED,
                over=None,
                under=None,
                session_alpha=None,
                max_attempts=3,
            )
        ],
        issuer=TokenIssuer(
            issuer="https://here.example", signing_key=SigningKey.generate(), now=clock
        ),
        relying_parties=[RelyingParty(audience=PLATFORM)],
        attempt_store=MemoryAttemptStore(now=clock),
        now=clock,
    )


def test_a_derived_token_does_not_outlive_it(other: ThrowAway) -> None:
    text = token(other)
    end = json.loads(parse_compact(text).payload)["exp"]
    other.clock.advance(seconds=400)
    provider = _provider(other, other.clock)
    request = AgeRequest(audience=PLATFORM, nonce=OTHER_NONCE, age_over=18)
    derived = provider.assess(evidence(text), request).token
    assert derived is not None
    claims = json.loads(parse_compact(derived).payload)
    assert claims["exp"] == end
    assert claims["exp"] - claims["iat"] == 600


def test_nothing_is_derived_in_its_last_moments(other: ThrowAway) -> None:
    text = token(other)
    other.clock.advance(seconds=915)  # within the verifier's leeway, yet over
    provider = _provider(other, other.clock)
    request = AgeRequest(audience=PLATFORM, nonce=OTHER_NONCE, age_over=18)
    with pytest.raises(IssuanceError, match="no time left"):
        provider.assess(evidence(text), request)


def test_the_replay_store_is_the_callers() -> None:
    clock = FixedClock(datetime(2026, 6, 1, tzinfo=UTC))
    other = throw_away(audience=HERE, clock=clock)
    store = MemoryReplayStore(now=clock)
    verifier = TokenVerifier(
        issuers={TEST_ISSUER: other.issuer.jwks}, audience=HERE, replay_store=store, now=clock
    )
    AgeTokenEstimator(verifier=verifier).estimate(evidence(token(other)))
    assert len(store) == 1
