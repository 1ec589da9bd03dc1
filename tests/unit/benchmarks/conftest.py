"""The accuracy benchmark, loaded from its files or run as its users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ACCURACY = Path(__file__).resolve().parents[3] / "benchmarks" / "accuracy"


@pytest.fixture(scope="session")
def accuracy() -> Path:
    return ACCURACY


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Import a module of the benchmark by name."""
    monkeypatch.syspath_prepend(ACCURACY)

    def load(name: str) -> Any:
        sys.modules.pop(name, None)
        return import_module(name)

    return load


class Bench:
    """Runs ``run.py`` in folders of its own."""

    def __init__(self, folder: Path, extra_path: Path | None = None) -> None:
        self.data, self.work, self.results = (folder / n for n in ("data", "work", "results"))
        self.protocol = folder / "drawn.toml"
        for path in (self.data, self.results):
            path.mkdir()
        self._environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        if extra_path is not None:
            self._environment["PYTHONPATH"] = str(extra_path)

    def python(self, *command: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, command)],
            env=self._environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        places = ("--data", self.data, "--work", self.work, "--results", self.results)
        return self.python(ACCURACY / "run.py", self.protocol, *places, *options)

    def result(self, *options: str) -> Any:
        """The result that a run writes; it has to succeed."""
        done = self.run(*options)
        assert done.returncode == 0, done.stderr
        return json.loads(Path(done.stdout.splitlines()[-1]).read_text(encoding="utf-8"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
