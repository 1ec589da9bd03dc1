from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from ageassure.audit.liveness import LivenessAnswer, Presentation
from ageassure.audit.report import reading
from ageassure.audit.report.annex import annex_bytes
from ageassure.audit.report.document import ReportInputs, build_report, code_digest, report_bytes
from ageassure.audit.report.inputs import read_run
from ageassure.audit.report.page import html_bytes
from ageassure.audit.report.reading import figure, parse_report
from ageassure.errors import ConfigurationError

from .reports import PLAN, inputs, people, plan_file, predicted, write_record

if TYPE_CHECKING:
    from pathlib import Path

ATTACKS = (
    Presentation(species="print", instrument="a", answer=LivenessAnswer.ATTACK, let_through=False),
    Presentation(
        species="screen", instrument="b", answer=LivenessAnswer.BONA_FIDE, let_through=True
    ),
    Presentation(species=None, instrument="p", answer=LivenessAnswer.BONA_FIDE, let_through=True),
)


def validator() -> jsonschema.Draft202012Validator:
    text = (files("ageassure.audit.report") / "report.schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A report with all of its parts."""
    folder = tmp_path_factory.mktemp("audit")
    found = inputs(folder)
    manifest = folder / "people.csv"
    worse = [
        predicted(
            manifest,
            f"blur{level}.csv",
            seed=level,
            record={"degradation": "blur", "level": level / 100},
        )
        for level in (2, 4)
    ]
    (folder / "others").mkdir()
    others = people(folder / "others", 200)
    full = ReportInputs(
        run=found.run,
        plan=found.plan,
        plan_sha256=found.plan_sha256,
        calibration=read_run(others, predicted(others)),
        degraded=tuple(read_run(manifest, path) for path in worse),
        attacks=ATTACKS,
        attacks_sha256="c" * 64,
    )
    return parse_report(report_bytes(build_report(full)), "report.json")


class TestSchema:
    def test_a_report_is_as_it_says(self, made: dict[str, Any]) -> None:
        validator().validate(made)
        assert made["robustness"]
        assert made["evaluation"]["coverage_by_year"] is None
        assert "no_distributions" in {limit["code"] for limit in made["limits"]}
        assert made["liveness"]
        assert made["evaluation"]["conformal"]

    def test_one_of_whole_distributions_is_too(self, tmp_path: Path) -> None:
        found = inputs(tmp_path)
        run = read_run(tmp_path / "people.csv", predicted(
            tmp_path / "people.csv", "whole.csv", distribution=True
        ))  # fmt: skip
        report = build_report(ReportInputs(run=run, plan=found.plan, plan_sha256="e" * 64))
        validator().validate(json.loads(report_bytes(report)))
        assert report["evaluation"]["coverage_by_year"]["cells"][-1]["where"] == {"age": "60"}
        assert "no_distributions" not in {limit["code"] for limit in report["limits"]}
        page = html_bytes(report, beside_published=False).decode()
        assert page.count("<svg") == 11
        assert "Coverage of 95 % intervals by single age" in page
        assert "not given" not in page

    def test_a_poor_report_is_too(self, tmp_path: Path) -> None:
        from ageassure.audit.plan_file import read_plan

        manifest = people(tmp_path, 12)
        text = PLAN.replace('["sex", "ethnicity", "capture_domain"]', "[]")
        text = text.replace('pair_with = "sex"\ntransfer_axis = "capture_domain"\n', "")
        plan, digest = read_plan(plan_file(tmp_path, text))
        run = read_run(manifest, predicted(manifest, with_chances=False))
        report = build_report(ReportInputs(run=run, plan=plan, plan_sha256=digest))
        validator().validate(json.loads(report_bytes(report)))
        codes = {limit["code"] for limit in report["limits"]}
        assert {
            "too_few",
            "no_groups",
            "no_probabilities",
            "no_retries",
            "no_transfer",
            "no_robustness",
            "no_liveness",
            "estimator_unknown",
            "choice_unknown",
        } <= codes

    def test_all_of_it_is_drawn_the_same_way_twice(self, made: dict[str, Any]) -> None:
        page = html_bytes(made, beside_published=True)
        assert page == html_bytes(made, beside_published=True)
        drawings = re.findall(r"<svg.*?</svg>", page.decode(), flags=re.DOTALL)
        names = [re.findall(r'aria-labelledby="(\S+)-t', one)[0] for one in drawings]
        assert {"robustness-blur", "attacks", "thresholds18", "pit-band"} <= set(names)
        assert len(set(names)) == len(names)
        identifiers = re.findall(r'\bid="([^"]+)"', page.decode())
        assert len(set(identifiers)) == len(identifiers)

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (("format",), "ageassure-report-2"),
            (("surprise",), 3),
            (("evaluation", "counts", "rows"), -1),
            (("evaluation", "points"), []),
            (("evaluation", "points", 0, "verdict"), "MAYBE"),
            (("evaluation", "points", 0, "claim", "upper"), 1.5),
            (("evaluation", "years", "cells", 0, "figures", "mae", "value"), None),
            (("evaluation", "years", "cells", 0, "figures", "mae", "reason"), "none"),
            (("provenance", "manifest_sha256"), "abc"),
            (("limits", 0, "sentence"), None),
            (("liveness",), []),
        ],
    )
    def test_another_form_is_noticed(
        self, made: dict[str, Any], place: tuple[Any, ...], value: object
    ) -> None:
        spoilt = json.loads(json.dumps(made))
        part = spoilt
        for name in place[:-1]:
            part = part[name]
        part[place[-1]] = value
        with pytest.raises(jsonschema.ValidationError):
            validator().validate(spoilt)

    def test_nothing_is_left_undescribed(self) -> None:
        def objects(schema: object) -> list[dict[str, Any]]:
            if isinstance(schema, list):
                return [found for part in schema for found in objects(part)]
            if not isinstance(schema, dict):
                return []
            own = [schema] if "properties" in schema and "required" in schema else []
            return own + [found for part in schema.values() for found in objects(part)]

        found = objects(validator().schema)
        assert len(found) > 25
        assert all(schema["additionalProperties"] is False for schema in found)


