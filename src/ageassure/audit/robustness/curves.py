"""What degraded pictures do to estimates: one curve for each degradation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.degradation import Degradation
from ageassure.audit.figure import Figure, Why
from ageassure.audit.metrics.means import mean_figure
from ageassure.audit.metrics.shares import share
from ageassure.audit.metrics.slopes import slope_within
from ageassure.audit.table import Column, EvaluationTable
from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ageassure.audit.plan import EvaluationPlan, OperatingPoint
    from ageassure.audit.robustness.estimating import DegradedEstimate
    from ageassure.audit.table import Flags, Floats

NOT_GIVEN: Final = "not_given"
"""Status of a sample of which no degraded picture was estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessLevel:
    """One degradation at one level, against the pictures as they are.

    Attributes:
        degradation: In which way.
        level: How much.
        figures: ``shift`` (mean of ŷ degraded less ŷ, years), ``movement`` (mean of its size),
            ``ftp`` (refused, of those that were processed before), ``fpr_band`` and ``fnr`` at
            the operating point, of what was processed.
    """

    degradation: Degradation
    level: float
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessCurve:
    """One degradation.

    Attributes:
        degradation: In which way.
        slope: Years for each unit of the level, by least squares through people's own changes, of
            samples that were processed at two levels or more.
        levels: The steps.
    """

    degradation: Degradation
    slope: Figure
    levels: tuple[RobustnessLevel, ...]


def robustness(
    table: EvaluationTable,
    degraded: Iterable[DegradedEstimate],
    point: OperatingPoint,
    plan: EvaluationPlan,
) -> tuple[RobustnessCurve, ...]:
    """Compare degraded pictures with the table's own estimates.

    Args:
        table: What the estimator made of the pictures as they are.
        degraded: What it made of them degraded; a sample may be missing at a level.
        point: Where rates are told.
        plan: For seed and number of resamples.

    Raises:
        ConfigurationError: If a sample is not in the table, or comes twice at one level.
    """
    place = {str(sample): row for row, sample in enumerate(table.sample_ids)}
    found: dict[tuple[Degradation, float], tuple[Floats, list[str]]] = {}
    for one in degraded:
        if one.sample_id not in place:
            raise ConfigurationError("got a degraded picture of a sample that is not in the table")
        estimates, statuses = found.setdefault(
            (one.degradation, one.level), (np.full(len(table), np.nan), [NOT_GIVEN] * len(table))
        )
        row = place[one.sample_id]
        if statuses[row] != NOT_GIVEN:
            raise ConfigurationError("got a degraded picture twice at one level")
        statuses[row] = one.status
        if one.estimated_age_years is not None:
            estimates[row] = one.estimated_age_years
    tables = {
        key: _table_at(table, estimates, statuses) for key, (estimates, statuses) in found.items()
    }
    curves = []
    for degradation in Degradation:
        levels = sorted(level for kind, level in tables if kind is degradation)
        if levels:
            parts = [(level, tables[degradation, level]) for level in levels]
            curves.append(
                RobustnessCurve(
                    degradation=degradation,
                    slope=_slope(table, parts, plan),
                    levels=tuple(
                        _level(table, worse, degradation, level, point, plan)
                        for level, worse in parts
                    ),
                )
            )
    return tuple(curves)


def _table_at(table: EvaluationTable, estimates: Floats, statuses: list[str]) -> EvaluationTable:
    return EvaluationTable(
        sample_ids=table.sample_ids,
        age_low_years=table.age_low_years,
        age_high_years=table.age_high_years,
        subjects=table.subjects,
        groups=table.groups,
        estimated_age_years=estimates,
        p_over={},
        status=Column.of(statuses),
        statement=table.statement,
    )


def _level(
    table: EvaluationTable,
    worse: EvaluationTable,
    degradation: Degradation,
    level: float,
    point: OperatingPoint,
    plan: EvaluationPlan,
) -> RobustnessLevel:
    given = table.processed & ~worse.status.where(NOT_GIVEN)
    both = given & worse.processed
    change = worse.estimated_age_years[both] - table.estimated_age_years[both]
    passed = worse.estimated_age_years >= point.challenge_age_years
    band = (table.age_low_years >= point.protected_band.first_years) & (
        table.age_high_years <= point.protected_band.last_years
    )
    adults = table.age_low_years >= point.limit_years

    def of(among: Flags, hits: Flags) -> Figure:
        return share(hits[among], table.subjects[among], plan, nobody=Why.NOBODY)

    return RobustnessLevel(
        degradation=degradation,
        level=level,
        figures={
            "shift": mean_figure(change, table.subjects[both], plan, 12),
            "movement": mean_figure(np.abs(change), table.subjects[both], plan, 12),
            "ftp": of(given, ~worse.processed),
            "fpr_band": of(both & band, passed),
            "fnr": of(both & adults, ~passed),
        },
    )


def _slope(
    table: EvaluationTable, parts: list[tuple[float, EvaluationTable]], plan: EvaluationPlan
) -> Figure:
    """Least squares of ŷ against the level, each sample's own means taken out of both."""
    levels = np.concatenate([np.full(len(table), level) for level, _ in parts])
    estimates = np.concatenate([worse.estimated_age_years for _, worse in parts])
    samples = np.tile(np.arange(len(table)), len(parts))
    kept = ~np.isnan(estimates)
    return slope_within(
        levels[kept], estimates[kept], samples[kept], table.subjects[samples[kept]], plan, 12
    )
