"""Policies and chains from data: what ``to_dict`` writes is read back, and nothing else is.

A chain that decides about people is a versioned file that can be reviewed, compared and named by
its digest. What is read here is built by the same constructors as in code, so a file can no more
claim an error that its evidence does not support than code can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ageassure.errors import ConfigurationError
from ageassure.policy.certainty import RequiredCertainty
from ageassure.policy.earned import ChallengeAge, LowerBar
from ageassure.policy.levels import LevelRow
from ageassure.policy.policy import Policy
from ageassure.policy.strict import json_object, members, text
from ageassure.policy.successive import Step, Successive
from ageassure.policy.terms import Binding, OnContradiction, PresentationAttackRule, Told
from ageassure.results import AssuranceLevel, Direction, MethodClass, PresentationAttack

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import Enum
    from typing import TypeVar

    from ageassure.policy.bars import OverBar, UnderBar

    EnumT = TypeVar("EnumT", bound=Enum)
    BarT = TypeVar("BarT")

MAX_ROWS: Final = 64
"""Most entries of any list in such a file."""


def policy_from_dict(data: object) -> Policy:
    """Build the policy that :meth:`Policy.to_dict` wrote.

    Raises:
        ConfigurationError: If a member is missing, unknown or malformed.
        InsufficientEvidenceError: If a bar claims more than its evidence supports.
    """
    found = _formatted(
        data,
        "ageassure-policy-1",
        {
            "age_limit",
            "direction",
            "methods",
            "binding",
            "presentation_attack",
            "over",
            "under",
            "session_alpha",
            "max_attempts",
            "levels",
            "may_tell",
        },
    )
    return Policy(
        age_limit=found["age_limit"],
        direction=chosen(Direction, found["direction"], "direction"),
        methods=frozenset(chosen(MethodClass, m, "method") for m in rows(found["methods"])),
        binding=chosen(Binding, found["binding"], "binding"),
        presentation_attack=chosen(
            PresentationAttackRule, found["presentation_attack"], "presentation_attack"
        ),
        over=_over_bar(found["over"]),
        under=_under_bar(found["under"]),
        session_alpha=found["session_alpha"],
        max_attempts=found["max_attempts"],
        levels=tuple(_level_row(row) for row in rows(found["levels"])),
        may_tell=frozenset(chosen(Told, t, "may_tell") for t in rows(found["may_tell"])),
    )


def successive_from_dict(data: object) -> Successive:
    """Build the chain that :meth:`Successive.to_dict` wrote.

    Raises:
        ConfigurationError: As :func:`policy_from_dict`.
        InsufficientEvidenceError: As :func:`policy_from_dict`.
    """
    found = _formatted(
        data, "ageassure-successive-1", {"steps", "session_alpha", "on_contradiction"}
    )
    return Successive(
        steps=tuple(_step(step) for step in rows(found["steps"])),
        session_alpha=found["session_alpha"],
        on_contradiction=chosen(OnContradiction, found["on_contradiction"], "on_contradiction"),
    )


def successive_from_json(data: str | bytes) -> Successive:
    """As :func:`successive_from_dict`, from JSON without duplicate members, NaN or Infinity.

    Raises:
        ConfigurationError: As :func:`policy_from_dict`, or if it is not such JSON.
        InsufficientEvidenceError: As :func:`policy_from_dict`.
    """
    return successive_from_dict(json_object(data))


def chosen(kind: type[EnumT], value: object, name: str) -> EnumT:
    """Return the member of ``kind`` whose value is ``value``.

    Raises:
        ConfigurationError: If there is none.
    """
    for member in kind:
        if member.value == value:
            return member
    raise ConfigurationError(f"got an unknown {name}, expected one of {[m.value for m in kind]}")


def rows(value: object) -> list[Any]:
    """Return ``value`` if it is a list of at most 64 entries.

    Raises:
        ConfigurationError: If it is anything else.
    """
    if not isinstance(value, list) or len(value) > MAX_ROWS:
        raise ConfigurationError(f"got no list of at most {MAX_ROWS} entries")
    return value


def _formatted(data: object, expected: str, names: set[str]) -> dict[str, Any]:
    found = members(data, {"format", *names})
    if found.pop("format") != expected:
        raise ConfigurationError(f"got another format, expected {expected!r}")
    return found


def _step(data: object) -> Step:
    found = members(data, {"name", "policy", "time_limit_seconds"})
    return Step(
        name=text(found["name"], "step name"),
        policy=policy_from_dict(found["policy"]),
        time_limit_seconds=found["time_limit_seconds"],
    )


def _level_row(data: object) -> LevelRow:
    found = members(data, {"method_class", "bound", "presentation_attack", "level"})
    return LevelRow(
        method_class=chosen(MethodClass, found["method_class"], "method_class"),
        bound=found["bound"],
        presentation_attack=chosen(
            PresentationAttack, found["presentation_attack"], "presentation_attack"
        ),
        level=chosen(AssuranceLevel, found["level"], "level"),
    )


def _over_bar(data: object) -> OverBar | None:
    return None if data is None else _bar(data, ChallengeAge.KIND, ChallengeAge.from_dict)


def _under_bar(data: object) -> UnderBar | None:
    return None if data is None else _bar(data, LowerBar.KIND, LowerBar.from_dict)


def _bar(data: object, kind: str, build: Callable[[object], BarT]) -> BarT | RequiredCertainty:
    if isinstance(data, dict) and data.get("kind") == kind:
        return build(data)
    found = members(data, {"kind", "certainty"})
    if found["kind"] != RequiredCertainty.KIND:
        raise ConfigurationError(f"got another kind of bar, expected {kind!r} or a certainty")
    return RequiredCertainty(certainty=found["certainty"])
