"""What NIST published of three algorithms: mean errors of twelve groups, sex by region.

NIST FATE AEV, report of 2026-09-13. The
people are NIST's, not those of any report made here: different data, not comparable.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.metrics.spread import gini

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE: Final = "NIST FATE AEV, 2026-09-13"

MAE_YEARS: Final[Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        "regula-000": (3.2053, 2.5292, 2.2419, 1.8536, 2.1408, 1.6249, 2.5572, 1.9757, 2.4679,
                       1.8943, 3.3321, 2.5779),
        "neurotechnology-001": (3.7917, 4.0357, 4.1340, 3.8487, 3.4942, 2.9729, 3.8005, 3.7218,
                                3.8709, 3.6937, 3.9816, 3.7797),
        "yoti-004": (3.3981, 2.6570, 2.8736, 1.9480, 2.0363, 1.5202, 2.9693, 2.0616, 3.1879,
                     2.0614, 3.4972, 2.7767),
    }
)  # fmt: skip
"""Algorithm → years, women and men by region."""


def mean_and_gini(errors: tuple[float, ...]) -> tuple[float, float]:
    """Mean of groups' errors, and their Gini coefficient."""
    values = np.array(errors)
    return float(values.mean()), float(gini(values))
