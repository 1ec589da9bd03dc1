"""Estimators by name, the shipped one among them."""

from __future__ import annotations

from typing import Any, Final

from ageassure.estimators.base import Estimator, discover_estimator

FACIAL: Final = "facial"
"""Name of the shipped estimator."""


def load_estimator(name: str) -> Estimator[Any]:
    """Make the shipped estimator, or one that is registered under this name.

    Raises:
        ConfigurationError: As :func:`~ageassure.estimators.base.discover_estimator`.
        ModelIntegrityError: As :class:`~ageassure.estimators.FacialAgeEstimator`.
    """
    if name == FACIAL:
        from ageassure.estimators.facial import FacialAgeEstimator

        return FacialAgeEstimator()
    return discover_estimator(name)
