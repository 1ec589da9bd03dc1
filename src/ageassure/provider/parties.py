"""Whom the provider answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ageassure.errors import ConfigurationError
from ageassure.results import checked_audience

_RETURN_ADDRESS: Final = re.compile(
    r"(?:https://[A-Za-z0-9.-]+|http://(?:localhost|127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?"
    r"(?:/[A-Za-z0-9._~%/-]*)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """A platform that the provider answers.

    Attributes:
        audience: Its origin or client id, as in its requests.
        return_addresses: Where its tokens may be delivered by form post: https URLs (http for
            loopback) without user, query or fragment, compared as they are written. A request
            without a return address leaves delivery to the caller's own back channel.

    Raises:
        ConfigurationError: If a member is malformed.
    """

    audience: str
    return_addresses: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        checked_audience(self.audience)
        object.__setattr__(self, "return_addresses", frozenset(self.return_addresses))
        # One text instead of a set falls apart into single characters, which are no addresses.
        if not all(map(_is_return_address, self.return_addresses)):
            raise ConfigurationError("got a malformed return address, expected an https URL")


def _is_return_address(address: object) -> bool:
    return isinstance(address, str) and _RETURN_ADDRESS.fullmatch(address) is not None
