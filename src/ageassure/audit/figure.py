"""One measured figure: never alone, and never NaN. An evaluation is a tree of these."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

Members = dict[str, Any]
"""Some members of a :class:`Figure`, by name."""

LEAST_RESAMPLED: Final = 5
"""People from whom a bootstrap says anything; resampling one person has no width at all."""


class Why(StrEnum):
    """Why a figure, or its interval, is null. The value is the sentence that is shown."""

    NOBODY = "nobody in this cell"
    NOBODY_PROCESSED = "nobody in this cell was processed"
    AGE_MISSING = "nobody of a year that is to be averaged over"
    ONE_GROUP = "fewer than two groups with anybody in them"
    ZERO_MEAN = "the mean over groups is zero"
    ZERO_MINIMUM = "the least value over groups is zero"
    RESAMPLES_UNDEFINED = "it is not defined in every resample"
    FEW_PEOPLE = "too few people for a bootstrap interval"
    NO_SPREAD = "all resamples agree, which says nothing of the error"
    LOWER_LIMIT = "a lower limit of what it stands for, not an estimate"
    AGES_IN_GROUPS = "ages are known as groups only"
    NO_PROBABILITIES = "the estimator gives no probability at this age"
    ONE_CLASS = "people on one side of the limit only"
    STRADDLES = "an age group lies across this limit"
    NOT_REACHED = "no threshold reaches this rate with these people"
    SAMPLES_OF_ONE_PERSON = "several samples of a person, and no interval that allows for them"
    A_BOUND = "a bound itself"
    FEW_FOR_MARGIN = "too few people for a margin of this coverage"
    NOT_SO_MANY_TRIES = "nobody with so many samples"
    ONE_LEVEL = "one level only, or nobody at two, which has no slope"
    NO_INTERVAL = "a count or an extreme, for which no interval is made"
    PEOPLE_UNKNOWN = "the data do not say which samples show one person"


class Method(StrEnum):
    """How an interval was made."""

    CLOPPER_PEARSON = "Clopper–Pearson"
    CLOPPER_PEARSON_PEOPLE = (
        "Clopper–Pearson over people: at the upper end whoever passed with any sample, at the "
        "lower end whoever passed with all"
    )
    WILSON = "Wilson"
    FAY_FEUER = "Fay–Feuer gamma"
    BCA = "BCa bootstrap of people, stratified by cell"
    PERCENTILE = "percentile bootstrap of people, stratified by cell"
    ORDER_STATISTICS = "order statistics (sign test)"
    DELONG = "DeLong, on the logit scale"
    CHANCE = "central 95 % under exact calibration, simulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value with its interval and the number of people behind it.

    Attributes:
        value: The figure, or None with the ``reason``.
        low: Lower end of its interval, or None with the ``reason``.
        high: Upper end likewise.
        method: How the interval was made; None exactly where there is none.
        confidence: Of the interval, in (0, 1).
        n: Samples that it is about.
        subjects: People that it is about.
        k: For a share: how many of the ``n``.
        reason: Why value or interval is null.

    Raises:
        ConfigurationError: If a number is not finite, or something is null without a reason.
    """

    value: float | None
    n: int
    subjects: int
    low: float | None = None
    high: float | None = None
    method: Method | None = None
    confidence: float | None = None
    k: int | None = None
    reason: Why | None = None

    def __post_init__(self) -> None:
        numbers = [x for x in (self.value, self.low, self.high) if x is not None]
        if not all(math.isfinite(number) for number in numbers):
            raise ConfigurationError("got a figure that is not finite")
        interval = (self.low, self.high, self.method, self.confidence)
        if (None in interval) != all(part is None for part in interval):
            raise ConfigurationError("got half an interval")
        if (self.value is None or self.low is None) != (self.reason is not None):
            raise ConfigurationError("got a null without a reason, or a reason without a null")

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data: always the same members."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "method": None if self.method is None else self.method.value,
            "confidence": self.confidence,
            "n": self.n,
            "subjects": self.subjects,
            "k": self.k,
            "reason": None if self.reason is None else self.reason.value,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The figures of one group of people.

    Attributes:
        where: Axis → value; empty for everybody, one entry for a group, two for a pair. The axes
            ``age`` and ``age_band`` are made from the labels.
        figures: Key (``mae``, ``fpr``, …) → figure.
    """

    where: Mapping[str, str]
    figures: Mapping[str, Figure]

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", MappingProxyType(dict(self.where)))
        object.__setattr__(self, "figures", MappingProxyType(dict(self.figures)))

    @property
    def name(self) -> str:
        """For people: ``everybody``, ``sex: female``, ``sex: female, ethnicity: …``."""
        return ", ".join(f"{axis}: {value}" for axis, value in self.where.items()) or "everybody"


def as_data(tree: object) -> Any:  # noqa: ANN401 - what json.dumps takes
    """The JSON-able form of a part of an evaluation.

    Raises:
        TypeError: If something in it is no part of one.
    """
    if isinstance(tree, Figure):
        return tree.to_dict()
    if isinstance(tree, StrEnum):
        return tree.value
    if tree is None or isinstance(tree, str | bool | int | float):
        return tree
    if isinstance(tree, list | tuple):
        return [as_data(part) for part in tree]
    if hasattr(tree, "items"):
        return {str(key): as_data(part) for key, part in tree.items()}
    if hasattr(tree, "__dataclass_fields__"):
        return {name: as_data(getattr(tree, name)) for name in tree.__dataclass_fields__}
    raise TypeError(f"got a {type(tree).__name__}, which is no part of an evaluation")
