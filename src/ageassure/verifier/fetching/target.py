"""The address of a document, taken apart strictly."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final, NamedTuple

from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from ageassure.verifier.fetching.addresses import Address

_MAX_URI_CHARACTERS: Final = 512
_URI: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<target>/[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)"
)


class Target(NamedTuple):
    """A pinned address taken apart.

    Attributes:
        secure: Whether TLS is spoken.
        host: Name, or address without brackets.
        port: As written, or the scheme's.
        target: Path and query.
        authority: Host and port as they were written.
        loopback: Whether the host is this machine by its name.
    """

    secure: bool
    host: str
    port: int
    target: str
    authority: str
    loopback: bool


def take_apart(uri: object, *, name: str) -> Target:
    """Read the address of a document: https, or http for loopback; no user, no fragment.

    Args:
        uri: The address. Host names are written in lower-case ASCII.
        name: What the caller calls it, for the message.

    Raises:
        ConfigurationError: If it is anything else.
    """
    match = None
    if isinstance(uri, str) and len(uri) <= _MAX_URI_CHARACTERS:
        match = _URI.fullmatch(uri)
    if match is None:
        raise ConfigurationError(f"got a malformed {name}, expected an https URL with a path")
    secure = match["scheme"] == "https"
    host = match["host"].strip("[]")
    port = int(match["port"] or (443 if secure else 80))
    address = as_address(host)
    # In brackets stands an IPv6 address and nothing else (RFC 3986, 3.2.2); 127.1 and 2130706433
    # are addresses to some resolvers, too.
    in_brackets = match["host"] != host
    if in_brackets is not isinstance(address, IPv6Address) or (
        address is None and re.fullmatch(r"[0-9.]+", host)
    ):
        raise ConfigurationError(f"got a {name} with a malformed address")
    loopback = host == "localhost" if address is None else address.is_loopback
    if not 1 <= port <= 65535:
        raise ConfigurationError(f"got a {name} with another port, expected 1 to 65535")
    if not secure and not loopback:
        raise ConfigurationError(f"got a {name} with http, expected https (http for loopback)")
    authority = match["host"] if match["port"] is None else f"{match['host']}:{port}"
    return Target(secure, host, port, match["target"], authority, loopback)


def as_address(host: str) -> Address | None:
    """The address that a host is written as, or None if it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None
