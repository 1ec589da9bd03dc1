"""From the age network's raw answer to probabilities of completed years, by an ordinal model.

For networks whose own probabilities are of little use; :mod:`.scaling` keeps more of them. The
formula: ``P(age ≥ a) = σ((μ(x) − c(a)) / s(x))`` for a = 1 … 120, with ``P(age ≥ 0) = 1``
and nobody over 120. ``x`` are :data:`~ageassure.estimators.facial.raw.FEATURES`::

    t_k   = softplus((mean_years − at_k) / width_years) · width_years
    μ(x)  = slope · mean_years + Σ_k change_k · t_k + Σ_f linear[f] · f
    s(x)  = exp(log_scale + Σ_f log_scale_linear[f] · f)

The cut points c(1) < c(2) < … < c(120) are written out, so that nothing is interpolated here: the
labels that the fit knows are groups of ages, and how the fit fills the years inside a group is
stated where it is done. ``μ`` has no intercept of its own, the cut points hold it.

The file, ``calibration.json`` in the model's folder, is JSON with exactly these members::

    {"format": "ageassure-calibration-1",
     "fitted_on": "<FacialPipeline.raw_digest, 64 hex digits>",
     "parameters": {
       "slope": 0.8, "width_years": 3.0,
       "hinges": [{"at_years": 20.0, "change": 0.3}, …],    ascending, may be empty
       "linear": {"mass_under_10": -1.2, …},                any features but mean_years
       "log_scale": 0.0,
       "log_scale_linear": {"sd_years": 0.02, …},           any features but mean_years
       "cut_points": [120 numbers, strictly ascending]},
     "fit": {…}}                                            free: who was it fitted on, how well

Guaranteed by what is checked when a file is loaded: probabilities that fall with the age asked
about, and that rise with ``mean_years`` while the other features stay (``slope`` and its running
sums with ``change`` are ≥ 0, which is sufficient because the hinges share one width).
Not checked: that the fit is any good.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from ageassure.errors import ModelIntegrityError
from ageassure.estimators.facial.calibration_text import (
    items,
    members,
    number,
    parsed,
    string,
    written,
)
from ageassure.estimators.facial.raw import FEATURES
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ageassure.estimators.facial.raw import RawAge

FORMAT: Final = "ageassure-calibration-1"
_MEAN: Final = FEATURES.index("mean_years")
MEMBERS: Final = frozenset({"format", "fitted_on", "parameters", "fit"})
_PARAMETERS: Final = frozenset(
    {"slope", "width_years", "hinges", "linear", "log_scale", "log_scale_linear", "cut_points"}
)
_MAX_LOGIT: Final = 40.0
"""Beyond it σ is 0 or 1 in float64 anyway; keeps exp from overflowing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The fitted ordinal model; see the module for its formula.

    Attributes:
        fitted_on: Digest of the pipeline, up to the raw answer, that it was fitted through.
        slope: Weight of ``mean_years``.
        width_years: Width of every hinge.
        hinges: ``(at_years, change of slope)``, ascending.
        linear: One weight for each feature; 0 for ``mean_years``.
        log_scale: Logarithm of the scale where all features are 0.
        log_scale_linear: One weight for each feature; 0 for ``mean_years``.
        cut_points: c(1) … c(120).

    Raises:
        ModelIntegrityError: If a number is not finite, the numbers are too few, or one of the
            conditions for monotony does not hold.
    """

    fitted_on: str
    slope: float
    width_years: float
    hinges: tuple[tuple[float, float], ...]
    linear: tuple[float, ...]
    log_scale: float
    log_scale_linear: tuple[float, ...]
    cut_points: tuple[float, ...]

    def __post_init__(self) -> None:
        numbers = [self.slope, self.width_years, self.log_scale]
        numbers += [number for hinge in self.hinges for number in hinge]
        numbers += [*self.linear, *self.log_scale_linear, *self.cut_points]
        slopes = accumulate((change for _, change in self.hinges), initial=self.slope)
        conditions = {
            "a malformed fitted_on": re.fullmatch(r"[0-9a-f]{64}", self.fitted_on),
            "a number that is not finite": all(map(math.isfinite, numbers)),
            "a width that is not positive": self.width_years > 0,
            "weights for other features": len(self.linear)
            == len(self.log_scale_linear)
            == len(FEATURES),
            "a weight of mean_years outside slope and hinges": self.linear[_MEAN : _MEAN + 1]
            == self.log_scale_linear[_MEAN : _MEAN + 1]
            == (0.0,),
            "hinges that do not ascend": _ascends([at for at, _ in self.hinges]),
            "a location that falls with the mean": all(slope >= 0 for slope in slopes),
            "cut points that do not ascend": _ascends(self.cut_points),
            "another number of cut points": len(self.cut_points) == MAX_YEARS,
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
        return cls(
            fitted_on=string(document["fitted_on"]),
            slope=number(parameters["slope"]),
            width_years=number(parameters["width_years"]),
            hinges=tuple(_hinge(hinge) for hinge in items(parameters["hinges"])),
            linear=_weights(parameters["linear"]),
            log_scale=number(parameters["log_scale"]),
            log_scale_linear=_weights(parameters["log_scale_linear"]),
            cut_points=tuple(number(cut) for cut in items(parameters["cut_points"])),
        )

    def parameters(self) -> dict[str, object]:
        """The parameters as the file writes them, for digests and for the fitting script."""
        return {
            "slope": self.slope,
            "width_years": self.width_years,
            "hinges": [{"at_years": at, "change": change} for at, change in self.hinges],
            "linear": {n: w for n, w in zip(FEATURES, self.linear, strict=True) if w},
            "log_scale": self.log_scale,
            "log_scale_linear": {
                n: w for n, w in zip(FEATURES, self.log_scale_linear, strict=True) if w
            },
            "cut_points": list(self.cut_points),
        }

    def to_json(self, fit: Mapping[str, object]) -> bytes:
        """Write the file; ``fit`` says on whom it was fitted and how well.

        Used offline only, by the script that fits.
        """
        return written(FORMAT, self.fitted_on, self.parameters(), fit)

    def location_and_scale(
        self, features: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """μ and s.

        Args:
            features: float64 ``[..., len(FEATURES)]``.

        Returns:
            Two arrays ``[...]``.
        """
        mean = features[..., _MEAN]
        location = self.slope * mean + features @ np.array(self.linear)
        for at_years, change in self.hinges:
            bent = np.logaddexp(0.0, (mean - at_years) / self.width_years)
            location = location + change * self.width_years * bent
        return location, np.exp(self.log_scale + features @ np.array(self.log_scale_linear))

    def probabilities(self, raw: RawAge) -> NDArray[np.float64]:
        """Probabilities of the completed years 0 … 120, float64 ``[121]``, with sum 1."""
        location, scale = self.location_and_scale(raw.features())
        logits = np.clip((location - np.array(self.cut_points)) / scale, -_MAX_LOGIT, _MAX_LOGIT)
        survival = np.concatenate([[1.0], 1 / (1 + np.exp(-logits)), [0.0]])
        return -np.diff(survival)


def _ascends(numbers: list[float] | tuple[float, ...]) -> bool:
    return all(low < high for low, high in pairwise(numbers))


def _hinge(value: object) -> tuple[float, float]:
    entry = members(value, frozenset({"at_years", "change"}))
    return number(entry["at_years"]), number(entry["change"])


def _weights(value: object) -> tuple[float, ...]:
    if not isinstance(value, dict) or not value.keys() <= set(FEATURES):
        raise ModelIntegrityError("got a weight of an unknown feature in a calibration")
    return tuple(number(value.get(name, 0.0)) for name in FEATURES)
