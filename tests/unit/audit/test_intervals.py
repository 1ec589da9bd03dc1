from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ageassure.audit.intervals import (
    chance_of_at_least,
    chance_of_at_most,
    clopper_pearson,
    fay_feuer,
    holm,
    lower_bound,
    median_ranks,
    min_provable,
    upper_bound,
    wilson,
)
from ageassure.errors import ConfigurationError
from ageassure.policy import binomial

COUNTS = [(0, 1), (1, 1), (0, 299), (1, 473), (7, 20), (20, 20), (395, 75_821), (1, 1_000_000)]


@pytest.mark.parametrize(("k", "n"), COUNTS)
def test_against_scipy(k: int, n: int) -> None:
    for ours, method in ((clopper_pearson, "exact"), (wilson, "wilson")):
        low, high = ours(k, n)
        oracle = stats.binomtest(k, n).proportion_ci(0.95, method=method)
        assert low == pytest.approx(oracle.low, abs=1e-12)
        assert high == pytest.approx(oracle.high, abs=1e-12)
    less = stats.binomtest(k, n, alternative="less").proportion_ci(0.95, method="exact")
    more = stats.binomtest(k, n, alternative="greater").proportion_ci(0.95, method="exact")
    assert upper_bound(k, n) == pytest.approx(less.high, abs=1e-12)
    assert lower_bound(k, n) == pytest.approx(more.low, abs=1e-12)
    for rate in (0.01, 0.3):
        p = stats.binomtest(k, n, rate, alternative="greater").pvalue
        assert chance_of_at_least(k, n, rate) == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize(("errors", "people"), [(0, 299), (1, 473), (2, 628), (3, 773)])
def test_the_bound_of_the_policy_is_the_same(errors: int, people: int) -> None:
    assert upper_bound(errors, people) <= 0.01 < upper_bound(errors, people - 1)
    assert upper_bound(errors, people) == pytest.approx(
        binomial.upper_bound(errors, people, 0.95), rel=1e-9
    )


def test_the_floor_that_can_be_proved() -> None:
    assert min_provable(299) == pytest.approx(1 - 0.05 ** (1 / 299), rel=1e-12)
    assert min_provable(299) == pytest.approx(upper_bound(0, 299), rel=1e-9)
    assert min_provable(1) == pytest.approx(0.95)


@given(st.integers(1, 400), st.data())
def test_ends_hold_the_share_and_one_side_is_tighter_than_two(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    low, high = clopper_pearson(k, n)
    assert 0 <= low <= lower_bound(k, n) <= k / n <= upper_bound(k, n) <= high <= 1
    assert wilson(k, n)[0] <= k / n <= wilson(k, n)[1]


@pytest.mark.parametrize("n", [6, 7, 20, 101, 1000])
def test_median_ranks_cover_and_are_the_tightest(n: int) -> None:
    ranks = median_ranks(n)
    assert ranks is not None
    low, high = ranks
    assert low + high == n - 1
    assert 2 * chance_of_at_most(low, n, 0.5) <= 0.05
    assert 2 * chance_of_at_most(low + 1, n, 0.5) > 0.05


@pytest.mark.parametrize("n", range(1, 6))
def test_too_few_for_a_median(n: int) -> None:
    assert median_ranks(n) is None


def test_holm() -> None:
    # Holm's own arithmetic: 0.01 ≤ 0.05/4, 0.015 ≤ 0.05/3, 0.03 > 0.05/2 stops.
    assert holm([0.03, 0.01, 0.04, 0.015]) == [False, True, False, True]
    assert holm([0.2, 0.001]) == [False, True]
    assert holm([]) == []
    with pytest.raises(ConfigurationError):
        holm([1.5])


def test_standardised_rates_against_one_stratum_and_zero() -> None:
    # One stratum is the exact Poisson interval: k = 5 of 100, limits 1.6235 and 11.6683.
    low, high = fay_feuer([5], [100])
    assert low == pytest.approx(0.016235, abs=1e-6)
    assert high == pytest.approx(0.116683, abs=1e-6)
    assert fay_feuer([0, 0], [100, 100])[0] == 0
    assert fay_feuer([0, 0], [100, 100])[1] == pytest.approx(-math.log(0.025) / 200, rel=1e-9)
    assert fay_feuer([10, 10], [10, 10])[1] == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: upper_bound(2, 1),
        lambda: lower_bound(-1, 1),
        lambda: clopper_pearson(0, 0),
        lambda: wilson(0, 1, 1.0),
        lambda: min_provable(0),
        lambda: median_ranks(0),
        lambda: fay_feuer([], []),
        lambda: fay_feuer([1], [1, 2]),
        lambda: fay_feuer([2], [1]),
    ],
)
def test_impossible_counts_are_refused(call: object) -> None:
    with pytest.raises(ConfigurationError):
        call()  # type: ignore[operator]
