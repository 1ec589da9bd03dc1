"""The repository holds what belongs to it and nothing that a program left behind."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AT_THE_ROOT = re.compile(r"\.ci|\.gitignore|[A-Z_]+(\.md)?|[a-z]+|pyproject\.toml|conftest\.py")
LEFT_BEHIND = re.compile(rb"SQLite format 3\0|\x7fELF|-----BEGIN ([A-Z]+ )?PRIVATE KEY-----")


def tracked() -> list[Path]:
    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout, or there is no git")
    names = done.stdout.decode(errors="surrogateescape").split("\0")
    return [Path(name) for name in names if (ROOT / name).is_file()]


def test_no_other_files_lie_at_the_root() -> None:
    names = {path.parts[0] for path in tracked()}
    assert {"src", "tests", "README.md"} <= names
    assert not [name for name in names if not AT_THE_ROOT.fullmatch(name)]


def test_no_database_program_or_private_key_is_kept() -> None:
    for path in tracked():
        start = (ROOT / path).read_bytes()[:64]
        assert not LEFT_BEHIND.match(start), path
