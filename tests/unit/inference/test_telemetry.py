"""onnxruntime writes no file and looks no host up: each test starts an interpreter of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

LOAD = """
from ageassure.inference import load_model
import numpy as np
load_model("blazeface-128").run(np.zeros((1, 3, 128, 128), dtype=np.float32))
"""

WATCHED = """
import sys
def watch(event, arguments):
    if event.startswith(("socket.", "urllib.", "subprocess.", "os.exec", "os.posix_spawn")):
        raise SystemExit(f"{event} {arguments}")
sys.addaudithook(watch)
"""


def run(code: str, home: Path, *before: str) -> subprocess.CompletedProcess[str]:
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("XDG_", "ORT_")) and key != "COVERAGE_PROCESS_START"
    }
    return subprocess.run(
        [*before, sys.executable, "-c", code],
        env=environment | {"HOME": str(home), "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_no_file_is_written_and_nothing_is_said(tmp_path: Path) -> None:
    done = run(WATCHED + LOAD, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_socket_is_opened_and_no_file_outside_is_written(tmp_path: Path) -> None:
    log = tmp_path / "log"
    calls = "trace=socket,connect,sendto,openat,creat,mkdir,mkdirat,unlink,rename,renameat2"
    done = run(LOAD, tmp_path / "home", "strace", "-f", "-qq", "-e", calls, "-o", str(log))
    if "ptrace" in done.stderr.lower():
        pytest.skip("this machine does not allow strace")
    assert done.returncode == 0, done.stderr
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    assert len(lines) > 100
    assert [line for line in lines if "socket(" in line or "connect(" in line] == []
    writing = ("O_WRONLY", "O_RDWR", "O_CREAT", "mkdir", "creat(", "unlink", "rename")
    written = [line for line in lines if any(word in line for word in writing)]
    # Reading one's own /proc and attaching to shared memory of the C library are no files.
    assert [line for line in written if '"/dev/' not in line and " = -1 " not in line] == []


def test_the_switch_is_inherited_by_child_processes(tmp_path: Path) -> None:
    code = "import ageassure.inference, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    assert run(code, tmp_path).stdout == "1\n"


def state(tmp_path: Path, before: str) -> str:
    code = f"{before}\nfrom ageassure.inference import session\n"
    return run(code + "print(session.telemetry_was_off_in_time)", tmp_path).stdout


def test_an_import_before_ours_is_detected(tmp_path: Path) -> None:
    fake = "import sys, types; fake = types.ModuleType('onnxruntime')\n"
    fake += "fake.set_default_logger_severity = print; sys.modules['onnxruntime'] = fake\n"
    assert state(tmp_path, "") == "True\n"
    assert state(tmp_path, fake) == "4\nFalse\n"
    off = "import os; os.environ['ORT_DISABLE_TELEMETRY'] = '1'\n"
    assert state(tmp_path, off + fake) == "4\nTrue\n"


def test_the_extra_is_named_when_onnxruntime_is_not_installed(tmp_path: Path) -> None:
    done = run(
        "import sys; sys.modules['onnxruntime'] = None; import ageassure.inference", tmp_path
    )
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ageassure.errors.MissingExtraError")
    assert last.endswith("run pip install 'ageassure[face]'")
    assert "direct cause" not in done.stderr
    assert "another exception" not in done.stderr
