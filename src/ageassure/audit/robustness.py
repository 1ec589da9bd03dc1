"""Robustness curves: the same pictures made worse in known steps, through the same estimator.

Every difference is one of a person's pictures with itself, so that whoever is in the data does not
matter to the slope. What is measured is simulated damage; see
:mod:`ageassure.audit.degradation` for what that leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.degradation import LEVELS, Degradation, degrade
from ageassure.audit.figure import Figure, Members, Method, Why
from ageassure.audit.intervals import CONFIDENCE, clopper_pearson
from ageassure.audit.metrics.attempts import Tries, several_tries
from ageassure.audit.metrics.bootstrap import Units, ends
from ageassure.audit.metrics.cells import Grid
from ageassure.audit.table import OK, Column, EvaluationTable, distinct
from ageassure.errors import ConfigurationError, EvidenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from ageassure.audit.degradation import Region
    from ageassure.audit.plan import EvaluationPlan, OperatingPoint
    from ageassure.audit.table import Floats

    Estimate = Callable[[NDArray[np.uint8]], float]

NOT_GIVEN: Final = "not_given"
"""Status of a sample of which no degraded picture was estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DegradedEstimate:
    """What an estimator made of one degraded picture.

    Attributes:
        sample_id: Which picture.
        degradation: In which way it was made worse.
        level: How much.
        estimated_age_years: The estimate, or None if it was refused.
        status: ``ok`` or the refusal's code.
    """

    sample_id: str
    degradation: Degradation
    level: float
    estimated_age_years: float | None
    status: str


def estimate_degraded(
    pictures: Iterable[tuple[str, NDArray[np.uint8], Region | None]],
    estimate: Estimate,
    *,
    levels: Mapping[Degradation, tuple[float, ...]] = LEVELS,
) -> Iterator[DegradedEstimate]:
    """Degrade pictures one by one, estimate each, and keep no pixel.

    Args:
        pictures: Sample id, RGB pixels and the face's box if it is known; the pixels are the
            caller's, degraded ones are filled with zeros after use.
        estimate: From RGB pixels to a mean in years; a refusal is an ``EvidenceError``.
        levels: Which degradations, at which levels.

    Raises:
        ConfigurationError: If a level or a region is out of range.
    """
    for sample_id, pixels, region in pictures:
        for degradation, steps in levels.items():
            for level in steps:
                worse = degrade(pixels, degradation, level, region=region)
                try:
                    years, status = _estimated(estimate, worse)
                finally:
                    worse.fill(0)
                yield DegradedEstimate(
                    sample_id=sample_id,
                    degradation=degradation,
                    level=level,
                    estimated_age_years=years,
                    status=status,
                )


def _estimated(estimate: Estimate, pixels: NDArray[np.uint8]) -> tuple[float | None, str]:
    try:
        return estimate(pixels), OK
    except EvidenceError as error:
        return None, error.code


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
        slope: Years for each unit of the level, by least squares through people's own changes.
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


