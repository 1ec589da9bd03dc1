"""The plan of an evaluation as a TOML file: written before the data are looked at."""

from __future__ import annotations

import hashlib
import tomllib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.plan import LEAST_RESAMPLES, EvaluationPlan, OperatingPoint
from ageassure.errors import ConfigurationError
from ageassure.files import read_at_most
from ageassure.policy import AgeBand

if TYPE_CHECKING:
    from pathlib import Path

MAX_PLAN_BYTES: Final = 65_536

_REQUIRED: Final = {"seed", "axes", "points"}
_OPTIONAL: Final = {"pair_with", "transfer_axis", "resamples"}
_POINT: Final = {"limit_years", "challenge_age_years", "alpha", "protected_band"}
_POINT_OPTIONAL: Final = {"chosen_on"}


def read_plan(path: Path) -> tuple[EvaluationPlan, str]:
    """Read a plan; nothing in it may be missing, unknown or of another type.

    Returns:
        The plan, and the SHA-256 of the file's bytes, 64 hex digits.

    Raises:
        ConfigurationError: If it cannot be read or is no plan.
    """
    content: bytearray | None = None
    with suppress(OSError):
        content = read_at_most(path, MAX_PLAN_BYTES + 1)
    if content is None:
        raise ConfigurationError(f"{path.name}: cannot be read")
    document: dict[str, Any] | None = None
    if len(content) <= MAX_PLAN_BYTES:
        try:
            document = tomllib.loads(content.decode())
        except (ValueError, RecursionError):
            document = None
    if document is None:
        raise ConfigurationError(f"{path.name}: is no TOML of at most {MAX_PLAN_BYTES} bytes")
    return _plan(document, path.name), hashlib.sha256(content).hexdigest()


def _plan(document: dict[str, Any], name: str) -> EvaluationPlan:
    _check_members(document, name, "plan", _REQUIRED, _OPTIONAL)
    points, axes = document["points"], document["axes"]
    texts = isinstance(axes, list) and all(isinstance(axis, str) for axis in axes)
    if not texts or not isinstance(points, list):
        raise ConfigurationError(f"{name}: expected axes as a list of texts, points as [[points]]")
    return EvaluationPlan(
        points=tuple(_point(point, name) for point in points),
        axes=tuple(axes),
        pair_with=document.get("pair_with"),
        seed=document["seed"],
        resamples=document.get("resamples", LEAST_RESAMPLES),
        transfer_axis=document.get("transfer_axis"),
    )


def _point(members: object, name: str) -> OperatingPoint:
    found = _check_members(members, name, "point", _POINT, _POINT_OPTIONAL)
    band = found["protected_band"]
    if not isinstance(band, list) or len(band) != 2:
        raise ConfigurationError(
            f"{name}: got another protected_band than its first and last completed year, [17, 17]"
        )
    return OperatingPoint(
        limit_years=found["limit_years"],
        challenge_age_years=found["challenge_age_years"],
        alpha=found["alpha"],
        protected_band=AgeBand(first_years=band[0], last_years=band[1]),
        chosen_on=found.get("chosen_on"),
    )


def _check_members(
    members: object, name: str, what: str, required: set[str], optional: set[str]
) -> dict[str, Any]:
    if not isinstance(members, dict):
        raise ConfigurationError(f"{name}: got a {what} that is no table")
    missing, unknown = required - members.keys(), members.keys() - required - optional
    if missing or unknown:
        raise ConfigurationError(
            f"{name}: got a {what} with the unknown members {sorted(unknown)} and without "
            f"{sorted(missing)}; expected {', '.join(sorted(required))}, and at most "
            f"{', '.join(sorted(optional))} besides"
        )
    return members
