"""Data that must have exactly the form expected: nothing coerced, nothing ignored."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, TypeVar

from ageassure.errors import ConfigurationError

MAX_JSON_CHARACTERS: Final = 65_536
MAX_TEXT_CHARACTERS: Final = 1000

_HUGE: Final = 1e18
"""No number here comes near it; an int beyond 1e308 would make float() raise."""

_T = TypeVar("_T")


def json_object(text: str | bytes) -> dict[str, Any]:
    """Parse one JSON object without duplicate members, NaN or Infinity.

    Raises:
        ConfigurationError: If ``text`` is anything else, or longer than 64 Ki characters.
    """
    parsed: object = None
    if len(text) <= MAX_JSON_CHARACTERS:
        try:
            parsed = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            parsed = None
    if not isinstance(parsed, dict):
        raise ConfigurationError("got malformed JSON, expected one object, each member once")
    return parsed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("duplicate member")
    return dict(pairs)


def _no_constant(_name: str) -> float:
    raise ValueError("not a number")


def members(data: object, names: set[str]) -> dict[str, Any]:
    """Return a copy of ``data``, a mapping with exactly the members ``names``.

    Raises:
        ConfigurationError: If members are missing or unknown.
    """
    if not isinstance(data, dict):
        raise ConfigurationError("got no object, expected one with named members")
    if data.keys() != names:
        missing, unknown = names - data.keys(), len(data.keys() - names)
        raise ConfigurationError(
            f"got an object with {unknown} unknown members and without {sorted(missing)}"
        )
    return dict(data)


def finite(value: object, name: str) -> float:
    """Return ``value`` as a float; a boolean is no number.

    Raises:
        ConfigurationError: If it is no finite number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _HUGE:
        raise ConfigurationError(f"got a {name} that is no finite number")
    return float(value)


def whole(value: object, name: str, least: int, most: int) -> int:
    """Return ``value`` if it is an int from ``least`` to ``most``.

    Raises:
        ConfigurationError: If it is anything else.
    """
    if type(value) is not int or not least <= value <= most:
        raise ConfigurationError(f"got {name} that is no int from {least} to {most}")
    return value


def text(value: object, name: str) -> str:
    """Return ``value`` if it is a text of 1 to 1000 printable characters.

    Raises:
        ConfigurationError: If it is anything else.
    """
    if not (
        isinstance(value, str) and 0 < len(value) <= MAX_TEXT_CHARACTERS and value.isprintable()
    ):
        raise ConfigurationError(f"got a {name} that is no short printable text")
    return value


def instance(value: object, kind: type[_T], name: str) -> _T:
    """Return ``value`` if it is a ``kind``; the text of an enum's value is not.

    Raises:
        ConfigurationError: If it is anything else.
    """
    if not isinstance(value, kind):
        raise ConfigurationError(f"got a {name} that is no {kind.__name__}")
    return value


def data_digest(data: dict[str, Any]) -> str:
    """SHA-256, in hex, over ``data`` as JSON with sorted members and no white space."""
    encoded = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(encoded.encode()).hexdigest()
