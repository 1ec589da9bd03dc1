"""A mean over people, with the interval that fits how often they occur: BCa, people resampled."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import Figure, Members, Why
from ageassure.audit.metrics.bootstrap import Units, ends
from ageassure.audit.table import distinct

if TYPE_CHECKING:
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import Floats, Ints

LEVELS: Final = 200
"""Values of people with one sample each are drawn from so many bins of their range."""


def mean_figure(values: Floats, subjects: Ints, plan: EvaluationPlan, stream: int) -> Figure:
    """The mean of one value a sample; it does not depend on the order of samples.

    With one sample for each person values are sorted into bins of 1/200 of their range and bins are
    drawn from, so that the cost follows their number; each bin holds its exact mean.

    Args:
        values: Finite numbers.
        subjects: Who each is of.
        plan: For seed and number of resamples.
        stream: Of random numbers, a number that no other metric has.
    """
    n = len(values)
    if not n:
        return Figure(value=None, n=0, subjects=0, reason=Why.NOBODY_PROCESSED)
    units, people = _units(values, subjects)
    value = math.fsum(values.tolist()) / n
    drawn = units.replicates(np.random.default_rng((plan.seed, stream)), plan.resamples)
    members: Members = ends(
        drawn[:, 1] / drawn[:, 0], value, people, acceleration=units.acceleration(1)
    )
    return Figure(value=value, n=n, subjects=people, **members)


def _units(values: Floats, subjects: Ints) -> tuple[Units, int]:
    people = distinct(subjects)
    if people < len(values):
        order = np.lexsort((values, subjects))
        values, subjects = values[order], subjects[order]
        _, person = np.unique(subjects, return_inverse=True)
        sums: Floats = np.stack(
            [np.bincount(person, c) for c in (np.ones(len(values)), values)], axis=1
        )
        sums = sums[np.lexsort(sums.T[::-1])]
        return _of(np.ones(people, dtype=np.int64), sums), people
    ordered = np.sort(values)
    span = max(float(ordered[-1] - ordered[0]), np.finfo(np.float64).tiny)
    level = np.minimum((ordered - ordered[0]) / span * LEVELS, LEVELS - 1).astype(np.int64)
    _, unit, counted = np.unique(level, return_inverse=True, return_counts=True)
    means = np.bincount(unit, ordered) / counted
    return _of(counted.astype(np.int64), np.stack([np.ones(len(means)), means], axis=1)), people


def _of(people: Ints, sums: Floats) -> Units:
    return Units(stratum=np.zeros(len(people), dtype=np.int64), people=people, sums=sums)
