"""Error rates at an operating point: who under the limit passes, who over it does not.

A minor passes if ŷ ≥ T; an adult fails if ŷ < T; nothing is rounded. An age group that lies across
the limit is neither and is told apart. "Operational" rates are of everybody presented: who was not
processed did not pass. The rate over all minors depends on their ages; the protected band is next
to the limit, and the standardised rate gives each year the same weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import Cell, Figure, Members, Method, Why
from ageassure.audit.intervals import CONFIDENCE, fay_feuer
from ageassure.audit.metrics.bootstrap import Units, ends
from ageassure.audit.metrics.cells import AGE, AGE_BAND
from ageassure.audit.metrics.shares import Counted, Shares
from ageassure.audit.metrics.spread import Spread, spread_of
from ageassure.audit.table import distinct
from ageassure.audit.verdict import Claim, Verdict, all_of, judged, worst_of
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ageassure.audit.metrics.cells import Grid, Group
    from ageassure.audit.plan import EvaluationPlan, OperatingPoint
    from ageassure.audit.table import EvaluationTable, Flags, Floats

ADULT_YEARS: Final = 13
"""Single ages, from the limit, over which ``fnr_standardised`` averages: 18 … 30 at 18 (NIST)."""

TAIL_YEARS: Final = (1, 2, 3, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class PointResult:
    """What was found at one operating point.

    Attributes:
        point: What was claimed.
        verdict: On the protected band as a whole.
        claim: The figures behind it.
        band_across_limit: Is the band an age group that lies across the limit? Then its rate
            bounds neither that of the minors in it nor that of the year next to the limit.
        every_group: The verdict on "in every group", over ``claims``.
        worst: The group with the greatest upper bound.
        claims: The protected band in each group of the axes and pairs.
        cells: Everybody, every group, every pair: ``fpr``, ``fpr_operational``, ``fpr_band``,
            ``fpr_standardised``, ``fnr``, ``fnr_operational``, ``fnr_standardised``,
            ``passed_across_limit``, ``severity``, ``severity_max``, ``tail_1`` … ``tail_5``.
        by_age: ``fpr``, ``fpr_operational``, ``fnr``, ``fnr_operational`` and
            ``passed_across_limit`` for each age label.
        spreads: Of ``fpr_band`` and ``fnr`` over the groups of each axis and pair.
    """

    point: OperatingPoint
    verdict: Verdict
    claim: Claim
    band_across_limit: bool
    every_group: Verdict
    worst: Claim | None
    claims: tuple[Claim, ...]
    cells: tuple[Cell, ...]
    by_age: tuple[Cell, ...]
    spreads: tuple[Spread, ...]


def at_point(
    table: EvaluationTable, grid: Grid, plan: EvaluationPlan, point: OperatingPoint
) -> PointResult:
    """Measure the rates at one operating point."""
    found = _Point(table, grid, plan, point)
    band = found.shares["fpr_band"]
    family = [(group.where, band.counted(group.cells)) for group in found.family()]
    claims = judged(family, point.alpha)
    (claim,) = judged([({}, band.counted(grid.all_cells()))], point.alpha)
    in_band = grid.within(point.protected_band.first_years, point.protected_band.last_years)
    return PointResult(
        point=point,
        verdict=claim.verdict,
        claim=claim,
        band_across_limit=bool((in_band & grid.across(point.limit_years)).any()),
        every_group=all_of(claims),
        worst=worst_of(claims),
        claims=claims,
        cells=tuple(found.cell(group) for group in grid.reported()),
        by_age=tuple(found.age_cell(group) for group in grid.groups(AGE)),
        spreads=tuple(found.spreads()),
    )


class _Point:
    """The rows of a table at one operating point."""

    def __init__(
        self, table: EvaluationTable, grid: Grid, plan: EvaluationPlan, point: OperatingPoint
    ) -> None:
        self._table, self._grid, self._plan, self._point = table, grid, plan, point
        limit = point.limit_years
        band = point.protected_band
        self._minors = grid.within(0, limit - 1)
        self._adults = grid.within(limit, MAX_YEARS)
        passed = table.processed & (table.estimated_age_years >= point.challenge_age_years)
        self._passed_minor = passed & self._minors[grid.of_row]
        in_band = grid.within(band.first_years, band.last_years)
        self.shares = {
            "fpr": Shares(table, grid, self._minors, passed),
            "fpr_operational": Shares(table, grid, self._minors, passed, operational=True),
            "fpr_band": Shares(table, grid, in_band, passed),
            "fnr": Shares(table, grid, self._adults, ~passed),
            "fnr_operational": Shares(table, grid, self._adults, ~passed, operational=True),
            "passed_across_limit": Shares(table, grid, grid.across(limit), passed),
        }
        under = limit - table.age_high_years
        for years in TAIL_YEARS:
            hits = passed & (under >= years)
            self.shares[f"tail_{years}"] = Shares(table, grid, self._minors, hits)

    def family(self) -> Iterator[Group]:
        for over, groups in self._grid.partitions():
            if AGE_BAND not in over:
                yield from groups

    def cell(self, group: Group) -> Cell:
        figures = {
            name: shares.figure(group.cells, self._plan) for name, shares in self.shares.items()
        }
        point = self._point
        band = range(point.protected_band.first_years, point.limit_years)
        adults = range(point.limit_years, point.limit_years + ADULT_YEARS)
        figures["fpr_standardised"] = self._standardised("fpr", group, band)
        figures["fnr_standardised"] = self._standardised("fnr", group, adults)
        return Cell(where=group.where, figures=figures | self._severity(group))

    def age_cell(self, group: Group) -> Cell:
        names = ["fpr", "fpr_operational"] if (self._minors & group.cells).any() else []
        names += ["fnr", "fnr_operational"] if (self._adults & group.cells).any() else []
        figures = {
            name: self.shares[name].figure(group.cells, self._plan)
            for name in names or ["passed_across_limit"]
        }
        return Cell(where=group.where, figures=figures)

    def spreads(self) -> Iterator[Spread]:
        for over, groups in self._grid.partitions():
            if AGE_BAND in over:
                continue
            for metric in ("fpr_band", "fnr"):
                shares = self.shares[metric]
                counted = [shares.counted(group.cells) for group in groups]
                yield spread_of(
                    metric,
                    over,
                    groups,
                    [shares.figure(group.cells, self._plan) for group in groups],
                    [self._drawn(found, index) for index, found in enumerate(counted)],
                    sum(found.people for found in counted),
                )

    def _drawn(self, found: Counted, index: int) -> Floats | None:
        if not found.n:
            return None
        return found.replicates((self._plan.seed, 4, index), self._plan.resamples)

    def _standardised(self, name: str, group: Group, years: range) -> Figure:
        """The mean over single years of the share in each."""
        cells = [group.cells & self._grid.within(year, year) for year in years]
        counted = [self.shares[name].counted(kept) for kept in cells]
        n = sum(found.n for found in counted)
        if not all(found.n for found in counted):
            return Figure(value=None, n=n, subjects=0, k=0, reason=Why.AGE_MISSING)
        value = sum(found.value for found in counted) / len(counted)
        people = sum(found.people for found in counted)
        members: Members
        if people < n or self._table.clustered:
            rows = np.any(cells, axis=0)[self._grid.of_row] & self._table.processed
            people = distinct(self._table.subjects[rows])
            members = self._standardised_of_people(name, cells, value, people)
        else:
            low, high = fay_feuer([found.k for found in counted], [found.n for found in counted])
            members = {"low": low, "high": high, "method": Method.FAY_FEUER}
            members["confidence"] = CONFIDENCE
        k = sum(found.k for found in counted)
        return Figure(value=value, n=n, subjects=people, k=k, **members)

    def _standardised_of_people(
        self, name: str, cells: list[Flags], value: float, people: int
    ) -> Members:
        profiles, counts = self.shares[name].profiles_of(cells)
        units = Units(
            stratum=np.zeros(len(counts), dtype=np.int64),
            people=counts,
            sums=profiles.astype(np.float64),
        )
        rng = np.random.default_rng((self._plan.seed, 5))
        drawn = units.replicates(rng, self._plan.resamples)
        rows, hits = drawn[:, : len(cells)], drawn[:, len(cells) :]
        if rows.min() <= 0:
            return {"reason": Why.RESAMPLES_UNDEFINED}
        return ends((hits / rows).mean(axis=1), value, people)

    def _severity(self, group: Group) -> dict[str, Figure]:
        """Years under the limit, summed over minors who passed, for each minor; and the most."""
        table, point = self._table, self._point
        kept = group.cells & self._minors
        rows = kept[self._grid.of_row] & table.processed
        n = int(rows.sum())
        if not n:
            return dict.fromkeys(
                ("severity", "severity_max"), self.shares["fpr"].figure(kept, self._plan)
            )
        # Of a group of ages the last year counts: no less than that is known.
        under = np.where(self._passed_minor, point.limit_years - table.age_high_years, 0)[rows]
        person = np.arange(n)
        if table.clustered:
            person = np.unique(table.subjects[rows], return_inverse=True)[1]
        samples = np.bincount(person)
        years = np.bincount(person, weights=under).astype(np.int64)
        profiles, people = np.unique(np.stack([samples, years], axis=1), axis=0, return_counts=True)
        units = Units(
            stratum=np.zeros(len(people), dtype=np.int64),
            people=people,
            sums=profiles.astype(np.float64),
        )
        drawn = units.replicates(np.random.default_rng((self._plan.seed, 6)), self._plan.resamples)
        value = int(under.sum()) / n
        counted: Members = {"n": n, "subjects": len(samples), "k": int(np.count_nonzero(under))}
        members = ends(
            drawn[:, 1] / drawn[:, 0], value, len(samples), acceleration=units.acceleration(1)
        )
        most = Figure(value=float(under.max()), **counted, reason=Why.NO_INTERVAL)
        return {"severity": Figure(value=value, **counted, **members), "severity_max": most}
