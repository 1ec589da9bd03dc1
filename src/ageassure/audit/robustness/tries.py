"""Degraded forms of a picture as further tries, where there are no repeated frames."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ageassure.audit.metrics.attempts import Tries, several_tries
from ageassure.audit.metrics.cells import Grid
from ageassure.audit.table import Column, EvaluationTable
from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ageassure.audit.plan import EvaluationPlan, OperatingPoint
    from ageassure.audit.robustness.estimating import DegradedEstimate


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
