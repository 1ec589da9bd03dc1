"""Small tables for the tests of the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.audit.table import Column, DatasetStatement, EvaluationTable
from ageassure.policy import AgeBand

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STATEMENT = DatasetStatement(
    name="made-up people",
    digest="0" * 64,
    licence="CC0-1.0",
    age_proof="identity document",
    subjects_known=True,
)

PLAN = EvaluationPlan(
    points=(
        OperatingPoint(
            limit_years=18,
            challenge_age_years=25.0,
            alpha=0.05,
            protected_band=AgeBand(first_years=13, last_years=17),
            chosen_on=None,
        ),
    ),
    axes=("sex",),
    pair_with="sex",
    seed=3,
)


def table(
    ages: Sequence[int | tuple[int, int]],
    estimates: Sequence[float | None],
    *,
    subjects: Sequence[int] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    p_over: Mapping[int, Sequence[float]] | None = None,
    statement: DatasetStatement = STATEMENT,
    ids: Sequence[str] | None = None,
    **changes: Any,
) -> EvaluationTable:
    """A table; an estimate of None is a failure to process."""
    bounds = [(age, age) if isinstance(age, int) else age for age in ages]
    failed = [estimate is None for estimate in estimates]
    members: dict[str, Any] = {
        "sample_ids": np.array(ids or [f"s{row:07}" for row in range(len(ages))]),
        "age_low_years": np.array([low for low, _ in bounds], dtype=np.int64),
        "age_high_years": np.array([high for _, high in bounds], dtype=np.int64),
        "subjects": np.array(subjects or range(len(ages)), dtype=np.int64),
        "groups": {axis: Column.of(texts) for axis, texts in (groups or {}).items()},
        "estimated_age_years": np.array(
            [np.nan if estimate is None else estimate for estimate in estimates], dtype=np.float64
        ),
        "p_over": {
            age: np.where(failed, np.nan, np.array(column, dtype=np.float64))
            for age, column in (p_over or {}).items()
        },
        "status": Column.of(["no_face" if missing else "ok" for missing in failed]),
        "statement": statement,
    }
    return EvaluationTable(**members | changes)
