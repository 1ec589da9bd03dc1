"""Runs over degraded pictures become the estimates of a robustness curve.

Their records say how the pictures were degraded; a run without a record says nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from ageassure.audit.degradation import Degradation
from ageassure.audit.robustness import DegradedEstimate
from ageassure.errors import PredictionsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ageassure.audit.report.inputs import Run

_SAME: Final = ("manifest_sha256", "estimator", "pipeline_digest", "border_pixels")


def degraded_estimates(run: Run, degraded: Sequence[Run]) -> list[DegradedEstimate]:
    """Read what was estimated of degraded pictures.

    Args:
        run: The run over the pictures as they are.
        degraded: Runs of the same estimator over the same manifest, each at one level.

    Raises:
        PredictionsError: If one has no record, is of other pictures or another estimator, or is
            not degraded.
    """
    found: list[DegradedEstimate] = []
    for worse in degraded:
        kind, level = _how(run, worse)
        table = worse.table
        for sample, estimate, code in zip(
            table.sample_ids.tolist(),
            table.estimated_age_years.tolist(),
            table.status.codes.tolist(),
            strict=True,
        ):
            found.append(
                DegradedEstimate(
                    sample_id=sample,
                    degradation=kind,
                    level=level,
                    estimated_age_years=None if math.isnan(estimate) else estimate,
                    status=table.status.values[code],
                )
            )
    return found


def _how(run: Run, worse: Run) -> tuple[Degradation, float]:
    own, other = run.record, worse.record
    if own is None or other is None:
        raise PredictionsError("got degraded predictions, or those that they belong to, unrecorded")
    if any(own.get(name) != other.get(name) for name in _SAME):
        raise PredictionsError("got degraded predictions of other pictures or another estimator")
    kind, level = other["degradation"], other["level"]
    if (
        kind not in list(Degradation)
        or isinstance(level, bool)
        or not isinstance(level, int | float)
    ):
        raise PredictionsError("got predictions as degraded ones whose record names no degradation")
    if own["degradation"] is not None:
        raise PredictionsError("got degraded predictions as those of the pictures as they are")
    return Degradation(kind), float(level)
