"""How well P(age ≥ 20) tells apart, overall and in cells of people; for choosing among networks."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from targets import FIRST_YEARS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from targets import Labels

    Vector = NDArray[np.float64]


def auc(low: Vector, high: Vector) -> float:
    """P(one of ``high`` scores above one of ``low``), half for a tie."""
    order = np.sort(low)
    below = np.searchsorted(order, high, side="left") + np.searchsorted(order, high, side="right")
    return float(below.mean() / (2 * len(low)))


def measure(probabilities: Vector, found: Labels) -> dict[str, Any]:
    """The figures that networks are compared by.

    Args:
        probabilities: ``[N, 81]``, the mean over a face and its mirror image.
        found: Labels.

    Returns:
        Areas under the ROC curve of 10–19 and of 0–9 against 20 and over; the share of pictures put
        into the right one of nine groups; the mean negative log-likelihood of the groups; at the
        bar that 1 % of the 10–19-year-olds pass, the shares of others that do; and area and share
        of those of 30 and over for each cell of ethnicity × sex, and the worst of each.
    """
    score = probabilities[:, 20:].sum(1)
    group, cell = found.group, found.cell
    edges = [*FIRST_YEARS, probabilities.shape[1]]
    shares = np.stack([probabilities[:, a:b].sum(1) for a, b in pairwise(edges)], 1)
    teenager, adult = group == 2, group >= 3
    bar = np.quantile(score[teenager], 0.99, method="higher")
    passes = score > bar
    cells = [
        (
            auc(score[teenager & (cell == c)], score[adult & (cell == c)]),
            float(passes[(group >= 4) & (cell == c)].mean()),
        )
        for c in range(14)
    ]
    figures = {
        "auc_10_19": auc(score[teenager], score[adult]),
        "auc_0_9": auc(score[group < 2], score[adult]),
        "accuracy": float((shares.argmax(1) == group).mean()),
        "nll": float(-np.log(shares[np.arange(len(group)), group] + 1e-9).mean()),
        "passes_30": float(passes[group >= 4].mean()),
        "passes_20_29": float(passes[group == 3].mean()),
        "passes_0_9": float(passes[group < 2].mean()),
        "worst_cell_auc": min(area for area, _ in cells),
        "worst_cell_passes_30": min(share for _, share in cells),
    }
    rounded: dict[str, Any] = {name: round(value, 4) for name, value in figures.items()}
    return rounded | {"cells": [[round(area, 4), round(share, 4)] for area, share in cells]}
