from __future__ import annotations

import math
from datetime import timedelta

import pytest

from ageassure.errors import ConfigurationError, FaceError, TokenExpiredError
from ageassure.estimators.base import Estimator
from ageassure.results import AgeRequest, AssuranceLevel, MethodClass, Outcome
from ageassure.testing import (
    TEST_AUDIENCE,
    TEST_PIPELINE_DIGEST,
    TEST_TIME,
    FixedClock,
    StubEstimator,
    challenge_age_for_tests,
    estimated_age,
    known_age,
    lower_bar_for_tests,
    throw_away,
)


def test_the_clock_stands_until_it_is_moved() -> None:
    clock = FixedClock()
    assert clock() == clock() == TEST_TIME
    clock.advance(seconds=90)
    assert clock() == TEST_TIME + timedelta(seconds=90)
    clock.advance(seconds=-90)
    assert clock() == TEST_TIME


@pytest.mark.parametrize("mean", [0.0, 17.4, 25.0, 99.99, 120.0])
def test_an_estimated_age_has_its_mean(mean: float) -> None:
    assert math.isclose(estimated_age(mean).mean_years, mean, abs_tol=1e-12)


def test_a_spread_lies_on_both_sides() -> None:
    estimate = estimated_age(20.0, spread_years=4)
    assert estimate.mean_years == 20
    assert estimate.interval(0.9) == (16, 25)
    assert estimate.probability_at_or_over(18) == 0.5


@pytest.mark.parametrize(("mean", "spread"), [(-0.1, 0), (121.0, 0), (3.0, 4), (118.0, 3)])
def test_ages_beyond_the_ends_are_refused(mean: float, spread: int) -> None:
    with pytest.raises(ConfigurationError):
        estimated_age(mean, spread_years=spread)


def test_a_known_age_is_an_interval() -> None:
    assert known_age(18).bounds_at_or_over(18) == (1, 1)
    assert known_age(17, 19).interval(0.9) == (17, 19)


def test_a_stub_answers_in_order_and_then_the_same() -> None:
    first, last = known_age(17, 18), known_age(18)
    stub = StubEstimator(first, FaceError("m", code="no_face"), last)
    assert isinstance(stub, Estimator)
    assert stub.estimate(b"anything") is first
    with pytest.raises(FaceError) as caught:
        stub.estimate(None)
    assert caught.value.code == "no_face"
    assert stub.estimate(None) is stub.estimate(None) is last
    assert stub.calls == 4


def test_a_stub_raises_a_new_error_each_time() -> None:
    stub = StubEstimator(FaceError("m", code="no_face"))
    with pytest.raises(FaceError) as one:
        stub.estimate(None)
    with pytest.raises(FaceError) as other:
        stub.estimate(None)
    assert one.value is not other.value


def test_a_stub_without_an_answer_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        StubEstimator()


def test_bars_say_that_nobody_was_measured() -> None:
    for bar in (challenge_age_for_tests(), lower_bar_for_tests()):
        assert "no person was measured" in bar.source
        assert "no person was measured" in bar.age_proof
        assert bar.pipeline_digest == TEST_PIPELINE_DIGEST
        assert (bar.n, bar.k) == (299, 0)


def test_a_throw_away_pair_makes_and_checks_tokens() -> None:
    pair, other = throw_away(), throw_away(clock=FixedClock(TEST_TIME))
    assert pair.issuer.jwks.to_dict() != other.issuer.jwks.to_dict()
    request = AgeRequest(audience=TEST_AUDIENCE, nonce="n" * 22, age_over=18)
    token = pair.issuer.issue(
        request,
        outcome=Outcome.OVER,
        method_class=MethodClass.ESTIMATION,
        level=AssuranceLevel.STANDARD,
    )
    assert pair.verifier.verify(token, nonce="n" * 22, age_over=18).age_over == 18
    pair.clock.advance(seconds=3600)
    with pytest.raises(TokenExpiredError):
        pair.verifier.verify(token, nonce="n" * 22, age_over=18)
