"""From the age network's raw answer to probabilities of completed years, by scaling age groups.

For networks whose probabilities are nearly right. With q(g) the raw answer's share of age group g,
the mean of face and mirror image::

    P(g)    ∝  (q(g) + 10⁻⁶)^sharpness · exp(log_weight(g))
    P(year) =  P(g) · (raw share of the year inside its group g)

The groups are those that the labels of the fit speak of. How a group's probability lies on its
years is the network's own word, which no label supports; nobody is put over 80, the network's last
class.

The file, ``calibration.json`` in the model's folder, is JSON with exactly these members::

    {"format": "ageassure-calibration-2",
     "fitted_on": "<FacialPipeline.raw_digest, 64 hex digits>",
     "parameters": {
       "sharpness": 1.1,
       "first_years": [0, 3, 10, …],              of the groups, ascending, the first is 0
       "log_weights": [0.1, -0.2, …]},            one for each group
     "fit": {…}}                                  free: who was it fitted on, how well

Guaranteed by what is checked when a file is loaded: probabilities that are none of them negative
and add up to 1, and so P(age ≥ a) that falls with a. Not checked: that the fit is any good.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from ageassure.errors import ModelIntegrityError
from ageassure.estimators.facial.calibration import MEMBERS
from ageassure.estimators.facial.calibration_text import (
    items,
    members,
    number,
    parsed,
    string,
    written,
)
from ageassure.estimators.facial.raw import CLASSES
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ageassure.estimators.facial.raw import RawAge

FORMAT: Final = "ageassure-calibration-2"
_PARAMETERS: Final = frozenset({"sharpness", "first_years", "log_weights"})

LEAST_SHARE: Final = 1e-6
"""Added to every share, so that a group without any can be had all the same, and rounding in the
network is not blown up."""


def log_shares(raw: NDArray[np.float64], first_years: NDArray[np.intp]) -> NDArray[np.float64]:
    """Logarithms of the groups' raw shares, float64 ``[..., groups]``.

    Args:
        raw: Face and mirror image, ``[..., 2, 81]``.
        first_years: Of the groups.
    """
    shares = np.add.reduceat(raw.mean(axis=-2), first_years, axis=-1)
    return np.log(shares + LEAST_SHARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScaling:
    """The fitted scaling; see the module for its formula.

    Attributes:
        fitted_on: Digest of the pipeline, up to the raw answer, that it was fitted through.
        sharpness: Exponent of the raw shares.
        first_years: First completed year of every age group.
        log_weights: One for each group.

    Raises:
        ModelIntegrityError: If a number is not finite, the groups are malformed, or the sharpness
            is not positive.
    """

    fitted_on: str
    sharpness: float
    first_years: tuple[int, ...]
    log_weights: tuple[float, ...]

    def __post_init__(self) -> None:
        years = self.first_years
        conditions = {
            "a malformed fitted_on": re.fullmatch(r"[0-9a-f]{64}", self.fitted_on),
            "a number that is not finite": all(
                map(math.isfinite, (self.sharpness, *self.log_weights))
            ),
            "a sharpness that is not positive": self.sharpness > 0,
            "groups that do not ascend from 0": years[:1] == (0,)
            and all(low < high for low, high in pairwise((*years, CLASSES))),
            "another number of weights": len(self.log_weights) == len(years),
        }
        for complaint, holds in conditions.items():
            if not holds:
                raise ModelIntegrityError(f"got {complaint} in a calibration")

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read a calibration file, strictly.

        Raises:
            ModelIntegrityError: If it is not exactly the format that this module describes.
        """
        document = members(parsed(text), MEMBERS)
        if document["format"] != FORMAT:
            raise ModelIntegrityError(f"got another calibration format, expected {FORMAT!r}")
        parameters = members(document["parameters"], _PARAMETERS)
        years = [number(year) for year in items(parameters["first_years"])]
        if not all(map(float.is_integer, years)):
            raise ModelIntegrityError("got a group in a calibration that starts inside a year")
        return cls(
            fitted_on=string(document["fitted_on"]),
            sharpness=number(parameters["sharpness"]),
            first_years=tuple(map(int, years)),
            log_weights=tuple(number(weight) for weight in items(parameters["log_weights"])),
        )

    def parameters(self) -> dict[str, object]:
        """The parameters as the file writes them, for digests and for the fitting script."""
        return {
            "sharpness": self.sharpness,
            "first_years": list(self.first_years),
            "log_weights": list(self.log_weights),
        }

    def to_json(self, fit: Mapping[str, object]) -> bytes:
        """Write the file; ``fit`` says on whom it was fitted and how well.

        Used offline only, by the script that fits.
        """
        return written(FORMAT, self.fitted_on, self.parameters(), fit)

    def probabilities(self, raw: RawAge) -> NDArray[np.float64]:
        """Probabilities of the completed years 0 … 120, float64 ``[121]``, with sum 1."""
        starts = np.array(self.first_years)
        logits = self.sharpness * log_shares(raw.probabilities, starts) + np.array(self.log_weights)
        groups = np.exp(logits - logits.max())
        sizes = np.diff([*self.first_years, CLASSES])
        # The same floor as the shares', spread evenly: a group without any share is even inside.
        years = raw.probabilities.mean(axis=0) + np.repeat(LEAST_SHARE / sizes, sizes)
        inside = years / np.repeat(np.add.reduceat(years, starts), sizes)
        found = np.zeros(MAX_YEARS + 1)
        found[:CLASSES] = np.repeat(groups / groups.sum(), sizes) * inside
        return found
