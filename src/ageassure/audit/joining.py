"""A manifest and a file of predictions become the table that metrics are computed from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ageassure.audit.prediction.assessing import P_OVER_YEARS
from ageassure.audit.table import Column, DatasetStatement, EvaluationTable
from ageassure.errors import PredictionsError

if TYPE_CHECKING:
    from ageassure.audit.datasets.manifest import Manifest
    from ageassure.audit.datasets.statement import Statement
    from ageassure.audit.prediction.files import Predictions


def join(manifest: Manifest, predictions: Predictions) -> EvaluationTable:
    """Join by ``sample_id``; every sample needs its prediction, and every prediction its sample.

    Returns:
        The table, in the manifest's order whatever the order of the predictions.

    Raises:
        PredictionsError: If one of them has a sample that the other lacks. Nothing is dropped.
        ConfigurationError: If the columns break what a table demands.
    """
    place = {name: row for row, name in enumerate(predictions.sample_ids)}
    rows = np.array([place.pop(name, -1) for name in manifest.sample_ids], dtype=np.int64)
    without = int((rows < 0).sum())
    if without:
        first = int((rows < 0).argmax()) + 1
        raise PredictionsError(
            f"{without} samples of the manifest have no prediction, first in its row {first}"
        )
    if place:
        first = min(place.values()) + 1
        raise PredictionsError(
            f"{len(place)} predictions belong to no sample of the manifest, first in row {first}"
        )
    status = predictions.status
    return EvaluationTable(
        sample_ids=np.array(manifest.sample_ids, dtype=np.str_),
        age_low_years=manifest.age_low_years,
        age_high_years=manifest.age_high_years,
        subjects=manifest.subjects,
        groups=manifest.groups,
        estimated_age_years=predictions.estimated_age_years[rows],
        p_over={age: predictions.p_over[rows, column] for column, age in enumerate(P_OVER_YEARS)},
        status=Column(values=status.values, codes=status.codes[rows]),
        statement=_stated(manifest.statement, subjects_known=bool(manifest.subject_names)),
    )


def _stated(statement: Statement, *, subjects_known: bool) -> DatasetStatement:
    detail = f" ({statement.age_proof_detail})" if statement.age_proof_detail else ""
    border = f", shown with a black border of {statement.border_pixels} pixels"
    return DatasetStatement(
        name=statement.name + (border if statement.border_pixels else ""),
        digest=statement.manifest_sha256,
        licence=statement.licence,
        age_proof=f"{statement.age_proof}{detail}",
        subjects_known=subjects_known,
    )
