"""Age from a picture of a face.

detect → align → quality → liveness slot → age network → calibration
"""

from __future__ import annotations

from ageassure.extras import require_extra

require_extra("face", "numpy", "cv2", "onnxruntime", "ageassure_models")

from ageassure.estimators.facial.estimator import FacialAgeEstimator  # noqa: E402
from ageassure.estimators.facial.liveness import LivenessCheck  # noqa: E402

__all__ = ["FacialAgeEstimator", "LivenessCheck"]
