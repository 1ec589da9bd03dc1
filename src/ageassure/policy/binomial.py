"""The binomial bound behind every earned bar (Clopper and Pearson, Biometrika 26, 1934).

Whether evidence is enough is decided in exact integers, so that no rounding can let a thin sample
through. A share such as ``0.01`` is read as the decimal that it is written as, 1/100, not as the
binary fraction next to it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from fractions import Fraction
from typing import Final

MAX_PEOPLE: Final = 100_000
"""Keeps the exact integers bounded: one answer about so many people takes a fraction of a
second where ``alpha`` is 10 % or less, and several seconds at 40 %."""

_BISECTIONS: Final = 60


def supports(errors: int, people: int, alpha: float, confidence: float) -> bool:
    """Do ``errors`` among ``people`` support the claim "the error rate is at most ``alpha``"?

    True if ``errors`` or fewer among ``people`` independent people would be seen with probability
    at most ``1 - confidence``, were the true rate ``alpha``; that is the Clopper–Pearson upper
    bound being at most ``alpha``.

    Args:
        errors: 0 … ``people``.
        people: Independent people measured.
        alpha: Error rate to be supported, in (0, 1).
        confidence: One-sided confidence, in (0, 1).
    """
    share = Fraction(repr(alpha))
    hit, miss = share.numerator, share.denominator - share.numerator
    # Σ C(n, j) hit^j miss^(n−j) over j ≤ errors, by Horner's rule, with miss^(n−errors) factored.
    total, binomial, hits = 0, 1, 1
    for j in range(errors + 1):
        total = total * miss + binomial * hits
        binomial = binomial * (people - j) // (j + 1)
        hits *= hit
    tail = 1 - Fraction(repr(confidence))
    seen: int = total * miss ** (people - errors) * tail.denominator
    allowed: int = tail.numerator * share.denominator**people
    return seen <= allowed


def errors_allowed(people: int, alpha: float, confidence: float) -> int | None:
    """Most errors among ``people`` that still support ``alpha``; None if not even 0 do."""
    # The upper bound is never below errors / people, so more than alpha · people never support.
    possible = range(min(people, math.floor(alpha * people) + 1))
    refused = bisect_left(
        possible, True, key=lambda errors: not supports(errors, people, alpha, confidence)
    )
    return refused - 1 if refused else None


def people_needed(alpha: float, confidence: float) -> int:
    """Fewest people who support ``alpha`` if none of them is an error: 299 for 1 % at 95 %."""
    return math.ceil(math.log(1 - confidence) / math.log1p(-alpha))


def upper_bound(errors: int, people: int, confidence: float) -> float:
    """One-sided Clopper–Pearson upper bound, to be shown; never the ground of a decision.

    Computed in floating point by bisection, from above.
    """
    if errors >= people:
        return 1.0
    binomials = [math.log(math.comb(people, j)) for j in range(errors + 1)]
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        rate = (low + high) / 2
        hit, miss = math.log(rate), math.log1p(-rate)
        probability = math.fsum(
            math.exp(binomial + j * hit + (people - j) * miss)
            for j, binomial in enumerate(binomials)
        )
        if probability > 1 - confidence:
            low = rate
        else:
            high = rate
    return high
