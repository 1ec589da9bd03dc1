"""Fetching small documents over https: one address, one request, one deadline, no detours.

The only room that speaks HTTP or TLS: key sets and status lists come through it. It stands on the
standard library, so that it decides itself which address is connected to. Environment variables for
proxies are not read. Loaded on first use.
"""

from __future__ import annotations

from ageassure.verifier.fetching.connecting import Resolver, resolve_by_system
from ageassure.verifier.fetching.exchange import Answer, FetchFailedError, Question
from ageassure.verifier.fetching.fetcher import BoundedFetcher
from ageassure.verifier.fetching.target import take_apart

__all__ = [
    "Answer",
    "BoundedFetcher",
    "FetchFailedError",
    "Question",
    "Resolver",
    "resolve_by_system",
    "take_apart",
]
