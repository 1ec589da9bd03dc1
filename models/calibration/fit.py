"""Fit an age network's calibration through the whole shipped pipeline.

Two forms are fitted, and the one with the greater likelihood of the labelled groups in five-fold
cross-validation inside the calibration part is taken. ``refit.py`` writes what comes out.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import group_scaling
import numpy as np
import ordinal

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))

from fairface_outputs import FIRST_YEARS
from fairface_split import SEED

from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Callable

    from fairface_outputs import Outputs
    from numpy.typing import NDArray

    from ageassure.estimators.facial.calibrations import AnyCalibration

    Fit = Callable[[Outputs, str], AnyCalibration]

FOLDS: Final = 5
FOLD_SEED: Final = 20_261_125
DECIMALS: Final = 4
EDGES: Final = np.array([*FIRST_YEARS, MAX_YEARS + 1])

FORMS: Final[dict[str, Fit]] = {
    "ordinal": lambda kept, digest: ordinal.fit(kept.features(), kept.groups, digest),
    "group-scaling": lambda kept, digest: group_scaling.fit(
        kept.probabilities.astype(np.float64), kept.groups, digest
    ),
}


def fit(kept: Outputs, fitted_on: str) -> tuple[AnyCalibration, dict[str, float]]:
    """Fit the better form.

    Args:
        kept: Processed pictures of the calibration part.
        fitted_on: Digest of the pipeline that gave the answers.

    Returns:
        The calibration, and every form's cross-validated mean log-likelihood.

    Raises:
        RuntimeError: If an optimiser does not converge.
    """
    likelihoods = {name: cross_validated(form, kept) for name, form in FORMS.items()}
    best = max(likelihoods, key=lambda name: likelihoods[name])
    return FORMS[best](kept, fitted_on), likelihoods


def folds(count: int) -> NDArray[np.intp]:
    """Which of five folds each picture belongs to."""
    found: NDArray[np.intp] = np.random.default_rng(FOLD_SEED).permutation(count) % FOLDS
    return found


def cross_validated(form: Fit, kept: Outputs) -> float:
    """Mean log-likelihood of pictures that took no part in the fit."""
    fold, likelihoods = folds(len(kept.faces)), np.empty(len(kept.faces))
    for turn in range(FOLDS):
        calibration = form(kept.only(fold != turn), "0" * 64)
        likelihoods[fold == turn] = log_likelihoods(kept.only(fold == turn), calibration)
    return round(float(likelihoods.mean()), DECIMALS)


def log_likelihoods(kept: Outputs, calibration: AnyCalibration) -> NDArray[np.float64]:
    """Logarithm of each picture's probability of its labelled group."""
    probabilities = kept.calibrated(calibration)
    under = np.concatenate([np.zeros((len(kept.faces), 1)), probabilities.cumsum(axis=1)], axis=1)
    rows = np.arange(len(under))
    shares = under[rows, EDGES[kept.groups + 1]] - under[rows, EDGES[kept.groups]]
    found: NDArray[np.float64] = np.log(np.maximum(shares, np.finfo(np.float64).tiny))
    return found


def described(
    measured: Outputs,
    calibration: AnyCalibration,
    likelihoods: dict[str, float],
    labels_digest: str,
) -> dict[str, object]:
    """Who it was fitted on, and how well: the file's member ``fit``."""
    kept = measured.processed()
    return {
        "data": "FairFace (Karkkainen and Joo, WACV 2021), CC BY 4.0, calibration part",
        "age_proof": "apparent age groups, judged by crowd workers",
        "split": labels_digest,
        "split_seed": SEED,
        "pictures": len(measured.faces),
        "processed": len(kept.faces),
        "border": "FairFace's 128-pixel chips with a black border of 64 pixels on every side",
        "mean_log_likelihood": round(float(log_likelihoods(kept, calibration).mean()), DECIMALS),
        "cross_validated_log_likelihood": likelihoods,
        "years_backed_by_labels": list(FIRST_YEARS[1:]),
        "other_years": "inside a group, under 3 and over 70 no label says anything",
    }
