"""How well minors and adults are told apart at every threshold: DET curve, area, FNR at an FPR.

The area under the ROC curve is the chance that an adult's estimate exceeds a minor's, ties counting
half; its interval is DeLong's (Biometrics 44, 1988), with Obuchowski's sums over people where one
has several rows (Biometrics 53, 1997).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import LEAST_RESAMPLED, Figure, Members, Method, Why
from ageassure.audit.intervals import CONFIDENCE
from ageassure.audit.metrics.bootstrap import ends
from ageassure.audit.table import distinct
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.audit.metrics.cells import Grid, Group
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import EvaluationTable, Flags, Floats, Ints

FPR_MARKS: Final = (0.1, 0.05, 0.01, 0.005)
CURVE_STEPS_PER_YEAR: Final = 2
_BINS_PER_YEAR: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """Minors against adults at one limit, in one group.

    Attributes:
        limit_years: The limit.
        where: The group; empty for everybody.
        auc: Area under the ROC curve.
        fnr_at_fpr: ``10 %``, ``5 %``, ``1 %``, ``0.5 %`` → FNR at the least threshold at which no
            larger share of minors passes.
        curve: Threshold in years, FPR, FNR; at every half year between the least and the greatest
            estimate.
    """

    limit_years: int
    where: Mapping[str, str]
    auc: Figure
    fnr_at_fpr: Mapping[str, Figure]
    curve: tuple[tuple[float, float, float], ...]


def separation(
    table: EvaluationTable, grid: Grid, plan: EvaluationPlan, limit_years: int
) -> tuple[Separation, ...]:
    """For everybody, and for each group of the axis that is crossed with the others (sex)."""
    groups = [grid.everybody(), *(grid.groups(plan.pair_with) if plan.pair_with else ())]
    return tuple(_of_group(table, grid, plan, limit_years, group) for group in groups)


def _of_group(
    table: EvaluationTable, grid: Grid, plan: EvaluationPlan, limit: int, group: Group
) -> Separation:
    sides = [
        (group.cells & among)[grid.of_row] & table.processed
        for among in (grid.within(0, limit - 1), grid.within(limit, MAX_YEARS))
    ]
    rows = sides[0] | sides[1]
    n = int(rows.sum())
    counted: Members = {
        "n": n,
        "subjects": distinct(table.subjects[rows]) if table.clustered else n,
    }
    minors, adults = (np.sort(table.estimated_age_years[side]) for side in sides)
    if not len(minors) or not len(adults):
        null = Figure(value=None, **counted, reason=Why.ONE_CLASS if n else Why.NOBODY)
        return Separation(
            limit_years=limit,
            where=group.where,
            auc=null,
            fnr_at_fpr={_percent(mark): null for mark in FPR_MARKS},
            curve=(),
        )
    drawn = None
    if not table.clustered and min(len(minors), len(adults)) >= LEAST_RESAMPLED:
        drawn = _drawn(minors, adults, plan)
    return Separation(
        limit_years=limit,
        where=group.where,
        auc=area_under_curve(table, sides[0], sides[1]),
        fnr_at_fpr={
            _percent(mark): _fnr_at(mark, minors, adults, drawn, counted) for mark in FPR_MARKS
        },
        curve=tuple(_curve(minors, adults)),
    )


def _percent(share: float) -> str:
    return f"{share * 100:g} %"


def _curve(minors: Floats, adults: Floats) -> list[tuple[float, float, float]]:
    least = math.floor(min(minors[0], adults[0]))
    most = math.ceil(max(minors[-1], adults[-1])) + 1
    steps = np.arange(least * CURVE_STEPS_PER_YEAR, most * CURVE_STEPS_PER_YEAR)
    thresholds = steps / CURVE_STEPS_PER_YEAR
    fpr = 1 - np.searchsorted(minors, thresholds) / len(minors)
    fnr = np.searchsorted(adults, thresholds) / len(adults)
    return list(zip(thresholds.tolist(), fpr.tolist(), fnr.tolist(), strict=True))


def area_under_curve(table: EvaluationTable, minor: Flags, adult: Flags) -> Figure:
    """The chance that an adult's estimate exceeds a minor's, with DeLong's interval.

    Args:
        table: The rows.
        minor: Rows of one side, all processed; at least one.
        adult: Rows of the other, likewise.
    """
    rows = minor | adult
    n = int(rows.sum())
    counted: Members = {"n": n, "subjects": distinct(table.subjects[rows])}
    low, high = (table.estimated_age_years[side] for side in (minor, adult))
    ordered_low, ordered_high = np.sort(low), np.sort(high)
    # How many of the other side lie below, twice, ties once: integers, so that no order matters.
    wins = _below(ordered_low, high)
    losses = 2 * len(high) - _below(ordered_high, low)
    value = int(wins.sum()) / (2 * len(low) * len(high))
    sides = [(wins, len(low), table.subjects[adult]), (losses, len(high), table.subjects[minor])]
    if table.clustered:
        people = np.unique(np.concatenate([side[2] for side in sides]))
        parts = sum(
            (
                # Sums of integers, which are exact, before anything is divided.
                np.bincount(place, won, len(people)) / (2 * others)
                - value * np.bincount(place, minlength=len(people))
            )
            / len(won)
            for won, others, subject in sides
            for place in [np.searchsorted(people, subject)]
        )
        variance = _squares(np.asarray(parts))
    else:
        variance = sum(
            _squares((won / (2 * others) - value) / len(won)) for won, others, _ in sides
        )
    members: Members
    if counted["subjects"] < LEAST_RESAMPLED:
        members = {"reason": Why.FEW_PEOPLE}
    elif variance <= 0 or not 0 < value < 1:
        members = {"reason": Why.NO_SPREAD}
    else:
        # On the logit scale: the plain interval leaves [0, 1] and holds the truth too rarely.
        middle = math.log(value / (1 - value))
        z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
        half = z * math.sqrt(variance) / (value * (1 - value))
        members = {
            "low": 1 / (1 + math.exp(half - middle)),
            "high": 1 / (1 + math.exp(-half - middle)),
        }
        members |= {"method": Method.DELONG, "confidence": CONFIDENCE}
    return Figure(value=value, **counted, **members)


def _squares(parts: Floats) -> float:
    return math.fsum((parts**2).tolist()) * len(parts) / max(1, len(parts) - 1)


def _below(ordered: Floats, values: Floats) -> Ints:
    left = np.searchsorted(ordered, values, side="left")
    return left + np.searchsorted(ordered, values, side="right")


def allowed_at(mark: float, minors: int) -> int:
    """How many of the minors may pass at a false-positive rate of at most ``mark``."""
    return int(Fraction(repr(mark)) * minors)


def _fnr_at(
    mark: float,
    minors: Floats,
    adults: Floats,
    drawn: tuple[Ints, Ints] | None,
    counted: Members,
) -> Figure:
    allowed = allowed_at(mark, len(minors))
    threshold = np.nextafter(minors[-1 - allowed], np.inf)
    k = int(np.searchsorted(adults, threshold, side="left"))
    value = k / len(adults)
    members: Members = {"reason": Why.SAMPLES_OF_ONE_PERSON}
    if counted["n"] == counted["subjects"]:
        members = {"reason": Why.FEW_PEOPLE}
    if drawn is not None:
        passing, failing = drawn
        first = np.argmax(passing <= allowed, axis=1)  # the least bin from which few enough pass
        replicates = failing[np.arange(len(first)), first] / len(adults)
        members = ends(replicates, value, min(len(minors), len(adults)))
    return Figure(value=value, k=k, **counted, **members)


def _drawn(minors: Floats, adults: Floats, plan: EvaluationPlan) -> tuple[Ints, Ints]:
    """In every resample, how many minors are at or over each bin's start, and adults under it."""
    rng = np.random.default_rng((plan.seed, 7))
    bins = (MAX_YEARS + 1) * _BINS_PER_YEAR + 1
    tables = []
    for values in (minors, adults):
        counts = np.bincount(np.floor(values * _BINS_PER_YEAR).astype(np.int64), minlength=bins)
        filled = np.flatnonzero(counts)
        drawn = np.zeros((plan.resamples, bins), dtype=np.int64)
        drawn[:, filled] = rng.multinomial(
            len(values), counts[filled] / len(values), size=plan.resamples
        )
        tables.append(drawn)
    at_or_over = np.cumsum(tables[0][:, ::-1], axis=1)[:, ::-1]
    under = np.cumsum(tables[1], axis=1) - tables[1]
    return at_or_over, under
