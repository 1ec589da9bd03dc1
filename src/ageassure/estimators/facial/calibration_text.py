"""Reading calibration files strictly: what is not exactly of the format is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ageassure.errors import ModelIntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping


def members(value: object, expected: frozenset[str]) -> Mapping[str, object]:
    """A JSON object with exactly these members.

    Raises:
        ModelIntegrityError: If it is none.
    """
    if not isinstance(value, dict) or value.keys() != expected:
        raise ModelIntegrityError(
            f"got other members in a calibration, expected {sorted(expected)}"
        )
    return value


def parsed(text: bytes) -> Any:  # noqa: ANN401 - JSON; every member is checked by its reader
    """The JSON value.

    Raises:
        ModelIntegrityError: If it is no JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    raise ModelIntegrityError("got a calibration that is no JSON")


def items(value: object) -> list[object]:
    """A list. Raises as :func:`members`."""
    if not isinstance(value, list):
        raise ModelIntegrityError("got a member of a calibration that is no list")
    return value


def number(value: object) -> float:
    """A number. Raises as :func:`members`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ModelIntegrityError("got a member of a calibration that is no number")
    return float(value)


def string(value: object) -> str:
    """A string. Raises as :func:`members`."""
    if not isinstance(value, str):
        raise ModelIntegrityError("got a member of a calibration that is no string")
    return value


def written(
    form: str, fitted_on: str, parameters: Mapping[str, object], fit: Mapping[str, object]
) -> bytes:
    """A calibration file."""
    document = {"format": form, "fitted_on": fitted_on, "parameters": parameters, "fit": dict(fit)}
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()
