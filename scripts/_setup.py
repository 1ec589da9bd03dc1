"""Make the project's virtual environment, once; shared by scripts/demo and scripts/test."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("AGEASSURE_VENV", ROOT / ".venv"))
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LEAST_PYTHON = (3, 11)


def run(*arguments: str | Path) -> None:
    """Run a command in the project's folder; leave with its exit status if it fails."""
    status = subprocess.run([*map(str, arguments)], cwd=ROOT, check=False).returncode
    if status:
        sys.exit(status)


def _state(profile: str) -> str:
    """Digest of everything that decides what is installed."""
    digest = hashlib.sha256(profile.encode())
    models = (p for p in (ROOT / "models").rglob("*") if p.suffix in {".toml", ".json", ".onnx"})
    for path in [ROOT / "pyproject.toml", *sorted(models)]:
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def ensure_environment(*, development: bool) -> Path:
    """Install the project and what it needs; return the environment's interpreter."""
    if sys.version_info < LEAST_PYTHON:
        sys.exit(f"Python {'.'.join(map(str, LEAST_PYTHON))} or newer is needed")
    state = _state("development" if development else "use")
    stamp = VENV / f"ageassure-{'development' if development else 'use'}.txt"
    if stamp.is_file() and stamp.read_text() == state:
        return PYTHON
    print(f"setting up {VENV} (a minute or two)", flush=True)
    if not PYTHON.is_file():
        venv.create(VENV, with_pip=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--upgrade", "pip>=25.1")  # the first with dependency groups
    # Weights first and afresh: the version number stays the same while the files change.
    run(*pip, "--force-reinstall", "--no-deps", ROOT / "models")
    group = ["--group", "dev"] if development else []
    run(*pip, "--editable", f"{ROOT}[all]", *group)
    stamp.write_text(state)
    return PYTHON
