"""How long, how often: what an operator can set on a key client, within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from ageassure.errors import ConfigurationError
from ageassure.results import THUMBPRINT_PATTERN

DEFAULT_TIMEOUT_SECONDS: Final = 5
DEFAULT_MIN_FRESH_SECONDS: Final = 60
DEFAULT_MAX_FRESH_SECONDS: Final = 3600
DEFAULT_STALE_SECONDS: Final = 24 * 3600
DEFAULT_COOLDOWN_SECONDS: Final = 30
UNTOLD_FRESH_SECONDS: Final = 300
"""How long a set counts as fresh where the host does not say."""

_WEEK_SECONDS: Final = 7 * 24 * 3600
_DAY_SECONDS: Final = 24 * 3600
_MAX_DOUBLINGS: Final = 12


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """The times of a key client; what each means stands at the client.

    Raises:
        ConfigurationError: If one of these is out of range.
    """

    timeout_seconds: float
    min_fresh_seconds: float
    max_fresh_seconds: float
    stale_seconds: float
    cooldown_seconds: float

    def __post_init__(self) -> None:
        _check("timeout_seconds", self.timeout_seconds, 0.01, 60)
        _check("min_fresh_seconds", self.min_fresh_seconds, 1, _DAY_SECONDS)
        _check("max_fresh_seconds", self.max_fresh_seconds, self.min_fresh_seconds, _DAY_SECONDS)
        _check("stale_seconds", self.stale_seconds, 0, _WEEK_SECONDS)
        _check("cooldown_seconds", self.cooldown_seconds, 1, 3600)

    def fresh_seconds(self, told: float | None) -> float:
        """How long a set counts as fresh, given what its host says, or None."""
        seconds = UNTOLD_FRESH_SECONDS if told is None else told
        return max(self.min_fresh_seconds, min(seconds, self.max_fresh_seconds))

    def retry_seconds(self, failures_in_a_row: int) -> float:
        """How long nothing is fetched after so many failures: 1, 2, 4 … seconds."""
        doublings = min(failures_in_a_row - 1, _MAX_DOUBLINGS)
        return min(self.cooldown_seconds, 2.0**doublings)


def checked_kid(kid: object) -> str:
    """Return the name of a key.

    Raises:
        ConfigurationError: If it is no thumbprint.
    """
    if not isinstance(kid, str) or not THUMBPRINT_PATTERN.fullmatch(kid):
        raise ConfigurationError("got a malformed kid, expected an RFC 7638 thumbprint")
    return kid


def _check(name: str, value: object, least: float, most: float) -> None:
    if type(value) not in (int, float) or not least <= value <= most:  # type: ignore[operator]
        raise ConfigurationError(
            f"got another {name}, expected a number of {least:g} to {most:g} seconds"
        )
