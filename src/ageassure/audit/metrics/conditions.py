"""Errors against what was measured of each picture: the head's turn, the size of the face.

These are pictures as they were taken, of different people: whoever looks aside may differ from who
does not in more than that. Where people have several pictures, the slope within persons is free of
it. Degraded pictures, of which every one is compared with itself, are in
:mod:`ageassure.audit.robustness`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import Figure, Why
from ageassure.audit.metrics.means import mean_figure
from ageassure.audit.metrics.slopes import slope, slope_within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import EvaluationTable, Flags, Floats

PARTS: Final = 5
_SIDES: Final = frozenset({"yaw_degrees"})
"""Conditions whose sign is a side, left or right; their size is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionPart:
    """One of five parts of equally many samples, by the condition.

    Attributes:
        least: Of the condition in this part.
        most: Likewise.
        figures: ``bias`` and ``mae``, years.
    """

    least: float
    most: float
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionResult:
    """One condition; of ``yaw_degrees`` the size, whichever the side.

    Attributes:
        name: Which.
        unknown: Processed samples of which it is not known.
        slope: Of ŷ − y, in years for each unit; people of exact age.
        slope_within: Of ŷ within the pictures of each person; null where nobody has pictures under
            different conditions.
        parts: Of people of exact age, ascending; empty where there are none.
    """

    name: str
    unknown: int
    slope: Figure
    slope_within: Figure
    parts: tuple[ConditionPart, ...]


def conditions(table: EvaluationTable, plan: EvaluationPlan) -> tuple[ConditionResult, ...]:
    """For every condition of the table."""
    return tuple(
        _result(table, plan, name, np.abs(column) if name in _SIDES else column)
        for name, column in table.conditions.items()
    )


def _result(
    table: EvaluationTable, plan: EvaluationPlan, name: str, column: Floats
) -> ConditionResult:
    known = table.processed & ~np.isnan(column)
    exact = known & table.exact
    return ConditionResult(
        name=name,
        unknown=int(np.count_nonzero(table.processed & ~known)),
        slope=_slope(table, plan, column, exact, some=bool(known.any())),
        slope_within=slope_within(
            column[known],
            table.estimated_age_years[known],
            table.subjects[known],
            table.subjects[known],
            plan,
            15,
        ),
        parts=tuple(_parts(table, plan, column, exact)),
    )


def _slope(
    table: EvaluationTable, plan: EvaluationPlan, column: Floats, exact: Flags, *, some: bool
) -> Figure:
    if some and not exact.any():
        return Figure(value=None, n=0, subjects=0, reason=Why.AGES_IN_GROUPS)
    error = table.estimated_age_years[exact] - table.age_low_years[exact]
    return slope(column[exact], error, table.subjects[exact], plan, 14)


def _parts(
    table: EvaluationTable, plan: EvaluationPlan, column: Floats, exact: Flags
) -> list[ConditionPart]:
    rows = np.flatnonzero(exact)
    error = table.estimated_age_years - table.age_low_years
    rows = rows[np.lexsort((error[rows], column[rows]))]
    edges = [len(rows) * index // PARTS for index in range(PARTS + 1)]
    found = []
    for start, end in itertools.pairwise(edges):
        part = rows[start:end]
        if not len(part):
            continue
        subjects = table.subjects[part]
        found.append(
            ConditionPart(
                least=float(column[part[0]]),
                most=float(column[part[-1]]),
                figures={
                    "bias": mean_figure(error[part], subjects, plan, 16),
                    "mae": mean_figure(np.abs(error[part]), subjects, plan, 16),
                },
            )
        )
    return found
