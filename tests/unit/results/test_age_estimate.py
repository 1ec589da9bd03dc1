from __future__ import annotations

import copy
import math
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.results import (
    MAX_YEARS,
    AgeDistribution,
    AgeEstimate,
    AgeInterval,
    MethodClass,
    PresentationAttack,
    Provenance,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _provenance(**changes: Any) -> Provenance:
    members: dict[str, Any] = {
        "method_class": MethodClass.ESTIMATION,
        "bound": True,
        "presentation_attack": PresentationAttack.PASSED,
        "as_of": NOW,
        "pipeline_digest": "ab" * 32,
    }
    return Provenance(**members | changes)


def _distribution(**years: float) -> AgeDistribution:
    probabilities = [0.0] * (MAX_YEARS + 1)
    for year, probability in years.items():
        probabilities[int(year.removeprefix("y"))] = probability
    return AgeDistribution(probabilities=probabilities, provenance=_provenance())


def _interval(lower: int, upper: int | None) -> AgeInterval:
    return AgeInterval(lower_years=lower, upper_years=upper, provenance=_provenance())


class TestProvenance:
    @pytest.mark.parametrize(
        "changes",
        [
            {"as_of": datetime(2026, 1, 1)},  # noqa: DTZ001
            {"pipeline_digest": "AB" * 32},
            {"pipeline_digest": "ab" * 31},
            {"pipeline_digest": ""},
            {"bound": "no"},
            {"bound": 1},
            {"method_class": "estimation"},
            {"presentation_attack": "passed"},
            {"maximum_level": "standard"},
            {"not_after": datetime(2026, 1, 1)},  # noqa: DTZ001
        ],
    )
    def test_malformed_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            _provenance(**changes)

    def test_an_estimate_passes_it_on(self) -> None:
        estimate = _interval(18, None)
        assert estimate.method_class is MethodClass.ESTIMATION
        assert estimate.bound is True
        assert estimate.presentation_attack is PresentationAttack.PASSED
        assert estimate.as_of == NOW
        assert estimate.pipeline_digest == "ab" * 32


class TestDistribution:
    def test_bounds_are_the_probability_twice(self) -> None:
        estimate = _distribution(y17=0.25, y18=0.25, y30=0.5)
        assert estimate.bounds_at_or_over(17) == (1.0, 1.0)
        assert estimate.bounds_at_or_over(18) == (0.75, 0.75)
        assert estimate.bounds_at_or_over(19) == (0.5, 0.5)
        assert estimate.bounds_at_or_over(31) == (0.0, 0.0)
        assert estimate.probability_at_or_over(18) == 0.75

    @pytest.mark.parametrize(("age", "bound"), [(-5, 1.0), (0, 1.0), (121, 0.0), (10**9, 0.0)])
    def test_ages_beyond_the_ends(self, age: int, bound: float) -> None:
        assert _distribution(y0=0.5, y120=0.5).bounds_at_or_over(age) == (bound, bound)

    def test_mean_is_over_completed_years(self) -> None:
        assert _distribution(y17=0.5, y18=0.5).mean_years == 17.5
        assert _distribution(y18=1.0).mean_years == 18.0

    def test_rounding_in_the_sum_is_normalised(self) -> None:
        estimate = _distribution(y20=0.5, y30=0.5 + 5e-7)
        assert estimate.bounds_at_or_over(0) == (1.0, 1.0)
        assert estimate.bounds_at_or_over(20)[0] <= 1.0
        assert math.isclose(estimate.mean_years, 25, abs_tol=1e-5)

    def test_interval_is_central_and_half_open(self) -> None:
        estimate = _distribution(y10=0.125, y20=0.75, y30=0.125)
        assert estimate.interval(0.75) == (20, 21)
        assert estimate.interval(0.9) == (10, 31)
        assert _distribution(y120=1.0).interval(0.5) == (120, 121)
        assert _distribution(y0=1.0).interval(0.5) == (0, 1)

    def test_interval_is_never_empty(self) -> None:
        # So little coverage that both tails are a half in floating point.
        assert _distribution(y17=0.5, y18=0.5).interval(1e-20) == (18, 19)

    @pytest.mark.parametrize(
        "probabilities",
        [
            [],
            [1.0],
            [1.0] + [0.0] * 121,
            [0.5] + [0.0] * 120,
            [1.1, -0.1] + [0.0] * 119,
            [math.nan] + [0.0] * 120,
            [math.inf] + [0.0] * 120,
            [1.00001] + [0.0] * 120,
        ],
    )
    def test_no_distribution_is_refused(self, probabilities: list[float]) -> None:
        with pytest.raises(ConfigurationError):
            AgeDistribution(probabilities=probabilities, provenance=_provenance())


class TestInterval:
    @pytest.mark.parametrize(
        ("lower", "upper", "bounds"),
        [
            (18, None, (1.0, 1.0)),
            (18, 19, (1.0, 1.0)),
            (17, 18, (0.0, 0.0)),
            (17, 19, (0.0, 1.0)),
            (0, None, (0.0, 1.0)),
            (120, 121, (1.0, 1.0)),
        ],
    )
    def test_bounds_are_certain_or_unknown(
        self, lower: int, upper: int | None, bounds: tuple[float, float]
    ) -> None:
        assert _interval(lower, upper).bounds_at_or_over(18) == bounds
        assert _interval(lower, upper).probability_at_or_over(18) == bounds[0]

    def test_it_has_no_mean_and_is_its_own_interval(self) -> None:
        assert _interval(17, 19).mean_years is None
        assert _interval(17, 19).interval(0.9) == (17, 19)
        assert _interval(18, None).interval(0.9) == (18, 121)

    @pytest.mark.parametrize(
        ("lower", "upper"),
        [(18, 18), (19, 18), (-1, 18), (18, 122), (120, 120), (121, None), (True, 18), (17, 18.0)],
    )
    def test_empty_or_outside_is_refused(self, lower: Any, upper: Any) -> None:
        with pytest.raises(ConfigurationError):
            _interval(lower, upper)


@pytest.mark.parametrize("estimate", [_distribution(y33=1.0), _interval(33, 34)])
class TestPersonalData:
    def test_repr_hides_the_age(self, estimate: AgeEstimate) -> None:
        for shown in (repr(estimate), str(estimate), f"{estimate}"):
            assert "33" not in shown
            assert "content hidden" in shown

    def test_it_is_neither_pickled_nor_copied(self, estimate: AgeEstimate) -> None:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="personal data"):
                pickle.dumps(estimate, protocol=protocol)
        for copies in (copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="personal data"):
                copies(estimate)

    def test_it_has_no_dict(self, estimate: AgeEstimate) -> None:
        assert not hasattr(estimate, "__dict__")

    @pytest.mark.parametrize("coverage", [0, 1, -0.1, 1.1, math.nan])
    def test_coverage_is_checked(self, estimate: AgeEstimate, coverage: float) -> None:
        with pytest.raises(ConfigurationError):
            estimate.interval(coverage)


def test_the_union_is_closed() -> None:
    with pytest.raises(TypeError, match="closed"):
        type("Third", (AgeEstimate,), {})
    with pytest.raises(TypeError, match="abstract"):
        AgeEstimate()  # type: ignore[abstract]


def test_messages_do_not_show_the_distribution() -> None:
    with pytest.raises(ConfigurationError) as caught:
        _distribution(y33=0.777)
    assert "777" not in str(caught.value)
