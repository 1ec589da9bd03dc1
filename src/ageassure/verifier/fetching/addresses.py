"""Which network addresses a fetch may connect to.

A name that the operator has pinned can be made to point into the operator's own network (DNS
rebinding, a taken-over zone): to a metadata service, a database, a router. So the address is
checked, and the checked address is the one connected to.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING, Final

from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA IPv4 Special-Purpose Address Registry: all that is not globally reachable, with multicast,
# the reserved block, and 6to4 relays. Spelt out, because ipaddress.is_global differs between
# Python's versions.
_REFUSED_IPV4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
# NAT64's prefix for all, and IPv4-mapped: the last 32 bits are the IPv4 address that is reached.
_TO_IPV4: Final = tuple(map(IPv6Network, ("64:ff9b::/96", "::ffff:0:0/96")))
_LOOPBACK: Final[tuple[Network, ...]] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
# Outside 2000::/3 nothing is global unicast, which refuses loopback, IPv4-mapped, NAT64
# (64:ff9b::/96), unique local, link-local and multicast together. Within: protocol assignments
# with Teredo, documentation, 6to4.
_GLOBAL_IPV6: Final = IPv6Network("2000::/3")
_REFUSED_IPV6: Final = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
)


def read_networks(networks: Collection[str]) -> tuple[Network, ...]:
    """Read networks in CIDR notation.

    Raises:
        ConfigurationError: If one is none, or has host bits set.
    """
    try:
        if isinstance(networks, str) or not all(isinstance(network, str) for network in networks):
            raise TypeError  # noqa: TRY301 - a str is a collection, too; a number would be a network
        return tuple(ip_network(network) for network in networks)
    except (TypeError, ValueError):
        pass
    raise ConfigurationError("got a malformed network, expected CIDR notation like 10.1.0.0/16")


def checked_addresses(
    texts: Iterable[object], *, loopback: bool, allowed: tuple[Network, ...]
) -> tuple[Address, ...] | None:
    """All addresses of a host, or None if there are none or any of them must not be used.

    One forbidden address among good ones is no accident: it is how rebinding looks.

    Args:
        texts: What the resolver gave.
        loopback: Whether the host is this machine by its name; then only loopback is permitted,
            and else no loopback.
        allowed: Networks that the operator permits beside the global ones.
    """
    addresses: list[Address] = []
    for text in texts:
        try:
            address = ip_address(text) if isinstance(text, str) else None
        except ValueError:
            address = None
        if address is None or not _is_permitted(address, loopback=loopback, allowed=allowed):
            return None
        if address not in addresses:
            addresses.append(address)
    return tuple(addresses) or None


def _is_permitted(address: Address, *, loopback: bool, allowed: tuple[Network, ...]) -> bool:
    if loopback:
        return any(address in network for network in _LOOPBACK)
    if any(address in network for network in allowed):
        if not any(address in network for network in _TO_IPV4):
            return True
        # Permitted is the way; what it leads to is judged by itself (RFC 6052, 3.1).
        behind = IPv4Address(address.packed[-4:])
        return _is_permitted(behind, loopback=False, allowed=allowed)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_IPV4)
    return address in _GLOBAL_IPV6 and not any(address in network for network in _REFUSED_IPV6)
