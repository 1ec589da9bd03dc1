"""Conditions that a report must not meet: ``fpr_ucb@18 > 0.01`` fails a build.

A figure that is missing, null or INCONCLUSIVE fails as well: what was not shown is not passed.
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.report.reading import figure
from ageassure.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = MappingProxyType(
    {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
)
_CONDITION: Final = re.compile(
    r"\s*(?P<name>[^<>=]{1,128}?)\s*(?P<operator>>=|<=|>|<)\s*(?P<bound>[-+.0-9eE]{1,32})\s*",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A comparison that must not hold.

    Attributes:
        name: Of the figure, see :mod:`~ageassure.audit.report.reading`.
        operator: ``>``, ``>=``, ``<`` or ``<=``.
        bound: What it is compared with.
    """

    name: str
    operator: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition such as ``gini(mae) > 0.15``.

        Raises:
            ReportError: If it has another form. Nothing is guessed.
        """
        parts = _CONDITION.fullmatch(text)
        bound = math.nan
        if parts is not None:
            try:
                bound = float(parts["bound"])
            except ValueError:
                bound = math.nan
        if parts is None or not math.isfinite(bound):
            raise ReportError(f"got {text!r}, expected a condition such as fpr_ucb@18 > 0.01")
        return cls(name=parts["name"], operator=parts["operator"], bound=bound)

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {self.bound:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What became of a condition.

    Attributes:
        condition: As it was given.
        value: The figure; None if there is no number.
        failed: Does it hold, or is there no number?
        why: Why there is no number; None if there is one.
    """

    condition: str
    value: float | None
    failed: bool
    why: str | None


def judge(report: dict[str, Any], conditions: Sequence[Condition]) -> tuple[Judgement, ...]:
    """Look up each condition's figure and decide.

    Args:
        report: As :func:`~ageassure.audit.report.reading.read_report` gives it, its signature
            verified.
        conditions: At least one.

    Raises:
        ReportError: If there is no condition, or a name has another form.
    """
    if not conditions:
        raise ReportError("got no condition, expected at least one: a gate of nothing lets all by")
    return tuple(_judged(report, condition) for condition in conditions)


def _judged(report: dict[str, Any], condition: Condition) -> Judgement:
    found = figure(report, condition.name)
    failed = found.value is None or _OPERATORS[condition.operator](found.value, condition.bound)
    return Judgement(condition=str(condition), value=found.value, failed=failed, why=found.why)
