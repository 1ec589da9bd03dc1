"""The rule by which bars are earned, on any estimates."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from ageassure.policy import AgeBand, calibrate_challenge_age, calibrate_lower_bar
from ageassure.policy.binomial import errors_allowed, people_needed, supports, upper_bound
from ageassure.testing import TEST_PIPELINE_DIGEST

MEASURED: Final[dict[str, Any]] = {
    "age_limit": 18,
    "alpha": 0.2,
    "protected_band": AgeBand(first_years=13, last_years=22),
    "pipeline_digest": TEST_PIPELINE_DIGEST,
    "source": "made up",
    "age_proof": "made up",
}

# Few values, so that there are ties.
people = st.lists(
    st.one_of(st.floats(1, 119), st.sampled_from([17.0, 18.0, 30.0])), min_size=14, max_size=80
)
alphas = st.floats(0.02, 0.4).map(lambda alpha: round(alpha, 3))
confidences = st.sampled_from([0.95, 0.99])


@given(estimates=people)
def test_no_more_errors_than_the_bound_allows(estimates: list[float]) -> None:
    upper = calibrate_challenge_age(estimates, **MEASURED)
    assert sum(estimate >= upper.age_years for estimate in estimates) <= upper.k
    assert upper.age_years >= 18
    lower = calibrate_lower_bar(estimates, **MEASURED)
    assert sum(estimate < lower.age_years for estimate in estimates) <= lower.k
    assert lower.age_years <= 18
    assert upper.k == lower.k
    for bar in (upper, lower):
        assert type(bar).from_dict(bar.to_dict()) == bar
        assert bar.upper_bound <= bar.alpha + 1e-9


@given(estimates=people)
def test_the_order_of_people_does_not_count(estimates: list[float]) -> None:
    again = calibrate_challenge_age(sorted(estimates), **MEASURED)
    assert calibrate_challenge_age(estimates, **MEASURED) == again


@given(estimates=people, more=st.floats(0, 0.5))
def test_older_looking_people_never_lower_the_challenge_age(
    estimates: list[float], more: float
) -> None:
    younger = calibrate_challenge_age(estimates, **MEASURED)
    older = calibrate_challenge_age([estimate + more for estimate in estimates], **MEASURED)
    assert older.age_years >= younger.age_years


@given(n=st.integers(1, 400), alpha=alphas, confidence=confidences)
def test_the_errors_allowed_are_the_most(n: int, alpha: float, confidence: float) -> None:
    allowed = errors_allowed(n, alpha, confidence)
    assert (allowed is None) == (n < people_needed(alpha, confidence))
    if allowed is None:
        assert not supports(0, n, alpha, confidence)
        return
    assert supports(allowed, n, alpha, confidence)
    assert not supports(allowed + 1, n, alpha, confidence)
    assert upper_bound(allowed, n, confidence) <= alpha + 1e-9


@given(n=st.integers(1, 300), k=st.integers(0, 20), alpha=alphas, confidence=confidences)
def test_evidence_grows_with_people_and_shrinks_with_errors(
    n: int, k: int, alpha: float, confidence: float
) -> None:
    if k <= n and supports(k, n, alpha, confidence):
        assert supports(k, n + 1, alpha, confidence)
        assert k == 0 or supports(k - 1, n, alpha, confidence)
        assert supports(k, n, alpha + 0.01, confidence)
