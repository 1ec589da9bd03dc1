"""ROC areas and the calibration of probabilities, for the benchmarks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "age-v1" / "calibration"))

from operating_points import share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Vector = NDArray[np.float64]

SEED: Final = 20_261_121
RESAMPLES: Final = 2_000
BINS: Final = 10

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
