"""The relying party's room: verify age tokens, server-side.

It loads neither any estimator nor any numerical library; the key client, with HTTP and TLS, and the
replay stores in SQLite and Redis only on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ageassure.tokens.keys import JWKSet
from ageassure.verifier.replay import MemoryReplayStore, ReplayStore
from ageassure.verifier.verified import VerifiedAge
from ageassure.verifier.verifier import TokenVerifier

if TYPE_CHECKING:
    from ageassure.verifier.jwks import JWKSetClient
    from ageassure.verifier.redis_store import RedisReplayStore
    from ageassure.verifier.sqlite_store import SQLiteReplayStore

_HOMES = {
    "JWKSetClient": "jwks",
    "RedisReplayStore": "redis_store",
    "SQLiteReplayStore": "sqlite_store",
}

__all__ = [
    "JWKSet",
    "JWKSetClient",
    "MemoryReplayStore",
    "RedisReplayStore",
    "ReplayStore",
    "SQLiteReplayStore",
    "TokenVerifier",
    "VerifiedAge",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
