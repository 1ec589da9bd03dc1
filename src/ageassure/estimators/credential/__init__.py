"""Credentials as evidence of an age, each verified whole before anything is read out of it.

Everything is loaded on first use, and nothing here needs more than the base installation.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ageassure.estimators.credential.age_token import AgeTokenEstimator, AgeTokenEvidence
    from ageassure.estimators.credential.certificates import TrustAnchors
    from ageassure.estimators.credential.declaration import (
        SelfDeclaration,
        SelfDeclarationEstimator,
    )
    from ageassure.estimators.credential.issuers import TrustedIssuers
    from ageassure.estimators.credential.sd_jwt_vc import SDJWTEstimator, SDJWTPresentation
    from ageassure.estimators.credential.system_signals import (
        AppleAgeRange,
        AppleDeclaration,
        PlayAgeSignals,
        PlayTier,
        SystemSignalEstimator,
    )

_HOMES = {
    "AgeTokenEstimator": "age_token",
    "AgeTokenEvidence": "age_token",
    "AppleAgeRange": "system_signals",
    "AppleDeclaration": "system_signals",
    "PlayAgeSignals": "system_signals",
    "PlayTier": "system_signals",
    "SDJWTEstimator": "sd_jwt_vc",
    "SDJWTPresentation": "sd_jwt_vc",
    "SelfDeclaration": "declaration",
    "SelfDeclarationEstimator": "declaration",
    "SystemSignalEstimator": "system_signals",
    "TrustAnchors": "certificates",
    "TrustedIssuers": "issuers",
}

__all__ = [
    "AgeTokenEstimator",
    "AgeTokenEvidence",
    "AppleAgeRange",
    "AppleDeclaration",
    "PlayAgeSignals",
    "PlayTier",
    "SDJWTEstimator",
    "SDJWTPresentation",
    "SelfDeclaration",
    "SelfDeclarationEstimator",
    "SystemSignalEstimator",
    "TrustAnchors",
    "TrustedIssuers",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
