from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from ageassure.errors import ConfigurationError, InsufficientEvidenceError
from ageassure.policy import (
    AgeBand,
    ChallengeAge,
    LowerBar,
    Reason,
    calibrate_challenge_age,
    calibrate_lower_bar,
)
from ageassure.policy.binomial import MAX_PEOPLE
from ageassure.policy.earned import _checked
from ageassure.results import Direction
from ageassure.testing import TEST_PIPELINE_DIGEST, estimated_age

TEENS = AgeBand(first_years=10, last_years=19)
MEMBERS: dict[str, Any] = {
    "age_years": 25.0,
    "protected_band": TEENS,
    "n": 299,
    "k": 0,
    "alpha": 0.01,
    "pipeline_digest": TEST_PIPELINE_DIGEST,
    "source": "calibration part of a data set",
    "age_proof": "identity document",
}
MEASURED: dict[str, Any] = {
    "protected_band": TEENS,
    "pipeline_digest": TEST_PIPELINE_DIGEST,
    "source": "calibration part of a data set",
    "age_proof": "identity document",
}


def _challenge(**changes: Any) -> ChallengeAge:
    return ChallengeAge(**MEMBERS | changes)


def _lower(**changes: Any) -> LowerBar:
    return LowerBar(**MEMBERS | {"age_years": 15.0} | changes)


class TestBand:
    def test_both_ends_are_inside(self) -> None:
        assert 10 in TEENS
        assert 19 in TEENS
        assert 9 not in TEENS
        assert 20 not in TEENS
        assert str(TEENS) == "10–19"

    @pytest.mark.parametrize(
        ("first", "last"),
        [(0, 17), (10, 20), (19, 10), (-1, 5), (115, 121), (True, 5), (10.0, 19), (10, "19")],
    )
    def test_wide_empty_or_outside_is_refused(self, first: Any, last: Any) -> None:
        with pytest.raises(ConfigurationError):
            AgeBand(first_years=first, last_years=last)


