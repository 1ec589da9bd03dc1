from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from ageassure.audit.report.document import code_digest
from ageassure.cli.app import app
from ageassure.cli.output import ExitStatus

from .reports import people, plan_file, predicted

if TYPE_CHECKING:
    from click.testing import Result

PURE = ("report.json", "report.html", "summary.md")
FILES = (*PURE, "resources.json")


def _run(*words: object) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, words)])


@pytest.fixture
def words(tmp_path: Path) -> list[object]:
    manifest = people(tmp_path)
    predictions = predicted(manifest, record={})
    plan = plan_file(tmp_path)
    return ["report", "--manifest", manifest, "--predictions", predictions, "--plan", plan]


def test_a_report_is_written(words: list[object], tmp_path: Path) -> None:
    result = _run(*words, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.output)
    assert said["files"] == list(FILES)
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(FILES)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert said["verdict"] == report["evaluation"]["points"][0]["verdict"]


def test_nothing_is_overwritten(words: list[object], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    result = _run(*words, "--out", tmp_path / "out")
    assert result.exit_code == ExitStatus.AUDIT_INPUT
    assert "not overwritten" in result.output
    assert not list((tmp_path / "out").iterdir())


def test_a_folder_that_cannot_be_made_is_told(words: list[object], tmp_path: Path) -> None:
    result = _run(*words, "--out", tmp_path / "none" / "out")
    assert result.exit_code == ExitStatus.AUDIT_INPUT
    assert "cannot be written" in result.output


def test_half_a_calibration_part_is_refused(words: list[object], tmp_path: Path) -> None:
    result = _run(*words, "--out", tmp_path / "out", "--calibration-manifest", tmp_path / "x.csv")
    assert result.exit_code == ExitStatus.CONFIGURATION
    assert "expected both" in result.output


def test_it_takes_attacks_degraded_pictures_and_other_people(
    words: list[object], tmp_path: Path
) -> None:
    attacks = tmp_path / "attacks.csv"
    attacks.write_text("species,instrument,answer,let_through\nprint,a,attack,no\n")
    manifest = tmp_path / "people.csv"
    worse = predicted(manifest, "worse.csv", record={"degradation": "jpeg", "level": 20})
    (tmp_path / "others").mkdir()
    others = people(tmp_path / "others", 100)
    result = _run(
        *words,
        *("--out", tmp_path / "out", "--attacks", attacks, "--degraded", worse),
        *("--calibration-manifest", others, "--calibration-predictions", predicted(others)),
    )
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["robustness"][0]["degradation"] == "jpeg"
    assert report["liveness"]["species"][0]["name"] == "print"
    assert report["evaluation"]["conformal"]["margin"]["n"] == 95


def test_it_is_a_function_of_its_inputs(words: list[object], tmp_path: Path) -> None:
    for seed in ("1", "2"):
        subprocess.run(
            [
                sys.executable,
                *("-c", "from ageassure.cli import main; main()", "audit"),
                *map(str, words),
                *("--out", str(tmp_path / seed)),
            ],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": f"Etc/GMT+{seed}"},
        )
    for name in PURE:
        first, second = ((tmp_path / seed / name).read_bytes() for seed in ("1", "2"))
        assert first == second, name


def test_two_estimators_are_compared(words: list[object], tmp_path: Path) -> None:
    manifest, first, plan = words[2], words[4], words[6]
    second = predicted(tmp_path / "people.csv", "other.csv", seed=9)
    asked = ("--manifest", manifest, "--plan", plan)
    result = _run("compare", first, second, *asked, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert (found["samples"], found["processed_by_both"]) == (400, 380)
    files = (manifest, first, second, plan)
    digests = [found["manifest_sha256"], *found["predictions_sha256"], found["plan_sha256"]]
    assert digests == [hashlib.sha256(Path(str(file)).read_bytes()).hexdigest() for file in files]
    assert found["code_sha256"] == code_digest()
    figure = found["years"][0]["figures"]["mae"]
    assert figure["low"] <= figure["value"] <= figure["high"]
    reverse = json.loads(_run("compare", second, first, *asked, "--json").output)
    assert reverse["years"][0]["figures"]["mae"]["value"] == pytest.approx(-figure["value"])
    shown = _run("compare", first, second, *asked).output
    assert f"everybody: mae {figure['value']:+.3g}" in shown
    assert "operating point 1" in shown


def test_predictions_of_other_people_are_not_compared(words: list[object], tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    second = predicted(people(tmp_path / "others", 100))
    result = _run("compare", words[4], second, "--manifest", words[2], "--plan", words[6])
    assert result.exit_code == ExitStatus.AUDIT_INPUT
