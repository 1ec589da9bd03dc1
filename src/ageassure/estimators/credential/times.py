"""Times in a credential: ``iat``, ``nbf`` and ``exp`` (RFC 7519, 4.1), in whole seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ageassure.estimators.credential.refusal import malformed, refused

if TYPE_CHECKING:
    from collections.abc import Mapping

_LAST_SECOND: Final = 2**53


def seconds(claims: Mapping[str, object], name: str) -> int | None:
    """A time, or None where it is absent. Fractions, which RFC 7519 allows, are refused.

    Raises:
        CredentialError: If it is no whole number of seconds since 1970; a boolean is none.
    """
    if name not in claims:
        return None
    value = claims[name]
    if type(value) is not int or not 0 <= value <= _LAST_SECOND:
        raise malformed(f"got a malformed {name}, expected whole seconds")
    return value


def check_times(claims: Mapping[str, object], *, now_seconds: float, leeway_seconds: int) -> None:
    """Check what is there of ``iat``, ``nbf`` and ``exp``.

    Raises:
        CredentialError: ``credential_not_yet_valid``, ``credential_expired`` or
            ``credential_malformed``.
    """
    begins = [each for name in ("iat", "nbf") if (each := seconds(claims, name)) is not None]
    if any(begin > now_seconds + leeway_seconds for begin in begins):
        raise refused("got a credential of the future", code="credential_not_yet_valid")
    end = seconds(claims, "exp")
    if end is not None and now_seconds >= end + leeway_seconds:
        raise refused("got a credential that has expired", code="credential_expired")
