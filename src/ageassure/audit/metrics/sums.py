"""Sums of errors in exact integers, by stratum and unit: what every mean and interval is made of.

Errors are summed in units of 2⁻²⁴ year (about two seconds), so that sums of parts add up to the sum
of the whole to the last digit, in whatever order, and stay within 63 bits for 2³⁰ rows. Comparisons
(is the error at most k years?) use the estimate as it is.

With one row for each person the unit of an atom is a bin of 0.1 year: rows in one bin are resampled
together, and the cost of a bootstrap does not grow with their number. Otherwise the unit is the
person. Point values never come from bins: an atom holds the exact sums of its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.metrics.cells import AGE_BAND, Grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ageassure.audit.metrics.cells import Group
    from ageassure.audit.table import EvaluationTable, Flags, Floats, Ints

UNITS_PER_YEAR: Final = 1 << 24
BINS_PER_YEAR: Final = 10
WITHIN_YEARS: Final = tuple(range(1, 11))

COUNT, SIGNED, ABSOLUTE, SQUARED = range(4)
"""Columns of :meth:`Atoms.moments` and :meth:`Atoms.means`; :data:`WITHIN_YEARS` follow."""

_BIN_OFFSET: Final = 200 * BINS_PER_YEAR
_BINS: Final = 2 * _BIN_OFFSET
_HALF: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Atoms:
    r"""Sums over the rows that share a stratum and a unit (a bin, or a person).

    Attributes:
        stratum: Of each atom; resampling keeps the number of people in a stratum.
        unit: Bin or person of each atom.
        sums: [atoms, 6 + 10] integers: rows; Σe; Σ\|e\|; Σe² in three parts; rows with
            \|e\| ≤ 1 … 10 years. ``e`` in 2⁻²⁴ year.
        clustered: Is the unit a person?
    """

    stratum: Ints
    unit: Ints
    sums: Ints
    clustered: bool

    @classmethod
    def of(cls, table: EvaluationTable, grid: Grid, strata: Ints, rows: Flags) -> Atoms:
        """Sum up some rows, all processed and of exact age.

        Args:
            table: The table.
            grid: Its cells.
            strata: Stratum of every cell.
            rows: Which rows.
        """
        error = table.estimated_age_years[rows] - table.age_low_years[rows]
        clustered = table.clustered
        if clustered:
            unit = np.unique(table.subjects[rows], return_inverse=True)[1].astype(np.int64)
        else:
            unit = np.floor(error * BINS_PER_YEAR).astype(np.int64) + _BIN_OFFSET
        width = int(unit.max(initial=0)) + 1 if clustered else _BINS
        key = strata[grid.of_row[rows]] * width + unit
        order = np.argsort(key, kind="stable")
        keys, starts = np.unique(key[order], return_index=True)
        sums = np.zeros((len(keys), _COLUMNS), dtype=np.int64)
        if len(keys):
            for column, values in enumerate(_columns(error[order])):
                sums[:, column] = np.add.reduceat(values, starts)
        return cls(stratum=keys // width, unit=keys % width, sums=sums, clustered=clustered)

    def of_strata(self, wanted: Flags) -> Atoms:
        """The atoms of some strata."""
        kept = wanted[self.stratum]
        return Atoms(
            stratum=self.stratum[kept],
            unit=self.unit[kept],
            sums=self.sums[kept],
            clustered=self.clustered,
        )

    @property
    def rows(self) -> int:
        """Rows summed up."""
        return int(self.sums[:, 0].sum())

    @property
    def people(self) -> int:
        """People behind them."""
        return len(np.unique(self.unit)) if self.clustered else self.rows

    def means(self) -> list[float]:
        r"""Exact means, in years, years² and shares: 1, e, |e|, e², then \|e\| ≤ 1 … 10.

        Raises:
            ZeroDivisionError: If there are no rows.
        """
        count, signed, absolute, high, middle, low, *within = map(int, self.sums.sum(axis=0))
        squared = (high << 2 * _HALF) + (middle << (_HALF + 1)) + low
        one = UNITS_PER_YEAR
        return [
            1.0,
            signed / (count * one),
            absolute / (count * one),
            squared / (count * one * one),
            *(k / count for k in within),
        ]

    def moments(self) -> Floats:
        """[atoms, 4 + 10] sums in years, years² and rows, for resampling."""
        sums = self.sums.astype(np.float64)
        squared = sums[:, 3] * 4.0**_HALF + sums[:, 4] * 2.0 ** (_HALF + 1) + sums[:, 5]
        parts = (
            sums[:, :1],
            sums[:, 1:3] / UNITS_PER_YEAR,
            squared[:, None] / UNITS_PER_YEAR**2,
            sums[:, 6:],
        )
        return np.concatenate(parts, axis=1)


_COLUMNS: Final = 6 + len(WITHIN_YEARS)


def _columns(error: Floats) -> Iterator[Ints]:
    distance = np.abs(error)
    whole = np.rint(error * UNITS_PER_YEAR).astype(np.int64)
    size = np.abs(whole)
    high, low = size >> _HALF, size & ((1 << _HALF) - 1)
    yield np.ones(len(error), dtype=np.int64)
    yield from (whole, size, high * high, high * low, low * low)
    for years in WITHIN_YEARS:
        yield (distance <= years).astype(np.int64)


def strata_of(grid: Grid) -> Ints:
    """For each cell the number of its axes and age band: people are resampled within these."""
    bands = np.full(len(grid), -1, dtype=np.int64)
    for index, group in enumerate(grid.groups(AGE_BAND)):
        bands[group.cells] = index
    _, dense = np.unique(grid.strata * (bands.max() + 2) + bands + 1, return_inverse=True)
    return dense.reshape(-1).astype(np.int64)


def strata_in(group: Group, strata: Ints) -> Flags:
    """Which strata lie in a group, which must hold each as a whole or not at all."""
    inside = np.zeros(int(strata.max()) + 1, dtype=np.bool_)
    inside[strata[group.cells]] = True
    return inside
