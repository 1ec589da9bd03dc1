"""Rows sorted into cells: every combination of axes and age label that occurs.

A cell is the finest group there is; every group of people in a report is a set of cells. Axes,
values and cells stand in an order of their own, so that it does not matter in which order rows
came, nor out of how many files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.table import UNKNOWN
from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import EvaluationTable, Flags, Ints

AGE: Final = "age"
AGE_BAND: Final = "age_band"

BAND_STARTS_YEARS: Final = (0, 8, 13, 16, 18, 21, 25, 30, 40, 60)
"""Bands by which exact ages are grouped; the last has no end. Limits of law lie between them."""

MAX_CELLS: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """People of one kind: ``where`` (axis → value) and the cells that they are in."""

    where: dict[str, str]
    cells: Flags


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """The cells of a table.

    Attributes:
        axes: Names of the grouping axes.
        values: For each axis its values, sorted.
        codes: [cells, axes] index into ``values``; −1 not known.
        age_low_years: First year of each cell's age label.
        age_high_years: Last year, included.
        of_row: Cell of every row.
        pair_with: The axis that is crossed with each other.
    """

    axes: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: Ints
    age_low_years: Ints
    age_high_years: Ints
    of_row: Ints
    pair_with: str | None

    @classmethod
    def of(cls, table: EvaluationTable, plan: EvaluationPlan) -> Grid:
        """Sort a table's rows into cells.

        Raises:
            ConfigurationError: If an axis of the plan is no column, or there are too many cells.
        """
        missing = [axis for axis in plan.axes if axis not in table.groups]
        if missing:
            raise ConfigurationError(f"got axes that are no columns of the table: {missing}")
        values, columns = [], [table.age_low_years, table.age_high_years]
        for axis in plan.axes:
            column = table.groups[axis]
            order = sorted(range(len(column.values)), key=column.values.__getitem__)
            rank = np.full(len(order) + 1, UNKNOWN, dtype=np.int64)  # the last stands for −1
            rank[order] = np.arange(len(order))
            values.append(tuple(column.values[index] for index in order))
            columns.append(rank[column.codes])
        key = np.zeros(len(table), dtype=np.int64)
        of_row = key
        for column_codes in columns:
            _, column_dense = np.unique(column_codes, return_inverse=True)
            _, of_row = np.unique(
                key * (column_dense.max() + 1) + column_dense, return_inverse=True
            )
            key = of_row.astype(np.int64)
        cells = int(key.max()) + 1
        if cells > MAX_CELLS:
            raise ConfigurationError(
                f"got {cells} combinations of age and axes, expected at most {MAX_CELLS}"
            )
        first = np.zeros(cells, dtype=np.int64)
        first[key[::-1]] = np.arange(len(key))[::-1]
        low, high, *codes = (column_codes[first] for column_codes in columns)
        return cls(
            axes=plan.axes,
            values=tuple(values),
            codes=np.stack(codes, axis=1) if codes else np.empty((cells, 0), dtype=np.int64),
            age_low_years=low,
            age_high_years=high,
            of_row=key,
            pair_with=plan.pair_with,
        )

    def __len__(self) -> int:
        return len(self.age_low_years)

    @property
    def strata(self) -> Ints:
        """For each cell the number of its combination of axes, whatever the age."""
        _, stratum = np.unique(self.codes, axis=0, return_inverse=True)
        return stratum.reshape(-1).astype(np.int64)

    @property
    def exact(self) -> Flags:
        """Cells whose age is known to the year."""
        found: Flags = self.age_low_years == self.age_high_years
        return found

    def everybody(self) -> Group:
        """All cells."""
        return Group(where={}, cells=self.all_cells())

    def all_cells(self) -> Flags:
        """Every cell."""
        return np.ones(len(self), dtype=np.bool_)

    def groups(self, axis: str) -> Iterator[Group]:
        """One group for each value of an axis, also of those made from ages."""
        if axis == AGE_BAND:
            yield from self._bands()
        elif axis == AGE:
            yield from self._labels()
        else:
            column = self.axes.index(axis)
            for code, value in enumerate(self.values[column]):
                yield Group(where={axis: value}, cells=self.codes[:, column] == code)

    def pairs(self, axis: str) -> Iterator[Group]:
        """The groups of an axis within those of ``pair_with``."""
        if self.pair_with is not None:
            others = list(self.groups(axis))
            for group in self.groups(self.pair_with):
                for other in others:
                    yield Group(where=group.where | other.where, cells=group.cells & other.cells)

    def partitions(self) -> Iterator[tuple[str, list[Group]]]:
        """Every way to divide people that is reported: by one axis, then by pairs of axes.

        A value that nobody has is a group of nobody, so that it is seen.
        """
        names = (*self.axes, AGE_BAND)
        for axis in names:
            yield axis, list(self.groups(axis))
        for axis in names:
            if self.pair_with not in (None, axis):
                yield f"{self.pair_with} × {axis}", list(self.pairs(axis))

    def reported(self) -> list[Group]:
        """Everybody, then every group and pair."""
        return [self.everybody(), *(g for _, groups in self.partitions() for g in groups)]

    def within(self, first_years: int, last_years: int) -> Flags:
        """Cells whose whole age label lies in these completed years."""
        inside: Flags = (self.age_low_years >= first_years) & (self.age_high_years <= last_years)
        return inside

    def across(self, limit_years: int) -> Flags:
        """Cells whose age group lies across a limit: neither minors nor adults."""
        inside: Flags = (self.age_low_years < limit_years) & (self.age_high_years >= limit_years)
        return inside

    def _labels(self) -> Iterator[Group]:
        labels = zip(self.age_low_years.tolist(), self.age_high_years.tolist(), strict=True)
        for low, high in sorted(set(labels)):
            yield Group(
                where={AGE: label(low, high)},
                cells=(self.age_low_years == low) & (self.age_high_years == high),
            )

    def _bands(self) -> Iterator[Group]:
        exact = self.exact
        ends = (*BAND_STARTS_YEARS[1:], None)
        for first, after in zip(BAND_STARTS_YEARS, ends, strict=True):
            cells = exact & (self.age_low_years >= first)
            if after is not None:
                cells &= self.age_low_years < after
            name = f"{first}+" if after is None else label(first, after - 1)
            if cells.any():
                yield Group(where={AGE_BAND: name}, cells=cells)
        for group in self._labels():
            if not (exact & group.cells).any():
                yield Group(where={AGE_BAND: group.where[AGE]}, cells=group.cells)


def label(low_years: int, high_years: int) -> str:
    """``17``, or ``10–19``."""
    return f"{low_years}" if low_years == high_years else f"{low_years}–{high_years}"
