"""The one owner of pyarrow: Parquet files in and out.

Written files hold the same bytes for the same columns: one row group of :data:`GROUP_ROWS` after
the other, no time, no name of a machine. Another release of pyarrow may write others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ageassure.extras import require_extra
from ageassure.files import open_regular

require_extra("audit", "pyarrow")

import pyarrow  # noqa: E402
import pyarrow.parquet  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ageassure.errors import AuditError

GROUP_ROWS: Final = 100_000


def read_parquet(
    path: Path, error: type[AuditError]
) -> tuple[list[str], Iterator[list[list[object]]]]:
    """Open a Parquet file.

    Args:
        path: The file.
        error: Class of the error.

    Returns:
        The names of the columns, and batches of columns as lists of Python values.

    Raises:
        AuditError: Of the class given, if it is no Parquet file; while iterating, if it is damaged.
    """
    opened: Any = None
    try:
        open_regular(path).close()  # pyarrow would wait for a pipe
        opened = pyarrow.parquet.ParquetFile(path)
    except (OSError, pyarrow.ArrowException):
        opened = None
    if opened is None:
        raise error(f"{path.name}: cannot be read as a Parquet file")
    return list(opened.schema_arrow.names), _batches(opened, path, error)


def _batches(opened: Any, path: Path, error: type[AuditError]) -> Iterator[list[list[object]]]:  # noqa: ANN401 - pyarrow has no types
    with opened:
        batches = opened.iter_batches(batch_size=GROUP_ROWS)
        while True:
            try:
                batch = next(batches, None)
                columns = None if batch is None else [column.to_pylist() for column in batch]
            except (OSError, ValueError, pyarrow.ArrowException):
                break
            if columns is None:
                return
            yield columns
    raise error(f"{path.name}: is damaged")


def write_parquet(path: Path, columns: Mapping[str, Sequence[str] | NDArray[np.float64]]) -> None:
    """Write columns of text (``list[str]``) and float64 arrays; NaN becomes null.

    Raises:
        OSError: If the file cannot be written.
    """
    made = {}
    for name, values in columns.items():
        kind = pyarrow.float64() if hasattr(values, "dtype") else pyarrow.string()
        made[name] = pyarrow.array(values, kind, from_pandas=True)  # NaN becomes null
    table = pyarrow.table(made)
    pyarrow.parquet.write_table(
        table,
        path,
        row_group_size=GROUP_ROWS,
        compression="zstd",
        version="2.6",
        store_schema=False,
    )
