from __future__ import annotations

import importlib.util
import json
import re
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ageassure.audit.liveness import LivenessAnswer, Presentation
from ageassure.audit.plan_file import read_plan
from ageassure.audit.prediction.files import COLUMNS, write_table
from ageassure.audit.report.document import ReportInputs, build_report, report_bytes
from ageassure.audit.report.inputs import read_run
from ageassure.audit.report.page import html_bytes, with_notes
from ageassure.audit.report.published import MAE_YEARS, mean_and_gini
from ageassure.audit.report.summary import inert, summary_bytes
from ageassure.audit.report.wording import (
    Noted,
    Table,
    challenge_age,
    difference_cell,
    number_cell,
    percent,
    share_cell,
    years,
)
from ageassure.errors import MissingExtraError

from ..manifests import manifest_file
from .reports import PLAN, inputs, people, plan_file, predicted

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "<script>alert(1)</script>&<b>$x$|`_{{7*7}}"
ORDER = (
    "population",
    "nist",
    "ages",
    "det",
    "groups",
    "severity",
    "calibration",
    "stability",
    "liveness",
    "failures",
    "published",
    "limits",
    "provenance",
)


class Seen(HTMLParser):
    """Elements, attributes and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A report read back, one of whose groups has a hostile name."""
    folder = tmp_path_factory.mktemp("page")
    found = inputs(folder)
    manifest = people(folder, hostile=HOSTILE)
    run = read_run(manifest, predicted(manifest, "hostile.csv"))
    made = build_report(ReportInputs(run=run, plan=found.plan, plan_sha256=found.plan_sha256))
    read: dict[str, Any] = json.loads(report_bytes(made))
    return read


@pytest.fixture(scope="module")
def page(report: dict[str, Any]) -> str:
    return html_bytes(report, beside_published=True).decode()


