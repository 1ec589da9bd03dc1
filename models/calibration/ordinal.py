"""Fit the ordinal model of :mod:`ageassure.estimators.facial.calibration`.

The labels say only that an age lies in a group, so the fit maximises the likelihood of the groups
(interval-censored): P(group) = P(age ≥ its first year) − P(age ≥ the next group's). Fitted are the
cut points at the eight boundaries of the groups (3, 10, 20 … 70 years) and the weights of the
features. The years inside a group are **interpolated** (monotone cubic), those under 3 and over 70
extrapolated in a straight line: no label speaks of them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import minimize
from scipy.special import expit

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))

from fairface_outputs import FIRST_YEARS

from ageassure.estimators.facial.calibration import Calibration
from ageassure.estimators.facial.raw import FEATURES
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

BOUNDARIES: Final = np.array(FIRST_YEARS[1:], dtype=np.float64)

OTHERS: Final = tuple(name for name in FEATURES if name != "mean_years")
"""Features beside the mean; all of them, in location and scale. For age-v1, in five-fold
cross-validation inside the calibration part, the mean log-likelihood is −1.395 with the mean alone,
−1.360 with ``sd_years``, −1.343 with all; bends in the mean (the format's hinges) add nothing."""

RIDGE: Final = 1.0
"""Pulls weights of standardised features to 0, each by ½ w². That is little next to thousands of
pictures; it settles what the likelihood leaves open between features that say nearly the same."""

DECIMALS: Final = 4
"""Of the parameters in the file: far finer than what the data can tell, and far coarser than the
differences between two processors."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """The pictures as the optimiser sees them.

    Attributes:
        mean: Raw mean age, ``[N]``; its weight in the location is 1, which sets the unit.
        others: The other features, standardised, ``[N, F]``.
        groups: Index of every picture's age group.
    """

    mean: Vector
    others: Vector
    groups: NDArray[np.intp]

    def split(self, theta: Vector) -> tuple[Vector, Vector, float, Vector, Vector]:
        """Weights of location and of log scale, log scale, cut points, and gaps between them."""
        width = self.others.shape[1]
        weights, scale_weights, (log_scale,), gaps = np.split(
            theta, [width, 2 * width, 2 * width + 1]
        )
        gaps = np.concatenate([gaps[:1], np.exp(gaps[1:])])
        return weights, scale_weights, float(log_scale), np.cumsum(gaps), gaps

    def cost(self, theta: Vector) -> tuple[float, Vector]:
        """Negative log-likelihood with the ridge, and its gradient."""
        weights, scale_weights, log_scale, cuts, gaps = self.split(theta)
        scale = np.exp(log_scale + self.others @ scale_weights)
        location = self.mean + self.others @ weights
        # Below the first group and above the last there is no boundary.
        below, above = self.groups - 1, self.groups % len(cuts)
        first, last = self.groups == 0, self.groups == len(cuts)
        low = np.where(first, np.inf, (location - cuts[below]) / scale)
        high = np.where(last, -np.inf, (location - cuts[above]) / scale)
        # Taken from the side of the nearer end, so that nothing cancels.
        share = np.where(high > 0, expit(-high) - expit(-low), expit(low) - expit(high))
        by_low = -expit(low) * expit(-low) / share
        by_high = expit(high) * expit(-high) / share
        by_location = (by_low + by_high) / scale
        by_log_scale = -(by_low * np.where(first, 0, low) + by_high * np.where(last, 0, high))
        by_cut = np.zeros(len(cuts))
        np.add.at(by_cut, below, -by_low / scale)  # where there is no boundary, 0 is added
        np.add.at(by_cut, above, -by_high / scale)
        by_gap = np.cumsum(by_cut[::-1])[::-1] * np.concatenate([[1.0], gaps[1:]])
        gradient = [
            self.others.T @ by_location + RIDGE * weights,
            self.others.T @ by_log_scale + RIDGE * scale_weights,
            [by_log_scale.sum()],
            by_gap,
        ]
        penalty = RIDGE / 2 * (weights @ weights + scale_weights @ scale_weights)
        return float(penalty - np.log(share).sum()), np.concatenate(gradient)


def fit(features: Vector, groups: NDArray[np.intp], fitted_on: str) -> Calibration:
    """Fit the ordinal model.

    Args:
        features: ``[N, len(FEATURES)]``.
        groups: Index of each picture's age group.
        fitted_on: Digest of the pipeline that gave the features.

    Raises:
        RuntimeError: If the optimiser does not converge.
    """
    others = features[:, [FEATURES.index(name) for name in OTHERS]]
    centre, spread = others.mean(axis=0), others.std(axis=0)
    design = Design(
        mean=features[:, FEATURES.index("mean_years")],
        others=(others - centre) / spread,
        groups=groups,
    )
    start = [0.0] * (2 * len(OTHERS)) + [np.log(4.0), BOUNDARIES[0], *np.log(np.diff(BOUNDARIES))]
    options = {"maxiter": 10_000, "maxfun": 20_000, "maxcor": 30, "ftol": 1e-15, "gtol": 1e-5}
    found = minimize(design.cost, start, jac=True, method="L-BFGS-B", options=options)
    if not found.success:
        raise RuntimeError(f"the fit did not converge: {found.message}")
    weights, scale_weights, log_scale, cuts, _ = design.split(found.x)
    # Back to the features' own units; what standardising had taken away goes to cuts and scale.
    weights, scale_weights = (np.round(w / spread, DECIMALS) for w in (weights, scale_weights))
    return Calibration(
        fitted_on=fitted_on,
        slope=1.0,
        width_years=1.0,
        hinges=(),
        linear=_by_feature(weights),
        log_scale=round(log_scale - float(scale_weights @ centre), DECIMALS),
        log_scale_linear=_by_feature(scale_weights),
        cut_points=interpolated(cuts + weights @ centre),
    )


def _by_feature(weights: Vector) -> tuple[float, ...]:
    by_name = dict(zip(OTHERS, weights.tolist(), strict=True))
    return tuple(by_name.get(name, 0.0) for name in FEATURES)


def interpolated(cuts: Vector) -> tuple[float, ...]:
    """Cut points for 1 … 120 years from those at the boundaries of the groups."""
    slope_under, *_, slope_over = np.diff(cuts) / np.diff(BOUNDARIES)
    ends = np.array([0.0, MAX_YEARS])
    years = np.concatenate([ends[:1], BOUNDARIES, ends[1:]])
    under = cuts[0] - slope_under * BOUNDARIES[0]
    over = cuts[-1] + slope_over * (MAX_YEARS - BOUNDARIES[-1])
    curve = PchipInterpolator(years, np.concatenate([[under], cuts, [over]]))
    return tuple(round(float(cut), DECIMALS) for cut in curve(np.arange(1, MAX_YEARS + 1)))
