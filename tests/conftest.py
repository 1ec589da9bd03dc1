"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Published vectors and licensed pictures that are not part of this repository."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared (published vectors, licensed pictures) is absent")
    return SHARED
