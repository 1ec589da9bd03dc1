"""Two estimators on the same samples: differences with intervals, not two numbers in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import Cell, Figure, Members, Why
from ageassure.audit.metrics.bootstrap import Units, ends
from ageassure.audit.metrics.cells import Grid
from ageassure.audit.table import distinct
from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from ageassure.audit.metrics.cells import Group
    from ageassure.audit.plan import EvaluationPlan, OperatingPoint
    from ageassure.audit.table import EvaluationTable, Flags, Floats, Ints

_BINS_PER_YEAR: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The second estimator's figures less the first's: below zero, the second errs less.

    Attributes:
        samples: Samples that both were given.
        processed_by_both: Of these; differences in years are of them.
        processed_by_first_only: Failures of the second that are none of the first.
        processed_by_second_only: The reverse.
        years: Everybody, every group and pair: ``mae``, ``bias``.
        points: For each operating point, everybody, every group and pair: ``fpr_operational`` of
            the protected band, ``fnr_operational``; everybody presented counts.
    """

    samples: int
    processed_by_both: int
    processed_by_first_only: int
    processed_by_second_only: int
    years: tuple[Cell, ...]
    points: tuple[tuple[Cell, ...], ...]


def compare(first: EvaluationTable, second: EvaluationTable, plan: EvaluationPlan) -> Comparison:
    """Compare two tables of the same samples.

    Each operating point's challenge age is used for both: compare estimators at challenge ages of
    their own by making one table for each and reading the rates there.

    Raises:
        ConfigurationError: If they are not of the same samples with the same labels and persons.
    """
    order = np.argsort(first.sample_ids), np.argsort(second.sample_ids)
    first, second = first.rows(order[0]), second.rows(order[1])
    _check(first, second, plan)
    grid = Grid.of(first, plan)
    groups = grid.reported()
    both = first.processed & second.processed
    exact = both & first.exact
    errors = [np.where(exact, t.estimated_age_years - t.age_low_years, 0) for t in (first, second)]
    differences = {
        "mae": np.abs(errors[1]) - np.abs(errors[0]),
        "bias": errors[1] - errors[0],
    }
    return Comparison(
        samples=len(first),
        processed_by_both=int(both.sum()),
        processed_by_first_only=int((first.processed & ~second.processed).sum()),
        processed_by_second_only=int((second.processed & ~first.processed).sum()),
        years=tuple(
            _cell(first, grid, group, exact, differences, plan, Why.AGES_IN_GROUPS)
            for group in groups
        ),
        points=tuple(
            tuple(_at(first, second, grid, group, point, plan) for group in groups)
            for point in plan.points
        ),
    )


def _check(first: EvaluationTable, second: EvaluationTable, plan: EvaluationPlan) -> None:
    if not np.array_equal(first.sample_ids, second.sample_ids):
        raise ConfigurationError("got tables of different samples")
    for name in ("age_low_years", "age_high_years"):
        if not np.array_equal(getattr(first, name), getattr(second, name)):
            raise ConfigurationError(f"got tables that differ in {name}")
    persons = [
        np.unique(t.subjects, return_index=True, return_inverse=True) for t in (first, second)
    ]
    if not np.array_equal(persons[0][1][persons[0][2]], persons[1][1][persons[1][2]]):
        raise ConfigurationError("got tables that differ in who shows which person")
    if missing := [axis for axis in plan.axes if axis not in first.groups]:
        raise ConfigurationError(f"got axes that are no columns of the tables: {missing}")


def _first_rows(subjects: Ints) -> Ints:
    """For each row the first row of the same person."""
    _, first, person = np.unique(subjects, return_index=True, return_inverse=True)
    return np.asarray(first[person], dtype=np.int64)


def _at(
    first: EvaluationTable,
    second: EvaluationTable,
    grid: Grid,
    group: Group,
    point: OperatingPoint,
    plan: EvaluationPlan,
) -> Cell:
    passed = [
        (t.processed & (t.estimated_age_years >= point.challenge_age_years)).astype(np.float64)
        for t in (first, second)
    ]
    band = grid.within(point.protected_band.first_years, point.protected_band.last_years)
    adults = grid.age_low_years >= point.limit_years
    figures: dict[str, Figure] = {}
    for name, cells, sign in (("fpr_operational", band, 1), ("fnr_operational", adults, -1)):
        rows = cells[grid.of_row]
        found = _cell(
            first, grid, group, rows, {name: sign * (passed[1] - passed[0])}, plan, Why.NOBODY
        )
        figures |= found.figures
    return Cell(where=group.where, figures=figures)


def _cell(
    table: EvaluationTable,
    grid: Grid,
    group: Group,
    rows: Flags,
    differences: dict[str, Floats],
    plan: EvaluationPlan,
    why: Why,
) -> Cell:
    kept = rows & group.cells[grid.of_row]
    n = int(kept.sum())
    people = distinct(table.subjects[kept]) if table.clustered else n
    counted: Members = {"n": n, "subjects": people}
    figures = {}
    for name, difference in differences.items():
        if not n:
            reason = why if group.cells[grid.of_row].any() else Why.NOBODY
            figures[name] = Figure(value=None, **counted, reason=reason)
            continue
        units = _units(difference[kept], table.subjects[kept] if table.clustered else None)
        value = float(units.people @ units.sums[:, 1]) / n
        drawn = units.replicates(np.random.default_rng((plan.seed, 11)), plan.resamples)
        members = ends(drawn[:, 1] / drawn[:, 0], value, people, acceleration=units.acceleration(1))
        figures[name] = Figure(value=value, **counted, **members)
    return Cell(where=group.where, figures=figures)


def _units(difference: Floats, subjects: Ints | None) -> Units:
    """People, or those whose differences lie in the same tenth of a year."""
    ordered = np.sort(difference)
    if subjects is None:
        bins = np.floor(ordered * _BINS_PER_YEAR).astype(np.int64)
        _, unit, people = np.unique(bins, return_inverse=True, return_counts=True)
        sums = np.stack([np.ones(len(people)), np.bincount(unit, ordered) / people], axis=1)
    else:
        order = np.lexsort((difference, subjects))
        _, unit, samples = np.unique(subjects[order], return_inverse=True, return_counts=True)
        sums = np.stack([samples, np.bincount(unit, difference[order])], axis=1)
        sums = sums[np.lexsort(sums.T[::-1])]
        people = np.ones(len(sums), dtype=np.int64)
    return Units(stratum=np.zeros(len(sums), dtype=np.int64), people=people, sums=sums)
