"""Credentials as evidence of an age, each verified whole before anything is read out of it.

Everything is loaded on first use, and nothing here needs more than the base installation.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ageassure.estimators.credential.age_token import AgeTokenEstimator, AgeTokenEvidence
    from ageassure.estimators.credential.certificates import TrustAnchors
    from ageassure.estimators.credential.issuers import TrustedIssuers
    from ageassure.estimators.credential.sd_jwt_vc import SDJWTEstimator, SDJWTPresentation

_HOMES = {
    "AgeTokenEstimator": "age_token",
    "AgeTokenEvidence": "age_token",
    "SDJWTEstimator": "sd_jwt_vc",
    "SDJWTPresentation": "sd_jwt_vc",
    "TrustAnchors": "certificates",
    "TrustedIssuers": "issuers",
}

__all__ = [
    "AgeTokenEstimator",
    "AgeTokenEvidence",
    "SDJWTEstimator",
    "SDJWTPresentation",
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
