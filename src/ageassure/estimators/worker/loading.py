"""Estimators by name, the shipped ones among them."""

from __future__ import annotations

from typing import Any, Final

from ageassure.estimators.base import Estimator, discover_estimator

FACIAL: Final = "facial"
"""Name of the shipped estimator, with the age network that it takes by default."""

AGE_NETWORKS: Final = ("age-v1", "age-v2")
"""Names of the shipped estimator with one of its age networks; a test holds them to the models."""


def load_estimator(name: str) -> Estimator[Any]:
    """Make the shipped estimator, or one that is registered under this name.

    Args:
        name: :data:`FACIAL`, one of :data:`AGE_NETWORKS`, or the name of an entry point.

    Raises:
        ConfigurationError: As :func:`~ageassure.estimators.base.discover_estimator`.
        ModelIntegrityError: As :class:`~ageassure.estimators.FacialAgeEstimator`.
    """
    if name == FACIAL or name in AGE_NETWORKS:
        from ageassure.estimators.facial import FacialAgeEstimator

        return FacialAgeEstimator() if name == FACIAL else FacialAgeEstimator(model=name)
    return discover_estimator(name)
