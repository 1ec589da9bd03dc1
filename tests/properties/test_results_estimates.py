"""Invariants of what is known of an age."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ageassure.results import MAX_YEARS, AgeDistribution, AgeInterval
from ageassure.testing import estimated_age, known_age

AGES = st.integers(0, MAX_YEARS + 1)
COVERAGES = st.floats(0.01, 0.99)


@st.composite
def distributions(draw: st.DrawFn) -> AgeDistribution:
    years = draw(st.lists(st.integers(0, MAX_YEARS), min_size=1, max_size=8))
    weights = draw(st.lists(st.floats(1e-6, 1), min_size=len(years), max_size=len(years)))
    total = math.fsum(weights)
    probabilities = [0.0] * (MAX_YEARS + 1)
    for year, weight in zip(years, weights, strict=True):
        probabilities[year] += weight / total
    return AgeDistribution(probabilities=probabilities, provenance=estimated_age(20.0).provenance)


@st.composite
def intervals(draw: st.DrawFn) -> AgeInterval:
    lower = draw(st.integers(0, MAX_YEARS))
    return known_age(lower, draw(st.none() | st.integers(lower + 1, MAX_YEARS + 1)))


ESTIMATES = st.one_of(distributions(), intervals())


@given(estimate=ESTIMATES, age=AGES)
def test_bounds_are_ordered_probabilities(
    estimate: AgeDistribution | AgeInterval, age: int
) -> None:
    low, high = estimate.bounds_at_or_over(age)
    assert 0 <= low <= high <= 1
    assert estimate.probability_at_or_over(age) == low


@given(estimate=ESTIMATES, age=st.integers(0, MAX_YEARS))
def test_bounds_never_rise_with_the_age_asked_about(
    estimate: AgeDistribution | AgeInterval, age: int
) -> None:
    low, high = estimate.bounds_at_or_over(age)
    next_low, next_high = estimate.bounds_at_or_over(age + 1)
    assert next_low <= low
    assert next_high <= high


@given(estimate=ESTIMATES)
def test_everybody_is_at_or_over_zero_and_nobody_over_the_end(
    estimate: AgeDistribution | AgeInterval,
) -> None:
    assert estimate.bounds_at_or_over(0) == (1, 1)
    assert estimate.bounds_at_or_over(MAX_YEARS + 1) == (0, 0)


@given(estimate=distributions())
def test_the_mean_is_the_sum_of_the_survival(estimate: AgeDistribution) -> None:
    survival = math.fsum(estimate.probability_at_or_over(age) for age in range(1, MAX_YEARS + 1))
    assert math.isclose(estimate.mean_years, survival, rel_tol=1e-9, abs_tol=1e-9)


@given(estimate=ESTIMATES, coverage=COVERAGES)
def test_an_interval_holds_its_coverage(
    estimate: AgeDistribution | AgeInterval, coverage: float
) -> None:
    lower, upper = estimate.interval(coverage)
    assert 0 <= lower < upper <= MAX_YEARS + 1
    inside = estimate.bounds_at_or_over(lower)[1] - estimate.bounds_at_or_over(upper)[0]
    assert inside >= coverage - 1e-9


@given(estimate=distributions(), coverages=st.tuples(COVERAGES, COVERAGES))
def test_intervals_of_more_coverage_hold_those_of_less(
    estimate: AgeDistribution, coverages: tuple[float, float]
) -> None:
    less, more = sorted(coverages)
    inner, outer = estimate.interval(less), estimate.interval(more)
    assert outer[0] <= inner[0]
    assert inner[1] <= outer[1]
