"""Are the probabilities right? P(age ≥ a) against who is a or older, and what they say together.

Of a whole distribution only P(age ≥ a) at some ages is in a table. That is enough for the
reliability at each of these ages, and for the distribution coarsened to the bands between them: its
PIT histogram (C. Czado and others, Biometrics 65, 2009) and its central intervals, whose ends are
such ages. The PIT and the intervals of single years need the whole distribution and are not told.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import Cell, Figure, Members, Method, Why
from ageassure.audit.intervals import CONFIDENCE, wilson
from ageassure.audit.metrics.bootstrap import Units, ends
from ageassure.audit.metrics.shares import Shares
from ageassure.audit.table import distinct
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.audit.metrics.cells import Grid, Group
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import EvaluationTable, Flags, Floats, Ints

BINS: Final = 10
COVERAGES: Final = (0.8, 0.9, 0.95)
LEAST_PROBABILITY: Final = 1e-12
"""Probabilities are kept this far from 0 and 1 in the log-loss, which would be infinite."""

_LEVELS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """One of ten bins of equally many samples, by probability.

    Attributes:
        mean_probability: What was said.
        observed: What is so, with Wilson's interval, for plots.
    """

    mean_probability: float
    observed: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """How right P(age ≥ ``age_years``) is.

    Attributes:
        age_years: The age.
        left_out: Samples whose age group lies across it.
        cells: Everybody and every group of the axes: ``brier``, ``log_loss``, ``ece`` (its interval
            is where it lies by chance when every probability is exactly right),
            ``mean_probability``, ``observed``.
        bins: Of everybody.
    """

    age_years: int
    left_out: int
    cells: tuple[Cell, ...]
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Distributions coarsened to the bands between the ages at which P(age ≥ a) is given.

    Attributes:
        ages_years: These ages.
        left_out: Samples whose age group lies across one of them.
        pit: Share of the probability integral transform in each tenth; 0.1 each if all is right.
        cells: Everybody, every group of the axes, every age band: ``coverage_80``, ``coverage_90``,
            ``coverage_95`` of the central intervals, and what the intervals claim to hold:
            ``claimed_80`` … It is more than their name says, since their ends are these ages.
    """

    ages_years: tuple[int, ...]
    left_out: int
    pit: tuple[float, ...]
    cells: tuple[Cell, ...]


def reliability(
    table: EvaluationTable, grid: Grid, plan: EvaluationPlan
) -> tuple[Reliability, ...]:
    """For every age at which the estimator gives a probability."""
    found = []
    for age, column in table.p_over.items():
        given = ~np.isnan(column)
        if not given.any():
            continue
        across = grid.across(age)[grid.of_row]
        rows = np.flatnonzero(given & ~across)
        order = np.lexsort((table.subjects[rows], table.age_low_years[rows], column[rows]))
        rows = rows[order]
        told = _Told(table, grid, rows, column[rows], table.age_low_years[rows] >= age)
        groups = [g for axis in plan.axes for g in grid.groups(axis)]
        found.append(
            Reliability(
                age_years=age,
                left_out=int(np.count_nonzero(given & across)),
                cells=tuple(told.cell(group, plan) for group in (grid.everybody(), *groups)),
                bins=told.bins(),
            )
        )
    return tuple(found)


class _Told:
    """Rows in ascending order of what was said of them."""

    def __init__(
        self, table: EvaluationTable, grid: Grid, rows: Ints, said: Floats, truth: Flags
    ) -> None:
        self._clustered = table.clustered
        self._subjects = table.subjects[rows]
        self._cell = grid.of_row[rows]
        self._grid_of_row = grid.of_row
        self._said, self._truth = said, truth

    def cell(self, group: Group, plan: EvaluationPlan) -> Cell:
        kept = group.cells[self._cell]
        said, truth = self._said[kept], self._truth[kept]
        n = len(said)
        people = distinct(self._subjects[kept]) if self._clustered else n
        counted: Members = {"n": n, "subjects": people}
        if not n:
            anybody = bool(group.cells[self._grid_of_row].any())
            null = Figure(
                value=None, **counted, reason=Why.NOBODY_PROCESSED if anybody else Why.NOBODY
            )
            names = ("brier", "log_loss", "ece", "mean_probability", "observed")
            return Cell(where=group.where, figures=dict.fromkeys(names, null))
        units = self._units(kept)
        rng = np.random.default_rng((plan.seed, 8))
        drawn = units.replicates(rng, plan.resamples)
        figures = {}
        for column, name in enumerate(("brier", "log_loss", "mean_probability", "observed"), 1):
            value = _mean(said, truth, name)
            members = ends(
                drawn[:, column] / drawn[:, 0],
                value,
                people,
                acceleration=units.acceleration(column),
            )
            figures[name] = Figure(value=value, **counted, **members)
        figures["ece"] = _ece(said, truth, counted, plan)
        return Cell(where=group.where, figures=figures)

    def _units(self, kept: Flags) -> Units:
        said, truth = self._said[kept], self._truth[kept]
        if self._clustered:
            _, unit = np.unique(self._subjects[kept], return_inverse=True)
        else:  # people of whom nearly the same was said, and rightly or wrongly so, count alike
            unit = np.minimum((said * _LEVELS).astype(np.int64), _LEVELS - 1) * 2 + truth
            _, unit = np.unique(unit, return_inverse=True)
        losses = [np.ones(len(said)), *(_losses(said, truth, name) for name in _LOSSES)]
        sums = np.stack([np.bincount(unit, loss) for loss in losses], axis=1)
        if self._clustered:
            sums = sums[np.lexsort(sums.T[::-1])]
            people = np.ones(len(sums), dtype=np.int64)
        else:
            people = np.bincount(unit)
        each: Floats = sums / people[:, None]
        return Units(stratum=np.zeros(len(sums), dtype=np.int64), people=people, sums=each)

    def bins(self) -> tuple[ReliabilityBin, ...]:
        found = []
        for part in _equal_mass(len(self._said)):
            n, k = part.stop - part.start, int(self._truth[part].sum())
            low, high = wilson(k, n)
            found.append(
                ReliabilityBin(
                    mean_probability=math.fsum(self._said[part].tolist()) / n,
                    observed=Figure(
                        value=k / n,
                        n=n,
                        subjects=distinct(self._subjects[part]),
                        k=k,
                        low=low,
                        high=high,
                        method=Method.WILSON,
                        confidence=CONFIDENCE,
                    ),
                )
            )
        return tuple(found)


