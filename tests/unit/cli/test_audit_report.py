from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ageassure.cli.app import app
from ageassure.cli.output import ExitStatus
from ageassure.tokens import SigningKey

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

FIGURE = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9, "k": None, "reason": None}


def _report(manifest: Path) -> dict[str, Any]:
    cells = [{"where": {}, "figures": {"mae": FIGURE}}]
    evaluation: dict[str, Any] = {
        "format": "ageassure-evaluation-1",
        "years": {"cells": cells, "spreads": []},
        "failures": [],
        "coverage": None,
    }
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    return {
        "format": "ageassure-report-1",
        "provenance": {"manifest_sha256": digest},
        "evaluation": evaluation,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "manifest.csv").write_text("sample_id\n")
    report = json.dumps(_report(tmp_path / "manifest.csv"))
    (tmp_path / "report.json").write_text(report)
    (tmp_path / "report.html").write_text("<html>")
    key = Ed25519PrivateKey.generate()
    SigningKey(key).save(tmp_path / "auditor.pem")
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "auditor.pub").write_bytes(public)
    return tmp_path


def _run(*words: object) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, words)])


def _sign(folder: Path) -> Result:
    files = (folder / "report.json", folder / "report.html")
    return _run("sign", *files, "--key", folder / "auditor.pem")


def _check(folder: Path, *words: object, condition: str = "mae > 1") -> Result:
    key = folder / "auditor.pub"
    return _run("check", folder / "report.json", "--key", key, "--fail-if", condition, *words)


def test_a_signed_report_is_checked(folder: Path) -> None:
    signed = _sign(folder)
    assert signed.exit_code == 0, signed.output
    result = _check(folder, "--manifest", folder / "manifest.csv", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert document["signed"] == ["report.html", "report.json"]
    assert document["passed"]


@pytest.mark.parametrize("condition", ["mae > 0.1", "rmse > 9"])
def test_a_condition_that_holds_or_has_no_figure_fails(folder: Path, condition: str) -> None:
    _sign(folder)
    result = _check(folder, condition=condition)
    assert result.exit_code == ExitStatus.AUDIT_FINDING
    assert result.output.startswith("FAIL")


@pytest.mark.parametrize("name", ["report.json", "report.html"])
def test_an_altered_file_is_refused(folder: Path, name: str) -> None:
    _sign(folder)
    file = folder / name
    file.write_text(file.read_text() + " ")
    result = _check(folder)
    assert result.exit_code == ExitStatus.AUDIT_INPUT
    assert "bad_audit_signature" in result.output


def test_without_a_signature_or_over_other_files_it_is_refused(folder: Path) -> None:
    assert _check(folder).exit_code == ExitStatus.AUDIT_INPUT
    signature = folder / "report.json.sig"
    _run("sign", folder / "report.html", "--key", folder / "auditor.pem", "--out", signature)
    result = _check(folder)
    assert result.exit_code == ExitStatus.AUDIT_INPUT
    assert "not among the files" in result.output


def test_a_report_about_other_data_is_refused(folder: Path) -> None:
    _sign(folder)
    (folder / "manifest.csv").write_text("sample_id\nx\n")
    assert _check(folder, "--manifest", folder / "manifest.csv").exit_code == ExitStatus.AUDIT_INPUT
    assert _check(folder, "--predictions", folder / "report.html").exit_code == (
        ExitStatus.AUDIT_INPUT
    )


def test_another_key_is_refused(folder: Path) -> None:
    _sign(folder)
    other = Ed25519PrivateKey.generate().public_key()
    (folder / "auditor.pub").write_bytes(
        other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    assert _check(folder).exit_code == ExitStatus.AUDIT_INPUT


def test_a_condition_is_asked_for_and_checked(folder: Path) -> None:
    _sign(folder)
    key = ("--key", folder / "auditor.pub")
    assert _run("check", folder / "report.json", *key).exit_code == ExitStatus.CONFIGURATION
    assert _check(folder, condition="mae").exit_code == ExitStatus.AUDIT_INPUT


def test_a_signature_is_not_overwritten_and_lies_beside_its_files(folder: Path) -> None:
    assert _sign(folder).exit_code == 0
    assert _sign(folder).exit_code == ExitStatus.AUDIT_INPUT
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    result = _run(
        "sign", folder / "report.html", "--key", folder / "auditor.pem",
        "--out", elsewhere / "x.sig",
    )  # fmt: skip
    assert result.exit_code == ExitStatus.AUDIT_INPUT


def test_a_key_of_another_kind_is_refused(folder: Path) -> None:
    (folder / "auditor.pem").unlink()
    SigningKey.generate().save(folder / "auditor.pem")
    assert _sign(folder).exit_code == ExitStatus.CONFIGURATION


def test_a_practice_statement_is_written_with_what_is_missing(folder: Path) -> None:
    answers = folder / "answers.toml"
    answers.write_text('format = "ageassure-practice-answers-1"\nservice = "A shop."\n')
    report = json.loads((folder / "report.json").read_text())
    report["evaluation"] |= {
        "statement": {"name": "people", "age_proof": "document"},
        "counts": {"rows": 1, "subjects": 1},
        "points": [],
    }
    (folder / "report.json").write_text(json.dumps(report))
    words = ("practice", folder / "report.json", "--answers", answers, "--out")
    result = _run(*words, folder / "practice.md")
    assert result.exit_code == ExitStatus.AUDIT_FINDING
    assert "missing: data" in result.output
    assert "A shop." in (folder / "practice.md").read_text()
    assert _run(*words, folder / "practice.md").exit_code == ExitStatus.AUDIT_INPUT
