"""Age from a picture of a face.

detect → align → quality → liveness slot → age network → calibration
"""

from __future__ import annotations

from ageassure.estimators.facial.estimator import FacialAgeEstimator

__all__ = ["FacialAgeEstimator"]
