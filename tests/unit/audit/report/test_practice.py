from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ageassure.audit.report.practice import (
    FORMAT,
    MISSING,
    SECTIONS,
    practice_statement,
    read_answers,
)
from ageassure.errors import ReportError

if TYPE_CHECKING:
    from pathlib import Path

KEYS = [question.key for questions in SECTIONS.values() for question in questions]


def _figure(value: float | None) -> dict[str, Any]:
    reason = None if value is not None else "nobody in this cell"
    ends = (None, None) if value is None else (value - 0.005, value + 0.5)
    return {
        "value": value,
        "low": ends[0],
        "high": ends[1],
        "n": 0 if value is None else 400,
        "k": None,
        "reason": reason,
    }


def _report(**statement: str) -> dict[str, Any]:
    years = [{"where": {}, "figures": {"mae": _figure(3.25), "bias": _figure(None)}}]
    claim = {"upper": 0.0075, "verdict": "PASS", "subjects": 400, "subjects_passed": 0}
    point = {
        "point": {"limit_years": 18},
        "claim": claim,
        "worst": {"upper": 0.3, "verdict": "INCONCLUSIVE"},
        "cells": [{"where": {}, "figures": {"fnr": _figure(0.2)}}],
        "spreads": [],
    }
    evaluation = {
        "statement": {"name": "made-up people", "age_proof": "document"} | statement,
        "counts": {"rows": 500, "subjects": 400},
        "years": {"cells": years, "spreads": []},
        "failures": [{"where": {}, "figures": {"ftp": _figure(0.01)}}],
        "coverage": None,
        "reliability": [],
        "points": [point],
    }
    return {"evaluation": evaluation}


def test_figures_and_answers_stand_under_their_headings() -> None:
    statement = practice_statement(_report(), dict.fromkeys(KEYS, "An answer."))
    text = statement.markdown
    for heading in SECTIONS:
        assert f"## {heading}" in text
    assert "500 samples of 400 people; age proved by: document" in text
    assert "- Mean absolute error, years: 3.25 (3.25 to 3.75; n = 400)" in text
    assert "error at 18 (95 %): 0.75 % (0 of 400 people let through)" in text
    assert "over 18 who are not passed: 20 % (400; 19.5–70 %)" in text
    assert text.count("An answer.") == len(KEYS)
    accurate = text[text.index("## Technically accurate") : text.index("## Robust")]
    assert "0.75 %" in accurate


def test_a_number_without_its_n_is_no_report() -> None:
    for place, gone in (("claim", "subjects"), ("cells", "n")):
        report = _report()
        found = report["evaluation"]["points"][0][place]
        del (found if place == "claim" else found[0]["figures"]["fnr"])[gone]
        with pytest.raises(ReportError, match="another form"):
            practice_statement(report, {})


def test_it_says_what_is_missing() -> None:
    statement = practice_statement(_report(), {"service": "A shop.", "data": "  "})
    expected = {key for key in KEYS if key != "service"}
    assert expected | {"bias", "worst_fpr_ucb@18", "gini(mae)"} == set(statement.missing)
    assert statement.markdown.count(MISSING) == len(statement.missing)
    tail = statement.markdown[statement.markdown.index("## What is missing") :]
    assert all(f"- `{name}`" in tail for name in statement.missing)


def test_nothing_missing_is_said_too() -> None:
    report = _report()
    evaluation = report["evaluation"]
    evaluation["points"][0]["worst"] = evaluation["points"][0]["claim"] | {"upper": 0.0099}
    evaluation["years"]["cells"][0]["figures"]["bias"] = _figure(-0.5)
    spread = {"metric": "mae", "over": "sex", "figures": {"gini": _figure(0.1)}}
    evaluation["years"]["spreads"] = [spread]
    statement = practice_statement(report, dict.fromkeys(KEYS, "Yes."))
    assert statement.missing == ()
    assert "Nothing that was asked for." in statement.markdown


def test_hostile_text_is_inert() -> None:
    report = _report(name="<script>alert(1)</script>[x](javascript:y)")
    text = practice_statement(report, {"service": "<img src=x> `code`"}).markdown
    assert "<script" not in text
    assert "<img" not in text
    assert "\\[x](javascript" in text


@pytest.mark.parametrize("part", ["statement", "counts"])
def test_a_report_of_another_form_is_refused(part: str) -> None:
    report = _report()
    del report["evaluation"][part]
    with pytest.raises(ReportError, match="another form"):
        practice_statement(report, {})


class TestAnswers:
    def test_they_are_read(self, tmp_path: Path) -> None:
        path = tmp_path / "answers.toml"
        path.write_text(f'format = "{FORMAT}"\nservice = "A shop."\n')
        assert read_answers(path) == {"service": "A shop."}

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "x",
            'format = "other"',
            f'format = "{FORMAT}"\nnonsense = "x"',
            f'format = "{FORMAT}"\nservice = 3',
            f'format = "{FORMAT}"\nservice = "{"x" * 20_001}"',
            "# " + "x" * 1024 * 1024,
        ],
    )
    def test_what_is_none_is_refused(self, content: str, tmp_path: Path) -> None:
        path = tmp_path / "answers.toml"
        path.write_text(content)
        with pytest.raises(ReportError):
            read_answers(path)
        with pytest.raises(ReportError):
            read_answers(tmp_path / "none")
