"""The manifest of a data set: one row per picture, CSV or Parquet, with its statement beside it."""

from __future__ import annotations

import hashlib
import math
import re
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.datasets.columns import CONDITIONS, ConditionReader, GroupReader
from ageassure.audit.datasets.places import path_problem
from ageassure.audit.datasets.statement import SHA256, Statement, read_statement, statement_path
from ageassure.audit.problems import Problems
from ageassure.audit.rows import read_rows
from ageassure.errors import DataSetError
from ageassure.files import open_regular
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ageassure.audit.rows import Rows
    from ageassure.audit.table import Column

AGE_COLUMNS: Final = ("age", "age_low", "age_high")
OWN_COLUMNS: Final = ("sample_id", "path", *AGE_COLUMNS, "subject", "sha256")
"""Columns with a meaning of their own; :data:`CONDITIONS` have one, others group people."""

MAX_ID_CHARACTERS: Final = 256
_COLUMN_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_DECIMAL: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,20})?")
_RESERVED: Final = frozenset({"age_band", "status", "estimated_age_years"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Manifest:
    """A manifest, checked; every column has one entry a row, in the file's order.

    Attributes:
        statement: What is said of the data set as a whole.
        sample_ids: Each once.
        paths: Where the pictures lie; None if the manifest does not say.
        sha256: SHA-256 of every picture's bytes, 64 hex digits; None likewise.
        age_low_years: Completed years, int64: the age, or the first year of its group.
        age_high_years: The last year of its group, included; equal to the other where the age is
            known exactly.
        subjects: int64, the same number for pictures of one person.
        subject_names: What a number of ``subjects`` stands for; empty if the manifest names no
            subjects. Then every picture counts as a person of its own.
        groups: The grouping columns.
        conditions: What was measured of each picture, by :data:`CONDITIONS`: float64, NaN where it
            is not known.
    """

    statement: Statement
    sample_ids: Sequence[str]
    paths: Sequence[str] | None
    sha256: Sequence[str] | None
    age_low_years: NDArray[np.int64]
    age_high_years: NDArray[np.int64]
    subjects: NDArray[np.int64]
    subject_names: Sequence[str]
    groups: dict[str, Column]
    conditions: dict[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.sample_ids)

    def __repr__(self) -> str:
        return f"<Manifest of {len(self)} rows (content hidden)>"


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits.

    Raises:
        OSError: If it cannot be read.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest and the statement beside it.

    Not checked: whether the pictures exist and are those meant; that is seen when they are read.

    Args:
        path: Parquet if it ends in ``.parquet``, otherwise CSV in UTF-8. Its statement has the same
            name with the suffix ``.toml``.

    Raises:
        DataSetError: If either cannot be read or breaks its format, or the manifest is not the one
            that the statement's digest names. The message lists up to 20 lines.
        MissingExtraError: If it is Parquet and pyarrow is not installed.
    """
    statement = read_statement(statement_path(path))
    rows = read_rows(path, DataSetError)
    if file_sha256(path) != statement.manifest_sha256:
        raise DataSetError(
            f"{path.name}: is not the manifest whose SHA-256 {statement_path(path).name} states"
        )
    return _Reader(path, rows).read(statement)


class _Reader:
    """Reads the rows into columns."""

    def __init__(self, path: Path, rows: Rows) -> None:
        self._rows = rows
        self._name = path.name
        self._problems = Problems(DataSetError, path, unit=rows.unit)
        self._place = {name: index for index, name in enumerate(rows.header)}
        self._check_header()
        self._lines: dict[str, int] = {}
        self._paths: list[str] = []
        self._path_lines: dict[str, int] = {}
        self._sha256: list[str] = []
        self._low, self._high = array("q"), array("q")
        self._subjects = array("q")
        self._subject_codes: dict[str, int] = {}
        names = [name for name in rows.header if name not in (*OWN_COLUMNS, *CONDITIONS)]
        self._groups = [GroupReader(name, self._place[name]) for name in names]
        self._conditions = [
            ConditionReader(name, self._place[name]) for name in CONDITIONS if name in self._place
        ]

    def _check_header(self) -> None:
        names = set(self._place)
        if "sample_id" not in names:
            self._problems.add(None, "got no column sample_id")
        if "age" not in names and not {"age_low", "age_high"} <= names:
            self._problems.add(None, "got no column age, and not both of age_low and age_high")
        for name in names:
            if not _COLUMN_NAME.fullmatch(name) or name in _RESERVED or name.startswith("p_over_"):
                self._problems.add(
                    None,
                    "got a column whose name is reserved or not of lower-case letters, digits, _",
                )
        self._problems.raise_if_any()

    def read(self, statement: Statement) -> Manifest:
        for line, cells in self._rows.rows:
            if len(cells) != len(self._place):
                self._add(line, f"got {len(cells)} cells, expected {len(self._place)}")
                continue
            self._take_id(line, cells)
            self._take_age(line, cells)
            self._take_picture(line, cells)
            self._take_people(line, cells)
        if not self._lines and not self._problems.count:
            self._problems.add(None, "has no rows")
        self._problems.raise_if_any()
        count = len(self._lines)
        return Manifest(
            statement=statement,
            sample_ids=list(self._lines),
            paths=self._paths if "path" in self._place else None,
            sha256=self._sha256 if "sha256" in self._place else None,
            age_low_years=np.frombuffer(self._low, np.int64),
            age_high_years=np.frombuffer(self._high, np.int64),
            subjects=(
                np.frombuffer(self._subjects, np.int64)
                if "subject" in self._place
                else np.arange(count)
            ),
            subject_names=list(self._subject_codes),
            groups={group.name: group.column() for group in self._groups},
            conditions={condition.name: condition.column() for condition in self._conditions},
        )

    def _add(self, line: int, text: str) -> None:
        self._problems.add(line, text)

    def _cell(self, cells: list[str], name: str) -> str:
        place = self._place.get(name)
        return "" if place is None else cells[place]

    def _take_id(self, line: int, cells: list[str]) -> None:
        name = self._cell(cells, "sample_id")
        if not name or len(name) > MAX_ID_CHARACTERS or not name.isprintable():
            self._add(line, f"sample_id is no printable text of 1 to {MAX_ID_CHARACTERS}")
        elif self._lines.setdefault(name, line) != line:
            self._add(line, f"sample_id is that of {self._rows.unit} {self._lines[name]}")

    def _take_age(self, line: int, cells: list[str]) -> None:
        age, low, high = (self._cell(cells, name) for name in AGE_COLUMNS)
        found: tuple[int | None, int | None]
        if age:
            years = completed_years(age)
            found = years, years
            if years is None:
                self._add(line, f"age is no number of 0 to {MAX_YEARS}")
            elif (low or high) and (completed_years(low), completed_years(high)) != found:
                self._add(line, "age_low and age_high are not the age that stands beside them")
        elif not low and not high:
            self._add(line, "got no age")
            return
        else:
            found = completed_years(low), completed_years(high)
            if None in found:
                self._add(line, f"age_low or age_high is no number of 0 to {MAX_YEARS}")
        if found[0] is None or found[1] is None:
            return
        if found[0] > found[1]:
            self._add(line, "age_low is above age_high")
        self._low.append(found[0])
        self._high.append(found[1])

    def _take_picture(self, line: int, cells: list[str]) -> None:
        if "path" in self._place:
            path = self._cell(cells, "path")
            problem = path_problem(path)
            if problem is not None:
                self._add(line, problem)
            elif self._path_lines.setdefault(path, line) != line:
                self._add(line, f"path is that of {self._rows.unit} {self._path_lines[path]}")
            self._paths.append(path)
        if "sha256" in self._place:
            digest = self._cell(cells, "sha256")
            if not SHA256.fullmatch(digest):
                self._add(line, "sha256 is not 64 lower-case hex digits")
            self._sha256.append(digest)

    def _take_people(self, line: int, cells: list[str]) -> None:
        if "subject" in self._place:
            name = self._cell(cells, "subject")
            if not name or len(name) > MAX_ID_CHARACTERS or not name.isprintable():
                self._add(line, f"subject is no printable text of 1 to {MAX_ID_CHARACTERS}")
            codes = self._subject_codes
            self._subjects.append(codes.setdefault(name, len(codes)))
        columns: list[GroupReader | ConditionReader] = [*self._groups, *self._conditions]
        for column in columns:
            problem = column.take(cells[column.place])
            if problem is not None:
                self._add(line, f"{column.name} {problem}")


def completed_years(text: str) -> int | None:
    """Completed years of an age in decimal years, ``17.99`` → 17; None if it is no age."""
    if not _DECIMAL.fullmatch(text):
        return None
    years = math.floor(float(text))
    return years if years <= MAX_YEARS else None
