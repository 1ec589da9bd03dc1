"""Operating points: what is refused, and what comes out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ageassure.errors import ConfigurationError, InsufficientEvidenceError, ModelIntegrityError
from ageassure.estimators.facial.operating_points import FORMAT, OperatingPoints
from ageassure.testing import TEST_PIPELINE_DIGEST, challenge_age_for_tests, lower_bar_for_tests


def document(**changes: object) -> dict[str, Any]:
    thin = {"age_limit": 18, "alpha": 0.005, "bar": None, "insufficient_evidence": "too few"}
    return {
        "format": FORMAT,
        "pipeline_digest": TEST_PIPELINE_DIGEST,
        "challenge_ages": [
            {"age_limit": 18, "alpha": 0.01, "bar": challenge_age_for_tests().to_dict()},
            thin,
        ],
        "lower_bars": [{"age_limit": 16, "alpha": 0.01, "bar": lower_bar_for_tests().to_dict()}],
    } | changes


def points(**changes: object) -> OperatingPoints:
    text = json.dumps(document(**changes)).encode()
    return OperatingPoints(text, pipeline_digest=TEST_PIPELINE_DIGEST)


def test_bars_come_out_as_they_were_earned() -> None:
    assert points().challenge_age(18, alpha=0.01) == challenge_age_for_tests()
    assert points().lower_bar(16, alpha=0.01) == lower_bar_for_tests()


def test_thin_evidence_is_refused_with_its_reason() -> None:
    with pytest.raises(InsufficientEvidenceError, match="too few"):
        points().challenge_age(18, alpha=0.005)


@pytest.mark.parametrize(
    ("limit", "alpha"),
    [
        (18, 0.02),
        (19, 0.01),
        (18, True),
        ([18], 0.01),
        (18, {}),
        (None, None),
        pytest.param(10**5000, 0.01, id="huge"),
        (18, float("nan")),
        ("18", "0.01"),
    ],
)
def test_what_was_not_sought_is_refused_and_says_what_was(limit: Any, alpha: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"18 at 0\.005, 18 at 0\.01"):
        points().challenge_age(limit, alpha=alpha)


@pytest.mark.parametrize(
    "text",
    [b"", b"\xff", b"[]", b"[" * 100_000, b"{}", json.dumps(document(format="x")).encode()],
)
def test_another_format_is_refused(text: bytes) -> None:
    with pytest.raises(ModelIntegrityError):
        OperatingPoints(text, pipeline_digest=TEST_PIPELINE_DIGEST)


@pytest.mark.parametrize(
    "changes", [{"challenge_ages": None}, {"lower_bars": [{}]}, {"lower_bars": [1]}]
)
def test_malformed_entries_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ModelIntegrityError):
        points(**changes)


def test_points_of_another_pipeline_are_refused() -> None:
    with pytest.raises(ModelIntegrityError, match="another pipeline"):
        points(pipeline_digest="0" * 64)


def test_a_bar_without_the_evidence_that_it_claims_is_refused() -> None:
    bar = challenge_age_for_tests().to_dict() | {"n": 12}
    with pytest.raises(InsufficientEvidenceError):
        points(challenge_ages=[{"age_limit": 18, "alpha": 0.01, "bar": bar}]).challenge_age(
            18, alpha=0.01
        )