class TestPage:
    def test_nothing_runs_and_nothing_is_fetched(self, page: str) -> None:
        seen = Seen(page)
        assert {tag for tag, _ in seen.elements}.isdisjoint(
            {"script", "link", "img", "iframe", "object", "embed", "form", "image", "b"}
        )
        for tag, attributes in seen.elements:
            for name, value in attributes.items():
                assert not name.startswith("on"), (tag, name)
                if name in ("href", "xlink:href", "src"):
                    assert str(value).startswith("#"), (tag, value)
        assert "url(http" not in page
        assert "@import" not in page
        addresses = re.findall(r"https?://[^\"' <]+", page)
        assert set(addresses) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}

    def test_hostile_names_are_shown_as_they_are(self, page: str) -> None:
        assert any(HOSTILE in text for text in Seen(page).texts)
        assert "<script" not in page

    def test_chapters_stand_in_order(self, page: str) -> None:
        found = [a["id"] for tag, a in Seen(page).elements if tag == "section" and "id" in a]
        assert found == list(ORDER)
        assert page.index('class="box') < page.index('id="population"')

    def test_tables_say_what_they_are(self, page: str) -> None:
        seen = Seen(page)
        assert seen.count("table") == seen.count("caption") > 10
        assert all(a.get("scope") in ("row", "col") for tag, a in seen.elements if tag == "th")

    def test_drawings_say_what_they_are(self, page: str) -> None:
        drawings = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
        names = [re.findall(r'aria-labelledby="(\S+)-t', drawing)[0] for drawing in drawings]
        assert names == [
            "age0", "det18", "thresholds18", "rel18", "pit-band", "condition-inter-ocular-pixels",
            "condition-yaw-degrees", "nist",
        ]  # fmt: skip
        for drawing in drawings:
            (name,) = re.findall(r'aria-labelledby="(\S+)-t \1-d"', drawing)
            assert f'<title id="{name}-t">' in drawing
            assert f'<desc id="{name}-d">' in drawing
            assert "#000000" not in drawing

    def test_the_box_tells_the_claim(self, report: dict[str, Any], page: str) -> None:
        claim = report["evaluation"]["points"][0]["claim"]
        box = page[page.index('class="box') : page.index('id="population"')]
        assert f"{claim['k']} of {claim['n']}" in box
        assert percent(claim["upper"]) in box
        assert percent(claim["min_provable"]) in box
        assert report["evaluation"]["points"][0]["verdict"] in box

    def test_small_groups_are_rows_and_nothing_is_nan(self, tmp_path: Path) -> None:
        found = inputs(tmp_path)
        manifest = people(tmp_path, 4)
        run = read_run(manifest, predicted(manifest, "few.csv", with_chances=False))
        made = build_report(ReportInputs(run=run, plan=found.plan, plan_sha256=found.plan_sha256))
        text = html_bytes(made, beside_published=False).decode()
        assert "sex: female" in text
        assert "null: " in text
        assert not re.search(r"\bnan\b", re.sub(r"<style>.*?</style>", "", text), re.IGNORECASE)
        assert "The estimator gives no probabilities." in text

    def test_a_band_across_the_limit_is_told_in_the_box(self, report: dict[str, Any]) -> None:
        changed = json.loads(json.dumps(report))
        changed["evaluation"]["points"][0]["band_across_limit"] = True
        assert "lies across the limit, so" in html_bytes(changed, beside_published=False).decode()

    def test_published_algorithms_are_not_compared(self, report: dict[str, Any], page: str) -> None:
        assert page.count("ifferent data, not comparable") >= 3
        assert "published" not in html_bytes(report, beside_published=False).decode()

    def test_nobody_processed_and_no_attack_answered_is_a_page_too(self, tmp_path: Path) -> None:
        found = inputs(tmp_path)
        manifest = people(tmp_path, 8)
        columns: dict[str, Any] = {"sample_id": [f"s{i}" for i in range(8)]}
        columns |= {name: np.full(8, np.nan) for name in COLUMNS[1:-1]}
        write_table(tmp_path / "none.csv", {**columns, "status": ["no_face"] * 8})
        unanswered = Presentation(
            species="print",
            instrument="a",
            answer=LivenessAnswer.NO_RESPONSE,
            let_through=False,
        )
        made = build_report(
            ReportInputs(
                run=read_run(manifest, tmp_path / "none.csv"),
                plan=found.plan,
                plan_sha256=found.plan_sha256,
                attacks=(unanswered,),
                attacks_sha256="c" * 64,
            )
        )
        page = html_bytes(made, beside_published=True).decode()
        assert 'aria-labelledby="attacks-t' in page
        assert "nobody in this cell was processed" in page
        assert "nobody in this cell was processed" in summary_bytes(made).decode()

    def test_ages_in_groups_without_pairs_are_told_as_far_as_they_go(self, tmp_path: Path) -> None:
        rows = [f"s{i},10,19,{i}.5,{i % 30}" if i % 2 else f"s{i},20,29,," for i in range(1, 61)]
        header = "sample_id,age_low,age_high,inter_ocular_pixels,yaw_degrees"
        manifest = manifest_file(tmp_path, header, *rows)
        rng = np.random.default_rng(1)
        columns: dict[str, Any] = {"sample_id": [f"s{i}" for i in range(1, 61)]}
        columns["estimated_age_years"] = estimates = rng.uniform(5, 40, 60)
        for age in range(1, 121):
            columns[f"p_over_{age}"] = 1 / (1 + np.exp((age - estimates) / 2))
        columns["status"] = ["ok"] * 60
        write_table(tmp_path / "p.csv", columns)
        text = PLAN.replace('["sex", "ethnicity", "capture_domain"]', "[]")
        text = text.replace('pair_with = "sex"\ntransfer_axis = "capture_domain"\n', "")
        plan, digest = read_plan(plan_file(tmp_path, text.replace("[17, 17]", "[10, 19]")))
        run = read_run(manifest, tmp_path / "p.csv")
        made = json.loads(
            report_bytes(build_report(ReportInputs(run=run, plan=plan, plan_sha256=digest)))
        )
        page = html_bytes(made, beside_published=True).decode()
        assert "pit-year" not in page
        assert "null: ages are known as groups only" in page
        assert 'id="published"' not in page
        assert "condition-yaw-degrees" not in page
        assert "Slope of the error, years for each unit: null" in page
        codes = {limit["code"] for limit in made["limits"]}
        assert {"no_distributions", "ages_in_groups"} <= codes
        assert "no_conditions" not in codes


