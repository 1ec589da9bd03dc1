"""What an evaluation reads: one row per sample, as columns of numpy arrays, checked when made.

It holds labels and estimates, no picture. Rows of failures to process stay in: whoever drops them
makes every operational rate look better than it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ageassure.errors import ConfigurationError
from ageassure.policy.strict import instance, text
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Texts = NDArray[np.str_]

OK: Final = "ok"
"""Status of a sample that was processed; any other status is the code of a refusal."""

UNKNOWN: Final = -1
"""Code of a value that is not known. Its rows count overall and in no group."""

MAX_ROWS: Final = 1 << 30
MAX_VALUES: Final = 10_000
"""Most values of one grouping column; a column with more is no grouping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetStatement:
    """Which people these are, and how their age is known. Printed beside every figure.

    Attributes:
        name: Data set and part of it.
        digest: SHA-256 of its manifest, 64 hex digits.
        licence: Under which it was used.
        age_proof: How age was proved: identity document, self-reported, apparent (judged by
            others). Apparent age is not proven age.
        subjects_known: Does the data say which samples show one person? Where it does not, every
            sample counts as a person of its own, and intervals may be too narrow.

    Raises:
        ConfigurationError: If a member is malformed.
    """

    name: str
    digest: str
    licence: str
    age_proof: str
    subjects_known: bool

    def __post_init__(self) -> None:
        for name in ("name", "licence", "age_proof"):
            text(getattr(self, name), name)
        if not re.fullmatch(r"[0-9a-f]{64}", text(self.digest, "digest")):
            raise ConfigurationError("got a malformed digest, expected 64 hex digits")
        instance(self.subjects_known, bool, "subjects_known")


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
        codes = _integers(self.codes, "codes of a column", UNKNOWN, len(self.values) - 1)
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class EvaluationTable:
    """Labels and estimates of the samples of one data set, for one estimator.

    Every array is one-dimensional with one entry a row; it is kept as a read-only view.

    Attributes:
        sample_ids: Texts, each once.
        age_low_years: Completed years, 0 … 120: the true age, or the first year of its group.
        age_high_years: The last year of its group, included; equal to ``age_low_years`` where the
            age is known exactly.
        subjects: A number for each person, ≥ 0; rows with the same number show one person. Where
            persons are not known, every row needs a number of its own.
        groups: Axis (``sex``, ``ethnicity``, …) → column.
        estimated_age_years: Mean of the estimate, never rounded; NaN exactly where the sample was
            not processed.
        p_over: Age → P(age ≥ it), in [0, 1] and falling with the age; NaN where not processed, and
            everywhere if the estimator gives none.
        status: ``ok`` or the code of the refusal; never unknown.
        statement: Which people these are.
        processed: Rows whose status is ``ok``; made from it.
        clustered: Does any person have more than one row? Made from ``subjects``.

    Raises:
        ConfigurationError: If a column breaks that; the message gives the first row, from 0.
    """

    sample_ids: Texts
    age_low_years: Ints
    age_high_years: Ints
    subjects: Ints
    groups: Mapping[str, Column]
    estimated_age_years: Floats
    p_over: Mapping[int, Floats]
    status: Column
    statement: DatasetStatement
    processed: Flags = field(init=False)
    clustered: bool = field(init=False)

    def __post_init__(self) -> None:
        instance(self.statement, DatasetStatement, "statement")
        instance(self.status, Column, "status")
        self._keep("sample_ids", _texts(self.sample_ids))
        low = _integers(self.age_low_years, "age_low_years", 0, MAX_YEARS)
        high = _integers(self.age_high_years, "age_high_years", 0, MAX_YEARS)
        self._keep("age_low_years", low)
        self._keep("age_high_years", high)
        subjects = _integers(self.subjects, "subjects", 0, np.iinfo(np.int64).max)
        self._keep("subjects", subjects)
        self._keep("estimated_age_years", _floats(self.estimated_age_years, "estimated_age_years"))
        self._keep("groups", MappingProxyType(dict(self.groups)))
        p_over = {age: _floats(column, f"p_over_{age}") for age, column in self.p_over.items()}
        self._keep("p_over", MappingProxyType(dict(sorted(p_over.items()))))
        self._check_lengths()
        _refuse(low > high, "an age_low_years above age_high_years")
        _refuse(self.status.codes == UNKNOWN, "a status that is not known")
        processed = self.status.where(OK)
        self._keep("processed", processed)
        self._keep("clustered", distinct(subjects) < len(self))
        self._check_groups()
        self._check_estimates()
        self._check_probabilities()

    def _keep(self, name: str, value: object) -> None:
        if isinstance(value, np.ndarray):
            value = value.view()
            value.setflags(write=False)
        object.__setattr__(self, name, value)

    def _check_lengths(self) -> None:
        rows = len(self.sample_ids)
        if not 1 <= rows <= MAX_ROWS:
            raise ConfigurationError(f"got {rows} rows, expected 1 to {MAX_ROWS}")
        columns: dict[str, NDArray[Any]] = {
            "age_low_years": self.age_low_years,
            "age_high_years": self.age_high_years,
            "subjects": self.subjects,
            "estimated_age_years": self.estimated_age_years,
            "status": self.status.codes,
        }
        for axis, column in self.groups.items():
            columns[axis] = instance(column, Column, f"column {axis!r}").codes
        columns |= {f"p_over_{age}": column for age, column in self.p_over.items()}
        for name, array in columns.items():
            if len(array) != rows:
                raise ConfigurationError(f"got {len(array)} rows of {name}, expected {rows}")

    def _check_groups(self) -> None:
        for axis in self.groups:
            if text(axis, "name of a column") in ("age", "age_band"):
                raise ConfigurationError(f"got a grouping column {axis!r}, which is made from ages")

    def _check_estimates(self) -> None:
        estimates = self.estimated_age_years
        _refuse(np.isnan(estimates) & self.processed, "no estimate for a processed sample")
        _refuse(~np.isnan(estimates) & ~self.processed, "an estimate for a refused sample")
        _refuse((estimates < 0) | (estimates > MAX_YEARS), f"an estimate outside 0 to {MAX_YEARS}")

    def _check_probabilities(self) -> None:
        before: Floats | None = None
        for age, column in self.p_over.items():
            if type(age) is not int or not 1 <= age <= MAX_YEARS:
                raise ConfigurationError(f"got p_over an age that is no int from 1 to {MAX_YEARS}")
            given = ~np.isnan(column)
            _refuse(given & ~self.processed, f"a p_over_{age} for a refused sample")
            if given.any():
                _refuse(~given & self.processed, f"no p_over_{age} for a processed sample")
            _refuse((column < 0) | (column > 1), f"a p_over_{age} outside [0, 1]")
            if before is not None:
                _refuse(column > before, f"a p_over_{age} above that of a lower age")
            if given.any():
                before = column

    def __len__(self) -> int:
        return len(self.sample_ids)

    def __repr__(self) -> str:
        return f"<EvaluationTable of {len(self)} rows (content hidden)>"

    @property
    def exact(self) -> Flags:
        """Rows whose age is known to the year."""
        found: Flags = self.age_low_years == self.age_high_years
        return found

    @classmethod
    def concatenate(cls, parts: Sequence[EvaluationTable]) -> EvaluationTable:
        """Put the parts of one data set together; in which order does not matter to a figure.

        Raises:
            ConfigurationError: If there are none, they differ in statement, axes or ages, or the
                whole breaks the rules of a table (a sample in two parts, for instance).
        """
        if not parts:
            raise ConfigurationError("got no parts of a table")
        first = parts[0]
        for part in parts:
            if part.statement != first.statement:
                raise ConfigurationError("got parts with different statements")
            if (
                part.groups.keys() != first.groups.keys()
                or part.p_over.keys() != first.p_over.keys()
            ):
                raise ConfigurationError("got parts with different columns")

        def joined(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(part, name) for part in parts])

        return cls(
            sample_ids=joined("sample_ids"),
            age_low_years=joined("age_low_years"),
            age_high_years=joined("age_high_years"),
            subjects=joined("subjects"),
            groups={axis: _joined([part.groups[axis] for part in parts]) for axis in first.groups},
            estimated_age_years=joined("estimated_age_years"),
            p_over={
                age: np.concatenate([part.p_over[age] for part in parts]) for age in first.p_over
            },
            status=_joined([part.status for part in parts]),
            statement=first.statement,
        )

    def rows(self, kept: Flags | Ints) -> EvaluationTable:
        """The table of some of the rows, in the order asked for.

        Raises:
            ConfigurationError: If there are none.
        """
        return EvaluationTable(
            sample_ids=self.sample_ids[kept],
            age_low_years=self.age_low_years[kept],
            age_high_years=self.age_high_years[kept],
            subjects=self.subjects[kept],
            groups={axis: _taken(column, kept) for axis, column in self.groups.items()},
            estimated_age_years=self.estimated_age_years[kept],
            p_over={age: column[kept] for age, column in self.p_over.items()},
            status=_taken(self.status, kept),
            statement=self.statement,
        )


