"""Errors in years: by group and pair of groups, and how far groups lie apart.

Definitions: NIST FATE AEV (MAE, report cards). ``y`` is the true age in completed years, ``ŷ`` the
mean of the estimate. People of whom only an age group is known have no error in years; for them
there is the least that it can be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import Cell, Figure, Members, Method, Why
from ageassure.audit.intervals import CONFIDENCE, clopper_pearson, median_ranks
from ageassure.audit.metrics.bootstrap import Units, ends, resampled
from ageassure.audit.metrics.cells import AGE_BAND
from ageassure.audit.metrics.spread import Spread, spread_of
from ageassure.audit.metrics.sums import (
    ABSOLUTE,
    COUNT,
    SIGNED,
    SQUARED,
    WITHIN_YEARS,
    Atoms,
    strata_in,
    strata_of,
)
from ageassure.audit.table import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ageassure.audit.metrics.cells import Grid, Group
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import EvaluationTable, Flags, Floats

MACRO_YEARS: Final = range(18, 31)
"""Single ages over which NIST's macro figures average."""

_RATIOS: Final = {"mae": ABSOLUTE, "rmse": SQUARED, "bias": SIGNED}


@dataclass(frozen=True, slots=True, kw_only=True)
class YearsOfError:
    """Errors in years.

    Attributes:
        cells: Everybody, every group, every pair: ``mae``, ``median_ae``, ``rmse``, ``bias``,
            ``within_1`` … ``within_10``, ``mae_at_least``.
        macro: ``mae``, ``rmse``, ``bias``: means over the cells of ``pair_with`` × single ages
            18 … 30, each of equal weight.
        spreads: Of ``mae`` and ``rmse`` over the groups of each axis and pair.
    """

    cells: tuple[Cell, ...]
    macro: Cell
    spreads: tuple[Spread, ...]


def years_of_error(table: EvaluationTable, grid: Grid, plan: EvaluationPlan) -> YearsOfError:
    """Measure the errors of all who were processed and whose age is known to the year."""
    strata = strata_of(grid)
    atoms = Atoms.of(table, grid, strata, table.processed & table.exact)
    groups = grid.reported()
    flags = [strata_in(group, strata) for group in groups]
    drawn = resampled(atoms, flags, seed=(plan.seed, 1), resamples=plan.resamples)
    cells = [
        _Errors(table, grid, atoms, group, kept, sums).cell()
        for group, kept, sums in zip(groups, flags, drawn, strict=True)
    ]
    return YearsOfError(
        cells=tuple(cells),
        macro=_macro(table, grid, plan),
        spreads=tuple(_spreads(grid, cells, drawn, clustered=atoms.clustered)),
    )


