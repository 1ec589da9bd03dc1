"""Pluggable sources of an :class:`~ageassure.results.AgeEstimate`.

``FacialAgeEstimator`` is loaded on first use: it needs the extra ``face``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ageassure.estimators.base import Estimator, discover_estimator

if TYPE_CHECKING:
    from ageassure.estimators.facial import FacialAgeEstimator

__all__ = ["Estimator", "FacialAgeEstimator", "discover_estimator"]


def __getattr__(name: str) -> object:
    if name == "FacialAgeEstimator":
        from ageassure.estimators.facial import FacialAgeEstimator

        return FacialAgeEstimator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
