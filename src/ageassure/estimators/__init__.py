"""Pluggable sources of an :class:`~ageassure.results.AgeEstimate`.

``FacialAgeEstimator`` and ``WorkerEstimator`` are loaded on first use: the one needs the extra
``face``, the other is of no use to a process that only decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ageassure.estimators.base import Estimator, discover_estimator

if TYPE_CHECKING:
    from ageassure.estimators.facial import FacialAgeEstimator
    from ageassure.estimators.worker import WorkerEstimator

__all__ = ["Estimator", "FacialAgeEstimator", "WorkerEstimator", "discover_estimator"]


def __getattr__(name: str) -> object:
    if name == "FacialAgeEstimator":
        from ageassure.estimators.facial import FacialAgeEstimator

        return FacialAgeEstimator
    if name == "WorkerEstimator":
        from ageassure.estimators.worker import WorkerEstimator

        return WorkerEstimator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
