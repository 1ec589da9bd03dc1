"""The vectors travel: an independent verifier in JavaScript gives every one the same outcome.

Skipped where Node or the npm package is absent; installing the package is the one thing that needs
a network.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "javascript"
VECTORS = ROOT / "tests" / "vectors"

INSTALL = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the vectors, in an installation of its own."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs Node with npm")
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    if int(shown.stdout.lstrip("v").partition(".")[0]) < 20:
        pytest.skip("needs Node 20 or later")
    folder = tmp_path_factory.mktemp("javascript")
    for name in (
        *(path.name for path in EXAMPLE.glob("*.js")),
        "package.json",
        "package-lock.json",
    ):
        shutil.copy(EXAMPLE / name, folder)
    environment = {**os.environ, "npm_config_cache": str(folder / "cache")}
    done = subprocess.run(
        [npm, *INSTALL], cwd=folder, env=environment, capture_output=True, check=False, timeout=120
    )
    if done.returncode:
        pytest.skip("npm could not install the package jose")
    return [node, str(folder / "run-vectors.js")]


def outcome(program: list[str], vectors: Path) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [*program, str(vectors)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, summary


def test_every_vector_has_the_same_outcome(program: list[str]) -> None:
    status, summary = outcome(program, VECTORS)
    assert summary["wrong"] == []
    assert summary["tokens"] == len(list((VECTORS / "tokens").rglob("*.json")))
    assert summary["key_sets"] == len(list((VECTORS / "key_sets").rglob("*.json")))
    assert status == 0


def test_a_wrong_outcome_is_noticed(program: list[str], tmp_path: Path) -> None:
    altered: dict[str, dict[str, Any]] = {
        "tokens/configuration/verifier_no_issuers": {"construction_error": False},
        "tokens/expired/and_everything_after": {"refuse": "replayed"},
        "tokens/valid/plain": {"refuse": "expired"},
        "key_sets/accepted/es256": {"expect": {"refuse": "bad_key_set"}},
        "key_sets/refused/empty": {"expect": {"accept": {"kids": []}}},
    }
    for name, change in altered.items():
        vector = json.loads((VECTORS / f"{name}.json").read_text(encoding="ascii"))
        if "refuse" in change:
            vector["calls"][-1]["expect"] = change
        else:
            vector |= change
        path = tmp_path / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(vector), encoding="ascii")
    status, summary = outcome(program, tmp_path)
    assert status == 1
    assert [wrong["id"] for wrong in summary["wrong"]] == [
        name.partition("/")[2] for name in altered
    ]
