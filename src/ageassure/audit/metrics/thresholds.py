"""Error rates at every whole threshold from the limit on, of those who were processed, for plots.

Who passes and who fails is told as in :mod:`ageassure.audit.metrics.rates`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import Figure, Members, Method, Why
from ageassure.audit.intervals import CONFIDENCE, wilson
from ageassure.audit.metrics.cells import label
from ageassure.audit.table import distinct
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from ageassure.audit.metrics.cells import Grid
    from ageassure.audit.table import EvaluationTable, Flags, Floats

THRESHOLDS_FROM_LIMIT: Final = range(13)
GREY_ZONE_YEARS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRow:
    """Rates at one threshold; the intervals are for plots.

    Attributes:
        threshold_years: T.
        figures: ``fpr``, ``fnr``, and ``fpr`` and ``fnr`` of single ages next to the limit
            (``fpr_17``, ``fnr_18`` …).
    """

    threshold_years: float
    figures: dict[str, Figure]


def by_threshold(table: EvaluationTable, grid: Grid, limit_years: int) -> tuple[ThresholdRow, ...]:
    """Rates for every whole threshold from the limit to twelve years above it."""
    estimates = table.estimated_age_years
    parts: dict[str, tuple[Flags, bool]] = {
        "fpr": (grid.within(0, limit_years - 1), True),
        "fnr": (grid.within(limit_years, MAX_YEARS), False),
    }
    for year in range(max(0, limit_years - GREY_ZONE_YEARS), limit_years):
        parts[f"fpr_{label(year, year)}"] = (grid.within(year, year), True)
    for year in range(limit_years, limit_years + GREY_ZONE_YEARS):
        parts[f"fnr_{label(year, year)}"] = (grid.within(year, year), False)
    rows = {}
    for name, (cells, over) in parts.items():
        kept = cells[grid.of_row] & table.processed
        people = distinct(table.subjects[kept]) if table.clustered else int(kept.sum())
        rows[name] = (np.sort(estimates[kept]), over, people)
    return tuple(
        ThresholdRow(
            threshold_years=float(limit_years + step),
            figures={
                name: _plotted(ordered, limit_years + step, people, over=over)
                for name, (ordered, over, people) in rows.items()
            },
        )
        for step in THRESHOLDS_FROM_LIMIT
    )


def _plotted(ordered: Floats, threshold: float, people: int, *, over: bool) -> Figure:
    n = len(ordered)
    if not n:
        return Figure(value=None, n=0, subjects=0, k=0, reason=Why.NOBODY)
    below = int(np.searchsorted(ordered, threshold, side="left"))
    k = n - below if over else below
    members: Members = {"reason": Why.SAMPLES_OF_ONE_PERSON}
    if people == n:
        low, high = wilson(k, n)
        members = {"low": low, "high": high, "method": Method.WILSON, "confidence": CONFIDENCE}
    return Figure(value=k / n, n=n, subjects=people, k=k, **members)
