"""Pluggable sources of an :class:`~ageassure.results.AgeEstimate`.

``FacialAgeEstimator``, ``LivenessCheck`` and ``WorkerEstimator`` are loaded on first use: the first
two need the extra ``face``, the last is of no use to a process that only decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ageassure.estimators.base import Estimator, discover_estimator

if TYPE_CHECKING:
    from ageassure.estimators.facial import FacialAgeEstimator, LivenessCheck
    from ageassure.estimators.worker import WorkerEstimator

__all__ = [
    "Estimator",
    "FacialAgeEstimator",
    "LivenessCheck",
    "WorkerEstimator",
    "discover_estimator",
]


def __getattr__(name: str) -> object:
    found: object
    if name in {"FacialAgeEstimator", "LivenessCheck"}:
        from ageassure.estimators import facial

        found = getattr(facial, name)
        return found
    if name == "WorkerEstimator":
        from ageassure.estimators.worker import WorkerEstimator

        return WorkerEstimator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
