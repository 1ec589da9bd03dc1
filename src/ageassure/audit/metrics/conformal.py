"""Conformal lower bounds: "at least so old", right for a stated share of people.

Split conformal prediction (V. Vovk and others, Algorithmic Learning in a Random World, 2005): an
estimate less the margin that most people of the calibration part need. One margin for each group
(Mondrian) is an audit figure only, since at run time neither age nor sex is known; what may be used
for everybody is the margin of the worst group.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import Cell, Figure, Members, Why
from ageassure.audit.metrics.cells import AGE_BAND, Grid
from ageassure.audit.metrics.shares import Shares
from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.audit.metrics.cells import Group
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import EvaluationTable, Flags, Floats

COVERAGE: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformal:
    """Lower bounds made on the calibration part and checked on this one.

    Attributes:
        coverage: Share of people for whom "age ≥ ŷ − margin" is to be right.
        margin: Years, for everybody; null if too few people.
        margins: Years, for each group of age band and ``pair_with`` and for pairs of these.
        worst: The group with the greatest margin, which is the one that may be used.
        covered: Everybody and every group: share for whom the bound was right on this part,
            ``with_margin`` and ``with_worst_margin``. Of an age group the first year counts, as for
            the margin: somebody in it may be older, and the share is no less.
        worst_covered: The group in which ``with_margin`` was right most rarely.
    """

    coverage: float
    margin: Figure
    margins: tuple[Cell, ...]
    worst: Mapping[str, str] | None
    covered: tuple[Cell, ...]
    worst_covered: Mapping[str, str] | None


def conformal(
    calibration: EvaluationTable, table: EvaluationTable, grid: Grid, plan: EvaluationPlan
) -> Conformal:
    """Make the bounds on one set of people, check them on another.

    Raises:
        ConfigurationError: If both have the same digest, or the calibration part lacks an axis.
    """
    if calibration.statement.digest == table.statement.digest:
        raise ConfigurationError("got the same data set for calibration and test")
    calibrated = Grid.of(calibration, plan)
    margins = [
        Cell(
            where=group.where,
            figures={"margin_years": _margin(calibration, group.cells[calibrated.of_row])},
        )
        for group in _groups(calibrated)
    ]
    everybody = _margin(calibration, np.ones(len(calibration), dtype=np.bool_))
    known = [
        (cell.figures["margin_years"].value, cell)
        for cell in margins
        if cell.figures["margin_years"].value is not None
    ]
    worst = max(known, key=lambda found: found[0] or 0.0, default=(None, None))
    shares = {}
    for name, margin in (("with_margin", everybody.value), ("with_worst_margin", worst[0])):
        if margin is not None:
            right = table.age_low_years >= table.estimated_age_years - margin
            shares[name] = Shares(table, grid, grid.all_cells(), right)
    covered = [
        Cell(
            where=group.where,
            figures={name: share.figure(group.cells, plan) for name, share in shares.items()},
        )
        for group in (grid.everybody(), *_groups(grid))
    ]
    rated = [
        (cell.figures["with_margin"].value, cell)
        for cell in covered[1:]
        if "with_margin" in cell.figures and cell.figures["with_margin"].value is not None
    ]
    least = min(rated, key=lambda found: found[0] or 0.0, default=(None, None))
    return Conformal(
        coverage=COVERAGE,
        margin=everybody,
        margins=tuple(margins),
        worst=worst[1].where if worst[1] else None,
        covered=tuple(covered),
        worst_covered=least[1].where if least[1] else None,
    )


def _groups(grid: Grid) -> list[Group]:
    if grid.pair_with is None:
        return list(grid.groups(AGE_BAND))
    return [
        *grid.groups(AGE_BAND),
        *grid.groups(grid.pair_with),
        *grid.pairs(AGE_BAND),
    ]


def _margin(table: EvaluationTable, rows: Flags) -> Figure:
    """How far an estimate lies above the age: the quantile over people of their greatest excess.

    Of an age group the first year counts.
    """
    kept = rows & table.processed
    excess = table.estimated_age_years[kept] - table.age_low_years[kept]
    people = np.unique(table.subjects[kept], return_inverse=True)[1]
    worst = np.full(int(people.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(worst, people, excess)
    margin = quantile(worst, COVERAGE)
    counted: Members = {"n": int(kept.sum()), "subjects": len(worst)}
    if margin is None:
        why = Why.FEW_FOR_MARGIN if len(worst) else Why.NOBODY
        return Figure(value=None, **counted, reason=why)
    return Figure(value=margin, **counted, reason=Why.A_BOUND)


def quantile(scores: Floats, coverage: float) -> float | None:
    """The ⌈(n + 1) · coverage⌉-th least score; None if n is too small for that."""
    rank = math.ceil((len(scores) + 1) * Fraction(repr(coverage)))
    return None if rank > len(scores) else float(np.sort(scores)[rank - 1])
