"""Where a credential's status stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from ageassure.errors import ConfigurationError, StatusError
from ageassure.tokens.claims import checked_issuer


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReference:
    """Where a credential's status stands: its claim ``status.status_list`` (section 6.1).

    Attributes:
        uri: The list's URI.
        index: The place in it.

    Raises:
        StatusError: If one of these is ill-formed; code ``status_refused``.
    """

    uri: str
    index: int

    def __post_init__(self) -> None:
        if not is_list_uri(self.uri) or type(self.index) is not int or self.index < 0:
            raise StatusError("got a malformed reference to a status", code="status_refused")

    @classmethod
    def from_claim(cls, status: object) -> StatusReference:
        """Read the claim ``status`` of a credential, after its signature was checked.

        Raises:
            StatusError: If it names no place in a status list.
        """
        reference = status.get("status_list") if isinstance(status, dict) else None
        members = reference if isinstance(reference, dict) else {}
        return cls(uri=members.get("uri", ""), index=members.get("idx", -1))

    def to_claim(self) -> dict[str, object]:
        """The claim ``status`` for a credential."""
        return {"status_list": {"idx": self.index, "uri": self.uri}}


def is_list_uri(uri: object) -> bool:
    """Whether a list may be served there, and fetched: with a path, and its host in lower case."""
    try:
        text = checked_issuer(uri)
    except ConfigurationError:
        return False
    host, slash, _ = text.partition("://")[2].partition("/")
    return bool(slash) and host == host.lower() and "/../" not in f"{text}/"
