from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ageassure.audit.evaluation import evaluate
from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.audit.report.gate import Condition, judge
from ageassure.audit.report.reading import FORMAT, figure, parse_report, read_report
from ageassure.errors import ReportError
from ageassure.policy import AgeBand

from ..tables import table

if TYPE_CHECKING:
    from pathlib import Path


def _report(*, minors: int = 400, errors: int = 0, adults: int = 60) -> dict[str, Any]:
    """The report of made-up people: 17-year-olds, of whom some pass, and adults of 30."""
    rng = np.random.default_rng(7)
    estimates = [*rng.uniform(12, 20, minors - errors), *[31.0] * errors]
    estimates += [*rng.uniform(24, 40, adults)]
    ages = [17] * minors + [30] * adults
    people = table(
        ages,
        [float(estimate) for estimate in estimates],
        groups={"sex": ["female", "male"] * ((minors + adults) // 2)},
        p_over={18: [0.1] * minors + [0.9] * adults},
    )
    point = OperatingPoint(
        limit_years=18,
        challenge_age_years=25.0,
        alpha=0.01,
        protected_band=AgeBand(first_years=17, last_years=17),
        chosen_on=None,
    )
    plan = EvaluationPlan(points=(point,), axes=("sex",), pair_with=None, seed=1)
    evaluation = evaluate(people, plan).to_dict()
    report: dict[str, Any] = json.loads(json.dumps({"format": FORMAT, "evaluation": evaluation}))
    return report


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return _report()


class TestFigures:
    @pytest.mark.parametrize(
        "name",
        [
            "mae",
            "bias",
            "within_5",
            "ftp",
            "fpr@18",
            "fnr@18",
            "fpr_band@18",
            "fnr_operational@18",
            "fpr_ucb@18",
            "auc@18",
            "ece@18",
            "brier@18",
            "gini(mae)",
            "max_min(mae)",
            "max_over_min(mae, sex)",
        ],
    )
    def test_names_find_numbers(self, report: dict[str, Any], name: str) -> None:
        found = figure(report, name)
        assert found.why is None
        assert isinstance(found.value, float)

    def test_the_bound_is_that_of_the_protected_band(self, report: dict[str, Any]) -> None:
        claim = report["evaluation"]["points"][0]["claim"]
        assert claim["n"] == 400
        assert (
            figure(report, "fpr_ucb@18").value == claim["upper"] == pytest.approx(0.00746, abs=1e-5)
        )

    def test_the_worst_group_is_asked_by_name(self) -> None:
        found = figure(_report(minors=1000), "worst_fpr_ucb@18")
        assert found.value == pytest.approx(1 - 0.05 ** (1 / 500))

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("fpr_ucb@16", "missing"),
            ("nonsense", "missing"),
            ("nonsense@18", "missing"),
            ("gini(nonsense)", "missing"),
            ("gini(mae, ethnicity)", "missing"),
            ("mean(mae)", "missing"),
            ("gini(fpr_band)", "null"),
            ("worst_fpr_ucb@18", "INCONCLUSIVE"),
        ],
    )
    def test_what_is_not_shown_is_no_number(
        self, report: dict[str, Any], name: str, why: str
    ) -> None:
        found = figure(report, name)
        assert found.value is None
        assert str(found.why).startswith(why)

    def test_too_few_people_are_inconclusive(self) -> None:
        found = figure(_report(minors=200), "fpr_ucb@18")
        assert (found.value, str(found.why)[:12]) == (None, "INCONCLUSIVE")

    @pytest.mark.parametrize("name", ["", "MAE", "mae@", "mae@0", "mae@180", "gini(mae", "mae; rm"])
    def test_another_form_is_refused(self, report: dict[str, Any], name: str) -> None:
        with pytest.raises(ReportError, match="expected a figure"):
            figure(report, name)

    @pytest.mark.parametrize("part", ["years", "points", "limits", "reliability", "failures"])
    def test_a_report_of_another_form_has_no_figures(
        self, report: dict[str, Any], part: str
    ) -> None:
        spoilt = json.loads(json.dumps(report))
        spoilt["evaluation"][part] = [3]
        for name in ("mae", "fpr_ucb@18", "auc@18", "gini(mae)"):
            found = figure(spoilt, name)
            assert found.value is None or found == figure(report, name)


class TestReading:
    def test_a_report_is_read(self, report: dict[str, Any], tmp_path: Path) -> None:
        path = tmp_path / "report.json"
        path.write_text(json.dumps(report))
        assert read_report(path) == report

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"[]",
            b"{",
            b"\xff",
            b"{}",
            b'{"format": "ageassure-report-2"}',
            b'{"format": "ageassure-report-1"}',
            b'{"format": "ageassure-report-1", "evaluation": {"format": "x"}}',
            b'{"format": "ageassure-report-1", "format": "ageassure-report-1"}',
            b'{"format": "ageassure-report-1", "evaluation": NaN}',
            b"[" * 100_000,
        ],
    )
    def test_something_else_is_refused(self, content: bytes) -> None:
        with pytest.raises(ReportError):
            parse_report(content, "report.json")

    def test_a_file_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ReportError, match="cannot be read"):
            read_report(tmp_path / "none.json")


class TestGate:
    @pytest.mark.parametrize(
        ("condition", "failed"),
        [
            ("fpr_ucb@18 > 0.01", False),
            ("fpr_ucb@18 > 0.005", True),
            ("fpr_ucb@18>=0.0075", False),
            ("auc@18 < 0.9", False),
            ("auc@18 <= 1", True),
            ("gini(mae, sex) > 0.15", False),
            ("gini(fpr_band) > 0.15", True),
            ("worst_fpr_ucb@18 > 0.9", True),
            ("nonsense > 0", True),
        ],
    )
    def test_conditions(self, report: dict[str, Any], condition: str, failed: bool) -> None:
        (outcome,) = judge(report, [Condition.parse(condition)])
        assert outcome.failed is failed
        assert (outcome.value is None) == (outcome.why is not None)

    @pytest.mark.parametrize(
        "text",
        ["", "mae", "mae > ", "> 3", "mae = 3", "mae == 3", "mae > nan", "mae > x", "mae > 1 > 2",
         "mae > inf", "mae > 1e999"],
    )  # fmt: skip
    def test_a_condition_of_another_form_is_refused(self, text: str) -> None:
        with pytest.raises(ReportError, match="expected a condition"):
            Condition.parse(text)

    def test_a_gate_of_nothing_is_refused(self, report: dict[str, Any]) -> None:
        with pytest.raises(ReportError, match="lets all by"):
            judge(report, [])

    def test_errors_fail_it(self) -> None:
        (outcome,) = judge(_report(errors=30), [Condition.parse("fpr_ucb@18 > 0.01")])
        assert outcome.failed
        assert outcome.value == pytest.approx(0.1012, abs=0.002)
