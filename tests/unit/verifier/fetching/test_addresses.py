"""Addresses that a pinned name must not lead to."""

from __future__ import annotations

from typing import Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.verifier.fetching.addresses import checked_addresses, read_networks

INNER = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::8.8.8.8",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
]
GLOBAL = ["8.8.8.8", "172.15.0.1", "172.32.0.1", "192.0.1.1", "100.128.0.1", "2001:4860:4860::8888"]


@pytest.mark.parametrize("address", INNER)
def test_inner_addresses_are_refused_alone_and_among_good_ones(address: str) -> None:
    assert checked_addresses([address], loopback=False, allowed=()) is None
    assert checked_addresses(["8.8.8.8", address], loopback=False, allowed=()) is None


@pytest.mark.parametrize("junk", ["", "localhost", "8.8.8.8 ", "010.0.0.1", "1", 1, None, b"8888"])
def test_what_is_no_address_is_refused(junk: Any) -> None:
    assert checked_addresses([junk], loopback=False, allowed=()) is None


def test_no_addresses_are_refused() -> None:
    assert checked_addresses([], loopback=False, allowed=()) is None


@pytest.mark.parametrize("address", GLOBAL)
def test_global_addresses_are_taken_once_each(address: str) -> None:
    taken = checked_addresses([address, address], loopback=False, allowed=())
    assert taken is not None
    assert [str(each) for each in taken] == [address]


@pytest.mark.parametrize("address", [*GLOBAL, "10.0.0.1", "::ffff:127.0.0.1"])
def test_a_loopback_name_leads_to_loopback_alone(address: str) -> None:
    allowed = read_networks(["10.0.0.0/8"])
    assert checked_addresses([address], loopback=True, allowed=allowed) is None
    assert checked_addresses(["127.0.0.1", "::1"], loopback=True, allowed=()) is not None


def test_a_network_that_is_named_is_taken_and_no_other() -> None:
    allowed = read_networks(["10.1.0.0/16", "fd00::/8"])
    assert checked_addresses(["10.1.2.3", "fd00::1"], loopback=False, allowed=allowed) is not None
    assert checked_addresses(["10.2.0.1"], loopback=False, allowed=allowed) is None
    assert checked_addresses(["8.8.8.8"], loopback=False, allowed=allowed) is not None


@pytest.mark.parametrize(
    "behind",
    ["a9fe:a9fe", "a00:1", "7f00:1", "a02:1"],
    ids=["metadata", "inner", "loopback", "10.2"],
)
def test_a_translator_leads_to_no_inner_address(behind: str) -> None:
    """NAT64 (RFC 6052): the last 32 bits are the IPv4 address that is reached."""
    for networks in (["64:ff9b::/96"], ["64:ff9b::/96", "10.1.0.0/16"], ["::/0"]):
        allowed = read_networks(networks)
        assert checked_addresses([f"64:ff9b::{behind}"], loopback=False, allowed=allowed) is None


@pytest.mark.parametrize("behind", ["169.254.169.254", "10.0.0.1", "127.0.0.1"])
def test_a_mapped_ipv4_address_is_not_named_with_ipv6(behind: str) -> None:
    """Whoever connects to it connects to the IPv4 address (RFC 4291, 2.5.5.2)."""
    for networks in (["::/0"], ["::ffff:0:0/96", "10.1.0.0/16"]):
        allowed = read_networks(networks)
        assert checked_addresses([f"::ffff:{behind}"], loopback=False, allowed=allowed) is None
    named = read_networks(["::ffff:0:0/96", "10.0.0.0/8"])
    for good in ("::ffff:8.8.8.8", "::ffff:10.0.0.1"):
        assert checked_addresses([good], loopback=False, allowed=named) is not None


def test_a_translator_leads_to_global_addresses_and_to_networks_that_are_named() -> None:
    allowed = read_networks(["64:ff9b::/96", "10.1.0.0/16"])
    found = checked_addresses(["64:ff9b::808:808"], loopback=False, allowed=allowed)
    assert [str(each) for each in found or ()] == ["64:ff9b::808:808"]
    assert checked_addresses(["64:ff9b::a01:203"], loopback=False, allowed=allowed) is not None
    inner_alone = read_networks(["10.1.0.0/16"])
    assert checked_addresses(["64:ff9b::a01:203"], loopback=False, allowed=inner_alone) is None


@pytest.mark.parametrize(
    "networks", ["", "10.0.0.0/8", ["10.0.0.1/8"], ["x"], [None], 1, [5], b"\x05", [b"\n\0\0\0"]]
)
def test_malformed_networks_are_refused(networks: Any) -> None:
    with pytest.raises(ConfigurationError, match="CIDR"):
        read_networks(networks)
