from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ageassure.audit.datasets.manifest import read_manifest
from ageassure.audit.datasets.statement import AgeProof
from ageassure.audit.joining import join
from ageassure.audit.prediction.files import COLUMNS, read_predictions
from ageassure.errors import PredictionsError

from .manifests import HEADER, ROWS, manifest_file

if TYPE_CHECKING:
    from pathlib import Path

    from ageassure.audit.table import EvaluationTable

PREDICTIONS = (
    "c,31.5,1,1,1,1,1,0.9,ok",
    "a,,,,,,,,no_face",
    "b,19.5,1,0.9,0.8,0.5,0.3,0.1,ok",
)


def joined(folder: Path, *predictions: str, **changes: Any) -> EvaluationTable:
    path = folder / "p.csv"
    path.write_text("\n".join([",".join(COLUMNS), *predictions]) + "\n")
    manifest = manifest_file(folder, HEADER, *ROWS, **changes)
    return join(read_manifest(manifest), read_predictions(path))


def test_rows_stand_in_the_manifests_order(tmp_path: Path) -> None:
    found = joined(tmp_path, *PREDICTIONS)
    assert found.sample_ids.tolist() == ["a", "b", "c"]
    assert found.age_low_years.tolist() == [17, 18, 30]
    assert found.subjects.tolist() == [0, 0, 1]
    assert np.isnan(found.estimated_age_years[0])
    assert found.estimated_age_years.tolist()[1:] == [19.5, 31.5]
    assert found.p_over[18].tolist()[1:] == [0.8, 1.0]
    assert list(found.p_over) == [13, 16, 18, 20, 21, 25]
    assert found.processed.tolist() == [False, True, True]
    assert found.groups["sex"].where("male").tolist() == [False, True, False]


def test_the_statement_says_how_ages_were_proved_and_pictures_shown(tmp_path: Path) -> None:
    found = joined(
        tmp_path,
        *PREDICTIONS,
        age_proof=AgeProof.APPARENT,
        age_proof_detail="judged by two people",
        border_pixels=64,
    ).statement
    assert found.age_proof == "apparent (judged by two people)"
    assert found.name == "made-up people, shown with a black border of 64 pixels"
    assert found.subjects_known
    plain = joined(tmp_path, *PREDICTIONS).statement
    assert (plain.name, plain.age_proof) == ("made-up people", "document")


def test_a_sample_without_a_prediction_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match=r"1 samples of the manifest have no prediction.*2"):
        joined(tmp_path, *PREDICTIONS[:2])


def test_a_prediction_without_a_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match=r"1 predictions belong to no sample.*row 4"):
        joined(tmp_path, *PREDICTIONS, "d,,,,,,,,no_face")
