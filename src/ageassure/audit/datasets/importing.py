"""From the folder of a published data set to a manifest with its statement."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ageassure.audit.datasets.layouts.base import Reading
from ageassure.audit.datasets.manifest import OWN_COLUMNS, read_manifest
from ageassure.audit.datasets.places import find_pictures, path_problem
from ageassure.audit.datasets.statement import Statement, statement_path
from ageassure.audit.rows import is_parquet
from ageassure.errors import DataSetError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ageassure.audit.datasets.layouts.base import Layout, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What was read.

    Attributes:
        rows: Rows of the manifest.
        left_out: Reason → pictures that got no row.
    """

    rows: int
    left_out: dict[str, int]


def import_data_set(
    layout: Layout,
    root: Path,
    manifest: Path,
    *,
    progress: Callable[[int, int], Callable[[int], object]] | None = None,
) -> Imported:
    """Write the manifest of a folder, and its statement beside it.

    Every picture is read once, for its SHA-256; none is decoded. The same folder gives the same
    bytes.

    Args:
        layout: How the folder is laid out.
        root: The folder.
        manifest: CSV, or Parquet if it ends in ``.parquet``; never overwritten.
        progress: Called with the pictures in all and 0; its result with 1 for each picture.

    Raises:
        DataSetError: If the folder has another layout, a label has another form, a picture is
            missing, a file cannot be written, or the manifest would be refused. The message lists
            up to 20 problems.
    """
    if manifest.exists() or statement_path(manifest).exists():
        raise DataSetError(f"{manifest.name} or its statement exists and is not overwritten")
    reading = Reading(root=root)
    rows = list(layout.read(reading))
    if not rows:
        reading.problems.add(None, f"holds no picture of the layout {layout.name}")
    _hash_pictures(rows, reading, progress)
    reading.problems.raise_if_any()
    write_manifest(manifest, rows)
    statement = Statement(
        name=layout.title,
        licence=layout.licence,
        age_proof=layout.age_proof,
        age_proof_detail=layout.age_proof_detail,
        source=layout.source,
        border_pixels=layout.border_pixels,
        left_out="; ".join(f"{n} {reason}" for reason, n in sorted(reading.left_out.items())),
        manifest_sha256=hashlib.sha256(manifest.read_bytes()).hexdigest(),
    )
    write_text(statement_path(manifest), statement.to_toml())
    _check(manifest)
    return Imported(rows=len(rows), left_out=dict(sorted(reading.left_out.items())))


def _check(manifest: Path) -> None:
    """Read back what was written; what no other step would take is not left behind."""
    try:
        read_manifest(manifest)
    except DataSetError:
        manifest.unlink()
        statement_path(manifest).unlink()
        raise


def _hash_pictures(
    rows: Sequence[Row],
    reading: Reading,
    progress: Callable[[int, int], Callable[[int], object]] | None,
) -> None:
    for number, row in enumerate(rows, 1):
        problem = path_problem(row["path"])
        if problem is not None:
            reading.problems.add(number, problem)
    reading.problems.raise_if_any()
    update = progress(len(rows), 0) if progress else None
    places = find_pictures(reading.root, [row["path"] for row in rows])
    for number, (row, place) in enumerate(zip(rows, places, strict=True), 1):
        try:
            row["sha256"] = hashlib.sha256(place.read()).hexdigest()
        except OSError:
            reading.problems.add(number, "its file is not there or cannot be read")
        if update is not None:
            update(1)


def write_manifest(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as a manifest; the columns of our own first, then the others by name.

    Raises:
        DataSetError: If it cannot be written.
    """
    used = {name for row in rows for name in row}
    names = [n for n in OWN_COLUMNS if n in used] + sorted(used.difference(OWN_COLUMNS))
    columns = {name: [row.get(name, "") for row in rows] for name in names}
    if is_parquet(path):
        from ageassure.audit.columnar import write_parquet

        reason: str | None = None
        try:
            write_parquet(path, columns)
        except OSError as error:
            reason = error.strerror or "output failed"
        if reason is not None:
            raise DataSetError(f"cannot write {path.name}: {reason}")
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(zip(*columns.values(), strict=True))
    write_text(path, text.getvalue())


def write_text(path: Path, text: str) -> None:
    """Write a new text file in UTF-8.

    Raises:
        DataSetError: If it exists or cannot be written.
    """
    reason: str | None = None
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise DataSetError(f"cannot write {path.name}: {reason}")
