"""Intervals of shares, and what may be claimed from them; the one owner of scipy.

Clopper–Pearson for claims, Wilson for plots, never Wald. Sources: C. Clopper and E. Pearson,
Biometrika 26, 1934; E. Wilson, J. Am. Stat. Assoc. 22, 1927; S. Holm, Scand. J. Stat. 6, 1979.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from ageassure.extras import require_extra

require_extra("audit", "numpy", "scipy")

import numpy as np  # noqa: E402
from scipy.special import bdtr, betaincinv, gammaincinv  # noqa: E402

from ageassure.errors import ConfigurationError  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE: Final = 0.95
"""Of every two-sided interval, and of every one-sided bound."""

Ends = tuple[float, float]


def lower_bound(k: int, n: int, confidence: float = CONFIDENCE) -> float:
    """One-sided Clopper–Pearson lower bound of the rate behind ``k`` of ``n``.

    Raises:
        ConfigurationError: If not 0 ≤ ``k`` ≤ ``n``, ``n`` ≥ 1, ``confidence`` in (0, 1).
    """
    _check(k, n, confidence)
    return 0.0 if k == 0 else float(betaincinv(k, n - k + 1, 1 - confidence))


def upper_bound(k: int, n: int, confidence: float = CONFIDENCE) -> float:
    """One-sided Clopper–Pearson upper bound.

    Raises:
        ConfigurationError: As :func:`lower_bound`.
    """
    _check(k, n, confidence)
    return 1.0 if k == n else float(betaincinv(k + 1, n - k, confidence))


def clopper_pearson(k: int, n: int, confidence: float = CONFIDENCE) -> Ends:
    """Two-sided interval, half of the error at either end.

    Raises:
        ConfigurationError: As :func:`lower_bound`.
    """
    one_sided = (1 + confidence) / 2
    return lower_bound(k, n, one_sided), upper_bound(k, n, one_sided)


def wilson(k: int, n: int, confidence: float = CONFIDENCE) -> Ends:
    """Wilson's score interval: right on average, not a guarantee; for plots.

    Raises:
        ConfigurationError: As :func:`lower_bound`.
    """
    _check(k, n, confidence)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (k + z * z / 2) / (n + z * z)
    half = z * math.sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    return (
        0.0 if k == 0 else max(0.0, middle - half),
        1.0 if k == n else min(1.0, middle + half),
    )


def fay_feuer(k: Sequence[int], n: Sequence[int], confidence: float = CONFIDENCE) -> Ends:
    """Gamma interval of the mean of several shares, each of equal weight; also where none is hit.

    Source: M. Fay and E. Feuer, Statistics in Medicine 16, 1997 (directly standardised rates). It
    takes the counts to be Poisson, which makes it wider than needed where shares are large.

    Raises:
        ConfigurationError: As :func:`lower_bound`, or if there are no shares.
    """
    if not len(k) == len(n) >= 1:
        raise ConfigurationError("got no shares, or not as many counts")
    for hits, total in zip(k, n, strict=True):
        _check(hits, total, confidence)
    weights = [1 / (total * len(n)) for total in n]
    rate = math.fsum(w * hits for w, hits in zip(weights, k, strict=True))
    variance = math.fsum(w * w * hits for w, hits in zip(weights, k, strict=True))
    tail = (1 - confidence) / 2
    low = 0.0
    if rate > 0:
        low = variance / rate * float(gammaincinv(rate * rate / variance, tail))
    rate, variance = rate + max(weights), variance + max(weights) ** 2
    high = variance / rate * float(gammaincinv(rate * rate / variance, 1 - tail))
    return low, min(1.0, high)


def min_provable(n: int, confidence: float = CONFIDENCE) -> float:
    """The floor: the upper bound that ``n`` people without any error prove, 1 − 0.05^(1/n).

    Raises:
        ConfigurationError: If ``n`` < 1.
    """
    _check(0, n, confidence)
    return -math.expm1(math.log1p(-confidence) / n)


def chance_of_at_most(k: int, n: int, rate: float) -> float:
    """P(at most ``k`` of ``n``), were the true rate ``rate``."""
    return float(bdtr(k, n, rate))


def chance_of_at_least(k: int, n: int, rate: float) -> float:
    """P(at least ``k`` of ``n``), were the true rate ``rate``: the p-value of "above it"."""
    return 1.0 if k == 0 else float(1 - bdtr(k - 1, n, rate))


def chance_of_same_rate(k: int, n: int, other_k: int, other_n: int) -> float:
    """P-value of "both counts have the same rate", two-sided (Fisher's exact test)."""
    from scipy.stats import fisher_exact  # half a second to load, for this one function

    return float(fisher_exact([[k, n - k], [other_k, other_n - other_k]]).pvalue)


def median_ranks(n: int, confidence: float = CONFIDENCE) -> tuple[int, int] | None:
    """Ranks, from 0, of the ordered values between which the median lies (sign test).

    None if so few values have no such interval: 6 are needed at 95 %.

    Raises:
        ConfigurationError: If ``n`` < 1.
    """
    _check(0, n, confidence)
    # The greatest r with P(Binomial(n, ½) ≤ r − 1) ≤ (1 − confidence) / 2; values r − 1 and n − r.
    tail = (1 - confidence) / 2
    r = bisect_left(range(n), True, key=lambda k: chance_of_at_most(k, n, 0.5) > tail)
    return None if r == 0 else (r - 1, n - r)


def holm(p_values: Sequence[float], *, error: float = 1 - CONFIDENCE) -> list[bool]:
    """Which hypotheses Holm's procedure rejects, with a family-wise error of at most ``error``.

    Raises:
        ConfigurationError: If a p-value is no number in [0, 1].
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ConfigurationError("got a p-value outside [0, 1]")
    rejected = [False] * len(p_values)
    for left, index in zip(
        range(len(p_values), 0, -1), np.argsort(p_values, kind="stable"), strict=True
    ):
        if p_values[index] > error / left:
            break
        rejected[index] = True
    return rejected


def _check(k: int, n: int, confidence: float) -> None:
    if not 0 <= k <= n or n < 1:
        raise ConfigurationError(f"got {k} of {n}, expected 0 ≤ k ≤ n and n ≥ 1")
    if not 0 < confidence < 1:
        raise ConfigurationError("got a confidence outside (0, 1)")
