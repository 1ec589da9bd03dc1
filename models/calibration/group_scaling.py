"""Fit the scaling of age groups of :mod:`ageassure.estimators.facial.scaling`.

The likelihood of the labelled groups is maximised over the sharpness and the groups' weights. It is
a multinomial logistic regression with one shared slope, so there is one maximum.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))

from fairface_outputs import FIRST_YEARS

from ageassure.estimators.facial.scaling import GroupScaling, log_shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

RIDGE: Final = 1.0
"""Pulls weights to 0, each by ½ w²: little next to thousands of pictures. It settles the one number
that the likelihood leaves open, since only differences of weights count."""

DECIMALS: Final = 4


def fit(answers: Vector, groups: NDArray[np.intp], fitted_on: str) -> GroupScaling:
    """Fit the scaling.

    Args:
        answers: Raw answers, ``[N, 2, 81]``.
        groups: Index of each picture's age group.
        fitted_on: Digest of the pipeline that gave the answers.

    Raises:
        RuntimeError: If the optimiser does not converge.
    """
    logs = log_shares(answers.astype(np.float64), np.array(FIRST_YEARS))
    truth = np.eye(len(FIRST_YEARS))[groups]

    def cost(theta: Vector) -> tuple[float, Vector]:
        weights, sharpness = theta[:-1], float(np.exp(theta[-1]))
        log_probabilities = log_softmax(sharpness * logs + weights, axis=1)
        excess = np.exp(log_probabilities) - truth
        gradient = np.append(
            excess.sum(axis=0) + RIDGE * weights, sharpness * (excess * logs).sum()
        )
        return float(RIDGE / 2 * weights @ weights - (truth * log_probabilities).sum()), gradient

    start = np.zeros(len(FIRST_YEARS) + 1)
    options = {"maxiter": 10_000, "ftol": 1e-15, "gtol": 1e-5}
    found = minimize(cost, start, jac=True, method="L-BFGS-B", options=options)
    if not found.success or not np.isfinite(found.x).all():
        raise RuntimeError(f"the fit did not converge: {found.message}")
    return GroupScaling(
        fitted_on=fitted_on,
        sharpness=round(float(np.exp(found.x[-1])), DECIMALS),
        first_years=FIRST_YEARS,
        log_weights=tuple(round(float(weight), DECIMALS) for weight in found.x[:-1]),
    )
