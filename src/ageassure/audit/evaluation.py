"""Everything that is measured of one estimator on one data set: :func:`evaluate`.

The result is a function of the rows as a set, of the plan and of nothing else: order, files and
machines that the rows came from do not change a digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.figure import as_data
from ageassure.audit.metrics.attempts import Tries, several_tries
from ageassure.audit.metrics.cells import Grid
from ageassure.audit.metrics.child_safety import child_safety
from ageassure.audit.metrics.conditions import ConditionResult, conditions
from ageassure.audit.metrics.conformal import Conformal, conformal
from ageassure.audit.metrics.coverage import Coverage, coverage, coverage_by_year
from ageassure.audit.metrics.failures import failures_to_process
from ageassure.audit.metrics.rates import PointResult, at_point
from ageassure.audit.metrics.reliability import Reliability, reliability
from ageassure.audit.metrics.separation import Separation, separation
from ageassure.audit.metrics.thresholds import ThresholdRow, by_threshold
from ageassure.audit.metrics.transfer import Transfer, transfer
from ageassure.audit.metrics.years import YearsOfError, years_of_error
from ageassure.audit.table import distinct
from ageassure.audit.traps import Note, notes, refuse_tuned

if TYPE_CHECKING:
    from ageassure.audit.figure import Cell
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import DatasetStatement, EvaluationTable

FORMAT: Final = "ageassure-evaluation-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many samples and people there are.

    Attributes:
        rows: Samples presented.
        processed: Samples with an estimate.
        subjects: People.
        clustered: Does any person have several samples?
        exact_ages: Samples whose age is known to the year.
    """

    rows: int
    processed: int
    subjects: int
    clustered: bool
    exact_ages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitResult:
    """What is measured at one age limit, whatever the threshold.

    Attributes:
        limit_years: The limit.
        separation: DET, AUC, FNR at marks of the FPR: everybody, and each sex.
        thresholds: Rates by threshold, with single ages.
    """

    limit_years: int
    separation: tuple[Separation, ...]
    thresholds: tuple[ThresholdRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All figures. The order is that in which they may be told.

    Attributes:
        format: ``ageassure-evaluation-1``.
        statement: Which people, and how their age was proved.
        plan: What was asked.
        counts: How many there are.
        notes: Traps that were found.
        points: The claims, with verdicts.
        failures: Who was not processed.
        years: Errors in years.
        child_safety: NIST's five rates.
        limits: At each age limit.
        reliability: Of each probability.
        coverage: Of coarsened distributions; None if the estimator gives no probability.
        coverage_by_year: Of whole distributions, in single years; None if they are not given.
        conditions: Errors against what was measured of each picture; empty if nothing was.
        tries: FPR@r at each point.
        transfers: Thresholds carried over, at each point; empty if the plan names no axis.
        conformal: Lower bounds; None without a calibration part.
    """

    format: str
    statement: DatasetStatement
    plan: EvaluationPlan
    counts: Counts
    notes: tuple[Note, ...]
    points: tuple[PointResult, ...]
    failures: tuple[Cell, ...]
    years: YearsOfError
    child_safety: tuple[Cell, ...]
    limits: tuple[LimitResult, ...]
    reliability: tuple[Reliability, ...]
    coverage: Coverage | None
    coverage_by_year: Coverage | None
    conditions: tuple[ConditionResult, ...]
    tries: tuple[Tries, ...]
    transfers: tuple[Transfer, ...]
    conformal: Conformal | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data, without NaN; members as above."""
        found: dict[str, Any] = as_data(self)
        return found


def evaluate(
    table: EvaluationTable, plan: EvaluationPlan, *, calibration: EvaluationTable | None = None
) -> Evaluation:
    """Measure everything that a plan asks for.

    Args:
        table: The test part.
        plan: What to measure.
        calibration: Other people, of the same axes, for conformal bounds; None for none.

    Raises:
        ConfigurationError: If an axis of the plan is no column, a challenge age was chosen on this
            data set, or the calibration part is this data set.
    """
    refuse_tuned(table, plan)
    grid = Grid.of(table, plan)
    transfers = (transfer(table, grid, plan, point) for point in plan.points)
    return Evaluation(
        format=FORMAT,
        statement=table.statement,
        plan=plan,
        counts=Counts(
            rows=len(table),
            processed=int(table.processed.sum()),
            subjects=distinct(table.subjects),
            clustered=table.clustered,
            exact_ages=int(table.exact.sum()),
        ),
        notes=notes(table, grid, plan),
        points=tuple(at_point(table, grid, plan, point) for point in plan.points),
        failures=failures_to_process(table, grid, plan),
        years=years_of_error(table, grid, plan),
        child_safety=child_safety(table, grid, plan),
        limits=tuple(
            LimitResult(
                limit_years=limit,
                separation=separation(table, grid, plan, limit),
                thresholds=by_threshold(table, grid, limit),
            )
            for limit in plan.limits_years
        ),
        reliability=reliability(table, grid, plan),
        coverage=coverage(table, grid, plan),
        coverage_by_year=coverage_by_year(table, grid, plan),
        conditions=conditions(table, plan),
        tries=tuple(several_tries(table, grid, plan, point) for point in plan.points),
        transfers=tuple(found for found in transfers if found is not None),
        conformal=None if calibration is None else conformal(calibration, table, grid, plan),
    )
