"""Which assurance level evidence reaches (IEEE 2089.1), as a table that a policy holds.

The standard's levels demand more of an operator than a library can see (processes, audits), so the
table that ships gives nobody ``strict``; an operator with an audited process writes their own.
Evidence without a row is ``asserted``. No table may lift a declaration, unbound evidence, or
evidence whose presentation attack was not evaluated above that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ageassure.errors import ConfigurationError
from ageassure.policy.strict import instance
from ageassure.results import AssuranceLevel, MethodClass, PresentationAttack

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRow:
    """Evidence of this kind reaches ``level``.

    Raises:
        ConfigurationError: If the row lifts a declaration, unbound evidence or an unevaluated
            presentation attack above ``asserted``.
    """

    method_class: MethodClass
    bound: bool
    presentation_attack: PresentationAttack
    level: AssuranceLevel

    def __post_init__(self) -> None:
        instance(self.method_class, MethodClass, "method_class")
        instance(self.bound, bool, "bound")
        instance(self.presentation_attack, PresentationAttack, "presentation_attack")
        instance(self.level, AssuranceLevel, "level")
        weak = (
            self.method_class is MethodClass.DECLARATION
            or not self.bound
            or self.presentation_attack is PresentationAttack.NOT_EVALUATED
        )
        if weak and self.level is not AssuranceLevel.ASSERTED:
            raise ConfigurationError(
                f"got level {self.level} for evidence that reaches at most asserted"
            )

    @property
    def key(self) -> tuple[MethodClass, bool, PresentationAttack]:
        """The kind of evidence."""
        return self.method_class, self.bound, self.presentation_attack

    def to_dict(self) -> dict[str, Any]:
        """As data."""
        return {
            "method_class": self.method_class.value,
            "bound": self.bound,
            "presentation_attack": self.presentation_attack.value,
            "level": self.level.value,
        }


def _row(
    method_class: MethodClass, presentation_attack: PresentationAttack, level: AssuranceLevel
) -> LevelRow:
    return LevelRow(
        method_class=method_class,
        bound=True,
        presentation_attack=presentation_attack,
        level=level,
    )


DEFAULT_LEVELS: Final = (
    _row(MethodClass.VERIFICATION, PresentationAttack.PASSED, AssuranceLevel.ENHANCED),
    _row(MethodClass.VERIFICATION, PresentationAttack.NOT_APPLICABLE, AssuranceLevel.STANDARD),
    _row(MethodClass.ESTIMATION, PresentationAttack.PASSED, AssuranceLevel.STANDARD),
    _row(MethodClass.INFERENCE, PresentationAttack.PASSED, AssuranceLevel.STANDARD),
    _row(MethodClass.INFERENCE, PresentationAttack.NOT_APPLICABLE, AssuranceLevel.STANDARD),
)
"""This library's own, cautious reading: a bound document whose holder was checked live is
``enhanced``, other bound and evaluated evidence ``standard``. An estimation to which presentation
attacks do not apply (a face always has one) has no row."""


def checked_levels(rows: Iterable[LevelRow]) -> tuple[LevelRow, ...]:
    """Return the rows of a table.

    Raises:
        ConfigurationError: If two rows are for the same kind of evidence.
    """
    table = tuple(instance(row, LevelRow, "level row") for row in rows)
    if len({row.key for row in table}) != len(table):
        raise ConfigurationError("got two level rows for the same kind of evidence")
    return table


def level_of(
    rows: tuple[LevelRow, ...],
    method_class: MethodClass,
    bound: bool,
    presentation_attack: PresentationAttack,
) -> AssuranceLevel:
    """Level that a kind of evidence reaches by the table ``rows``."""
    key = (method_class, bound, presentation_attack)
    return next((row.level for row in rows if row.key == key), AssuranceLevel.ASSERTED)