class TestNames:
    def test_every_documented_name_finds_a_number(self, made: dict[str, Any]) -> None:
        column = "\n".join(line[:31] for line in str(reading.__doc__).splitlines())
        names = re.findall(r"``([^`]+)``", column)
        assert len(names) > 15
        for name in names:
            found = figure(made, name)
            decided = str(found.why).startswith(("null", "INCONCLUSIVE"))
            assert isinstance(found.value, float) or decided, (name, found)

    def test_a_number_is_that_of_the_report(self, made: dict[str, Any]) -> None:
        claim = made["evaluation"]["points"][0]["claim"]
        assert figure(made, "fpr_band@18").value == claim["k"] / claim["n"]
        assert figure(made, "coverage_90").value is not None


class TestProvenance:
    def test_it_names_what_it_was_made_from(self, made: dict[str, Any]) -> None:
        provenance = made["provenance"]
        assert provenance["estimator"] == "made-up"
        assert provenance["pipeline_digest"] == "a" * 64
        assert provenance["seed"] == 7
        assert provenance["code_sha256"] == code_digest()
        assert provenance["versions"]["ageassure"]
        assert [run["level"] for run in provenance["degraded"]] == [0.02, 0.04]
        assert provenance["calibration"]["manifest_sha256"] != provenance["manifest_sha256"]

    def test_a_foreign_system_has_no_record(self, tmp_path: Path) -> None:
        manifest = people(tmp_path, 40)
        found = inputs(tmp_path, run=read_run(manifest, predicted(manifest, "theirs.csv")))
        report = build_report(found)
        assert report["provenance"]["estimator"] is None
        assert "estimator_unknown" in {limit["code"] for limit in report["limits"]}

    def test_an_attack_set_needs_its_digest(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="without its digest"):
            inputs(tmp_path, attacks=ATTACKS)


class TestAnnex:
    def test_it_tells_what_the_record_says(self, tmp_path: Path) -> None:
        annex = json.loads(annex_bytes(inputs(tmp_path).run))
        found = annex["resources"]
        assert (found["n"], found["median_ms"], found["p95_ms"]) == (400, 50.0, 90.0)
        assert (found["install_bytes"], found["peak_rss_bytes"]) == (None, 10**8)

    @pytest.mark.parametrize("resources", [None, [], {"median_ms": "fast"}])
    def test_what_is_not_told_is_null(self, tmp_path: Path, resources: object) -> None:
        manifest = people(tmp_path, 40)
        predictions = predicted(manifest)
        write_record(manifest, predictions, resources=resources)
        annex = json.loads(annex_bytes(read_run(manifest, predictions)))
        assert annex["resources"] is None

    def test_none_of_it_is_in_the_report(self, made: dict[str, Any]) -> None:
        assert not re.search("median_ms|p95|rss", json.dumps(made))
