"""What a layout is: how a published data set lies in its folder, and what its makers say of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ageassure.audit.problems import Problems
from ageassure.audit.rows import read_rows
from ageassure.errors import DataSetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ageassure.audit.datasets.statement import AgeProof

Row = dict[str, str]
"""Cells of a manifest by the names of their columns; absent ones are empty."""

PICTURE_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")
SEXES: Final = {"m": "male", "f": "female", "male": "male", "female": "female"}


@dataclass(slots=True, kw_only=True)
class Reading:
    """One data set while it is read: its folder, what was left out, what is wrong.

    Attributes:
        root: The data set's folder.
        left_out: Reason → pictures. Nothing is left out without one.
    """

    root: Path
    left_out: Counter[str] = field(default_factory=Counter)
    problems: Problems = field(init=False)

    def __post_init__(self) -> None:
        self.problems = Problems(DataSetError, self.root, unit="picture")

    def pictures(self, *, below: str = "") -> Iterator[str]:
        """Paths of the picture files below the folder, in alphabetical order.

        Raises:
            DataSetError: If the folder is not there.
        """
        folder = self.root / below
        if not folder.is_dir():
            raise DataSetError(f"{self.root.name}: has no folder {below or '.'}")
        found = (path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
        yield from sorted(path.relative_to(self.root).as_posix() for path in found)

    def list_rows(self, name: str, *columns: str) -> Iterator[tuple[int, Row]]:
        """Rows of a CSV list in the folder, with their lines; other columns than these are passed.

        Raises:
            DataSetError: If it is not there, is no CSV, or lacks a column.
        """
        rows = read_rows(self.root / name, DataSetError)
        missing = [column for column in columns if column not in rows.header]
        if missing:
            raise DataSetError(f"{name}: got no column {', '.join(missing)}")
        for line, cells in rows.rows:
            if len(cells) != len(rows.header):
                raise DataSetError(f"{name}: line {line} has another number of cells")
            yield line, dict(zip(rows.header, cells, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A layout that can be turned into a manifest. It ships and fetches no picture.

    Attributes:
        name: What it is called on the command line.
        title: The data set, for its statement.
        licence: Under which its makers publish it, as far as known here; read theirs.
        age_proof: How ages were proved. Where the makers do not say: apparent.
        age_proof_detail: More on that.
        source: Where it comes from.
        files: What has to lie in the folder.
        run_on: What of the real data set it was run on; empty if it was only run on made-up files.
        border_pixels: As in a statement.
        read: Yields the rows of a manifest.
    """

    name: str
    title: str
    licence: str
    age_proof: AgeProof
    age_proof_detail: str
    source: str
    files: str
    read: Callable[[Reading], Iterator[Row]]
    run_on: str = ""
    border_pixels: int = 0
