"""ROC areas and the calibration of probabilities, for the benchmarks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "calibration"))

from operating_points import share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Vector = NDArray[np.float64]

SEED: Final = 20_261_121
RESAMPLES: Final = 2_000
BINS: Final = 10
COVERAGES: Final = (0.8, 0.9, 0.95)

Json = dict[str, Any]


def area(low: Vector, high: Vector) -> float:
    """ROC AUC: the chance that one of ``high`` scores above one of ``low``; ties count half."""
    ordered = np.sort(low)
    below = np.searchsorted(ordered, high, "left") + np.searchsorted(ordered, high, "right")
    return float(below.mean() / 2 / len(low))


def area_with_interval(scores: Vector, low: Flags, high: Flags) -> Json:
    """AUC with its 95 % percentile bootstrap interval."""
    rng = np.random.default_rng(SEED)
    one, other = scores[low], scores[high]
    drawn = [
        area(rng.choice(one, len(one)), rng.choice(other, len(other))) for _ in range(RESAMPLES)
    ]
    ends = np.quantile(drawn, [0.025, 0.975])
    return {
        "value": round(area(one, other), 4),
        "low": round(float(ends[0]), 4),
        "high": round(float(ends[1]), 4),
        "n": [int(low.sum()), int(high.sum())],
    }


def bin_gaps(probability: Vector, outcomes: Vector) -> Vector:
    """Gap between mean probability and observed share in every bin of equal mass."""
    bins = np.array_split(np.argsort(probability, kind="stable"), BINS)
    gaps = [probability[b].mean() - outcomes[..., b].mean(axis=-1) for b in bins]
    weights = np.array([len(b) for b in bins]) / len(probability)
    gap: Vector = np.abs(np.stack(gaps, axis=-1)) @ weights
    return gap


def reliability(probability: Vector, truth: Flags) -> Json:
    """Calibration of a probability: ECE with its value under chance, Brier score, log-loss."""
    rng = np.random.default_rng(SEED)
    simulated = rng.random((RESAMPLES // 2, len(probability))) < probability
    chance = bin_gaps(probability, simulated.astype(np.float64))
    clipped = np.clip(probability, 1e-12, 1 - 1e-12)
    return {
        "n": len(probability),
        "ece": round(float(bin_gaps(probability, truth.astype(np.float64))), 4),
        "ece_by_chance": round(float(chance.mean()), 4),
        "ece_by_chance_95": round(float(np.quantile(chance, 0.95)), 4),
        "mean_probability": round(float(probability.mean()), 4),
        "observed": share(truth),
        "brier": round(float(np.mean((probability - truth) ** 2)), 4),
        "log_loss": round(float(-np.log(np.where(truth, clipped, 1 - clipped)).mean()), 4),
    }


def reliability_bins(probability: Vector, truth: Flags) -> list[Json]:
    bins = np.array_split(np.argsort(probability, kind="stable"), BINS)
    return [
        {"mean_probability": round(float(probability[b].mean()), 4), "observed": share(truth[b])}
        for b in bins
    ]


class Coverage:
    """How often central intervals of the estimated distributions hold the age.

    A label says only that an age lies in a group. So what is counted for a person is how much of
    the label's share of the distribution lies inside the interval, 0 … 1; were the distributions
    right, its mean would be the interval's own probability.

    Args:
        probabilities: Of the completed years, ``[N, years]``.
        edges: First years of the age groups and, at the end, the number of years.
    """

    def __init__(self, probabilities: Vector, edges: NDArray[np.intp]) -> None:
        under = np.concatenate([np.zeros((len(probabilities), 1)), probabilities.cumsum(axis=1)], 1)
        low, high = under[:, edges[:-1]], under[:, edges[1:]]
        self._shares = high - low
        tails = [(1 - coverage) / 2 for coverage in COVERAGES]
        inside = [np.minimum(high, 1 - tail) - np.maximum(low, tail) for tail in tails]
        self._covered = np.clip(np.stack(inside) / np.maximum(self._shares, 1e-12), 0, 1)

    def of(self, groups: NDArray[np.intp], members: Flags) -> Json:
        """Observed coverage of some people, and the range that chance alone gives it in 95 %."""
        rows = np.flatnonzero(members)
        observed = self._covered[:, rows, groups[rows]].mean(axis=1)
        rng = np.random.default_rng(SEED)
        sums = self._shares[rows].cumsum(axis=1)
        drawn = []
        for _ in range(RESAMPLES // 10):
            labels = (rng.random((len(rows), 1)) * sums[:, -1:] > sums).sum(axis=1)
            drawn.append(self._covered[:, rows, labels].mean(axis=1))
        ends = np.quantile(drawn, [0.025, 0.975], axis=0)
        return {
            str(coverage): {
                "observed": round(float(observed[k]), 4),
                "by_chance": [round(float(end[k]), 4) for end in ends],
            }
            for k, coverage in enumerate(COVERAGES)
        }

    def in_group(self, groups: NDArray[np.intp], group: int) -> Json:
        """The same among those labelled with one age group.

        People are picked by their age here, not by what was estimated, so the interval's own
        probability is not what right distributions would show; what they would is given.
        """
        observed = self._covered[:, groups == group, group].mean(axis=1)
        share = self._shares[:, group]
        expected = (self._covered[:, :, group] * share).sum(axis=1) / share.sum()
        return {
            str(coverage): {
                "observed": round(float(observed[k]), 4),
                "if_right": round(float(expected[k]), 4),
            }
            for k, coverage in enumerate(COVERAGES)
        }
