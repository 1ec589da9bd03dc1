"""Arrays of a table, checked when they are taken; messages name rows, never values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ageassure.errors import ConfigurationError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.str_]


def distinct(values: Ints) -> int:
    """How many different values there are."""
    ordered = np.sort(values)
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + bool(len(ordered))


def refuse(wrong: Flags, what: str) -> None:
    """Refuse a table if anything is wrong with any row.

    Raises:
        ConfigurationError: The message gives how many rows and the first, from 0.
    """
    if wrong.any():
        raise ConfigurationError(f"got {what} in {wrong.sum()} rows, first in row {wrong.argmax()}")


def _array(values: object, name: str, kinds: str) -> NDArray[Any]:
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.kind not in kinds:
        raise ConfigurationError(f"got a {name} that is no one-dimensional array of its type")
    return values


def integers(values: object, name: str, least: int, most: int) -> Ints:
    """A column of whole numbers of a range, as int64.

    Raises:
        ConfigurationError: If it is none.
    """
    array = _array(values, name, "iu")
    refuse((array < least) | (array > most), f"{name} outside {least} to {most}")
    return array.astype(np.int64, copy=False)


def floats(values: object, name: str) -> Floats:
    """A column of numbers, as float64; NaN stands for none.

    Raises:
        ConfigurationError: If it is none, or one is infinite.
    """
    array = _array(values, name, "f").astype(np.float64, copy=False)
    refuse(np.isinf(array), f"an infinite {name}")
    return array


def texts(values: object) -> Texts:
    """The column of sample ids.

    Raises:
        ConfigurationError: If it is none, or an id is empty or comes twice.
    """
    array = _array(values, "sample_ids", "U")
    refuse(array == "", "an empty sample_id")
    ordered = np.sort(array)
    if (ordered[1:] == ordered[:-1]).any():
        _, first, count = np.unique(array, return_index=True, return_counts=True)
        raise ConfigurationError(
            f"got {(count > 1).sum()} sample_ids more than once, first in row "
            f"{first[count > 1].min()}"
        )
    return array