_LOSSES: Final = ("brier", "log_loss", "mean_probability", "observed")


def _losses(said: Floats, truth: Flags, name: str) -> Floats:
    if name == "brier":
        return np.asarray(np.square(said - truth), dtype=np.float64)
    if name == "log_loss":
        right = np.where(truth, said, 1 - said)
        clipped = np.clip(right, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        return np.asarray(-np.log(clipped), dtype=np.float64)
    return said if name == "mean_probability" else truth.astype(np.float64)


def _mean(said: Floats, truth: Flags, name: str) -> float:
    return math.fsum(_losses(said, truth, name).tolist()) / len(said)


def _equal_mass(n: int) -> list[slice]:
    """Ten slices of equally many; fewer where there are fewer samples."""
    edges = [n * index // BINS for index in range(BINS + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges) if a < b]


def _ece(said: Floats, truth: Flags, counted: Members, plan: EvaluationPlan) -> Figure:
    """The calibration error, beside what exactly right probabilities would show by chance."""
    rng = np.random.default_rng((plan.seed, 9))
    n = len(said)
    error = 0.0
    chance = np.zeros(plan.resamples)
    for part in _equal_mass(n):
        total = math.fsum(said[part].tolist())
        error += abs(total - int(truth[part].sum())) / n
        level = np.minimum((said[part] * _LEVELS).astype(np.int64), _LEVELS - 1)
        _, unit, count = np.unique(level, return_inverse=True, return_counts=True)
        mean = np.clip(np.bincount(unit, said[part]) / count, 0, 1)
        hits = rng.binomial(count, mean, (plan.resamples, len(count))).sum(axis=1)
        chance += np.abs(hits - total) / n
    if counted["subjects"] < n:
        return Figure(value=error, **counted, reason=Why.SAMPLES_OF_ONE_PERSON)
    low, high = (
        float(end) for end in np.quantile(chance, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    )
    members: Members = {"low": low, "high": high}
    return Figure(value=error, **counted, **members, method=Method.CHANCE, confidence=CONFIDENCE)


def coverage(table: EvaluationTable, grid: Grid, plan: EvaluationPlan) -> Coverage | None:
    """Of the coarsened distributions; None if the estimator gives no probability."""
    ages = [age for age, column in table.p_over.items() if not np.isnan(column).all()]
    if not ages:
        return None
    across = np.any([grid.across(age) for age in ages], axis=0)
    rows = table.processed & ~across[grid.of_row]
    cuts = np.array([0, *ages, MAX_YEARS + 1])
    # P(age ≥ cut), and the band between two cuts that each person is in.
    survival = np.stack(
        [np.ones(len(table)), *(table.p_over[age] for age in ages), np.zeros(len(table))], axis=1
    )
    band = np.searchsorted(cuts, table.age_low_years, side="right") - 1
    shares, claimed = {}, {}
    for share in COVERAGES:
        low, high = central(survival, share)
        name = f"{share * 100:g}"
        inside = (band >= low) & (band < high)
        shares[f"coverage_{name}"] = Shares(table, grid, ~across, inside)
        each = np.arange(len(table))
        claimed[f"claimed_{name}"] = survival[each, low] - survival[each, high]
    groups = [grid.everybody(), *(g for _, groups in grid.partitions() for g in groups)]
    return Coverage(
        ages_years=tuple(ages),
        left_out=int(np.count_nonzero(table.processed & ~rows)),
        pit=_pit(survival[rows], band[rows]),
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


def _pit(survival: Floats, band: Ints) -> tuple[float, ...]:
    """The non-randomised PIT histogram: each person's mass spread evenly over their band's."""
    if not len(band):
        return ()
    each = np.arange(len(band))
    start, end = 1 - survival[each, band], 1 - survival[each, band + 1]
    width = np.maximum(end - start, 1e-12)
    edges = np.linspace(0, 1, BINS + 1)
    reached = np.clip((edges - start[:, None]) / width[:, None], 0, 1)
    reached[:, -1] = 1.0
    means = [math.fsum(column.tolist()) / len(band) for column in reached.T]
    return tuple(b - a for a, b in itertools.pairwise(means))