def distinct(values: Ints) -> int:
    """How many different values there are."""
    ordered = np.sort(values)
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + bool(len(ordered))


def _joined(columns: Sequence[Column]) -> Column:
    values = tuple(sorted({value for column in columns for value in column.values}))
    place = {value: code for code, value in enumerate(values)}
    codes = []
    for column in columns:
        # The last entry stands for −1, which indexes it.
        new = np.array([*(place[value] for value in column.values), UNKNOWN], dtype=np.int64)
        codes.append(new[column.codes])
    return Column(values=values, codes=np.concatenate(codes))


def _taken(column: Column, kept: Flags | Ints) -> Column:
    return Column(values=column.values, codes=column.codes[kept])


def _refuse(wrong: Flags, what: str) -> None:
    if wrong.any():
        raise ConfigurationError(f"got {what} in {wrong.sum()} rows, first in row {wrong.argmax()}")


def _array(values: object, name: str, kinds: str) -> NDArray[Any]:
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.kind not in kinds:
        raise ConfigurationError(f"got a {name} that is no one-dimensional array of its type")
    return values


def _integers(values: object, name: str, least: int, most: int) -> Ints:
    array = _array(values, name, "iu")
    _refuse((array < least) | (array > most), f"{name} outside {least} to {most}")
    return array.astype(np.int64, copy=False)


def _floats(values: object, name: str) -> Floats:
    array = _array(values, name, "f").astype(np.float64, copy=False)
    _refuse(np.isinf(array), f"an infinite {name}")
    return array


def _texts(values: object) -> Texts:
    array = _array(values, "sample_ids", "U")
    _refuse(array == "", "an empty sample_id")
    ordered = np.sort(array)
    if (ordered[1:] == ordered[:-1]).any():
        _, first, count = np.unique(array, return_index=True, return_counts=True)
        raise ConfigurationError(
            f"got {(count > 1).sum()} sample_ids more than once, first in row "
            f"{first[count > 1].min()}"
        )
    return array
