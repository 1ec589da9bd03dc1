"""Robustness curves: the same pictures made worse in known steps, through the same estimator.

Every difference is one of a person's pictures with itself, so that whoever is in the data does not
matter to the slope. What is measured is simulated damage; see
:mod:`ageassure.audit.degradation` for what that leaves out.
"""

from __future__ import annotations

from ageassure.audit.robustness.curves import RobustnessCurve, RobustnessLevel, robustness
from ageassure.audit.robustness.estimating import DegradedEstimate, estimate_degraded
from ageassure.audit.robustness.tries import simulated_tries

__all__ = [
    "DegradedEstimate",
    "RobustnessCurve",
    "RobustnessLevel",
    "estimate_degraded",
    "robustness",
    "simulated_tries",
]
