"""A client of a source that the test holds, at a time that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .sources import OLD, Elapsed, Source, made

if TYPE_CHECKING:
    from ageassure.verifier.jwks import JWKSetClient


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.fixture
def source() -> Source:
    return Source(OLD)


@pytest.fixture
def client(source: Source, elapsed: Elapsed) -> JWKSetClient:
    return made(source, elapsed)
