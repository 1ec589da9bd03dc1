"""Columns of a manifest while they are read: those that group people, and measured conditions."""

from __future__ import annotations

import math
import re
from array import array
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.table import MAX_VALUES, Column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MAX_VALUE_CHARACTERS: Final = 100

CONDITIONS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"yaw_degrees": (-180.0, 180.0), "inter_ocular_pixels": (1.0, 100_000.0)}
)
"""What may be measured of a picture, and the range of it: the head's turn to a side, 0 from the
front; the distance between the centres of the eyes in the picture's pixels (ISO/IEC 29794-5)."""

_NUMBER: Final = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,20})?(e-?[0-9]{1,3})?")


class GroupReader:
    """One grouping column while it is read.

    Args:
        name: Of the column.
        place: Which cell of a row is its.
    """

    def __init__(self, name: str, place: int) -> None:
        self.name = name
        self.place = place
        self._codes = array("q")
        self._values: dict[str, int] = {}

    def take(self, value: str) -> str | None:
        """Take a cell, or say what is wrong with it."""
        if not value:
            self._codes.append(-1)
            return None
        self._codes.append(self._values.setdefault(value, len(self._values)))
        if len(value) > MAX_VALUE_CHARACTERS or not value.isprintable():
            return f"is no printable text of at most {MAX_VALUE_CHARACTERS}"
        if len(self._values) > MAX_VALUES:
            return f"has more than {MAX_VALUES} different values, so it groups nobody"
        return None

    def column(self) -> Column:
        """The column; its values are in alphabetical order."""
        order = sorted(self._values)
        place = np.full(len(order) + 1, -1, dtype=np.int64)  # the last one stands for unknown
        for index, value in enumerate(order):
            place[self._values[value]] = index
        codes = np.frombuffer(self._codes, np.int64) if len(self._codes) else np.empty(0, np.int64)
        return Column(values=tuple(order), codes=place[codes])


class ConditionReader:
    """One column of numbers while it is read; an empty cell is not known.

    Args:
        name: Of the column, one of :data:`CONDITIONS`.
        place: Which cell of a row is its.
    """

    def __init__(self, name: str, place: int) -> None:
        self.name = name
        self.place = place
        self._least, self._most = CONDITIONS[name]
        self._numbers = array("d")

    def take(self, cell: str) -> str | None:
        """Take a cell, or say what is wrong with it."""
        number = float(cell) if _NUMBER.fullmatch(cell) else math.nan
        self._numbers.append(number)
        if cell and not self._least <= number <= self._most:
            return f"is no number of {self._least:g} to {self._most:g}"
        return None

    def column(self) -> NDArray[np.float64]:
        """The column; NaN where it is not known."""
        return np.array(self._numbers, dtype=np.float64)
