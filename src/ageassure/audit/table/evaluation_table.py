"""The table itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ageassure.audit.table.arrays import distinct, floats, integers, refuse, texts
from ageassure.audit.table.column import UNKNOWN, Column, joined_columns, taken_rows
from ageassure.audit.table.statement import DatasetStatement
from ageassure.errors import ConfigurationError
from ageassure.policy.strict import instance, text
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ageassure.audit.table.arrays import Flags, Floats, Ints, Texts

OK: Final = "ok"
"""Status of a sample that was processed; any other status is the code of a refusal."""

P_OVER_YEARS: Final = (13, 16, 18, 20, 21, 25)
"""Ages a at which every table of predictions tells P(age ≥ a), if it tells any."""

MAX_ROWS: Final = 1 << 30


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
        conditions: Name of something measured of each picture (``yaw_degrees``, …) → number; NaN
            where it is not known.
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
    conditions: Mapping[str, Floats] = field(default_factory=dict)
    processed: Flags = field(init=False)
    clustered: bool = field(init=False)

    def __post_init__(self) -> None:
        instance(self.statement, DatasetStatement, "statement")
        instance(self.status, Column, "status")
        self._keep("sample_ids", texts(self.sample_ids))
        low = integers(self.age_low_years, "age_low_years", 0, MAX_YEARS)
        high = integers(self.age_high_years, "age_high_years", 0, MAX_YEARS)
        self._keep("age_low_years", low)
        self._keep("age_high_years", high)
        subjects = integers(self.subjects, "subjects", 0, np.iinfo(np.int64).max)
        self._keep("subjects", subjects)
        self._keep("estimated_age_years", floats(self.estimated_age_years, "estimated_age_years"))
        self._keep("groups", MappingProxyType(dict(self.groups)))
        p_over = {age: floats(column, f"p_over_{age}") for age, column in self.p_over.items()}
        self._keep("p_over", MappingProxyType(dict(sorted(p_over.items()))))
        conditions = {name: floats(column, name) for name, column in self.conditions.items()}
        self._keep("conditions", MappingProxyType(dict(sorted(conditions.items()))))
        self._check_lengths()
        refuse(low > high, "an age_low_years above age_high_years")
        refuse(self.status.codes == UNKNOWN, "a status that is not known")
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
        columns |= self.conditions
        for name, array in columns.items():
            if len(array) != rows:
                raise ConfigurationError(f"got {len(array)} rows of {name}, expected {rows}")

    def _check_groups(self) -> None:
        for axis in self.groups:
            if text(axis, "name of a column") in ("age", "age_band"):
                raise ConfigurationError(f"got a grouping column {axis!r}, which is made from ages")

    def _check_estimates(self) -> None:
        estimates = self.estimated_age_years
        refuse(np.isnan(estimates) & self.processed, "no estimate for a processed sample")
        refuse(~np.isnan(estimates) & ~self.processed, "an estimate for a refused sample")
        refuse((estimates < 0) | (estimates > MAX_YEARS), f"an estimate outside 0 to {MAX_YEARS}")

    def _check_probabilities(self) -> None:
        before: Floats | None = None
        for age, column in self.p_over.items():
            if type(age) is not int or not 1 <= age <= MAX_YEARS:
                raise ConfigurationError(f"got p_over an age that is no int from 1 to {MAX_YEARS}")
            given = ~np.isnan(column)
            refuse(given & ~self.processed, f"a p_over_{age} for a refused sample")
            if given.any():
                refuse(~given & self.processed, f"no p_over_{age} for a processed sample")
            refuse((column < 0) | (column > 1), f"a p_over_{age} outside [0, 1]")
            if before is not None:
                refuse(column > before, f"a p_over_{age} above that of a lower age")
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

    @property
    def whole_distributions(self) -> bool:
        """Is P(age ≥ a) there for every a from 1 to 120, and given?"""
        every = tuple(self.p_over) == tuple(range(1, MAX_YEARS + 1))
        return every and not bool(np.isnan(self.p_over[1]).all())

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
                or part.conditions.keys() != first.conditions.keys()
            ):
                raise ConfigurationError("got parts with different columns")

        def joined(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(part, name) for part in parts])

        return cls(
            sample_ids=joined("sample_ids"),
            age_low_years=joined("age_low_years"),
            age_high_years=joined("age_high_years"),
            subjects=joined("subjects"),
            groups={
                axis: joined_columns([part.groups[axis] for part in parts]) for axis in first.groups
            },
            estimated_age_years=joined("estimated_age_years"),
            p_over={
                age: np.concatenate([part.p_over[age] for part in parts]) for age in first.p_over
            },
            status=joined_columns([part.status for part in parts]),
            statement=first.statement,
            conditions={
                name: np.concatenate([part.conditions[name] for part in parts])
                for name in first.conditions
            },
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
            groups={axis: taken_rows(column, kept) for axis, column in self.groups.items()},
            estimated_age_years=self.estimated_age_years[kept],
            p_over={age: column[kept] for age, column in self.p_over.items()},
            status=taken_rows(self.status, kept),
            statement=self.statement,
            conditions={name: column[kept] for name, column in self.conditions.items()},
        )
