from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ageassure.audit.datasets.statement import AgeProof, Statement, read_statement, statement_path
from ageassure.errors import DataSetError

if TYPE_CHECKING:
    from pathlib import Path

GOOD: dict[str, Any] = {
    "name": 'made-up "people" \\ 1',
    "licence": "CC0-1.0",
    "age_proof": AgeProof.APPARENT,
    "age_proof_detail": "judged by two people",
    "source": "https://data.example",
    "border_pixels": 64,
    "manifest_sha256": "ab" * 32,
}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "people.toml"
    path.write_text(Statement(**GOOD).to_toml(), encoding="utf-8")
    assert read_statement(path) == Statement(**GOOD)


def test_it_lies_beside_the_manifest(tmp_path: Path) -> None:
    assert statement_path(tmp_path / "people.parquet") == tmp_path / "people.toml"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": ""}, "names no data set"),
        ({"name": "two\nlines"}, "no line"),
        ({"name": 7}, "no line"),
        ({"source": "x" * 1001}, "no line"),
        ({"licence": ""}, "no licence"),
        ({"age_proof": "trust me"}, "another age_proof than document, self-reported, apparent"),
        ({"age_proof": 7}, "another age_proof"),
        ({"manifest_sha256": "AB" * 32}, "manifest_sha256"),
        ({"manifest_sha256": 7}, "manifest_sha256"),
        ({"border_pixels": -1}, "border_pixels"),
        ({"border_pixels": True}, "border_pixels"),
        ({"border_pixels": 4097}, "border_pixels"),
    ],
)
def test_a_bad_member_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(DataSetError, match=problem):
        Statement(**GOOD | change)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "expected one table"),
        (b"[data_set]\nname='x'\n", "expected name, licence, age_proof, manifest_sha256"),
        (b"[data_set]\n[other]\n", "expected one table"),
        (b"data_set = 1", "expected one table"),
        (b"[data_set", "is no TOML"),
        (b"a = '\xff'", "is no TOML"),
        (b"# " + b"x" * 70_000, "is no TOML of at most 65536 bytes"),
        (b"a = " + b"[" * 5000, "is no TOML"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "people.toml"
    path.write_bytes(content)
    with pytest.raises(DataSetError, match=problem):
        read_statement(path)


def test_an_unknown_member_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.toml"
    path.write_text(Statement(**GOOD).to_toml() + "ages_proved = 'yes'\n", encoding="utf-8")
    with pytest.raises(DataSetError, match="and at most source"):
        read_statement(path)


def test_no_statement_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match=r"cannot read the statement people\.toml: No such file"):
        read_statement(tmp_path / "people.toml")
