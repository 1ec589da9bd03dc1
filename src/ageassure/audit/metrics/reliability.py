"""Are the probabilities right? P(age ≥ a) against who is a or older."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import Cell, Figure, Members, Method, Why
from ageassure.audit.intervals import CONFIDENCE, wilson
from ageassure.audit.metrics.bootstrap import Units, ends
from ageassure.audit.metrics.means import LEVELS
from ageassure.audit.table import P_OVER_YEARS, distinct

if TYPE_CHECKING:
    from ageassure.audit.metrics.cells import Grid, Group
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import EvaluationTable, Flags, Floats, Ints

BINS: Final = 10
LEAST_PROBABILITY: Final = 1e-12
"""Probabilities are kept this far from 0 and 1 in the log-loss, which would be infinite."""


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


def reliability(
    table: EvaluationTable, grid: Grid, plan: EvaluationPlan
) -> tuple[Reliability, ...]:
    """For every age at which the estimator gives a probability.

    Of whole distributions: for the ages that every file of predictions has, and the plan's limits.
    """
    found = []
    chosen = {*P_OVER_YEARS, *plan.limits_years}
    ages = [age for age in table.p_over if age in chosen or not table.whole_distributions]
    for age in ages:
        column = table.p_over[age]
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
            unit = np.minimum((said * LEVELS).astype(np.int64), LEVELS - 1) * 2 + truth
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
        level = np.minimum((said[part] * LEVELS).astype(np.int64), LEVELS - 1)
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
