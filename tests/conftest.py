"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

SHARED = Path(__file__).resolve().parents[2] / "shared"

# Property tests: seconds by default; "pytest tests/properties --hypothesis-profile=long" searches
# for minutes. No deadline: a slow machine is no failure.
settings.register_profile("short", max_examples=100, deadline=None)
settings.register_profile("long", max_examples=5_000, deadline=None)
settings.load_profile("short")


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Published vectors and licensed pictures that are not part of this repository."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared (published vectors, licensed pictures) is absent")
    return SHARED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses ``shared_dir``, so that coverage is counted without it."""
    for item in items:
        if "shared_dir" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.shared)
