"""How far groups lie apart: range, ratio and the Gini coefficient of NIST FATE AEV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ageassure.audit.figure import Figure, Members, Why
from ageassure.audit.metrics.bootstrap import ends

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ageassure.audit.metrics.cells import Group
    from ageassure.audit.table import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One metric over the groups of one axis or pair of axes.

    Attributes:
        metric: Key of the metric: ``mae``, ``fpr@18``, …
        over: The axis, or two with ``×`` between.
        groups: How many groups have a value.
        without: How many have none, and are left out: nobody in them was processed.
        least: Group with the least value; None if there is none.
        greatest: Group with the greatest: for an error, the worst group.
        figures: ``max_min``, ``max_over_min``, ``gini``.
    """

    metric: str
    over: str
    groups: int
    without: int
    least: Mapping[str, str] | None
    greatest: Mapping[str, str] | None
    figures: Mapping[str, Figure]


def max_min(values: Floats) -> Floats:
    """Range over the last axis."""
    found: Floats = values.max(axis=-1) - values.min(axis=-1)
    return found


def max_over_min(values: Floats) -> Floats:
    """Ratio of the greatest to the least over the last axis; none of them may be zero."""
    found: Floats = values.max(axis=-1) / values.min(axis=-1)
    return found


def gini(values: Floats) -> Floats:
    """Bias-corrected Gini coefficient over the last axis; the mean must not be zero.

    ``Σᵢ Σⱼ |mᵢ − mⱼ| / (2 k (k − 1) m̄)``, by its sorted form.
    """
    ordered = np.sort(values, axis=-1)
    k = ordered.shape[-1]
    weights = 2 * np.arange(1, k + 1) - k - 1
    found: Floats = ordered @ weights / (k * (k - 1) * ordered.mean(axis=-1))
    return found


_KINDS: Mapping[str, Callable[[Floats], Floats]] = {
    "max_min": max_min,
    "max_over_min": max_over_min,
    "gini": gini,
}


def spread_of(
    metric: str,
    over: str,
    groups: Sequence[Group],
    figures: Sequence[Figure],
    replicates: Sequence[Floats | None] | Why,
    people: int,
) -> Spread:
    """Compare the groups that have a value.

    Args:
        metric: Key of the metric.
        over: Axis or pair of axes.
        groups: The groups.
        figures: The metric in each.
        replicates: The metric in every resample of each, or why there is no interval.
        people: In all groups together; one person may be in several.
    """
    kept = [index for index, figure in enumerate(figures) if figure.value is not None]
    values = np.array([figures[index].value for index in kept], dtype=np.float64)
    n = sum(figures[index].n for index in kept)
    subjects = min(people, sum(figures[index].subjects for index in kept))
    drawn: Floats | Why
    if isinstance(replicates, Why):
        drawn = replicates
    else:
        columns = [replicates[index] for index in kept]
        drawn = np.stack([c for c in columns if c is not None], axis=1) if columns else Why.NOBODY
    fewest = min((figures[index].subjects for index in kept), default=0)
    return Spread(
        metric=metric,
        over=over,
        groups=len(kept),
        without=len(figures) - len(kept),
        least=dict(groups[kept[int(values.argmin())]].where) if kept else None,
        greatest=dict(groups[kept[int(values.argmax())]].where) if kept else None,
        figures={
            kind: _figure(kind, values, drawn, n=n, subjects=subjects, fewest=fewest)
            for kind in _KINDS
        },
    )


def _figure(
    kind: str, values: Floats, drawn: Floats | Why, *, n: int, subjects: int, fewest: int
) -> Figure:
    why = _not_defined(kind, values)
    if why is not None:
        return Figure(value=None, n=n, subjects=subjects, reason=why)
    value = float(_KINDS[kind](values))
    members: Members
    if isinstance(drawn, Why):
        members = {"reason": drawn}
    elif (kind == "max_over_min" and drawn.min() <= 0) or (
        kind == "gini" and drawn.sum(axis=1).min() <= 0
    ):
        members = {"reason": Why.RESAMPLES_UNDEFINED}
    else:
        members = ends(_KINDS[kind](drawn), value, fewest)
    return Figure(value=value, n=n, subjects=subjects, **members)


def _not_defined(kind: str, values: Floats) -> Why | None:
    if len(values) < 2:
        return Why.ONE_GROUP
    if kind == "max_over_min" and values.min() <= 0:
        return Why.ZERO_MINIMUM
    if kind == "gini" and values.mean() <= 0:
        return Why.ZERO_MEAN
    return None
