"""Shares of people, of any group, with the interval that fits how often people occur.

One row for each person: Clopper–Pearson. Several: the share is one of rows, its interval a
bootstrap of people; where fewer than five people are among the hits (or among the misses) a
bootstrap says nothing, and Clopper–Pearson is taken over people instead: at the upper end whoever
was hit with any row counts as hit, at the lower end whoever was hit with all. That bounds the mean
over people of each one's own share, whatever the rows of one person have to do with each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ageassure.audit.figure import LEAST_RESAMPLED, Figure, Members, Method, Why
from ageassure.audit.intervals import CONFIDENCE, clopper_pearson, lower_bound, upper_bound
from ageassure.audit.metrics.bootstrap import Units, ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ageassure.audit.metrics.cells import Grid
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import EvaluationTable, Flags, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counted:
    """How many rows and people of a group, and how many of them are hits.

    Attributes:
        n: Rows.
        k: Rows that are hits.
        people: People.
        people_any: People with any hit.
        people_all: People all of whose rows are hits.
        profiles: [profiles, 2] different (rows, hits) of a person.
        profile_people: How many people have each profile.
    """

    n: int
    k: int
    people: int
    people_any: int
    people_all: int
    profiles: Ints
    profile_people: Ints

    @property
    def value(self) -> float:
        """The share, of rows.

        Raises:
            ZeroDivisionError: If there are none.
        """
        return self.k / self.n

    def upper(self, confidence: float = CONFIDENCE) -> float:
        """One-sided Clopper–Pearson upper bound over people, who count with any hit."""
        return upper_bound(self.people_any, self.people, confidence)

    def lower(self, confidence: float = CONFIDENCE) -> float:
        """One-sided lower bound over people, who count if all of their rows are hits."""
        return lower_bound(self.people_all, self.people, confidence)

    def units(self) -> Units:
        """What a bootstrap of people draws from: columns rows and hits."""
        return Units(
            stratum=np.zeros(len(self.profiles), dtype=np.int64),
            people=self.profile_people,
            sums=self.profiles.astype(np.float64),
        )

    def replicates(self, seed: tuple[int, ...], resamples: int) -> Floats:
        """The share in every resample of people."""
        rng = np.random.default_rng(seed)
        drawn = self.units().replicates(rng, resamples)
        found: Floats = drawn[:, 1] / drawn[:, 0]
        return found


class Shares:
    """One share, ready to be told of any group.

    Args:
        table: The rows.
        grid: Their cells.
        among: Cells whose people the share is of.
        hits: Rows that are hits.
        operational: Is it of everybody presented, or of those who were processed?
    """

    def __init__(
        self,
        table: EvaluationTable,
        grid: Grid,
        among: Flags,
        hits: Flags,
        *,
        operational: bool = False,
    ) -> None:
        base = among[grid.of_row]
        self._anybody = np.bincount(grid.of_row[base], minlength=len(grid))
        rows = np.flatnonzero(base if operational else base & table.processed)
        self._cell = grid.of_row[rows]
        self._hit = hits[rows]
        self._subject = table.subjects[rows] if table.clustered else None
        self._n = np.bincount(self._cell, minlength=len(grid))
        self._k = np.bincount(self._cell[self._hit], minlength=len(grid))

    def counted(self, cells: Flags) -> Counted:
        """Count rows, people and hits of a set of cells."""
        n, k = int(self._n[cells].sum()), int(self._k[cells].sum())
        if self._subject is None:
            return _counted_alone(n, k)
        kept = cells[self._cell]
        return _counted_people(self._hit[kept], self._subject[kept])

    def profiles_of(self, parts: Sequence[Flags]) -> tuple[Ints, Ints]:
        """Different ways in which people occur in several sets of cells, and how many do so.

        Returns:
            [profiles, 2 × parts] rows in each part, then hits in each; and the people of each.
        """
        subject = np.arange(len(self._cell)) if self._subject is None else self._subject
        _, person = np.unique(subject, return_inverse=True)
        found = np.zeros((int(person.max(initial=-1)) + 1, 2 * len(parts)), dtype=np.int64)
        for index, cells in enumerate(parts):
            kept = cells[self._cell]
            found[:, index] = np.bincount(person[kept], minlength=len(found))
            hits = person[kept & self._hit]
            found[:, len(parts) + index] = np.bincount(hits, minlength=len(found))
        present = found[:, : len(parts)].any(axis=1)
        profiles, people = np.unique(found[present], axis=0, return_counts=True)
        return profiles, people

    def figure(self, cells: Flags, plan: EvaluationPlan) -> Figure:
        """The share with its interval, or why there is none."""
        found = self.counted(cells)
        if not found.n:
            why = Why.NOBODY_PROCESSED if self._anybody[cells].any() else Why.NOBODY
            return Figure(value=None, n=0, subjects=0, k=0, reason=why)
        return Figure(
            value=found.value, n=found.n, subjects=found.people, k=found.k, **interval(found, plan)
        )


def share(hits: Flags, subjects: Ints, plan: EvaluationPlan, *, nobody: Why) -> Figure:
    """The share of hits among rows, with its interval.

    Args:
        hits: Is each row one?
        subjects: Whose each is.
        plan: For seed and number of resamples.
        nobody: Why there is no figure, if there are no rows.
    """
    if not len(hits):
        return Figure(value=None, n=0, subjects=0, k=0, reason=nobody)
    found = _counted_people(hits, subjects)
    return Figure(
        value=found.value, n=found.n, subjects=found.people, k=found.k, **interval(found, plan)
    )


def _counted_alone(n: int, k: int) -> Counted:
    """Of rows that are of a person each."""
    return Counted(
        n=n,
        k=k,
        people=n,
        people_any=k,
        people_all=k,
        profiles=np.array([[1, 0], [1, 1]])[[n > k, k > 0]],
        profile_people=np.array([n - k, k])[[n > k, k > 0]],
    )


def _counted_people(hit: Flags, subjects: Ints) -> Counted:
    _, person = np.unique(subjects, return_inverse=True)
    rows = np.bincount(person)
    hits = np.bincount(person[hit], minlength=len(rows))
    profiles, people = np.unique(np.stack([rows, hits], axis=1), axis=0, return_counts=True)
    return Counted(
        n=len(hit),
        k=int(np.count_nonzero(hit)),
        people=len(rows),
        people_any=int(np.count_nonzero(hits)),
        people_all=int(np.count_nonzero(hits == rows)),
        profiles=profiles,
        profile_people=people,
    )


def interval(found: Counted, plan: EvaluationPlan) -> Members:
    """The members of a figure that tell the interval of a share."""
    if found.people == found.n:
        low, high = clopper_pearson(found.k, found.n)
        method = Method.CLOPPER_PEARSON
    elif found.people_any >= LEAST_RESAMPLED and found.people_all <= found.people - LEAST_RESAMPLED:
        replicates = found.replicates((plan.seed, 3), plan.resamples)
        acceleration = found.units().acceleration(1)
        return ends(replicates, found.value, found.people, acceleration=acceleration)
    else:
        one_sided = (1 + CONFIDENCE) / 2
        low, high = found.lower(one_sided), found.upper(one_sided)
        method = Method.CLOPPER_PEARSON_PEOPLE
    return {"low": low, "high": high, "method": method, "confidence": CONFIDENCE}
