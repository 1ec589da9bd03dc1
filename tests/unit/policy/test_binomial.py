from __future__ import annotations

import math
from fractions import Fraction

import pytest

from ageassure.policy.binomial import (
    MAX_PEOPLE,
    errors_allowed,
    people_needed,
    supports,
    upper_bound,
)

GOLDEN = [(0, 299), (1, 473), (2, 628), (3, 773)]


@pytest.mark.parametrize(("errors", "people"), GOLDEN)
def test_people_for_one_percent(errors: int, people: int) -> None:
    assert supports(errors, people, 0.01, 0.95)
    assert not supports(errors, people - 1, 0.01, 0.95)
    assert errors_allowed(people, 0.01, 0.95) == errors
    assert errors_allowed(people - 1, 0.01, 0.95) == (errors - 1 if errors else None)


@pytest.mark.parametrize(
    ("alpha", "people"), [(0.01, 299), (0.005, 598), (0.05, 59), (0.001, 2995)]
)
def test_people_needed_without_errors(alpha: float, people: int) -> None:
    assert people_needed(alpha, 0.95) == people
    assert supports(0, people, alpha, 0.95)
    assert not supports(0, people - 1, alpha, 0.95)


def test_a_share_is_the_decimal_that_it_is_written_as() -> None:
    # With 1/20 exactly, one person at alpha = 0.95 is a tie; the binary fraction would break it.
    assert supports(0, 1, 0.95, 0.95)


@pytest.mark.parametrize(
    ("errors", "people", "alpha"), [(0, 10, 0.3), (3, 17, 0.4), (9, 10, 0.49), (10, 10, 0.4)]
)
def test_against_the_sum_as_it_is_defined(errors: int, people: int, alpha: float) -> None:
    share = Fraction(str(alpha))
    tail = sum(
        math.comb(people, j) * share**j * (1 - share) ** (people - j) for j in range(errors + 1)
    )
    for confidence in (0.5, 0.9, 0.95, 0.97, 0.99):
        assert supports(errors, people, alpha, confidence) == (
            tail <= 1 - Fraction(str(confidence))
        )


@pytest.mark.parametrize("people", [1, 2, 59, 299])
def test_upper_bound_in_closed_form(people: int) -> None:
    # No error: 1 − 0.05^(1/n). All but one: 0.95^(1/n). All: 1.
    assert math.isclose(upper_bound(0, people, 0.95), 1 - 0.05 ** (1 / people), rel_tol=1e-9)
    assert math.isclose(upper_bound(people - 1, people, 0.95), 0.95 ** (1 / people), rel_tol=1e-9)
    assert upper_bound(people, people, 0.95) == 1.0


@pytest.mark.parametrize(
    ("errors", "people", "expected"),
    [
        (3, 773, 0.00999979877180713),
        (1, 100, 0.046559811453538935),
        (5, 50, 0.19883300251641847),
        (40, 6000, 0.008669491868707418),
    ],
)
def test_upper_bound_agrees_with_the_beta_quantile(
    errors: int, people: int, expected: float
) -> None:
    # Expected: scipy.stats.beta.ppf(0.95, k + 1, n − k), scipy 1.17.1.
    assert math.isclose(upper_bound(errors, people, 0.95), expected, rel_tol=1e-9)


@pytest.mark.parametrize(("errors", "people"), [(0, 300), (7, 1500), (60, 5000)])
def test_the_shown_bound_and_the_exact_decision_agree(errors: int, people: int) -> None:
    shown = upper_bound(errors, people, 0.95)
    assert supports(errors, people, shown * (1 + 1e-6), 0.95)
    assert not supports(errors, people, shown * (1 - 1e-6), 0.95)


def test_a_whole_sample_of_errors_supports_nothing() -> None:
    assert not supports(10, 10, 0.49, 0.95)


def test_nobody_supports_nothing() -> None:
    assert errors_allowed(0, 0.01, 0.95) is None


def test_the_largest_sample_is_decided() -> None:
    allowed = errors_allowed(MAX_PEOPLE, 0.01, 0.95)
    assert allowed is not None
    assert 900 < allowed < 1000
