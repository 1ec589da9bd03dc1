from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.audit.datasets.manifest import completed_years, read_manifest
from ageassure.errors import DataSetError

from ..manifests import HEADER, ROWS, manifest_file, stated

if TYPE_CHECKING:
    from pathlib import Path


def refused(path: Path) -> str:
    with pytest.raises(DataSetError) as caught:
        read_manifest(path)
    return str(caught.value)


def test_a_good_manifest_becomes_columns(tmp_path: Path) -> None:
    found = read_manifest(manifest_file(tmp_path, HEADER, *ROWS))
    assert list(found.sample_ids) == ["a", "b", "c"]
    assert found.paths is not None
    assert list(found.paths) == ["one.png", "two.png", "three.png"]
    assert found.age_low_years.tolist() == found.age_high_years.tolist() == [17, 18, 30]
    assert found.subjects.tolist() == [0, 0, 1]
    assert list(found.subject_names) == ["p1", "p2"]
    assert found.groups["sex"].values == ("female", "male")
    assert found.groups["sex"].codes.tolist() == [0, 1, -1]
    assert found.sha256 is None
    assert len(found) == 3
    assert repr(found) == "<Manifest of 3 rows (content hidden)>"


def test_groups_of_ages_and_people_that_are_not_named(tmp_path: Path) -> None:
    path = manifest_file(
        tmp_path,
        "sample_id,age,age_low,age_high,skin_tone",
        "a,,10,19,3",
        "b,20.9,20,20,",
        "c,7,,,",
    )
    found = read_manifest(path)
    assert found.age_low_years.tolist() == [10, 20, 7]
    assert found.age_high_years.tolist() == [19, 20, 7]
    assert found.subjects.tolist() == [0, 1, 2]
    assert found.subject_names == []
    assert found.paths is None


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("a,x.png,212,p,", "line 3: age is no number of 0 to 120"),
        ("a,x.png,121,p,", "line 3: age is no number of 0 to 120"),
        ("a,x.png,nan,p,", "line 3: age is no number of 0 to 120"),
        ("a,x.png,-1,p,", "line 3: age is no number of 0 to 120"),
        ("a,x.png,1e1,p,", "line 3: age is no number of 0 to 120"),
        ("a,x.png,,p,", "line 3: got no age"),
        (",x.png,20,p,", "line 3: sample_id is no printable text"),
        ("z,x.png,20,p,", "line 3: sample_id is that of line 2"),
        ("a,z.png,20,p,", "line 3: path is that of line 2"),
        ("a,../x.png,20,p,", "line 3: path leaves the data set's folder"),
        ("a,/etc/passwd,20,p,", "line 3: path leaves the data set's folder"),
        ("a,,20,p,", "line 3: path is empty"),
        ("a,x.png,20,,", "line 3: subject is no printable text"),
        ("a,x.png,20,p,f\x07", "line 3: sex is no printable text"),
        ("a,x.png,20,p," + "f" * 101, "line 3: sex is no printable text"),
        ("a,x.png,20,p", "line 3: got 4 cells, expected 5"),
        ('a,"x.png,20,p,', "unexpected end of data"),
        ('a,"x"y.png,20,p,', "line 3: ',' expected after '\"'"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, problem: str) -> None:
    assert problem in refused(manifest_file(tmp_path, HEADER, "z,z.png,20,p,", row))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("a,,19,10", "line 2: age_low is above age_high"),
        ("a,,10,", "line 2: age_low or age_high is no number"),
        ("a,,,19", "line 2: age_low or age_high is no number"),
        ("a,,10,x", "line 2: age_low or age_high is no number"),
        ("a,18,10,19", "line 2: age_low and age_high are not the age"),
    ],
)
def test_a_bad_group_of_ages_is_named(tmp_path: Path, row: str, problem: str) -> None:
    assert problem in refused(manifest_file(tmp_path, "sample_id,age,age_low,age_high", row))


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("path,age", "got no column sample_id"),
        ("sample_id,path", "got no column age, and not both"),
        ("sample_id,age_low", "got no column age, and not both"),
        ("sample_id,age,age", "two columns of one name"),
        ("sample_id,age,Sex", "reserved or not of lower-case letters"),
        ("sample_id,age,p_over_18", "reserved"),
        ("sample_id,age,age_band", "reserved"),
        (",".join(f"c{n}" for n in range(129)), "got 129 columns, expected at most 128"),
    ],
)
def test_a_bad_header_is_refused(tmp_path: Path, header: str, problem: str) -> None:
    assert problem in refused(manifest_file(tmp_path, header, "a,1,2"))


def test_a_column_of_as_many_values_as_people_groups_nobody(tmp_path: Path) -> None:
    rows = [f"{n},20,v{n}" for n in range(10_001)]
    problem = refused(manifest_file(tmp_path, "sample_id,age,batch", *rows))
    assert "line 10002: batch has more than 10000 different values" in problem


def test_digests_of_pictures_are_checked_for_their_form(tmp_path: Path) -> None:
    good = "ab" * 32
    path = manifest_file(tmp_path, "sample_id,age,sha256", f"a,20,{good}")
    assert list(read_manifest(path).sha256 or ()) == [good]
    path = manifest_file(tmp_path, "sample_id,age,sha256", f"a,20,{good.upper()}")
    assert "line 2: sha256 is not 64 lower-case hex digits" in refused(path)


