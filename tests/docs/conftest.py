"""The documentation's own modules, loaded from their files."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Import a module of docs/_ext by name."""
    monkeypatch.syspath_prepend(ROOT / "docs" / "_ext")

    def load(name: str) -> Any:
        sys.modules.pop(name, None)
        return import_module(name)

    return load
