"""Slopes by least squares, with intervals from people drawn again.

People who count alike are drawn together: with one sample for each person, from bins of 1/50 of the
range of both numbers, so that the cost does not grow with their number. Each bin holds exact sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import LEAST_RESAMPLED, Figure, Members, Why
from ageassure.audit.metrics.bootstrap import Units, ends
from ageassure.audit.table import distinct

if TYPE_CHECKING:
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import Floats, Ints

LEVELS: Final = 50
_SAME: Final = 1e-12


def slope(x: Floats, y: Floats, subjects: Ints, plan: EvaluationPlan, stream: int) -> Figure:
    """Slope of the line through samples: change of ``y`` for each unit of ``x``.

    Args:
        x: Finite numbers.
        y: Likewise, one for each ``x``.
        subjects: Who each is of.
        plan: For seed and number of resamples.
        stream: Of random numbers, a number that no other metric has.
    """
    n, people = len(x), distinct(subjects)
    counted: Members = {"n": n, "subjects": people}
    if not n:
        return Figure(value=None, **counted, reason=Why.NOBODY_PROCESSED)
    if x.max() - x.min() < _SAME:
        return Figure(value=None, **counted, reason=Why.ONE_LEVEL)
    order = np.lexsort((y, x, subjects)) if people < n else np.lexsort((y, x))
    x, y, subjects = x[order], y[order], subjects[order]
    across, up = x - x.mean(), y - y.mean()
    columns = (np.ones(n), across, up, across * across, across * up)
    units = _units(_alike(x, y) if people == n else subjects, columns, whole=people < n)
    value = float(_of_sums((units.people @ units.sums)[None, :])[0])
    drawn = units.replicates(np.random.default_rng((plan.seed, stream)), plan.resamples)
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes = _of_sums(drawn)
    if people >= LEAST_RESAMPLED and not np.isfinite(slopes).all():
        return Figure(value=value, **counted, reason=Why.RESAMPLES_UNDEFINED)
    return Figure(value=value, **counted, **ends(slopes, value, people))


def slope_within(
    x: Floats, y: Floats, clusters: Ints, subjects: Ints, plan: EvaluationPlan, stream: int
) -> Figure:
    """Slope after each cluster's own mean is taken out of both; clusters of one ``x`` do not count.

    Args:
        x: Finite numbers.
        y: Likewise, one for each ``x``.
        clusters: What each belongs to (a picture, a person); never several people.
        subjects: Who each is of.
        plan: For seed and number of resamples.
        stream: Of random numbers, a number that no other metric has.
    """
    order = np.lexsort((y, x, clusters, subjects))
    x, y, clusters, subjects = x[order], y[order], clusters[order], subjects[order]
    _, cluster, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    across = x - (np.bincount(cluster, x) / sizes)[cluster]
    up = y - (np.bincount(cluster, y) / sizes)[cluster]
    kept = (np.bincount(cluster, np.abs(across)) > _SAME)[cluster]
    across, up, subjects = across[kept], up[kept], subjects[kept]
    counted: Members = {"n": int(kept.sum()), "subjects": distinct(subjects)}
    if not counted["n"]:
        why = Why.ONE_LEVEL if len(x) else Why.NOBODY_PROCESSED
        return Figure(value=None, **counted, reason=why)
    units = _units(subjects, (across * across, across * up), whole=True)
    total = units.sums.sum(axis=0)
    value = float(total[1] / total[0])
    drawn = units.replicates(np.random.default_rng((plan.seed, stream)), plan.resamples)
    slopes = drawn[:, 1] / drawn[:, 0]
    members = ends(slopes, value, counted["subjects"], acceleration=units.acceleration(1))
    return Figure(value=value, **counted, **members)


def _of_sums(sums: Floats) -> Floats:
    """Slopes from sums of 1, x, y, x², xy, a row each."""
    count, across, up, squares, products = sums.T
    slopes: Floats = (count * products - across * up) / (count * squares - across**2)
    return slopes


def _alike(x: Floats, y: Floats) -> Ints:
    """A number for each bin of x and y."""
    found = np.zeros(len(x), dtype=np.int64)
    for values in (x, y):
        low, span = values.min(), max(float(np.ptp(values)), _SAME)
        level = np.minimum((values - low) / span * LEVELS, LEVELS - 1).astype(np.int64)
        found = found * LEVELS + level
    return found


def _units(alike: Ints, columns: tuple[Floats, ...], *, whole: bool) -> Units:
    """Units to draw from: people with the sums of their samples, or bins with those of a person."""
    _, unit, counts = np.unique(alike, return_inverse=True, return_counts=True)
    sums: Floats = np.stack([np.bincount(unit, column) for column in columns], axis=1)
    people = np.ones(len(counts), dtype=np.int64) if whole else counts.astype(np.int64)
    sums = sums[np.lexsort(sums.T[::-1])] if whole else sums / counts[:, None]
    return Units(stratum=np.zeros(len(people), dtype=np.int64), people=people, sums=sums)
