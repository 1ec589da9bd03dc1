"""What the pipeline says of one face before it is calibrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES: Final = 81
"""Classes of the age network, 0 … 80 years."""

CLASS_YEARS: Final = np.array([0.25, *range(1, CLASSES)], dtype=np.float64)
"""Age that each class stands for; class 0 is the first year of life (the network's authors)."""

MASS_LIMITS_YEARS: Final = (3, 10, 20, 30, 40, 50, 60, 70)
"""Ages at which :meth:`RawAge.features` gives the share below: those the training labels know."""

FEATURES: Final = (
    "mean_years",
    "sd_years",
    "mirror_gap_years",
    *(f"mass_under_{limit}" for limit in MASS_LIMITS_YEARS),
)
"""Names of the features, in the order of :meth:`RawAge.features`."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class RawAge:
    """The age network's answer for one face. Personal data; nothing is shown by ``repr``.

    It is **no estimate**: these probabilities are badly over-confident. Only the calibration may
    read them.

    Attributes:
        probabilities: float64 ``[2, 81]``: for the face and for its mirror image.
        eye_distance_pixels: Distance between the centres of the two eyes in the picture that was
            given in, for the benchmarks.
    """

    probabilities: NDArray[np.float64]
    eye_distance_pixels: float

    def features(self) -> NDArray[np.float64]:
        """Numbers that the calibration works on, float64 ``[len(FEATURES)]``.

        ``mean_years`` is the mean of both answers' average, ``sd_years`` is √(variance + 1) of it,
        ``mirror_gap_years`` is √(d² + 1) with d the difference between the two means, and
        ``mass_under_N`` is the average's share of classes under N years. All are smooth in the
        probabilities; the ones under the roots keep them so where there is no spread.
        """
        mean = self.probabilities.mean(axis=0)
        years = float(mean @ CLASS_YEARS)
        variance = float(mean @ (CLASS_YEARS - years) ** 2)
        gap = float((self.probabilities[0] - self.probabilities[1]) @ CLASS_YEARS)
        masses = [float(mean[:limit].sum()) for limit in MASS_LIMITS_YEARS]
        return np.array([years, (variance + 1) ** 0.5, (gap * gap + 1) ** 0.5, *masses])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (content hidden)>"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a RawAge is personal data and is neither pickled nor copied")