def test_all_problems_are_listed_up_to_a_bound(tmp_path: Path) -> None:
    problem = refused(manifest_file(tmp_path, "sample_id,age", *(f"{n},212" for n in range(50))))
    lines = problem.splitlines()
    assert lines[0] == "people.csv: 50 problems"
    assert lines[1].strip() == "line 2: age is no number of 0 to 120"
    assert lines[20].strip().startswith("line 21:")
    assert lines[21].strip() == "and 30 more"
    assert len(lines) == 22


def test_no_value_of_a_cell_is_repeated(tmp_path: Path) -> None:
    problem = refused(manifest_file(tmp_path, "sample_id,age", "name of a person,2009-04-01"))
    assert "2009" not in problem
    assert "person" not in problem


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "people.csv: is empty, expected a header"),
        (b"sample_id,age\n", "people.csv: has no rows"),
        (b"sample_id,age\na,20\nb\xe9,21\n", "people.csv: line 3: is no UTF-8"),
        ("sample_id,age\na,20\n".encode("utf-16"), "people.csv: line 1: is no UTF-8"),
        (b"sample_id,age\n" + b"a" * 70_000, "has more than 65536 bytes"),
        (b"sample_id,age\na,2\x000\n", "line 2"),
        (b"sample_id,age\ra,20\r", "new-line character"),
    ],
)
def test_another_file_than_csv_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    assert problem in refused(stated(path))


def test_a_spreadsheets_mark_and_line_ends_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes("\ufeffsample_id,age\r\na,20\r\n".encode())
    assert list(read_manifest(stated(path)).sample_ids) == ["a"]


def test_a_manifest_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = manifest_file(tmp_path, HEADER, *ROWS)
    path.write_text(path.read_text().replace("17", "18"))
    assert "is not the manifest whose SHA-256 people.toml states" in refused(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = manifest_file(tmp_path, HEADER, *ROWS)
    path.unlink()
    assert refused(path) == "cannot read people.csv: No such file or directory"


def test_parquet_gives_the_same_columns(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    pq.write_table(
        pa.table({"sample_id": ["a", "b"], "age": [17.9, 18.0], "sex": ["female", None]}), path
    )
    found = read_manifest(stated(path))
    assert found.age_low_years.tolist() == [17, 18]
    assert found.groups["sex"].codes.tolist() == [0, -1]


def test_parquet_problems_name_the_row(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    pq.write_table(
        pa.table({"sample_id": ["a", "b", "a"], "age": [17.0, float("nan"), None]}), path
    )
    problem = refused(stated(path))
    assert "row 2: age is no number" in problem
    assert "row 3: sample_id is that of row 1" in problem
    assert "row 3: got no age" in problem


@pytest.mark.parametrize("content", [b"", b"PAR1", b"sample_id,age\na,20\n"])
def test_another_file_than_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "people.parquet"
    path.write_bytes(content)
    assert refused(stated(path)) == "people.parquet: cannot be read as a Parquet file"


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    table = pa.table({"sample_id": [f"s{n}" for n in range(500)], "age": [20] * 500})
    pq.write_table(table, path)
    content = bytearray(path.read_bytes())
    content[30:700] = b"\xff" * 670
    path.write_bytes(content)
    assert refused(stated(path)) == "people.parquet: is damaged"


@pytest.mark.parametrize(
    ("text", "years"),
    [("0", 0), ("17.99", 17), ("120.5", 120), ("121", None), ("", None), ("17,5", None)],
)
def test_ages_are_completed_years(text: str, years: int | None) -> None:
    assert completed_years(text) == years


@given(st.binary(max_size=300))
def test_junk_raises_only_our_errors(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    path = tmp_path_factory.mktemp("junk") / "people.csv"
    path.write_bytes(b"sample_id,age,sex\n" + junk)
    try:
        found = read_manifest(stated(path))
    except DataSetError:
        return
    assert len(found) == len(set(found.sample_ids)) > 0


def test_conditions_are_numbers_and_no_groups(tmp_path: Path) -> None:
    header = "sample_id,age,yaw_degrees,inter_ocular_pixels"
    rows = ("a,17,-31.5,64", "b,18,,120.25", "c,19,1.5e-05,")
    found = read_manifest(manifest_file(tmp_path, header, *rows))
    assert found.groups == {}
    assert found.conditions["yaw_degrees"][[0, 2]].tolist() == [-31.5, 1.5e-05]
    assert found.conditions["inter_ocular_pixels"][:2].tolist() == [64, 120.25]
    assert np.isnan(found.conditions["yaw_degrees"][1])
    assert np.isnan(found.conditions["inter_ocular_pixels"][2])
    assert read_manifest(manifest_file(tmp_path, "sample_id,age", "a,17")).conditions == {}


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ("200,60", "line 2: yaw_degrees is no number of -180 to 180"),
        ("left,60", "line 2: yaw_degrees is no number of -180 to 180"),
        ("nan,60", "line 2: yaw_degrees is no number of -180 to 180"),
        ("10,0", "line 2: inter_ocular_pixels is no number of 1 to 100000"),
        ("10,-5", "line 2: inter_ocular_pixels is no number of 1 to 100000"),
        ("10,1_0", "line 2: inter_ocular_pixels is no number of 1 to 100000"),
        ("10,inf", "line 2: inter_ocular_pixels is no number of 1 to 100000"),
    ],
)
def test_a_bad_condition_is_named(tmp_path: Path, cells: str, problem: str) -> None:
    header = "sample_id,age,yaw_degrees,inter_ocular_pixels"
    assert problem in refused(manifest_file(tmp_path, header, f"a,17,{cells}"))
