"""The field's terms, and the checks of the members that requests and tokens share."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import Enum, StrEnum
from typing import Final

from ageassure.errors import ConfigurationError

MAX_YEARS: Final = 120
"""Highest completed age that is told apart; an age is one of 0 … 120 completed years."""

MIN_AGE_LIMIT: Final = 1
MAX_AGE_LIMIT: Final = 99
"""Age limits are written ``^[1-9][0-9]?$`` in ``age_equal_or_over`` (token format)."""

NONCE_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]{22,128}", re.ASCII)
THUMBPRINT_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
"""base64url of SHA-256 without padding: 43 characters (RFC 7638)."""

MAX_AUDIENCE_CHARACTERS: Final = 512


class MethodClass(StrEnum):
    """How an age was established (ISO/IEC 27566-1)."""

    VERIFICATION = "verification"
    ESTIMATION = "estimation"
    INFERENCE = "inference"
    DECLARATION = "declaration"


_METHOD_VALUES: Final = frozenset(method.value for method in MethodClass)


class AssuranceLevel(StrEnum):
    """Levels of age assurance, ascending (IEEE 2089.1)."""

    ASSERTED = "asserted"
    STANDARD = "standard"
    ENHANCED = "enhanced"
    STRICT = "strict"

    @property
    def rank(self) -> int:
        """Position in the ascending order, from 0."""
        return list(AssuranceLevel).index(self)


class PresentationAttack(StrEnum):
    """What is known of a presentation attack (ISO/IEC 30107-1).

    A detected attack is no value: the estimator raises
    :class:`~ageassure.errors.PresentationAttackError`.
    """

    PASSED = "passed"
    NOT_EVALUATED = "not_evaluated"
    NOT_APPLICABLE = "not_applicable"


class Outcome(StrEnum):
    """The three outcomes of a policy. INCONCLUSIVE is a value, not a failure."""

    OVER = "over"
    UNDER = "under"
    INCONCLUSIVE = "inconclusive"


class Direction(Enum):
    """Which side of the age limit the relying party asked about."""

    OVER = "over"
    UNDER = "under"


def checked_age_limit(value: object) -> int:
    """Return an age limit in completed years, 1 … 99.

    Raises:
        ConfigurationError: If it is anything else; a boolean is no age.
    """
    if type(value) is not int or not MIN_AGE_LIMIT <= value <= MAX_AGE_LIMIT:
        raise ConfigurationError(
            f"got another age limit, expected an int of {MIN_AGE_LIMIT} to {MAX_AGE_LIMIT}"
        )
    return value


def checked_audience(audience: object) -> str:
    """Return a non-empty audience of at most 512 printable characters.

    Raises:
        ConfigurationError: If it is anything else.
    """
    if not (
        isinstance(audience, str)
        and 0 < len(audience) <= MAX_AUDIENCE_CHARACTERS
        and audience.isprintable()
    ):
        raise ConfigurationError("got a malformed audience, expected 1 to 512 printable characters")
    return audience


def checked_nonce(nonce: object) -> str:
    """Return a nonce that matches ``^[A-Za-z0-9_-]{22,128}$``.

    Raises:
        ConfigurationError: If it is anything else. The message does not show it.
    """
    if not isinstance(nonce, str) or not NONCE_PATTERN.fullmatch(nonce):
        raise ConfigurationError("got a malformed nonce, expected 22 to 128 of [A-Za-z0-9_-]")
    return nonce


def checked_methods(methods: object) -> frozenset[MethodClass]:
    """Return a set of at least one method class.

    Raises:
        ConfigurationError: If it is empty or holds anything else. Empty is closed: it does not
            mean "any".
    """
    if not isinstance(methods, Collection) or isinstance(methods, str) or not methods:
        raise ConfigurationError("got no set of methods, expected at least one MethodClass")
    if not all(isinstance(method, str) and method in _METHOD_VALUES for method in methods):
        raise ConfigurationError("got an unknown method, expected members of MethodClass")
    return frozenset(map(MethodClass, methods))
