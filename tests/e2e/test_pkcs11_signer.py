"""The PKCS #11 example, with a software module: a key that is never outside of it signs tokens."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "examples" / "pkcs11_signer.py"
MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
PIN, OTHER_PIN = "73914682", "10585923"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A new, empty token of its own for each test."""
    tool = shutil.which("softhsm2-util")
    if tool is None or importlib.util.find_spec("pkcs11") is None:
        pytest.skip("needs SoftHSM 2 and the package python-pkcs11")
    (tmp_path / "tokens").mkdir()
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n", encoding="utf-8")
    environment = {**os.environ, "SOFTHSM2_CONF": str(configuration)}
    label = ["--init-token", "--free", "--label", "ages"]
    pins = ["--so-pin", "5551234567", "--pin", PIN]
    subprocess.run([tool, *label, *pins], env=environment, check=True, capture_output=True)
    return environment


def run(
    environment: dict[str, str], *options: str, pin: str = PIN, token: str = "ages"
) -> subprocess.CompletedProcess[str]:
    module = next((path for path in MODULES if Path(path).is_file()), None)
    if module is None:
        pytest.skip("needs SoftHSM's library in one of the usual places")
    names = ["--module", module, "--token", token, "--key", "issuer-1"]
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *names, *options],
        env={**environment, "AGE_HSM_PIN": pin},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert pin not in done.stdout + done.stderr
    return done


def test_a_key_in_the_module_signs(environment: dict[str, str]) -> None:
    first = run(environment, "--generate")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("signed by <Pkcs11Signer kid=")
    assert first.stdout.endswith("verified: 18 or over\n")
    again = run(environment)
    assert again.stdout == first.stdout  # the same key


def test_a_taken_label(environment: dict[str, str]) -> None:
    assert run(environment, "--generate").returncode == 0
    taken = run(environment, "--generate")
    assert taken.returncode == 1
    assert taken.stderr == "got a label that the token has already, expected another\n"


def test_what_is_wrong_is_said_without_the_pin(environment: dict[str, str]) -> None:
    wrong_pin = run(environment, pin=OTHER_PIN)
    assert (wrong_pin.returncode, wrong_pin.stderr) == (
        1,
        "cannot open the token: PinIncorrect\n",
    )
    no_token = run(environment, token="others")
    assert (no_token.returncode, no_token.stderr) == (1, "cannot open the token: NoSuchToken\n")
    no_key = run(environment)
    assert (no_key.returncode, no_key.stderr) == (1, "cannot use the key pair: NoSuchKey\n")
