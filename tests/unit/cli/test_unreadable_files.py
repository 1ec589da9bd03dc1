"""Whatever stands in a file's place: one line, the documented status, and no waiting."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ageassure.audit.report.drift import FORMAT as COUNTS_FORMAT
from ageassure.cli.app import app
from ageassure.cli.face import read_picture
from ageassure.cli.output import ExitStatus
from ageassure.errors import PictureError
from ageassure.imaging.header import MAX_FILE_BYTES
from ageassure.tokens import SigningKey
from ageassure.tokens.keys.ring_file import RING_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at pipes and devices")

PATIENCE_SECONDS = 60
NONCE = secrets.token_urlsafe(32)


STATEMENT = f"""
[data_set]
name = "nobody"
licence = "CC0-1.0"
age_proof = "self-reported"
manifest_sha256 = "{"0" * 64}"
"""


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Ends what waits for a pipe, or reads a device for ever."""
    signal.alarm(PATIENCE_SECONDS)
    yield
    signal.alarm(0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that are as they must be, as far as the commands look at them here."""
    SigningKey.generate().save(tmp_path / "key.pem")
    auditor = Ed25519PrivateKey.generate()
    SigningKey(auditor).save(tmp_path / "auditor.pem")
    public = auditor.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "auditor.pub").write_bytes(public)
    evaluation = {"format": "ageassure-evaluation-1", "years": {"cells": [], "spreads": []}}
    report = {"format": "ageassure-report-1", "provenance": {}, "evaluation": evaluation}
    (tmp_path / "report.json").write_text(json.dumps(report))
    (tmp_path / "counts.json").write_text(json.dumps({"format": COUNTS_FORMAT}))
    (tmp_path / "people.csv").write_text("sample_id\n")
    for name in ("people.toml", "other.toml"):
        (tmp_path / name).write_text(STATEMENT)
    (tmp_path / "plan.toml").write_text("")
    signed = run("audit", "sign", tmp_path / "report.json", "--key", tmp_path / "auditor.pem")
    assert signed.exit_code == 0
    return tmp_path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


COMMANDS = {
    "estimate X": "picture",
    f"issue X --audience https://a.example --nonce {NONCE} --age-over 18 --key key.pem "
    "--issuer https://b.example": "picture",
    f"issue key.pem --audience https://a.example --nonce {NONCE} --age-over 18 --key X "
    "--issuer https://b.example": "key.pem",
    f"verify a.b.c --jwks X --issuer https://b.example --audience https://a.example "
    f"--nonce {NONCE} --age-over 18": "set.json",
    "keys list --ring ring": f"ring/{RING_FILE}",
    "audit validate X": "people.csv",
    "audit validate people.csv": "people.toml",
    "audit validate other.parquet": "other.parquet",
    "audit leakage X --split a": "people.csv",
    "audit pseudonymise X --key key.pem --out out.csv": "people.csv",
    "audit pseudonymise people.csv --key X --out out.csv": "secret",
    "audit report --manifest people.csv --predictions people.csv --out out --plan X": "plan.toml",
    "audit compare people.csv people.csv --manifest people.csv --plan X": "plan.toml",
    "audit sign X --key auditor.pem": "other.json",
    "audit sign report.json --key X --out new.sig": "auditor.pem",
    "audit check X --key auditor.pub --fail-if fpr@18>0": "report.json",
    "audit check report.json --key auditor.pub --fail-if fpr@18>0": "report.json.sig",
    "audit check report.json --key X --fail-if fpr@18>0": "auditor.pub",
    "audit check report.json --key auditor.pub --fail-if fpr@18>0 --manifest X": "people.csv",
    "audit practice report.json --answers X --out out.md": "answers.toml",
    "audit practice X --answers answers.toml --out out.md": "report.json",
    "audit drift report.json X": "counts.json",
    "audit predict --manifest X --out out.csv": "people.csv",
    "audit measure X --out out.csv": "people.csv",
}


@pytest.mark.parametrize("kind", ["absent", "folder", "pipe", "device", "endless"])
@pytest.mark.parametrize("command", COMMANDS)
def test_one_line_and_a_documented_status(
    command: str, kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    Path("ring").mkdir()
    name = COMMANDS[command]
    put(Path(name), kind)
    if command.startswith("keys list") and kind == "absent":
        return  # a ring that is empty
    result = run(*[name if word == "X" else word for word in command.split()])
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in {
        ExitStatus.CONFIGURATION,
        ExitStatus.EVIDENCE,
        ExitStatus.AUDIT_INPUT,
    }
    assert result.output.count("\n") == 1
    assert name.rpartition("/")[2] in result.output or kind == "endless"


def put(path: Path, kind: str) -> None:
    path.unlink(missing_ok=True)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path, 0o600)
    elif kind in {"device", "endless"}:
        path.symlink_to({"device": "/dev/null", "endless": "/dev/zero"}[kind])


@pytest.mark.parametrize("command", ["estimate", "verify"])
def test_an_endless_input_takes_no_memory(command: str) -> None:
    words = {
        "estimate": "estimate /dev/zero",
        "verify": "inspect -",
    }[command]
    found = subprocess.run(
        ["bash", "-c", f"ulimit -v 6000000; exec {sys.executable} -m ageassure {words} </dev/zero"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert "Traceback" not in found.stderr
    assert (found.stdout + found.stderr).count("\n") == 1
    assert (
        found.returncode
        == {
            "estimate": ExitStatus.CONFIGURATION,
            "verify": ExitStatus.TOKEN_REFUSED,
        }[command]
    )


def test_a_picture_at_the_bound_is_read_and_one_beyond_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(b"x" * MAX_FILE_BYTES)
    assert len(read_picture(path)) == MAX_FILE_BYTES
    path.write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    with pytest.raises(PictureError) as caught:
        read_picture(path)
    assert caught.value.code == "picture_too_large"
    os.truncate(path, 10**12)  # of which a file system stores nothing
    result = run("estimate", path, "--json")
    assert result.exit_code == ExitStatus.EVIDENCE
    assert json.loads(result.stdout)["estimates"][0]["error"] == "picture_too_large"


def test_a_token_that_is_no_text_is_refused() -> None:
    result = CliRunner().invoke(app, ["inspect", "-"], input=b"\xff\xfe" * 10)
    assert result.exit_code == ExitStatus.TOKEN_REFUSED
