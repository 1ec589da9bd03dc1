"""A manifest and a file of predictions become the table that metrics are computed from."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ageassure.audit.table import Column, DatasetStatement, EvaluationTable
from ageassure.errors import PredictionsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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
        subjects=_subjects([manifest]),
        groups=manifest.groups,
        estimated_age_years=predictions.estimated_age_years[rows],
        p_over={
            age: predictions.p_over[rows, column]
            for column, age in enumerate(predictions.p_over_years)
        },
        status=Column(values=status.values, codes=status.codes[rows]),
        statement=_stated(manifest.statement, subjects_known=bool(manifest.subject_names)),
        conditions=manifest.conditions,
    )


def join_parts(parts: Sequence[tuple[Manifest, Predictions]]) -> EvaluationTable:
    """Join manifests and predictions that were made in parts, on as many machines.

    What is measured on the result does not depend on how the people were split, nor on the order of
    the parts. A subject of the same name is the same person in all of them.

    Args:
        parts: Each manifest with its predictions, of one data set: the statements are the same but
            for the digests. With one part this is :func:`join`.

    Returns:
        The table; its digest is SHA-256 over the parts' digests, sorted, one a line, if there are
        several.

    Raises:
        PredictionsError: As :func:`join`; or the parts are of different data sets, or have
            different columns.
        ConfigurationError: If a sample is in two parts, or there is no part.
    """
    tables = [join(manifest, predictions) for manifest, predictions in parts]
    if len(tables) == 1:
        return tables[0]
    manifests = [manifest for manifest, _ in parts]
    if len({_people(table) for table in tables}) != 1:
        raise PredictionsError("the parts differ in their statements or in their columns")
    digests = sorted(table.statement.digest for table in tables)
    digest = hashlib.sha256("".join(f"{one}\n" for one in digests).encode()).hexdigest()
    stated = replace(tables[0].statement, digest=digest)
    ends = np.cumsum([len(table) for table in tables])[:-1]
    numbers = np.split(_subjects(manifests), ends)
    return EvaluationTable.concatenate(
        [
            replace(table, statement=stated, subjects=subjects)
            for table, subjects in zip(tables, numbers, strict=True)
        ]
    )


def _people(table: EvaluationTable) -> tuple[DatasetStatement, frozenset[object]]:
    columns = frozenset({*table.groups, *table.conditions, *table.p_over})
    return replace(table.statement, digest="0" * 64), columns


def _subjects(manifests: Sequence[Manifest]) -> NDArray[np.int64]:
    """Numbers of people in the order of their names, whatever the order of rows and parts."""
    named = bool(manifests[0].subject_names)
    names = [m.subject_names if named else m.sample_ids for m in manifests]
    _, numbers = np.unique(
        np.concatenate([np.array(n, dtype=np.str_) for n in names]), return_inverse=True
    )
    if not named:
        return numbers
    ends = np.cumsum([len(one) for one in names])[:-1]
    pairs = zip(np.split(numbers, ends), manifests, strict=True)
    return np.concatenate([number[manifest.subjects] for number, manifest in pairs])


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
