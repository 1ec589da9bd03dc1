from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.audit.prediction.files import (
    COLUMNS,
    DISTRIBUTION_COLUMNS,
    read_predictions,
    write_table,
)
from ageassure.errors import PredictionsError

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ",".join(COLUMNS)
GOOD = "a,20.25,1.0,0.9,0.75,0.5,0.25,0.0,ok"
REFUSED = "b,,,,,,,,no_face"


def written(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "p.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def refused(path: Path) -> str:
    with pytest.raises(PredictionsError) as caught:
        read_predictions(path)
    return str(caught.value)


def test_the_columns_are_exactly_these() -> None:
    assert HEADER == (
        "sample_id,estimated_age_years,p_over_13,p_over_16,p_over_18,p_over_20,p_over_21,"
        "p_over_25,status"
    )


def test_good_predictions_become_columns(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD, REFUSED)
    found = read_predictions(path)
    assert list(found.sample_ids) == ["a", "b"]
    assert found.estimated_age_years[0] == 20.25
    assert found.p_over[0].tolist() == [1.0, 0.9, 0.75, 0.5, 0.25, 0.0]
    assert np.isnan(found.estimated_age_years[1])
    assert np.isnan(found.p_over[1]).all()
    assert [found.status.values[code] for code in found.status.codes] == ["ok", "no_face"]
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert repr(found) == "<Predictions of 2 rows (content hidden)>"


def test_a_system_may_give_no_probabilities(tmp_path: Path) -> None:
    found = read_predictions(written(tmp_path, "a,20.25,,,,,,,ok", REFUSED))
    assert np.isnan(found.p_over).all()


def test_some_rows_with_and_some_without_probabilities_are_refused(tmp_path: Path) -> None:
    problem = refused(written(tmp_path, GOOD, "b,20,,,,,,,ok"))
    assert problem == "p.csv: 1 of 2 processed rows have probabilities, expected all or none"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("b,nan,1,1,1,1,1,1,ok", "estimated_age_years is no number of 0 to 120"),
        ("b,,1,1,1,1,1,1,ok", "estimated_age_years is no number of 0 to 120"),
        ("b,,,,,,,,ok", "estimated_age_years is no number of 0 to 120"),
        ("b,212,1,1,1,1,1,1,ok", "estimated_age_years is no number of 0 to 120"),
        ("b,-1,1,1,1,1,1,1,ok", "estimated_age_years is no number of 0 to 120"),
        ("b,inf,1,1,1,1,1,1,ok", "estimated_age_years is no number of 0 to 120"),
        ("b,2_0,1,1,1,1,1,1,ok", "estimated_age_years is no number of 0 to 120"),
        ("b, 20,1,1,1,1,1,1,ok", "estimated_age_years is no number of 0 to 120"),
        ("b,twenty,1,1,1,1,1,1,ok", "estimated_age_years is no number of 0 to 120"),
        ("b,20,1,1,1,1,1,,ok", "a p_over is no number of 0 to 1"),
        ("b,20,,1,1,1,1,1,ok", "a p_over is no number of 0 to 1"),
        ("b,20,1.1,1,1,1,1,1,ok", "a p_over is no number of 0 to 1"),
        ("b,20,1,1,1,1,1,-0.1,ok", "a p_over is no number of 0 to 1"),
        ("b,20,1,1,nan,1,1,1,ok", "a p_over is no number of 0 to 1"),
        ("b,20,1,0.5,0.6,0.5,0.5,0.5,ok", "a p_over is above that of a lower age"),
        ("b,20,,,,,,,no_face", "a figure stands beside a status that is not ok"),
        ("b,,,,,,,0.5,no_face", "a figure stands beside a status that is not ok"),
        ("b,20,1,1,1,1,1,1,", "status is no ok and no code"),
        ("b,,,,,,,,No face", "status is no ok and no code"),
        ("b,,,,,,,," + "x" * 65, "status is no ok and no code"),
        (",,,,,,,,no_face", "sample_id is no printable text"),
        ("x" * 257 + ",,,,,,,,no_face", "sample_id is no printable text"),
        ("a,,,,,,,,no_face", "sample_id is that of line 2"),
        ("b,20", "got 2 cells, expected 9"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, problem: str) -> None:
    assert f"line 3: {problem}" in refused(written(tmp_path, GOOD, row))


@pytest.mark.parametrize(
    "header",
    [
        HEADER.replace("p_over_20,", ""),
        HEADER + ",model",
        HEADER.replace("p_over_13,p_over_16", "p_over_16,p_over_13"),
        HEADER.replace("status", "Status"),
    ],
)
def test_other_columns_are_refused(tmp_path: Path, header: str) -> None:
    assert "expected exactly the columns sample_id" in refused(written(tmp_path, header=header))


@pytest.mark.parametrize("name", ["p.csv", "p.parquet"])
def test_whole_distributions_may_stand_in_their_place(tmp_path: Path, name: str) -> None:
    assert DISTRIBUTION_COLUMNS[2] == "p_over_1"
    assert DISTRIBUTION_COLUMNS[-2:] == ("p_over_120", "status")
    figures = np.array([[20.25, *np.linspace(1, 0, 120)], [np.nan] * 121]).T
    columns = dict(zip(DISTRIBUTION_COLUMNS[1:-1], figures, strict=True))
    write_table(tmp_path / name, {"sample_id": ["a", "b"], **columns, "status": ["ok", "no_face"]})
    found = read_predictions(tmp_path / name)
    assert found.p_over_years == tuple(range(1, 121))
    assert found.p_over[0].tolist() == np.linspace(1, 0, 120).tolist()
    assert np.isnan(found.p_over[1]).all()


def test_a_distribution_with_a_hole_is_refused(tmp_path: Path) -> None:
    header = ",".join(DISTRIBUTION_COLUMNS)
    cells = ["a", "20", *["0.5"] * 120, "ok"]
    assert read_predictions(written(tmp_path, ",".join(cells), header=header)).p_over[0, 0] == 0.5
    cells[40] = ""
    assert "line 2: a p_over is no number" in refused(
        written(tmp_path, ",".join(cells), header=header)
    )
    missing = header.replace("p_over_77,", "")
    assert "p_over_1 to p_over_120 in place" in refused(written(tmp_path, header=missing))


def test_no_rows_are_refused(tmp_path: Path) -> None:
    assert refused(written(tmp_path)) == "p.csv: has no rows"


@pytest.mark.parametrize("name", ["p.csv", "p.parquet"])
def test_what_is_written_is_read_and_has_the_same_bytes_again(tmp_path: Path, name: str) -> None:
    figures = np.array([[1 / 3, 1.0, 0.9, 0.75, 0.1, 0.1, 1e-300], [np.nan] * 7]).T
    columns = {"sample_id": ["ä,b", "c"], **dict(zip(COLUMNS[1:-1], figures, strict=True))}
    digests = set()
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        write_table(folder / name, {**columns, "status": ["ok", "no_face"]})
        assert [file.name for file in folder.iterdir()] == [name]
        digests.add((folder / name).read_bytes())
        found = read_predictions(folder / name)
        assert list(found.sample_ids) == ["ä,b", "c"]
        assert found.estimated_age_years[0] == 1 / 3
        assert found.p_over[0].tolist() == figures[1:, 0].tolist()
    assert len(digests) == 1


def test_parquet_has_nulls_and_no_nan(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    figures = {name: np.array([np.nan, 1.0]) for name in COLUMNS[1:-1]}
    write_table(path, {"sample_id": ["a", "b"], **figures, "status": ["no_face", "ok"]})
    table = pq.read_table(path)
    assert table["p_over_18"].to_pylist() == [None, 1.0]
    assert str(table.schema.field("p_over_18").type) == "double"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    for name in ("p.csv", "p.parquet"):
        with pytest.raises(PredictionsError, match=f"cannot write {name}"):
            write_table(tmp_path / "none" / name, {"sample_id": ["a"]})


@given(st.text(max_size=200))
def test_junk_raises_only_our_errors(tmp_path_factory: pytest.TempPathFactory, junk: str) -> None:
    path = tmp_path_factory.mktemp("junk") / "p.csv"
    path.write_bytes(f"{HEADER}\n{GOOD}\n{junk}".encode("utf-8", "surrogatepass"))
    try:
        found = read_predictions(path)
    except PredictionsError:
        return
    assert len(found) >= 1
