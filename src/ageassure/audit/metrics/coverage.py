"""Do distributions hold what they claim? The PIT, and the coverage of central intervals.

Source: C. Czado and others, Biometrics 65, 2009 (the non-randomised PIT of whole numbers). Where
P(age ≥ a) is told at some ages only, the distribution is coarsened to the bands between them, and
intervals end at such ages; with P(age ≥ a) at every age the bands are single years.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import Cell, Figure, Why
from ageassure.audit.metrics.cells import AGE
from ageassure.audit.metrics.means import mean_figure
from ageassure.audit.metrics.shares import Shares
from ageassure.audit.table import P_OVER_YEARS
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ageassure.audit.metrics.cells import Grid, Group
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import EvaluationTable, Flags, Floats, Ints

TENTHS: Final = 10
COVERAGES: Final = (0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What distributions hold, in bands between the ages at which P(age ≥ a) is taken.

    Attributes:
        ages_years: These ages; 1 to 120 for single years.
        left_out: Samples whose age group lies across one of them.
        pit: Share of the probability integral transform in each tenth; 0.1 each if all is right.
        cells: Everybody, every group of the axes, every age band and, of single years, every age:
            ``coverage_80``, ``coverage_90``, ``coverage_95`` of the central intervals, and what the
            intervals claim to hold: ``claimed_80`` … It is more than their name says, since their
            ends are these ages.
    """

    ages_years: tuple[int, ...]
    left_out: int
    pit: tuple[Figure, ...]
    cells: tuple[Cell, ...]


def coverage(table: EvaluationTable, grid: Grid, plan: EvaluationPlan) -> Coverage | None:
    """Of distributions coarsened to the bands between the ages that every table tells.

    Returns:
        None if the estimator gives no probability.
    """
    ages = [age for age, column in table.p_over.items() if not np.isnan(column).all()]
    if table.whole_distributions:
        ages = list(P_OVER_YEARS)
    groups = [grid.everybody(), *(g for _, groups in grid.partitions() for g in groups)]
    return _coverage(table, grid, plan, ages, groups) if ages else None


def coverage_by_year(table: EvaluationTable, grid: Grid, plan: EvaluationPlan) -> Coverage | None:
    """Of whole distributions, in single years; with a cell for each single age, too.

    Returns:
        None if P(age ≥ a) is not given at every age a.
    """
    if not table.whole_distributions:
        return None
    groups = [grid.everybody(), *(g for _, groups in grid.partitions() for g in groups)]
    exact = [g for g in grid.groups(AGE) if grid.exact[g.cells].all()]
    return _coverage(table, grid, plan, list(table.p_over), [*groups, *exact])


def _coverage(
    table: EvaluationTable,
    grid: Grid,
    plan: EvaluationPlan,
    ages: list[int],
    groups: Iterable[Group],
) -> Coverage:
    across = np.any([grid.across(age) for age in ages], axis=0)
    rows = table.processed & ~across[grid.of_row]
    cuts = np.array([0, *ages, MAX_YEARS + 1])
    # P(age ≥ cut), and the band between two cuts that each person is in.
    survival = np.stack(
        [np.ones(len(table)), *(table.p_over[age] for age in ages), np.zeros(len(table))], axis=1
    )
    band = np.searchsorted(cuts, table.age_low_years, side="right") - 1
    shares, claimed = {}, {}
    each = np.arange(len(table))
    for share in COVERAGES:
        low, high = central(survival, share)
        name = f"{share * 100:g}"
        inside = (band >= low) & (band < high)
        shares[f"coverage_{name}"] = Shares(table, grid, ~across, inside)
        claimed[f"claimed_{name}"] = survival[each, low] - survival[each, high]
    return Coverage(
        ages_years=tuple(ages),
        left_out=int(np.count_nonzero(table.processed & ~rows)),
        pit=_pit(table, survival, band, rows, plan),
        cells=tuple(
            _coverage_cell(grid, plan, group, rows, shares, claimed)
            for group in groups
            if len(group.where) < 2
        ),
    )


def central(survival: Floats, share: float) -> tuple[Ints, Ints]:
    """Central intervals [low, high) that hold at least ``share``, as indexes of cuts.

    Args:
        survival: [people, cuts] P(age ≥ cut), from 1 down to 0.
        share: In (0, 1).
    """
    tail = (1 - share) / 2
    slack = 1e-12
    low = np.count_nonzero(1 - survival[:, 1:] <= tail + slack, axis=1)
    high = survival.shape[1] - np.count_nonzero(survival <= tail + slack, axis=1)
    return np.minimum(low, survival.shape[1] - 2), np.maximum(high, low + 1)


def _coverage_cell(
    grid: Grid,
    plan: EvaluationPlan,
    group: Group,
    rows: Flags,
    shares: Mapping[str, Shares],
    claimed: Mapping[str, Floats],
) -> Cell:
    figures = {name: share.figure(group.cells, plan) for name, share in shares.items()}
    kept = group.cells[grid.of_row] & rows
    for name, column in claimed.items():
        seen = figures[name.replace("claimed", "coverage")]
        value = None
        if seen.n:
            value = min(1.0, max(0.0, math.fsum(column[kept].tolist()) / seen.n))
        why = seen.reason if value is None else Why.NO_INTERVAL
        figures[name] = Figure(value=value, n=seen.n, subjects=seen.subjects, reason=why)
    return Cell(where=group.where, figures=figures)


def _pit(
    table: EvaluationTable, survival: Floats, band: Ints, rows: Flags, plan: EvaluationPlan
) -> tuple[Figure, ...]:
    """The non-randomised PIT histogram: each person's mass spread evenly over their band's."""
    kept = np.flatnonzero(rows)
    if not len(kept):
        why = Why.AGES_IN_GROUPS if table.processed.any() else Why.NOBODY_PROCESSED
        return (Figure(value=None, n=0, subjects=0, reason=why),) * TENTHS
    start, end = 1 - survival[kept, band[kept]], 1 - survival[kept, band[kept] + 1]
    width = np.maximum(end - start, 1e-12)
    edges = np.linspace(0, 1, TENTHS + 1)
    reached = np.clip((edges - start[:, None]) / width[:, None], 0, 1)
    reached[:, -1] = 1.0
    shares = np.diff(reached, axis=1)
    return tuple(mean_figure(share, table.subjects[kept], plan, 13) for share in shares.T)