class _Errors:
    """The errors of one group."""

    def __init__(
        self,
        table: EvaluationTable,
        grid: Grid,
        atoms: Atoms,
        group: Group,
        kept: Flags,
        drawn: Floats,
    ) -> None:
        self._where = group.where
        self._atoms = atoms.of_strata(kept)
        self._drawn = drawn
        in_group = group.cells[grid.of_row]
        self._people_here = bool(in_group.any())
        self._rows = in_group & table.processed
        self._table = table

    def cell(self) -> Cell:
        figures = self._exact() | {"mae_at_least": self._at_least()}
        return Cell(where=self._where, figures=figures)

    def _exact(self) -> dict[str, Figure]:
        names = [*_RATIOS, "median_ae", *(f"within_{years}" for years in WITHIN_YEARS)]
        if not self._atoms.rows:
            return {name: self._null() for name in names}
        means = self._atoms.means()
        units = Units.of(self._atoms)
        figures = {
            name: self._ratio(means[column], column, units, root=name == "rmse")
            for name, column in _RATIOS.items()
        }
        figures["median_ae"] = self._median()
        for column, years in enumerate(WITHIN_YEARS, SQUARED + 1):
            figures[f"within_{years}"] = self._share(means[column], column, units)
        return figures

    def _null(self) -> Figure:
        if not self._people_here:
            why = Why.NOBODY
        elif not self._rows.any():
            why = Why.NOBODY_PROCESSED
        else:
            why = Why.AGES_IN_GROUPS
        return Figure(value=None, n=0, subjects=0, reason=why)

    def _counted(self) -> Members:
        return {"n": self._atoms.rows, "subjects": self._atoms.people}

    def _ratio(self, value: float, column: int, units: Units, *, root: bool = False) -> Figure:
        ratios = self._drawn[:, column] / self._drawn[:, COUNT]
        members = ends(ratios, value, self._atoms.people, acceleration=units.acceleration(column))
        if root:
            value = math.sqrt(value)
            members |= {
                end: math.sqrt(max(members[end], 0)) for end in ("low", "high") if end in members
            }
        return Figure(value=value, **self._counted(), **members)

    def _share(self, value: float, column: int, units: Units) -> Figure:
        k = round(value * self._atoms.rows)
        if self._atoms.clustered:
            found = self._ratio(value, column, units)
            members = {m: getattr(found, m) for m in ("low", "high", "method", "reason")}
            members["confidence"] = found.confidence
        else:
            low, high = clopper_pearson(k, self._atoms.rows)
            members = {"low": low, "high": high, "method": Method.CLOPPER_PEARSON}
            members["confidence"] = CONFIDENCE
        return Figure(value=value, k=k, **self._counted(), **members)

    def _median(self) -> Figure:
        exact = self._rows & self._table.exact
        errors = np.sort(
            np.abs(self._table.estimated_age_years[exact] - self._table.age_low_years[exact])
        )
        value = float(errors[(len(errors) - 1) // 2] + errors[len(errors) // 2]) / 2
        members: Members
        ranks = median_ranks(len(errors))
        if self._atoms.clustered:
            members = {"reason": Why.SAMPLES_OF_ONE_PERSON}
        elif ranks is None:
            members = {"reason": Why.FEW_PEOPLE}
        else:
            low, high = (float(errors[rank]) for rank in ranks)
            members = {"low": low, "high": high, "method": Method.ORDER_STATISTICS}
            members["confidence"] = CONFIDENCE
        return Figure(value=value, **self._counted(), **members)

    def _at_least(self) -> Figure:
        """Mean distance to the nearest year of the age label: the MAE is no less."""
        table, rows = self._table, self._rows
        n = int(rows.sum())
        if not n:
            return self._null()
        estimates = table.estimated_age_years[rows]
        below = table.age_low_years[rows] - estimates
        distance = np.maximum(np.maximum(below, estimates - table.age_high_years[rows]), 0)
        return Figure(
            value=math.fsum(distance.tolist()) / n,
            n=n,
            subjects=distinct(table.subjects[rows]) if table.clustered else n,
            reason=Why.LOWER_LIMIT,
        )


def _spreads(
    grid: Grid, cells: Sequence[Cell], drawn: Sequence[Floats], *, clustered: bool
) -> list[Spread]:
    found = []
    start = 1  # everybody stands first
    for over, groups in grid.partitions():
        part = slice(start, start + len(groups))
        start += len(groups)
        for metric in ("mae", "rmse"):
            figures = [cell.figures[metric] for cell in cells[part]]
            replicates: list[Floats | None] | Why = [
                _replicates(sums, metric) if figure.value is not None else None
                for sums, figure in zip(drawn[part], figures, strict=True)
            ]
            if clustered and AGE_BAND in over:  # one person may be in two bands
                replicates = Why.SAMPLES_OF_ONE_PERSON
            people = cells[0].figures[metric].subjects
            found.append(spread_of(metric, over, groups, figures, replicates, people))
    return found


def _replicates(sums: Floats, metric: str) -> Floats:
    ratios: Floats = sums[:, _RATIOS[metric]] / sums[:, COUNT]
    return np.sqrt(np.maximum(ratios, 0)) if metric == "rmse" else ratios


def _macro(table: EvaluationTable, grid: Grid, plan: EvaluationPlan) -> Cell:
    """Means over single ages, within each group of the axis that is crossed with the others."""
    ages = [grid.within(year, year) for year in MACRO_YEARS]
    sides = [g.cells for g in grid.groups(grid.pair_with)] if grid.pair_with else [grid.all_cells()]
    wanted = [side & age for side in sides for age in ages]
    strata = np.zeros(len(grid), dtype=np.int64)
    for index, cells in enumerate(wanted, 1):
        strata[cells] = index
    rows = table.processed & table.exact & (strata[grid.of_row] > 0)
    atoms = Atoms.of(table, grid, strata, rows)
    counted: Members = {"n": atoms.rows, "subjects": atoms.people}
    flags = list(np.eye(len(wanted) + 1, dtype=np.bool_)[1:])
    parts = [atoms.of_strata(flag) for flag in flags]
    if not all(part.rows for part in parts):
        null = Figure(value=None, **counted, reason=Why.AGE_MISSING)
        return Cell(where={}, figures=dict.fromkeys(_RATIOS, null))
    drawn = resampled(atoms, flags, seed=(plan.seed, 2), resamples=plan.resamples)
    figures = {}
    for name, column in _RATIOS.items():
        means = [part.means()[column] for part in parts]
        ratios = np.stack([sums[:, column] / sums[:, COUNT] for sums in drawn])
        if name == "rmse":
            means, ratios = [math.sqrt(mean) for mean in means], np.sqrt(np.maximum(ratios, 0))
        value = math.fsum(means) / len(means)
        fewest = min(part.people for part in parts)
        members = (
            {"reason": Why.SAMPLES_OF_ONE_PERSON}
            if atoms.clustered
            else ends(ratios.mean(axis=0), value, fewest)
        )
        figures[name] = Figure(value=value, **counted, **members)
    return Cell(where={}, figures=figures)