def simulated_tries(
    table: EvaluationTable,
    degraded: Iterable[DegradedEstimate],
    point: OperatingPoint,
    plan: EvaluationPlan,
) -> Tries:
    """FPR@r where there are no repeated frames: a picture and its degraded forms as tries.

    Labelled as simulated: people who try again change light, pose and face, and choose what works.

    Args:
        table: What the estimator made of the pictures as they are; their first try.
        degraded: What it made of them degraded.
        point: The operating point.
        plan: For seed and number of resamples.

    Raises:
        ConfigurationError: If a sample is not in the table, or comes twice at one level.
    """
    place = {str(sample): row for row, sample in enumerate(table.sample_ids)}
    tries = list(degraded)
    if any(one.sample_id not in place for one in tries):
        raise ConfigurationError("got a degraded picture of a sample that is not in the table")
    rows = np.array([place[one.sample_id] for one in tries], dtype=np.int64)
    names = [f"{one.sample_id}/{one.degradation}/{one.level:g}" for one in tries]
    each = np.concatenate([np.arange(len(table)), rows])
    estimates = [
        np.nan if one.estimated_age_years is None else one.estimated_age_years for one in tries
    ]
    statuses = [table.status.values[code] for code in table.status.codes]
    made = EvaluationTable(
        sample_ids=np.concatenate([table.sample_ids, np.array(names, dtype=np.str_)]),
        age_low_years=table.age_low_years[each],
        age_high_years=table.age_high_years[each],
        subjects=each,
        groups={},
        estimated_age_years=np.concatenate([table.estimated_age_years, np.array(estimates)]),
        p_over={},
        status=Column.of([*statuses, *(one.status for one in tries)]),
        statement=table.statement,
    )
    bare = replace(plan, axes=(), pair_with=None, transfer_axis=None)
    return several_tries(made, Grid.of(made, bare), bare, point, simulated=True)


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
    return RobustnessLevel(
        degradation=degradation,
        level=level,
        figures={
            "shift": _mean(change, table.subjects[both], plan),
            "movement": _mean(np.abs(change), table.subjects[both], plan),
            "ftp": _share(table, given, ~worse.processed),
            "fpr_band": _share(table, both & band, passed),
            "fnr": _share(table, both & adults, ~passed),
        },
    )


def _share(table: EvaluationTable, among: NDArray[np.bool_], hits: NDArray[np.bool_]) -> Figure:
    n, k = int(among.sum()), int((among & hits).sum())
    people = distinct(table.subjects[among])
    if not n:
        return Figure(value=None, n=0, subjects=0, k=0, reason=Why.NOBODY)
    members: Members = {"reason": Why.SAMPLES_OF_ONE_PERSON}
    if people == n:
        low, high = clopper_pearson(k, n)
        members = {"low": low, "high": high, "method": Method.CLOPPER_PEARSON}
        members["confidence"] = CONFIDENCE
    return Figure(value=k / n, n=n, subjects=people, k=k, **members)


def _people(subjects: NDArray[np.int64], *columns: Floats) -> Units:
    """One unit for each person: sums of the columns over their samples."""
    _, person = np.unique(subjects, return_inverse=True)
    sums: Floats = np.stack([np.bincount(person, column) for column in columns], axis=1)
    sums = sums[np.lexsort(sums.T[::-1])]
    return Units(
        stratum=np.zeros(len(sums), dtype=np.int64),
        people=np.ones(len(sums), dtype=np.int64),
        sums=sums,
    )


def _mean(values: Floats, subjects: NDArray[np.int64], plan: EvaluationPlan) -> Figure:
    n = len(values)
    if not n:
        return Figure(value=None, n=0, subjects=0, reason=Why.NOBODY_PROCESSED)
    units = _people(subjects, np.ones(n), values)
    value = float(units.sums[:, 1].sum()) / n
    drawn = units.replicates(np.random.default_rng((plan.seed, 12)), plan.resamples)
    people = len(units.people)
    members = ends(drawn[:, 1] / drawn[:, 0], value, people, acceleration=units.acceleration(1))
    return Figure(value=value, n=n, subjects=people, **members)


def _slope(
    table: EvaluationTable, parts: list[tuple[float, EvaluationTable]], plan: EvaluationPlan
) -> Figure:
    """Least squares of ŷ against the level, each sample's own mean taken out of both.

    Samples count if they were processed at every level.
    """
    kept = np.logical_and.reduce([worse.processed for _, worse in parts])
    n = int(kept.sum())
    people = distinct(table.subjects[kept])
    counted: Members = {"n": n, "subjects": people}
    if not n:
        return Figure(value=None, **counted, reason=Why.NOBODY_PROCESSED)
    if len(parts) < 2:
        return Figure(value=None, **counted, reason=Why.ONE_LEVEL)
    levels = np.array([level for level, _ in parts])
    centred = levels - levels.mean()
    estimates = np.stack([worse.estimated_age_years[kept] for _, worse in parts], axis=1)
    own = estimates @ centred / (centred @ centred)
    return _mean(own, table.subjects[kept], plan)
