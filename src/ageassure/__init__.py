"""Privacy-preserving age assurance.

The names below are loaded on first use (PEP 562), so that a relying party that imports
``ageassure`` or ``ageassure.verifier`` loads neither the provider nor any numerical library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ageassure.errors import AgeAssuranceError, EvidenceError, VerificationError
    from ageassure.estimators import Estimator, FacialAgeEstimator
    from ageassure.policy import ChallengeAge, Policy, Successive
    from ageassure.provider import Provider, RelyingParty
    from ageassure.results import (
        AgeEstimate,
        AgeRequest,
        AssuranceResult,
        MethodClass,
        Outcome,
    )
    from ageassure.tokens import JWKSet, SigningKey, TokenIssuer
    from ageassure.verifier import MemoryReplayStore, TokenVerifier, VerifiedAge

_HOMES = {
    "AgeAssuranceError": "errors",
    "AgeEstimate": "results",
    "AgeRequest": "results",
    "AssuranceResult": "results",
    "ChallengeAge": "policy",
    "Estimator": "estimators",
    "EvidenceError": "errors",
    "FacialAgeEstimator": "estimators",
    "JWKSet": "tokens",
    "MemoryReplayStore": "verifier",
    "MethodClass": "results",
    "Outcome": "results",
    "Policy": "policy",
    "Provider": "provider",
    "RelyingParty": "provider",
    "SigningKey": "tokens",
    "Successive": "policy",
    "TokenIssuer": "tokens",
    "TokenVerifier": "verifier",
    "VerificationError": "errors",
    "VerifiedAge": "verifier",
}

__all__ = [
    "AgeAssuranceError",
    "AgeEstimate",
    "AgeRequest",
    "AssuranceResult",
    "ChallengeAge",
    "Estimator",
    "EvidenceError",
    "FacialAgeEstimator",
    "JWKSet",
    "MemoryReplayStore",
    "MethodClass",
    "Outcome",
    "Policy",
    "Provider",
    "RelyingParty",
    "SigningKey",
    "Successive",
    "TokenIssuer",
    "TokenVerifier",
    "VerificationError",
    "VerifiedAge",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
