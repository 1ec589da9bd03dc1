"""The relying party's room: verify age tokens, server-side and offline.

It loads neither any estimator nor any numerical library.
"""

from __future__ import annotations

from ageassure.tokens.keys import JWKSet
from ageassure.verifier.replay import MemoryReplayStore, ReplayStore
from ageassure.verifier.verified import VerifiedAge
from ageassure.verifier.verifier import TokenVerifier

__all__ = ["JWKSet", "MemoryReplayStore", "ReplayStore", "TokenVerifier", "VerifiedAge"]
