"""A column of a few different texts, and what is done with several or some of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.table.arrays import integers
from ageassure.errors import ConfigurationError
from ageassure.policy.strict import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ageassure.audit.table.arrays import Flags, Ints

UNKNOWN: Final = -1
"""Code of a value that is not known. Its rows count overall and in no group."""

MAX_VALUES: Final = 10_000
"""Most values of one grouping column; a column with more is no grouping."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """A column of texts, each written once.

    Attributes:
        values: Different texts, without an order.
        codes: For every row the index into ``values``, or −1 where it is not known.

    Raises:
        ConfigurationError: If a value is repeated or no short printable text, or a code has none.
    """

    values: tuple[str, ...]
    codes: Ints

    def __post_init__(self) -> None:
        if len(self.values) > MAX_VALUES:
            raise ConfigurationError(
                f"got {len(self.values)} values in a column, expected at most {MAX_VALUES}"
            )
        for value in self.values:
            text(value, "value of a column")
        if len(set(self.values)) != len(self.values):
            raise ConfigurationError("got a column that names a value twice")
        codes = integers(self.codes, "codes of a column", UNKNOWN, len(self.values) - 1)
        object.__setattr__(self, "codes", codes)

    @classmethod
    def of(cls, texts: Sequence[str]) -> Column:
        """Encode ``texts``, one a row; the empty text is a value that is not known."""
        values, codes = np.unique(np.asarray(texts, dtype=np.str_), return_inverse=True)
        known = tuple(str(value) for value in values if value)
        return cls(values=known, codes=codes.astype(np.int64) - (len(values) - len(known)))

    def where(self, value: str) -> Flags:
        """Rows that hold ``value``; none where it is not one of the column's values."""
        if value not in self.values:
            return np.zeros(len(self.codes), dtype=np.bool_)
        found: Flags = self.codes == self.values.index(value)
        return found


def joined_columns(columns: Sequence[Column]) -> Column:
    """One column of the rows of several, its values in alphabetical order."""
    values = tuple(sorted({value for column in columns for value in column.values}))
    place = {value: code for code, value in enumerate(values)}
    codes = []
    for column in columns:
        # The last entry stands for −1, which indexes it.
        new = np.array([*(place[value] for value in column.values), UNKNOWN], dtype=np.int64)
        codes.append(new[column.codes])
    return Column(values=values, codes=np.concatenate(codes))


def taken_rows(column: Column, kept: Flags | Ints) -> Column:
    """The column of some of the rows."""
    return Column(values=column.values, codes=column.codes[kept])
