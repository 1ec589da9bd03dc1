"""A preset's file: every member is required, none is ignored, nothing is coerced."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Final

from ageassure.errors import ConfigurationError
from ageassure.policy.data import chosen, rows
from ageassure.policy.measured import MAX_ATTEMPTS
from ageassure.policy.presets.preset import Preset, PresetStep, Source
from ageassure.policy.strict import data_digest, finite, members, text, whole
from ageassure.policy.successive import MAX_TIME_LIMIT_SECONDS
from ageassure.policy.terms import Binding, OnContradiction, PresentationAttackRule
from ageassure.results import MAX_YEARS, MethodClass, checked_age_limit

FORMAT: Final = "ageassure-preset-1"

_MEMBERS: Final = {
    "format",
    "version",
    "title",
    "jurisdiction",
    "drawn_up_on",
    "age_limit",
    "needs_profile",
    "on_contradiction",
    "session_alpha",
    "step",
    "choices",
    "left_to_operator",
    "source",
}
_STEP_MEMBERS: Final = {
    "name",
    "methods",
    "binding",
    "presentation_attack",
    "bar_alpha",
    "least_challenge_age",
    "max_attempts",
    "time_limit_seconds",
}

NONE: Final = "none"
"""How a file says that a number is not there: TOML has no null, and nothing may be left out."""


def parse_preset(data: dict[str, Any], *, name: str) -> Preset:
    """Build a preset from the data of its TOML file.

    Raises:
        ConfigurationError: If a member is missing, unknown or malformed.
    """
    found = members(data, _MEMBERS)
    if found["format"] != FORMAT:
        raise ConfigurationError(f"got another format, expected {FORMAT!r}")
    return Preset(
        name=name,
        version=whole(found["version"], "version", 1, 10_000),
        title=text(found["title"], "title"),
        jurisdiction=text(found["jurisdiction"], "jurisdiction"),
        drawn_up_on=_day(found["drawn_up_on"]),
        age_limit=checked_age_limit(found["age_limit"]),
        needs_profile=text(found["needs_profile"], "needs_profile"),
        on_contradiction=chosen(OnContradiction, found["on_contradiction"], "on_contradiction"),
        session_alpha=_number(found["session_alpha"], "session_alpha", 1),
        steps=tuple(_step(step) for step in _some(found["step"])),
        choices=_texts(found["choices"], "choice"),
        left_to_operator=_texts(_some(found["left_to_operator"]), "left_to_operator"),
        sources=tuple(_source(source) for source in _some(found["source"])),
        digest=data_digest(json.loads(json.dumps(data, default=str))),
    )


def _step(data: object) -> PresetStep:
    found = members(data, _STEP_MEMBERS)
    limit = found["time_limit_seconds"]
    return PresetStep(
        name=text(found["name"], "step name"),
        methods=frozenset(chosen(MethodClass, m, "method") for m in _some(found["methods"])),
        binding=chosen(Binding, found["binding"], "binding"),
        presentation_attack=chosen(
            PresentationAttackRule, found["presentation_attack"], "presentation_attack"
        ),
        bar_alpha=_number(found["bar_alpha"], "bar_alpha", 0.5),
        least_challenge_age=_number(found["least_challenge_age"], "least_challenge_age", MAX_YEARS),
        max_attempts=whole(found["max_attempts"], "max_attempts", 1, MAX_ATTEMPTS),
        time_limit_seconds=None
        if limit == NONE
        else whole(limit, "time_limit_seconds", 1, MAX_TIME_LIMIT_SECONDS),
    )


def _source(data: object) -> Source:
    found = members(data, {"title", "publisher", "reference", "dated"})
    return Source(
        title=text(found["title"], "title"),
        publisher=text(found["publisher"], "publisher"),
        reference=text(found["reference"], "reference"),
        dated=_day(found["dated"]),
    )


def _number(value: object, name: str, below: float) -> float | None:
    if value == NONE:
        return None
    number = finite(value, name)
    if not 0 < number < below:
        raise ConfigurationError(f"got {name} outside (0, {below})")
    return number


def _some(value: object) -> list[Any]:
    found = rows(value)
    if not found:
        raise ConfigurationError("got an empty list, expected at least one entry")
    return found


def _texts(value: object, name: str) -> tuple[str, ...]:
    return tuple(text(entry, name) for entry in rows(value))


def _day(value: object) -> date:
    if type(value) is not date:
        raise ConfigurationError("got no day, expected one such as 2025-01-16")
    return value
