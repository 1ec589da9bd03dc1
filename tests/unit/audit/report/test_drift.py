from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from scipy.stats import fisher_exact

from ageassure.audit.report.drift import (
    FORMAT,
    Drift,
    ServiceCounts,
    compare_with_audit,
    read_counts,
)
from ageassure.errors import ReportError

if TYPE_CHECKING:
    from pathlib import Path


def _report() -> dict[str, Any]:
    """1,000 presented: 20 without a face; of 300 minors 3 passed, of 680 adults 80 did not."""
    figures = {
        "fpr": {"k": 3, "n": 300},
        "fnr": {"k": 80, "n": 680},
        "passed_across_limit": {"k": 0, "n": 0},
    }
    failures = {"ftp": {"k": 20, "n": 1000}, "status_no_face": {"k": 20, "n": 1000}}
    point = {
        "point": {"limit_years": 18, "challenge_age_years": 25.0},
        "cells": [{"where": {}, "figures": figures}],
    }
    return {
        "evaluation": {
            "counts": {"clustered": False},
            "points": [point],
            "failures": [{"where": {}, "figures": failures}],
        }
    }


def _service(presented: int, passed: int, **refused: int) -> ServiceCounts:
    return ServiceCounts(
        limit_years=18, challenge_age_years=25, presented=presented, passed=passed, refused=refused
    )


def test_the_same_rates_show_no_drift() -> None:
    found = compare_with_audit(_report(), _service(10_000, 6_030, no_face=200))
    assert found.drift is Drift.NOT_SEEN
    assert [rate.name for rate in found.rates] == ["passed", "no_face"]
    passed = found.rates[0]
    assert (passed.audit, passed.audit_rate) == (603, 0.603)
    assert passed.p_value == fisher_exact([[6030, 3970], [603, 397]]).pvalue
    assert passed.service_low < 0.603 < passed.service_high


@pytest.mark.parametrize(
    ("service", "differs"),
    [
        (_service(10_000, 7_000, no_face=200), ["passed"]),
        (_service(10_000, 6_030, no_face=2_000), ["no_face"]),
        (_service(10_000, 6_030, no_face=200, face_turned=900), ["face_turned"]),
        (_service(10_000, 0), ["passed", "no_face"]),
    ],
)
def test_other_rates_do(service: ServiceCounts, differs: list[str]) -> None:
    found = compare_with_audit(_report(), service)
    assert found.drift is Drift.SEEN
    assert [rate.name for rate in found.rates if rate.differs] == differs


def test_an_audit_of_several_samples_each_says_so() -> None:
    report = _report()
    assert not compare_with_audit(report, _service(1_000, 603, no_face=20)).audit_clustered
    report["evaluation"]["counts"]["clustered"] = True
    assert compare_with_audit(report, _service(1_000, 603, no_face=20)).audit_clustered


def test_of_few_nothing_is_said() -> None:
    found = compare_with_audit(_report(), _service(99, 99))
    assert (found.drift, found.rates) == (Drift.TOO_FEW, ())


def test_reports_without_the_limit_or_of_another_form_are_refused() -> None:
    for limit, age in ((16, 25), (18, 24.5)):
        counts = ServiceCounts(
            limit_years=limit, challenge_age_years=age, presented=1, passed=0, refused={}
        )
        with pytest.raises(ReportError, match=f"limit {limit} with the challenge age {age}"):
            compare_with_audit(_report(), counts)
    spoilt: list[dict[str, Any]] = [{}, {"points": 3}, {"points": [{}]}]
    whole = _report()["evaluation"]
    spoilt.append({"points": whole["points"]})
    spoilt.append({"points": whole["points"], "failures": whole["failures"]})
    for evaluation in spoilt:
        with pytest.raises(ReportError, match="another form"):
            compare_with_audit({"evaluation": evaluation}, _service(1000, 1))


class TestCounts:
    GOOD: ClassVar[dict[str, Any]] = {
        "format": FORMAT,
        "limit_years": 18,
        "challenge_age_years": 25,
        "presented": 10,
        "passed": 4,
        "refused": {"no_face": 1},
    }

    def test_they_are_read(self, tmp_path: Path) -> None:
        path = tmp_path / "counts.json"
        path.write_text(json.dumps(self.GOOD))
        assert read_counts(path) == _service(10, 4, no_face=1)

    @pytest.mark.parametrize(
        "changes",
        [
            {"format": "x"},
            {"presented": "10"},
            {"presented": True},
            {"challenge_age_years": 17.5},
            {"challenge_age_years": 121},
            {"challenge_age_years": True},
            {"challenge_age_years": "25"},
            {"challenge_age_years": float("nan")},
            {"refused": {"no\nface": 1}},
            {"presented": -1},
            {"presented": 10**13},
            {"passed": 10},
            {"passed": 4.0},
            {"refused": {"no_face": -1}},
            {"refused": {"no_face": 7}},
            {"refused": {str(n): 0 for n in range(65)}},
            {"refused": []},
            {"extra": 1},
        ],
    )
    def test_what_is_none_is_refused(self, changes: dict[str, Any], tmp_path: Path) -> None:
        path = tmp_path / "counts.json"
        path.write_text(json.dumps(self.GOOD | changes))
        with pytest.raises(ReportError):
            read_counts(path)

    @pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 60_000, b" " * 70_000])
    def test_junk_is_refused(self, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / "counts.json"
        path.write_bytes(content)
        with pytest.raises(ReportError, match="no file of counts"):
            read_counts(path)
        with pytest.raises(ReportError, match="none: is not there"):
            read_counts(tmp_path / "none")
