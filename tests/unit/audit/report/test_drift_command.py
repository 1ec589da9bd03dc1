"""``ageassure audit drift`` on reports as ``ageassure audit report`` writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from ageassure.cli.app import app
from ageassure.cli.output import ExitStatus

from .reports import people, plan_file, predicted

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def _run(*words: object) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, words)])


def test_drift_is_looked_for(tmp_path: Path) -> None:
    """A report as the command writes it, and counts of a service beside it."""
    manifest = people(tmp_path)
    given = ("--manifest", manifest, "--predictions", predicted(manifest))
    made = _run("report", *given, "--plan", plan_file(tmp_path), "--out", tmp_path / "out")
    assert made.exit_code == 0, made.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    point = report["evaluation"]["points"][0]["cells"][0]["figures"]
    passed = point["fpr"]["k"] + point["fnr"]["n"] - point["fnr"]["k"]
    path = tmp_path / "counts.json"
    counts = {
        "format": "ageassure-service-counts-1",
        "limit_years": 18,
        "challenge_age_years": 25,
        "presented": 400,
        "passed": passed,
        "refused": {"no_face": 20},
    }
    drift = ("drift", tmp_path / "out" / "report.json", path)
    path.write_text(json.dumps(counts))
    same = _run(*drift)
    assert same.exit_code == 0, same.output
    assert same.stdout.splitlines()[0].startswith(f"         passed: {passed} of 400 [")
    assert same.stdout.splitlines()[0].endswith(f"({passed} of 400)")
    assert same.stdout.endswith("NO DRIFT SEEN\n")
    path.write_text(json.dumps(counts | {"passed": 350}))
    other = _run(*drift)
    assert other.exit_code == ExitStatus.AUDIT_FINDING
    assert other.stdout.startswith("DIFFERS  passed: 350 of 400 [")
    assert other.stdout.endswith("\nDRIFT\n")
    path.write_text(json.dumps(counts | {"presented": 99, "passed": 50}))
    few = _run(*drift)
    assert few.exit_code == 0
    assert few.stdout == (
        "got 99 samples of the service and 400 of the audit: 100 of each are the fewest that are "
        "compared\nTOO FEW\n"
    )
    path.write_text(json.dumps(counts | {"challenge_age_years": 24}))
    assert _run(*drift).exit_code == ExitStatus.AUDIT_INPUT


def test_drift_tells_of_an_audit_with_several_samples_each(tmp_path: Path) -> None:
    manifest = people(tmp_path, samples_each=2)
    given = ("--manifest", manifest, "--predictions", predicted(manifest))
    made = _run("report", *given, "--plan", plan_file(tmp_path), "--out", tmp_path / "out")
    assert made.exit_code == 0, made.output
    counts = {
        "format": "ageassure-service-counts-1",
        "limit_years": 18,
        "challenge_age_years": 25,
        "presented": 400,
        "passed": 300,
        "refused": {"no_face": 20},
    }
    (tmp_path / "counts.json").write_text(json.dumps(counts))
    found = _run("drift", tmp_path / "out" / "report.json", tmp_path / "counts.json")
    assert "several samples of a person: differences show too easily" in found.stdout
