"""From a host's name to a connection to one of the addresses that were checked."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Final

from ageassure.verifier.fetching.addresses import checked_addresses
from ageassure.verifier.fetching.exchange import FetchFailedError, remaining
from ageassure.verifier.fetching.target import as_address

if TYPE_CHECKING:
    from ageassure.verifier.fetching.addresses import Address, Network
    from ageassure.verifier.fetching.target import Target

Resolver = Callable[[str, int], Sequence[str]]
"""Gives all addresses of a host, as text, for a port."""

_MAX_ADDRESSES: Final = 16


def resolve_by_system(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def permitted_addresses(
    target: Target, resolve: Resolver, allowed: tuple[Network, ...], deadline: float
) -> tuple[Address, ...]:
    """All addresses of the host, each of which may be connected to.

    Raises:
        FetchFailedError: If the name is not resolved, or any address is forbidden.
        TimeoutError: If there is no time left.
    """
    found: Sequence[str] = [target.host]
    if as_address(target.host) is None:
        found = _resolved(target, resolve, deadline)
    addresses = checked_addresses(found, loopback=target.loopback, allowed=allowed)
    if addresses is None:
        raise FetchFailedError("has an address that must not be used")
    return addresses[:_MAX_ADDRESSES]


def _resolved(target: Target, resolve: Resolver, deadline: float) -> Sequence[str]:
    answers: list[Sequence[str]] = []
    # A resolver cannot be given a time limit, but it can be left behind.
    asking = Thread(
        target=_ask, args=(resolve, target, answers), daemon=True, name="ageassure-resolve"
    )
    with suppress(RuntimeError):  # no more threads, or the interpreter is about to end: not asked
        asking.start()
        asking.join(remaining(deadline))
    if asking.is_alive():
        raise FetchFailedError("has a name that was not resolved in time")
    if not answers or not answers[0]:
        raise FetchFailedError("has a name that was not resolved")
    return answers[0]


def _ask(resolve: Resolver, target: Target, answers: list[Sequence[str]]) -> None:
    try:
        answers.append(list(resolve(target.host, target.port)))
    except Exception:  # noqa: BLE001 - resolvers raise many things, UnicodeError among them
        return


def first_to_answer(addresses: tuple[Address, ...], port: int, deadline: float) -> socket.socket:
    """Connect to the first address that answers; each gets its share of the time that is left.

    Raises:
        OSError: If none does; TimeoutError among them.
    """
    *others, last = addresses
    for place, address in enumerate(others):
        with suppress(OSError):
            share = remaining(deadline) / (len(addresses) - place)
            return socket.create_connection((str(address), port), share)
    return socket.create_connection((str(last), port), remaining(deadline))
