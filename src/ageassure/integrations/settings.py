"""Checks of what a gate is made with."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from ageassure.errors import ConfigurationError
from ageassure.integrations.limits import AgeLimit
from ageassure.results import Direction

MAX_CHALLENGE_SECONDS: Final = 3600
MAX_OPEN_CHALLENGES: Final = 20

# "//host" and "/\host" lead to another site.
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)
_NEXT_PATH: Final = re.compile(r"/([A-Za-z0-9._~-][A-Za-z0-9._~/?=&-]*)?", re.ASCII)


def limits_by_name(age_over: object, age_under: object) -> dict[str, AgeLimit]:
    """The limits of a gate.

    Raises:
        ConfigurationError: If these are no collections of age limits, or both are empty.
    """
    limits: list[AgeLimit] = []
    for direction, ages in ((Direction.OVER, age_over), (Direction.UNDER, age_under)):
        # The numbers in a bytes object would pass for ages.
        if not isinstance(ages, Collection) or isinstance(ages, str | bytes | bytearray):
            raise ConfigurationError("got another age_over or age_under, expected a list of ages")
        limits += [AgeLimit(direction=direction, age_years=age) for age in ages]
    if not limits:
        raise ConfigurationError("got no age limit, expected at least one")
    return {limit.name: limit for limit in limits}


def checked_paths(path: object, next_path: object) -> tuple[str, str]:
    """The two paths: of our own site, and nothing else.

    Raises:
        ConfigurationError: If one is no such path.
    """
    if not isinstance(path, str) or not isinstance(next_path, str):
        raise ConfigurationError("got a path or next_path that is no text")
    if not _PATH.fullmatch(path) or not _NEXT_PATH.fullmatch(next_path):
        raise ConfigurationError("got a path or next_path that is no plain path of this site")
    return path, next_path


def checked_number(value: object, most: int | None, name: str) -> int:
    """An integer from 1 to ``most``.

    Raises:
        ConfigurationError: If it is none.
    """
    if type(value) is not int or value < 1 or (most is not None and value > most):
        raise ConfigurationError(f"got another {name}, expected an int of at least 1 and in bounds")
    return value


def checked_flag(value: object, name: str) -> bool:
    """True or False.

    Raises:
        ConfigurationError: If it is neither.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"got another {name}, expected a bool")
    return value
