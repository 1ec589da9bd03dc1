"""Fit age-v1's calibration through the whole shipped pipeline, and write ``calibration.json``.

The labels say only that an age lies in a group, so the fit maximises the likelihood of the groups
(interval-censored): P(group) = P(age ≥ its first year) − P(age ≥ the next group's). The formula is
that of :mod:`ageassure.estimators.facial.calibration`. Fitted are the cut points at the eight
boundaries of the groups (3, 10, 20 … 70 years) and the weights below. The years inside a group are
**interpolated** (monotone cubic), those under 3 and over 70 extrapolated in a straight line: no
label speaks of them.

Runs in a few minutes on one processor, or seconds where the cache holds the pipeline's answers;
needs the extra ``face`` and the group ``calibrate``. From the repository's folder::

    python models/age-v1/calibration/fit.py ../shared/data/fairface-train --cache ~/.cache/fairface

With ``--check`` the file is compared, not written. The same processor and libraries give the same
bytes; others may move the last digit of a parameter.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import minimize
from scipy.special import expit

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))

from fairface_outputs import FIRST_YEARS, outputs
from fairface_split import SEED, Part, load_split, split_digest

from ageassure.estimators.facial.calibration import Calibration
from ageassure.estimators.facial.pipeline import FacialPipeline
from ageassure.estimators.facial.raw import FEATURES
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fairface_outputs import Outputs
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

BOUNDARIES: Final = np.array(FIRST_YEARS[1:], dtype=np.float64)

HINGES_YEARS: Final = (10.0, 40.0)
WIDTH_YEARS: Final = 3.0
LINEAR: Final = ("sd_years",)
SCALE: Final = ("sd_years",)
"""Chosen, hinges and features, by the mean log-likelihood in five-fold cross-validation inside the
calibration part: −1.395 with the mean alone, −1.360 with ``sd_years`` as well, −1.345 with the
hinges, −1.343 with all features."""

RIDGE: Final = 1.0
"""Pulls weights of standardised features to 0, each by ½ w²; nothing next to thousands of pictures,
but with features that say nearly the same the likelihood alone would leave them open."""

LEAST_SLOPE: Final = 0.02
DECIMALS: Final = 4
"""Of the parameters in the file: far finer than what the data can tell, and far coarser than the
differences between two processors."""

TARGET: Final = Path(__file__).parents[1] / "calibration.json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """The pictures as the optimiser sees them: location = base + columns @ weights."""

    base: Vector
    columns: Vector
    scale_columns: Vector
    groups: NDArray[np.intp]

    @classmethod
    def of(cls, features: Vector, groups: NDArray[np.intp]) -> Self:
        """Slopes of the segments between hinges first, then the linear weights.

        With the slope of the first segment fixed at 1, location has the unit of the raw mean.
        """
        mean = features[:, FEATURES.index("mean_years")]
        bent = [mean] + [
            WIDTH_YEARS * np.logaddexp(0.0, (mean - at) / WIDTH_YEARS) for at in HINGES_YEARS
        ]
        segments = [low - high for low, high in zip(bent, [*bent[1:], 0.0], strict=True)]
        return cls(
            base=segments[0],
            columns=np.column_stack([*segments[1:], _standardised(features, LINEAR)]),
            scale_columns=_standardised(features, SCALE),
            groups=groups,
        )

    def split(self, theta: Vector) -> tuple[Vector, float, Vector, Vector, Vector]:
        """Weights, log scale, its weights, cut points at the boundaries, and their gaps."""
        weights, rest = np.split(theta, [self.columns.shape[1]])
        (log_scale,), scale_weights, gaps = np.split(rest, [1, 1 + self.scale_columns.shape[1]])
        gaps = np.concatenate([gaps[:1], np.exp(gaps[1:])])
        return weights, float(log_scale), scale_weights, np.cumsum(gaps), gaps

    def cost(self, theta: Vector) -> tuple[float, Vector]:
        """Negative log-likelihood with the ridge, and its gradient."""
        weights, log_scale, scale_weights, cuts, gaps = self.split(theta)
        scale = np.exp(log_scale + self.scale_columns @ scale_weights)
        location = self.base + self.columns @ weights
        # Below the first group and above the last there is no boundary.
        first, last = self.groups == 0, self.groups == len(cuts)
        low = np.where(first, np.inf, (location - cuts[self.groups - 1]) / scale)
        high = np.where(last, -np.inf, (location - cuts[self.groups % len(cuts)]) / scale)
        share = np.maximum(expit(low) - expit(high), 1e-300)
        by_low = -expit(low) * expit(-low) / share
        by_high = expit(high) * expit(-high) / share
        by_location = (by_low + by_high) / scale
        by_log_scale = -(by_low * np.where(first, 0, low) + by_high * np.where(last, 0, high))
        by_cut = np.zeros(len(cuts) + 1)
        np.add.at(by_cut, self.groups - 1, -by_low / scale)
        np.add.at(by_cut, self.groups % len(cuts), -by_high / scale)
        by_gap = np.cumsum(by_cut[:-1][::-1])[::-1] * np.concatenate([[1.0], gaps[1:]])
        ridged = np.concatenate([np.zeros(len(HINGES_YEARS)), weights[len(HINGES_YEARS) :]])
        penalty = RIDGE / 2 * (ridged @ ridged + scale_weights @ scale_weights)
        gradient = np.concatenate(
            [
                self.columns.T @ by_location + RIDGE * ridged,
                [by_log_scale.sum()],
                self.scale_columns.T @ by_log_scale + RIDGE * scale_weights,
                by_gap,
            ]
        )
        return float(penalty - np.log(share).sum()), gradient


def _standardised(features: Vector, names: Sequence[str]) -> Vector:
    chosen = features[:, [FEATURES.index(name) for name in names]]
    standardised: Vector = (chosen - chosen.mean(axis=0)) / chosen.std(axis=0)
    return standardised


def fit(features: Vector, groups: NDArray[np.intp], fitted_on: str) -> Calibration:
    """Fit the calibration.

    Args:
        features: ``[N, len(FEATURES)]``.
        groups: Index of each picture's age group.
        fitted_on: Digest of the pipeline that gave the features.

    Raises:
        RuntimeError: If the optimiser does not converge.
    """
    design = Design.of(features, groups)
    slopes, others = len(HINGES_YEARS), len(LINEAR) + 1 + len(SCALE)
    start = [1.0] * slopes + [0.0] * others + [3.0, *np.log(np.diff(BOUNDARIES))]
    start[slopes + len(LINEAR)] = np.log(4.0)
    bounds = [(LEAST_SLOPE, None)] * slopes + [(None, None)] * (len(start) - slopes)
    found = minimize(
        design.cost,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 10_000, "maxfun": 20_000, "maxcor": 30, "ftol": 1e-15, "gtol": 1e-5},
    )
    if not found.success:
        raise RuntimeError(f"the fit did not converge: {found.message}")
    weights, log_scale, scale_weights, cuts, _ = design.split(found.x)
    linear, shift = _in_own_units(features, LINEAR, weights[slopes:])
    log_scale_linear, log_shift = _in_own_units(features, SCALE, scale_weights)
    changes = np.diff(np.concatenate([[1.0], weights[:slopes]]))
    return Calibration(
        fitted_on=fitted_on,
        slope=1.0,
        width_years=WIDTH_YEARS,
        hinges=tuple(
            (at, round(float(change), DECIMALS))
            for at, change in zip(HINGES_YEARS, changes, strict=True)
        ),
        linear=linear,
        log_scale=round(log_scale - log_shift, DECIMALS),
        log_scale_linear=log_scale_linear,
        cut_points=interpolated(cuts + shift),
    )


def _in_own_units(
    features: Vector, names: Sequence[str], weights: Vector
) -> tuple[tuple[float, ...], float]:
    """Weights of the features themselves, and the constant that standardising had taken away."""
    chosen = features[:, [FEATURES.index(name) for name in names]]
    own = np.round(weights / chosen.std(axis=0), DECIMALS)
    by_name = dict(zip(names, own.tolist(), strict=True))
    return tuple(by_name.get(name, 0.0) for name in FEATURES), float(own @ chosen.mean(axis=0))


def interpolated(cuts: Vector) -> tuple[float, ...]:
    """Cut points for 1 … 120 years from those at the boundaries of the groups."""
    slope_under, *_, slope_over = np.diff(cuts) / np.diff(BOUNDARIES)
    ends = np.array([0.0, MAX_YEARS])
    years = np.concatenate([ends[:1], BOUNDARIES, ends[1:]])
    under = cuts[0] - slope_under * BOUNDARIES[0]
    over = cuts[-1] + slope_over * (MAX_YEARS - BOUNDARIES[-1])
    curve = PchipInterpolator(years, np.concatenate([[under], cuts, [over]]))
    return tuple(round(float(cut), DECIMALS) for cut in curve(np.arange(1, MAX_YEARS + 1)))


def described(measured: Outputs, calibration: Calibration, labels_digest: str) -> dict[str, object]:
    """Who it was fitted on, and how well: the file's member ``fit``."""
    kept = measured.processed()
    probabilities = kept.calibrated(calibration)
    under = np.concatenate([np.zeros((len(kept.faces), 1)), probabilities.cumsum(axis=1)], axis=1)
    edges = np.array([*FIRST_YEARS, MAX_YEARS + 1])
    shares = under[np.arange(len(under)), edges[kept.groups + 1]]
    shares = shares - under[np.arange(len(under)), edges[kept.groups]]
    return {
        "data": "FairFace (Karkkainen and Joo, WACV 2021), CC BY 4.0, calibration part",
        "age_proof": "apparent age groups, judged by crowd workers",
        "split": labels_digest,
        "split_seed": SEED,
        "pictures": len(measured.faces),
        "processed": len(kept.faces),
        "border": "FairFace's 128-pixel chips with a black border of 64 pixels on every side",
        "mean_log_likelihood": round(float(np.log(shares).mean()), DECIMALS),
        "years_backed_by_labels": BOUNDARIES.astype(int).tolist(),
        "other_years": "interpolated inside a group; extrapolated under 3 and over 70",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--cache", type=Path, required=True, help="folder for raw answers")
    parser.add_argument("--check", action="store_true", help="compare with the file there is")
    arguments = parser.parse_args()
    pipeline = FacialPipeline.shipped()
    measured = outputs(pipeline, arguments.folder, Part.CALIBRATION, arguments.cache)
    kept = measured.processed()
    calibration = fit(kept.features(), kept.groups, pipeline.raw_digest)
    labels_digest = split_digest(load_split(arguments.folder / "labels.csv"))
    text = calibration.to_json(described(measured, calibration, labels_digest))
    if arguments.check:
        sys.exit(None if text == TARGET.read_bytes() else "calibration.json is another one")
    TARGET.write_bytes(text)
    sys.stdout.buffer.write(text)


if __name__ == "__main__":
    main()