@pytest.mark.parametrize("make", [_challenge, _lower])
class TestEvidence:
    @pytest.mark.parametrize(("n", "k"), [(299, 0), (473, 1), (628, 2), (773, 3)])
    def test_golden_numbers_at_one_percent(self, make: Any, n: int, k: int) -> None:
        assert make(n=n, k=k).upper_bound <= 0.01
        with pytest.raises(InsufficientEvidenceError) as caught:
            make(n=n - 1, k=k)
        assert f"n = {n - 1} people with {k} errors" in str(caught.value)
        assert "at least 299 without any" in str(caught.value)

    def test_half_a_percent_needs_598(self, make: Any) -> None:
        make(alpha=0.005, n=598)
        with pytest.raises(InsufficientEvidenceError, match="at least 598"):
            make(alpha=0.005, n=597)

    def test_more_confidence_needs_more_people(self, make: Any) -> None:
        with pytest.raises(InsufficientEvidenceError, match="at least 459"):
            make(confidence=0.99)

    @pytest.mark.parametrize(
        "changes",
        [
            {"age_years": 0},
            {"age_years": -1.0},
            {"age_years": 120.5},
            {"age_years": math.nan},
            {"age_years": math.inf},
            {"age_years": 10**400},
            {"age_years": True},
            {"age_years": "25"},
            {"protected_band": (10, 19)},
            {"n": 0},
            {"n": 299.0},
            {"n": True},
            {"n": 100_001},
            {"k": -1},
            {"k": 300},
            {"k": 0.0},
            {"alpha": 0},
            {"alpha": 0.5},
            {"alpha": 1e-6, "n": 100_000},
            {"alpha": 1e-7, "n": 100_000},
            {"alpha": 1e-300, "n": 100_000},  # its integers would be computed for hours
            {"alpha": 5e-324},
            {"alpha": -0.01},
            {"alpha": math.nan},
            {"confidence": 0.94},
            {"confidence": 1.0},
            {"confidence": 0},
            {"attempts": 0},
            {"attempts": 101},
            {"attempts": 1.0},
            {"pipeline_digest": "ab"},
            {"pipeline_digest": "AB" * 32},
            {"pipeline_digest": None},
            {"source": ""},
            {"source": "two\nlines"},
            {"source": "a" * 1001},
            {"age_proof": ""},
            {"age_proof": None},
        ],
    )
    def test_malformed_is_refused(self, make: Any, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError) as caught:
            make(**changes)
        assert not isinstance(caught.value, InsufficientEvidenceError)

    def test_the_highest_age_is_one(self, make: Any) -> None:
        assert make(age_years=120).age_years == 120

    def test_it_comes_back_from_data_and_json(self, make: Any) -> None:
        bar = make(age_years=math.nextafter(15.0, 16.0), attempts=3, confidence=0.96, n=400)
        assert type(bar).from_dict(bar.to_dict()) == bar
        assert type(bar).from_json(json.dumps(bar.to_dict())) == bar
        assert type(bar).from_json(json.dumps(bar.to_dict()).encode()) == bar

    def test_thin_evidence_is_refused_from_data_too(self, make: Any) -> None:
        bar = make()
        with pytest.raises(InsufficientEvidenceError):
            type(bar).from_dict(bar.to_dict() | {"n": 298})

    @pytest.mark.parametrize("data", [None, [], "text", {}, {"kind": "challenge_age"}])
    def test_other_data_is_refused(self, make: Any, data: object) -> None:
        with pytest.raises(ConfigurationError):
            type(make()).from_dict(data)

    def test_members_must_be_exactly_these(self, make: Any) -> None:
        bar = make()
        data = bar.to_dict()
        for name in data:
            with pytest.raises(ConfigurationError):
                type(bar).from_dict({n: v for n, v in data.items() if n != name})
        with pytest.raises(ConfigurationError):
            type(bar).from_dict(data | {"note": "x"})
        with pytest.raises(ConfigurationError):
            type(bar).from_dict(data | {"protected_band": {"first_years": 10}})

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda text: text[:-1],
            lambda text: text + "x",
            lambda text: text.replace('"n": 299', '"n": 299, "n": 299'),
            lambda text: text.replace('"n": 299', '"n": NaN'),
            lambda text: text.replace('"n": 299', '"n": Infinity'),
            lambda text: text.replace('"n": 299', '"n": ' + "9" * 5000),
            lambda _text: "[" * 10_000,
            lambda text: "[" + text + "]",
            lambda text: text + " " * 70_000,
            lambda text: b"\xff" + text.encode(),
        ],
    )
    def test_malformed_json_is_refused(self, make: Any, spoil: Any) -> None:
        bar = make()
        with pytest.raises(ConfigurationError):
            type(bar).from_json(spoil(json.dumps(bar.to_dict())))


def test_the_two_kinds_are_not_taken_for_each_other() -> None:
    with pytest.raises(ConfigurationError, match="another kind"):
        LowerBar.from_dict(_challenge().to_dict())
    with pytest.raises(ConfigurationError, match="another kind"):
        ChallengeAge.from_dict(_lower().to_dict())
    bars: list[object] = [_challenge(age_years=15), _lower()]
    assert bars[0] != bars[1]


def test_numbers_become_floats() -> None:
    assert type(_challenge(age_years=25).age_years) is float


