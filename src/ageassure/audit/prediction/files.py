"""The file of predictions: written here, or by any other system in the same columns."""

from __future__ import annotations

import csv
import math
import os
from array import array
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.datasets.manifest import MAX_ID_CHARACTERS, file_sha256
from ageassure.audit.prediction.assessing import ALL_YEARS, STATUS
from ageassure.audit.problems import Problems
from ageassure.audit.rows import is_parquet, read_rows
from ageassure.audit.table import OK, P_OVER_YEARS, Column
from ageassure.errors import PredictionsError
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    TableColumn = Sequence[str] | NDArray[np.float64]


def columns_for(p_over_years: Sequence[int]) -> tuple[str, ...]:
    """Names of the columns of a file of predictions that tells P(age ≥ a) at these ages a."""
    chances = (f"p_over_{age}" for age in p_over_years)
    return ("sample_id", "estimated_age_years", *chances, "status")


COLUMNS: Final = columns_for(P_OVER_YEARS)
"""Those that every file has."""

DISTRIBUTION_COLUMNS: Final = columns_for(ALL_YEARS)
"""Those of a file with whole distributions: P(age ≥ a) at every age."""

LATENCY_COLUMNS: Final = ("sample_id", "latency_ms")


def is_predictions(header: tuple[str, ...]) -> bool:
    """Are these the columns of a file of predictions?"""
    return header in (COLUMNS, DISTRIBUTION_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Predictions:
    """A file of predictions, checked; one entry a row.

    Attributes:
        sample_ids: Each once.
        estimated_age_years: float64 ``[N]``, NaN exactly where the status is not ``ok``.
        p_over: float64 ``[N, ages]`` by ``p_over_years``, likewise; NaN everywhere if the estimator
            gives none.
        p_over_years: Ages a of P(age ≥ a): the six of every file, or 1 to 120.
        status: ``ok``, or the code of the refusal.
        sha256: SHA-256 of the file's bytes, 64 hex digits.
    """

    sample_ids: Sequence[str]
    estimated_age_years: NDArray[np.float64]
    p_over: NDArray[np.float64]
    p_over_years: tuple[int, ...]
    status: Column
    sha256: str

    def __len__(self) -> int:
        return len(self.sample_ids)

    def __repr__(self) -> str:
        return f"<Predictions of {len(self)} rows (content hidden)>"


def read_predictions(path: Path) -> Predictions:
    """Read and check a file of predictions, ours or a foreign system's.

    The columns must be exactly :data:`COLUMNS`, in this order, or :data:`DISTRIBUTION_COLUMNS`.
    Where the status is ``ok`` there is an estimated age of 0 to 120 and, unless the whole file has
    none, probabilities that do not rise with the age; elsewhere all these cells are empty.

    Args:
        path: Parquet if it ends in ``.parquet``, otherwise CSV in UTF-8.

    Raises:
        PredictionsError: If it breaks that. The message lists up to 20 lines.
        MissingExtraError: If it is Parquet and pyarrow is not installed.
    """
    rows = read_rows(path, PredictionsError)
    if not is_predictions(rows.header):
        raise PredictionsError(
            f"{path.name}: expected exactly the columns {', '.join(COLUMNS)}; or p_over_1 to "
            f"p_over_{MAX_YEARS} in place of these probabilities"
        )
    p_over_years = P_OVER_YEARS if rows.header == COLUMNS else ALL_YEARS
    problems = Problems(PredictionsError, path, unit=rows.unit)
    lines: dict[str, int] = {}
    numbers, codes = array("d"), array("q")
    statuses: dict[str, int] = {}
    with_chances = 0
    for line, cells in rows.rows:
        if len(cells) != len(rows.header):
            problems.add(line, f"got {len(cells)} cells, expected {len(rows.header)}")
            continue
        name, *figures, status = cells
        if not name or len(name) > MAX_ID_CHARACTERS or not name.isprintable():
            problems.add(line, f"sample_id is no printable text of 1 to {MAX_ID_CHARACTERS}")
        elif lines.setdefault(name, line) != line:
            problems.add(line, f"sample_id is that of {rows.unit} {lines[name]}")
        values = [_number(cell) for cell in figures]
        problem = _problem(figures, values, status)
        if problem is not None:
            problems.add(line, problem)
        with_chances += bool(figures[1])
        numbers.extend(values)
        codes.append(statuses.setdefault(status, len(statuses)))
    if not codes and not problems.count:
        problems.add(None, "has no rows")
    problems.raise_if_any()
    _check_chances(path, with_chances, codes.count(statuses.get(OK, -1)))
    table = np.frombuffer(numbers, np.float64).reshape(-1, 1 + len(p_over_years))
    return Predictions(
        sample_ids=list(lines),
        estimated_age_years=table[:, 0],
        p_over=table[:, 1:],
        p_over_years=p_over_years,
        status=Column(values=tuple(statuses), codes=np.frombuffer(codes, np.int64)),
        sha256=file_sha256(path),
    )


def _number(cell: str) -> float:
    """The cell's number; NaN if it is empty, infinity if it is none."""
    if not cell:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        return math.inf
    return math.inf if math.isnan(value) or "_" in cell or cell != cell.strip() else value


def _problem(figures: list[str], values: list[float], status: str) -> str | None:
    if not STATUS.fullmatch(status):
        return "status is no ok and no code of small letters, digits and _"
    if status != OK:
        return "a figure stands beside a status that is not ok" if any(figures) else None
    estimate, *chances = values
    if not 0 <= estimate <= MAX_YEARS:
        return f"estimated_age_years is no number of 0 to {MAX_YEARS}"
    if any(figures[1:]):
        if not all(0 <= chance <= 1 for chance in chances):
            return "a p_over is no number of 0 to 1"
        if any(later > before for before, later in pairwise(chances)):
            return "a p_over is above that of a lower age"
    return None


def _check_chances(path: Path, with_chances: int, processed: int) -> None:
    if with_chances not in (0, processed):
        raise PredictionsError(
            f"{path.name}: {with_chances} of {processed} processed rows have probabilities, "
            "expected all or none"
        )


def write_table(path: Path, columns: Mapping[str, TableColumn]) -> None:
    """Write a new file, CSV or Parquet by its name, and put it in its place in one step.

    The same columns give the same bytes. A number that is NaN becomes an empty cell; the others are
    written so that reading gives the same number.

    Raises:
        PredictionsError: If it cannot be written.
    """
    made = path.with_name(path.name + ".new")
    reason: str | None = None
    try:
        if is_parquet(path):
            from ageassure.audit.columnar import write_parquet

            write_parquet(made, columns)
        else:
            _write_csv(made, columns)
        os.replace(made, path)  # noqa: PTH105 - replaces on Windows too
    except OSError as error:
        reason = error.strerror or "input or output failed"
    if reason is not None:
        raise PredictionsError(f"cannot write {path.name}: {reason}")


def _write_csv(path: Path, columns: Mapping[str, TableColumn]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        cells = [
            map(_cell, column.tolist()) if isinstance(column, np.ndarray) else column
            for column in columns.values()
        ]
        writer.writerows(zip(*cells, strict=True))


def _cell(value: float) -> str:
    return "" if math.isnan(value) else repr(value)
