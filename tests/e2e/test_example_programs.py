"""Every program in examples/ runs and says what it promises."""

from __future__ import annotations

import runpy
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name: str, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_every_example_is_tested() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {
        "django_app.py",
        "flask_app.py",
        "measure_error.py",
        "pkcs11_signer.py",
        "platform_service.py",
        "provider_service.py",
        "relying_party.py",
        "signup_flow.py",
        "starlette_app.py",
        "wallet_flow.py",
    }


def test_none_hides_a_module_of_the_standard_library() -> None:
    # A program's folder comes first where modules are looked for.
    assert {path.stem for path in EXAMPLES.glob("*.py")}.isdisjoint(sys.stdlib_module_names)


@pytest.mark.parametrize("name", ["django_app.py", "flask_app.py", "starlette_app.py"])
def test_an_application_opens_its_room_once_an_age_is_proven(name: str) -> None:
    # In a process of its own: Django's settings are one for a process.
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not done.returncode, done.stderr
    assert done.stdout.splitlines()[-4:] == [
        "401: An age result is needed.",
        "204",
        "403",
        "welcome, over-18",
    ]


def test_relying_party(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    run("relying_party.py", monkeypatch=monkeypatch)
    let_in, *refused = capsys.readouterr().out.splitlines()
    assert let_in.startswith("let in: 18 or over")
    codes = [line.rpartition(" ")[2] for line in refused]
    assert codes == ["replayed", "wrong_nonce", "bad_signature", "malformed_token"]


def test_signup_flow(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    run("signup_flow.py", monkeypatch=monkeypatch)
    face, document, end = capsys.readouterr().out.splitlines()
    assert face.startswith("face: inconclusive:")
    assert document.startswith("document: over:")
    assert end == "token made"


def test_wallet_flow(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    run("wallet_flow.py", monkeypatch=monkeypatch)
    face, wallet, end = capsys.readouterr().out.splitlines()
    assert face.startswith("face: inconclusive:")
    assert wallet.startswith("wallet: over:")
    assert end == "token made"


def test_measure_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("astronaut", "coffee"):
        (tmp_path / f"{name}.png").write_bytes((files("skimage.data") / f"{name}.png").read_bytes())
    labels = tmp_path / "labels.csv"
    labels.write_text("path,age,subject\nastronaut.png,17,a\ncoffee.png,30,b\n")
    run("measure_error.py", str(labels), monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    assert "not processed: coffee.png (no_face)" in out
    assert "processed 1 of 2 people" in out
    assert "of 1, at most 100.0%" in out or "of 1, at most 95.0%" in out

    labels.write_text("path,age,subject\nastronaut.png,30,a\n")
    run("measure_error.py", str(labels), monkeypatch=monkeypatch)
    assert "nobody under 18" in capsys.readouterr().out

    labels.write_text("path,age,subject\nastronaut.png,30,a\nastronaut.png,30,a\n")
    with pytest.raises(SystemExit, match="not independent"):
        run("measure_error.py", str(labels), monkeypatch=monkeypatch)