class TestFit:
    def test_a_challenge_age_is_for_over_at_limits_just_above_its_band(self) -> None:
        for limit in (11, 13, 16, 18, 20):
            _challenge().check(limit, Direction.OVER)

    @pytest.mark.parametrize(("limit", "words"), [(10, "holds 9"), (21, "holds 20")])
    def test_its_band_holds_the_last_year_under_the_limit(self, limit: int, words: str) -> None:
        with pytest.raises(ConfigurationError, match=words):
            _challenge().check(limit, Direction.OVER)

    def test_it_is_never_under_the_limit(self) -> None:
        _challenge(age_years=18).check(18, Direction.OVER)
        with pytest.raises(ConfigurationError, match="under the limit of 18"):
            _challenge(age_years=17.999).check(18, Direction.OVER)

    def test_it_never_says_under(self) -> None:
        with pytest.raises(ConfigurationError, match="bar for under"):
            _challenge().check(18, Direction.UNDER)

    def test_a_lower_bar_is_for_under_at_limits_in_its_band(self) -> None:
        for limit in (15, 18, 19):
            _lower().check(limit, Direction.UNDER)
        with pytest.raises(ConfigurationError, match="holds 20"):
            _lower().check(20, Direction.UNDER)
        with pytest.raises(ConfigurationError, match="over the limit of 14"):
            _lower().check(14, Direction.UNDER)
        with pytest.raises(ConfigurationError, match="bar for over"):
            _lower().check(18, Direction.OVER)


class TestMeets:
    def test_a_challenge_age_is_reached_at_exactly_its_age(self) -> None:
        bar = _challenge()
        assert bar.meets(estimated_age(25.0), 18, Direction.OVER) == (
            True,
            Reason.CHALLENGE_AGE_REACHED,
        )
        below = estimated_age(math.nextafter(25.0, 0))
        assert below.mean_years < 25
        assert bar.meets(below, 18, Direction.OVER) == (False, Reason.CHALLENGE_AGE_NOT_REACHED)

    def test_a_lower_bar_is_met_strictly_below_its_age(self) -> None:
        bar = _lower()
        assert bar.meets(estimated_age(14.75), 18, Direction.UNDER) == (True, Reason.LOWER_BAR_MET)
        assert bar.meets(estimated_age(15.0), 18, Direction.UNDER) == (
            False,
            Reason.LOWER_BAR_NOT_MET,
        )

    @pytest.mark.parametrize("bar", [_challenge(), _lower()])
    def test_another_pipeline_is_not_judged(self, bar: ChallengeAge | LowerBar) -> None:
        for mean in (5.0, 60.0):
            estimate = estimated_age(mean, pipeline_digest="cd" * 32)
            assert bar.meets(estimate, 18, Direction.OVER) == (False, Reason.PIPELINE_MISMATCH)


def test_shown_ages_are_rounded_to_the_safe_side() -> None:
    assert _challenge(age_years=25.01).age_years_shown == "25.1"
    assert _challenge(age_years=25.0).age_years_shown == "25.0"
    assert _challenge(age_years=math.nextafter(25.0, 26)).age_years_shown == "25.1"
    assert _lower(age_years=14.99).age_years_shown == "14.9"