@pytest.mark.parametrize(("name", "library"), [("page", "jinja2"), ("canvas", "matplotlib")])
def test_without_the_extra_it_says_what_to_install(
    name: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.find_spec(f"ageassure.audit.report.{name}")
    assert spec is not None
    assert spec.loader is not None
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ageassure\[audit\]'"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


class TestNotes:
    def test_a_reason_stands_once_below_the_table_that_it_is_of(self, page: str) -> None:
        told = 0
        for block in page.split('<div class="scroll"')[1:]:
            listed = re.findall(r'<p class="notes"><sup>(\w+)</sup> (.+?)</p>', block)
            assert {mark for mark, _ in listed} == set(re.findall(r"<sup>(\w+)</sup></td>", block))
            assert all(block.count(reason) == 1 for _, reason in listed)
            told += len(listed)
        assert told

    def test_what_is_null_for_one_reason_everywhere_is_said_in_a_sentence(self) -> None:
        nobody = Noted(text="null (n = 0)", note="null: nobody in this cell")
        rows = (("everybody", nobody, nobody), ("sex: female", nobody, nobody))
        found = with_notes(Table(caption="c", head=("Group", "x", "y"), rows=rows))
        assert found["all_null"] == (
            "Every figure is null: nobody in this cell. Asked of: everybody; sex: female."
        )

    @pytest.mark.parametrize(
        "other",
        ["1 %", Noted(text="null (n = 1)", note="null: one group only"),
         Noted(text="1 % (n = 1)", note="no interval: too few people")],
    )  # fmt: skip
    def test_one_other_figure_keeps_the_table(self, other: str | Noted) -> None:
        nobody = Noted(text="null (n = 0)", note="null: nobody in this cell")
        found = with_notes(
            Table(caption="c", head=("Group", "x", "y"), rows=(("g", nobody, other),))
        )
        assert found["all_null"] is None
        assert found["rows"][0][1] == ("null (n = 0)", "a")

    def test_more_reasons_than_letters(self) -> None:
        cells = (Noted(text="1 (n = 1)", note=f"no interval: {number}") for number in range(28))
        found = with_notes(Table(caption="c", head=("x",) * 29, rows=(("g", *cells),)))
        assert [mark for mark, _ in found["notes"]][24:] == ["y", "z", "aa", "ab"]

    def test_outside_a_table_both_are_said(self) -> None:
        assert (
            str(Noted(text="3.76 (n = 9)", note="no interval: x")) == "3.76 (n = 9; no interval: x)"
        )


class TestPublished:
    @pytest.mark.parametrize(
        ("algorithm", "gini"),
        [("regula-000", 0.128), ("neurotechnology-001", 0.0415), ("yoti-004", 0.147)],
    )
    def test_golden_vectors(self, algorithm: str, gini: float) -> None:
        assert mean_and_gini(MAE_YEARS[algorithm])[1] == pytest.approx(gini, abs=0.0006)


class TestWording:
    @pytest.mark.parametrize(
        ("bar", "text"),
        [(25, "25"), (25.0, "25"), (30.07, "30.07"), (30.0, "30"), (30.746, "30.75"),
         (30.741, "30.75"), (47.000001, "47.01")],
    )  # fmt: skip
    def test_a_challenge_age_is_rounded_up(self, bar: float, text: str) -> None:
        assert challenge_age({"challenge_age_years": bar}) == text

    @pytest.mark.parametrize(
        ("share", "text"),
        [
            (None, "–"),
            (0.0123, "1.23 %"),
            (0.00001, "0.001 %"),
            (1.0, "100 %"),
            (0.9999, "> 99.9 %"),
        ],
    )
    def test_percent(self, share: float | None, text: str) -> None:
        assert percent(share) == text

    def test_no_error_is_never_a_bare_zero(self) -> None:
        figure = {"value": 0.0, "k": 0, "n": 85, "low": 0.0, "high": 0.0425, "reason": None}
        assert share_cell(figure) == "none (0 of 85; 0–4.25 %)"

    def test_what_is_less_than_all_is_never_all(self) -> None:
        figure = {"value": 0.9994, "k": 9494, "n": 9500, "low": 0.9986, "high": 0.9998}
        assert share_cell(figure) == "99.9 % (9494 of 9500; 99.9 % to > 99.9 %)"

    def test_a_figure_that_a_cell_does_not_have_is_a_dash(self) -> None:
        assert (share_cell(None), number_cell(None)) == ("–", "–")

    def test_what_is_null_has_its_reason(self) -> None:
        null = {"value": None, "k": 0, "n": 3, "low": None, "reason": "few people"}
        for write in (share_cell, number_cell, difference_cell):
            assert str(write(null)) == "null (n = 3; null: few people)"
        bare = {"value": 0.25, "k": None, "n": 4, "low": None, "high": None, "reason": "few people"}
        assert str(share_cell(bare)) == "25 % (4; no interval: few people)"
        assert str(number_cell(bare)) == "0.250 (n = 4; no interval: few people)"
        assert str(difference_cell(bare)) == "+0.25 (n = 4; no interval: few people)"

    @pytest.mark.parametrize(("value", "text"), [(None, "–"), (3.214, "3.21"), (-0.0415, "-0.042")])
    def test_years(self, value: float | None, text: str) -> None:
        assert years(value) == text


class TestSummary:
    def test_it_is_short_and_inert(self, report: dict[str, Any]) -> None:
        text = summary_bytes(report).decode()
        assert text.startswith("# Audit report: made-up people")
        assert f"## {report['evaluation']['points'][0]['verdict']}" in text
        assert "Cannot support" in text
        assert report["provenance"]["manifest_sha256"] in text
        assert "<script" not in text.replace("\\<script", "")

    def test_where_there_are_no_adults_it_says_so(self, report: dict[str, Any]) -> None:
        point = report["evaluation"]["points"][0]
        null = {"value": None, "n": 0, "reason": "nobody in this cell"}
        everybody = {"figures": {**point["cells"][0]["figures"], "fnr": null}}
        changed = {**point, "cells": [everybody]}
        evaluation = {**report["evaluation"], "points": [changed]}
        lines = summary_bytes({**report, "evaluation": evaluation}).decode().splitlines()
        (line,) = (line for line in lines if line.startswith("| Adults turned away"))
        assert "null \\(n = 0; " in line
        assert "nobody in this cell" in line

    def test_special_characters_show_themselves(self) -> None:
        assert inert("a|b<c>[d](e)`f`") == "a\\|b\\<c\\>\\[d\\]\\(e\\)\\`f\\`"
