"""Rows of text out of a CSV or Parquet file, with the number of every line, in bounded memory."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import BufferedReader
from typing import TYPE_CHECKING, Final

from ageassure.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from ageassure.errors import AuditError

MAX_LINE_BYTES: Final = 65_536
MAX_COLUMNS: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """An opened file.

    Attributes:
        header: Names of the columns, distinct.
        unit: What ``number`` counts: ``line`` or ``row``.
        rows: Pairs of the number and the cells as text; an empty cell is "". In a CSV file there
            may be more or fewer cells than columns.
    """

    header: tuple[str, ...]
    unit: str
    rows: Iterator[tuple[int, list[str]]]


def is_parquet(path: Path) -> bool:
    """Is it to be read or written as Parquet? Everything else is CSV."""
    return path.suffix == ".parquet"


def read_rows(path: Path, error: type[AuditError]) -> Rows:
    """Open a CSV (UTF-8, comma, header in line 1) or Parquet file.

    Args:
        path: Parquet if it ends in ``.parquet``, otherwise CSV.
        error: Class of the error.

    Raises:
        AuditError: Of the class given: no such file, no header, columns of the same name, too
            many of them. While iterating: a line that is no UTF-8, has more than 65,536 bytes, or
            breaks CSV's quoting.
        MissingExtraError: If it is Parquet and pyarrow is not installed.
    """
    if is_parquet(path):
        from ageassure.audit.columnar import read_parquet

        names, batches = read_parquet(path, error)
        header, unit = _checked_header(names, path, error), "row"
        return Rows(header=header, unit=unit, rows=_numbered(batches))
    lines = _csv(path, error)
    first = next(lines, None)
    if first is None:
        raise error(f"{path.name}: is empty, expected a header")
    return Rows(header=_checked_header(first[1], path, error), unit="line", rows=lines)


def _checked_header(names: list[str], path: Path, error: type[AuditError]) -> tuple[str, ...]:
    if len(names) > MAX_COLUMNS:
        raise error(f"{path.name}: got {len(names)} columns, expected at most {MAX_COLUMNS}")
    if len(set(names)) != len(names):
        raise error(f"{path.name}: got two columns of one name")
    return tuple(names)


def _numbered(batches: Iterator[list[list[object]]]) -> Iterator[tuple[int, list[str]]]:
    number = 0
    for columns in batches:
        for cells in zip(*columns, strict=True):
            number += 1
            yield number, ["" if cell is None else _text(cell) for cell in cells]


def _text(cell: object) -> str:
    return repr(cell) if isinstance(cell, float) else str(cell)


def _csv(path: Path, error: type[AuditError]) -> Iterator[tuple[int, list[str]]]:
    reason: str | None = None
    try:
        stream = BufferedReader(open_regular(path))
    except OSError as failure:
        reason = failure.strerror
    if reason is not None:
        raise error(f"cannot read {path.name}: {reason}")
    with stream:
        reader = csv.reader(_lines(stream), strict=True)
        while True:
            try:
                cells = next(reader, None)
            except UnicodeDecodeError:
                problem = f"line {reader.line_num + 1}: is no UTF-8"
                break
            except csv.Error as failure:
                problem = f"line {reader.line_num}: {failure}"
                break
            except OSError as failure:
                problem = f"cannot be read: {failure.strerror}"
                break
            if cells is None:
                return
            yield reader.line_num, cells
    raise error(f"{path.name}: {problem}")


def _lines(stream: BinaryIO) -> Iterator[str]:
    encoding = "utf-8-sig"  # spreadsheets write a byte order mark
    while line := stream.readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES:
            raise csv.Error(f"the next line has more than {MAX_LINE_BYTES} bytes")
        yield line.decode(encoding)
        encoding = "utf-8"