class TestCalibration:
    def test_the_bar_lies_just_above_the_greatest_when_none_may_err(self) -> None:
        estimates = [10 + i / 100 for i in range(299)]
        bar = calibrate_challenge_age(estimates, age_limit=11, alpha=0.01, **MEASURED)
        assert (bar.n, bar.k) == (299, 0)
        assert bar.age_years == math.nextafter(max(estimates), math.inf)

    def test_the_bar_lies_just_above_the_next_when_one_may(self) -> None:
        estimates = [18 + i / 100 for i in range(473)]
        random.Random(1).shuffle(estimates)
        bar = calibrate_challenge_age(estimates, age_limit=18, alpha=0.01, **MEASURED)
        assert bar.k == 1
        assert sum(estimate >= bar.age_years for estimate in estimates) == 1

    def test_ties_count_against_it(self) -> None:
        estimates = [40.0] * 5 + [20.0] * 468
        bar = calibrate_challenge_age(estimates, age_limit=18, alpha=0.01, **MEASURED)
        assert bar.k == 1
        assert sum(estimate >= bar.age_years for estimate in estimates) == 0

    def test_it_is_never_under_the_limit(self) -> None:
        bar = calibrate_challenge_age([12.0] * 299, age_limit=18, alpha=0.01, **MEASURED)
        assert bar.age_years == 18

    def test_a_lower_bar_mirrors_it(self) -> None:
        estimates = [10 + i / 100 for i in range(473)]
        bar = calibrate_lower_bar(estimates, age_limit=18, alpha=0.01, **MEASURED)
        assert bar.k == 1
        assert sum(estimate < bar.age_years for estimate in estimates) == 1
        assert (
            calibrate_lower_bar([30.0] * 299, age_limit=18, alpha=0.01, **MEASURED).age_years == 18
        )

    def test_the_lowest_and_the_highest_age_are_taken(self) -> None:
        estimates = [0.0] * 472 + [120.0]
        bar = calibrate_challenge_age(estimates, age_limit=18, alpha=0.01, **MEASURED)
        assert (bar.k, bar.age_years) == (1, 18)

    def test_attempts_and_confidence_are_carried(self) -> None:
        bar = calibrate_challenge_age(
            [12.0] * 459, age_limit=18, alpha=0.01, confidence=0.99, attempts=3, **MEASURED
        )
        assert (bar.attempts, bar.confidence) == (3, 0.99)

    @pytest.mark.parametrize("calibrate", [calibrate_challenge_age, calibrate_lower_bar])
    def test_thin_evidence_is_refused_with_the_need(self, calibrate: Any) -> None:
        for people in (0, 298):
            with pytest.raises(InsufficientEvidenceError, match=f"n = {people} .* at least 299"):
                calibrate([12.0] * people, age_limit=18, alpha=0.01, **MEASURED)

    @pytest.mark.parametrize(
        "changes",
        [
            {"alpha": 0},
            {"alpha": 1e-6},
            {"alpha": 5e-324},
            {"alpha": 1},
            {"confidence": 1},
            {"confidence": "95 %"},
            {"age_limit": 0},
            {"age_limit": 18.0},
        ],
    )
    @pytest.mark.parametrize("calibrate", [calibrate_challenge_age, calibrate_lower_bar])
    def test_malformed_is_refused(self, calibrate: Any, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError) as caught:
            calibrate([12.0] * 299, **{"age_limit": 18, "alpha": 0.01} | MEASURED | changes)
        assert not isinstance(caught.value, InsufficientEvidenceError)

    @pytest.mark.parametrize("estimate", [math.nan, -0.1, 120.1, math.inf, True, "12", None])
    def test_what_is_no_age_is_refused(self, estimate: Any) -> None:
        with pytest.raises(ConfigurationError):
            calibrate_challenge_age([12.0] * 299 + [estimate], age_limit=18, alpha=0.01, **MEASURED)

    def test_more_people_than_can_be_counted_exactly_are_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="at most 100000"):
            calibrate_challenge_age([12.0] * 100_001, age_limit=18, alpha=0.01, **MEASURED)


def test_the_rule_keeps_its_promise_in_simulation() -> None:
    """True false-positive rate ≤ α in at least 93 % of repetitions (promised: 95 %)."""
    rng = random.Random(20260101)
    kept = 0
    repetitions = 400
    for _ in range(repetitions):
        estimates = [rng.gauss(30, 5) for _ in range(473)]
        bar = calibrate_challenge_age(estimates, age_limit=18, alpha=0.01, **MEASURED)
        true_rate = math.erfc((bar.age_years - 30) / 5 / math.sqrt(2)) / 2
        kept += true_rate <= 0.01
    assert kept / repetitions >= 0.93


def test_so_many_people_are_counted_and_no_more() -> None:
    assert len(_checked([30.0] * MAX_PEOPLE)) == MAX_PEOPLE
    with pytest.raises(ConfigurationError, match="expected at most"):
        _checked([30.0] * (MAX_PEOPLE + 1))


def test_a_bar_may_be_earned_on_a_hundred_attempts() -> None:
    assert _challenge(attempts=100).attempts == 100
    with pytest.raises(ConfigurationError):
        _challenge(attempts=101)
