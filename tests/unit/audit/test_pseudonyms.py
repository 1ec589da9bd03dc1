from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ageassure.audit.datasets.manifest import read_manifest
from ageassure.audit.joining import join
from ageassure.audit.prediction.files import COLUMNS, DISTRIBUTION_COLUMNS, read_predictions
from ageassure.audit.pseudonyms import (
    pseudonym,
    pseudonymise_manifest,
    pseudonymise_predictions,
    read_key,
)
from ageassure.errors import ConfigurationError, DataSetError, KeySetError, PredictionsError

from .manifests import manifest_file

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))
SHA = "ab" * 32


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return manifest_file(
        tmp_path,
        "sample_id,path,age,subject,sha256,sex",
        f"maria_1,pictures/maria_1.jpg,17,maria,{SHA},female",
        f"maria_2,pictures/maria_2.jpg,18,maria,{SHA},",
        f"john_1,pictures/john_1.jpg,30,john,{SHA},male",
    )


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    path = tmp_path / "p.csv"
    rows = [
        "maria_1,20.25,1.0,0.9,0.75,0.5,0.25,0.0,ok",
        "maria_2,,,,,,,,no_face",
        "john_1,31.5,1.0,1.0,1.0,1.0,1.0,0.9,ok",
    ]
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    return path


def test_a_pseudonym_is_a_keyed_hash_of_kind_and_name() -> None:
    expected = hmac.new(KEY, b"sample\0maria_1", hashlib.sha256).hexdigest()[:32]
    assert pseudonym(KEY, "sample", "maria_1") == expected
    assert pseudonym(KEY, "subject", "maria_1") != expected
    assert pseudonym(bytes(32), "sample", "maria_1") != expected


def test_conditions_and_distributions_stay(tmp_path: Path) -> None:
    header = "sample_id,age,yaw_degrees,inter_ocular_pixels"
    people = manifest_file(tmp_path, header, "maria_1,17,-31.25,", "john_1,30,0.1,64")
    pseudonymise_manifest(people, tmp_path / "q.csv", KEY)
    columns = [",".join(DISTRIBUTION_COLUMNS)]
    columns += [f"{name},20{',0.5' * 120},ok" for name in ("maria_1", "john_1")]
    (tmp_path / "p.csv").write_text("\n".join(columns) + "\n")
    pseudonymise_predictions(tmp_path / "p.csv", tmp_path / "q-p.csv", KEY)
    made = join(read_manifest(tmp_path / "q.csv"), read_predictions(tmp_path / "q-p.csv"))
    row = made.age_low_years.tolist().index(17)
    assert made.conditions["yaw_degrees"][[row, 1 - row]].tolist() == [-31.25, 0.1]
    assert np.isnan(made.conditions["inter_ocular_pixels"][row])
    assert made.whole_distributions


def test_no_name_is_left_and_the_table_is_the_same(
    people: Path, predictions: Path, tmp_path: Path
) -> None:
    assert pseudonymise_manifest(people, tmp_path / "new.csv", KEY) == 3
    assert pseudonymise_predictions(predictions, tmp_path / "new-p.csv", KEY) == 3
    text = (tmp_path / "new.csv").read_text() + (tmp_path / "new-p.csv").read_text()
    for name in ("maria", "john", "pictures", SHA):
        assert name not in text
    before = join(read_manifest(people), read_predictions(predictions))
    after = join(read_manifest(tmp_path / "new.csv"), read_predictions(tmp_path / "new-p.csv"))
    order = [
        after.sample_ids.tolist().index(pseudonym(KEY, "sample", name))
        for name in before.sample_ids.tolist()
    ]
    assert after.age_low_years[order].tolist() == before.age_low_years.tolist()
    assert np.array_equal(
        after.estimated_age_years[order], before.estimated_age_years, equal_nan=True
    )
    assert np.array_equal(after.p_over[18][order], before.p_over[18], equal_nan=True)
    assert after.processed[order].tolist() == before.processed.tolist()
    assert after.groups["sex"].where("female")[order].tolist() == [True, False, False]
    people_after = after.subjects[order].tolist()
    assert people_after[0] == people_after[1] != people_after[2]
    assert after.sample_ids.tolist() == sorted(after.sample_ids.tolist())


def test_nothing_is_overwritten(people: Path, predictions: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("mine")
    with pytest.raises(DataSetError, match=r"cannot write new\.csv: File exists"):
        pseudonymise_manifest(people, tmp_path / "new.csv", KEY)
    with pytest.raises(PredictionsError, match=r"new\.csv exists"):
        pseudonymise_predictions(predictions, tmp_path / "new.csv", KEY)
    assert (tmp_path / "new.csv").read_text() == "mine"


def test_a_manifest_that_names_no_subjects_gets_none(tmp_path: Path) -> None:
    path = manifest_file(tmp_path, "sample_id,age_low,age_high", "a,10,19")
    pseudonymise_manifest(path, tmp_path / "new.csv", KEY)
    assert (tmp_path / "new.csv").read_text().splitlines()[0] == "sample_id,age_low,age_high"


def test_a_key_is_long_and_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(KEY)
    path.chmod(0o600)
    assert read_key(path) == KEY
    path.write_bytes(KEY[:31])
    with pytest.raises(ConfigurationError, match="got a key of 31 bytes, expected at least 32"):
        read_key(path)
    path.write_bytes(KEY)
    path.chmod(0o644)
    with pytest.raises(KeySetError, match="others have access"):
        read_key(path)
