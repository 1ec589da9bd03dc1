"""All keys that tokens may be signed with, by name, in step with the sources they come from."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import (
    ConfigurationError,
    KeySetError,
    KeySetUnavailableError,
    UntrustedIssuerError,
    UntrustedKeyError,
)
from ageassure.results import THUMBPRINT_PATTERN
from ageassure.verifier.pins import are_two_rsa, asked, checked_pin, made_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ageassure.tokens.keys import JWKSet
    from ageassure.verifier.jwks.client import JWKSetClient
    from ageassure.verifier.jwks.source import AwaitableKeySource, KeySource
    from ageassure.verifier.pins import PinnedKey

_UNKNOWN: Final = "got a kid that no pinned key has"


@final
class PinnedKeys:
    """Finds the key that a token names. Safe for threads; holds no lock.

    A ``kid`` is the thumbprint of its key: the same name in two issuers' sets is the same key. It
    belongs to each of them, for as long as that issuer's own set holds it, so that nobody can shut
    another out by publishing the other's keys.

    A key of a set at hand makes nobody wait. For any other, the clients begin to fetch all
    together and are waited for together, until one has it, and no longer than the greatest of their
    ``timeout_seconds``. A source that is no ``JWKSetClient`` is asked before, one after the other.

    Args:
        issuers: Key set or source by issuer.
        audience: The relying party's name.

    Raises:
        ConfigurationError: If there are no issuers, or one is ill-formed.
        KeySetError: If in a fixed set a ``kid`` is no thumbprint, or is in two fixed sets.
    """

    __slots__ = ("_moving", "_pins", "_places", "_table")

    def __init__(self, issuers: Mapping[str, JWKSet | KeySource], audience: str) -> None:
        given: object = issuers
        if not isinstance(given, Mapping) or not given:
            raise ConfigurationError("got no issuers, expected at least one with its key set")
        self._pins = tuple(checked_pin(issuer, keys, audience) for issuer, keys in given.items())
        self._places = {pin.issuer: place for place, pin in enumerate(self._pins)}
        self._moving = any(pin.source is not None for pin in self._pins)
        fixed = tuple(pin.fixed for pin in self._pins)
        self._table = made_table(self._pins, fixed)
        if len(self._table.keys) != sum(len(key_set) for key_set in fixed if key_set is not None):
            raise KeySetError("got one key in the fixed sets of two issuers")

    @property
    def headers(self) -> Mapping[bytes, Mapping[str, object]]:
        """The headers as our issuer writes them, already read: the same in every token of a key."""
        return self._table.headers

    def find(self, kid: object, alg: object) -> PinnedKey:
        """The key named ``kid``, if the set of an issuer holds it now: any issuer's.

        Args:
            kid: What the token's header says, of any type.
            alg: The same. An RSA key may be in two sets for two algorithms; then it decides.

        Returns:
            The key for ``alg``; if there is but one for another, that one.

        Raises:
            UntrustedKeyError: If no set holds it.
            KeySetUnavailableError: If the set that may hold it cannot be had.
        """
        if not isinstance(kid, str):
            raise UntrustedKeyError(_UNKNOWN)
        found = self._table.keys.get(kid)
        if found is not None and not are_two_rsa(found.key.alg, alg):
            at_hand = found.at_hand
            if at_hand is None or asked(at_hand, found.key_set) is found.key_set:
                return found
        # Any other kid than a thumbprint is in no set that was let in.
        if not THUMBPRINT_PATTERN.fullmatch(kid):
            raise UntrustedKeyError(_UNKNOWN)
        found = self._looked_for(range(len(self._pins)), kid, alg, None)
        if found is not None:
            return found
        if any(key_set is None for key_set in self._table.sets):
            raise KeySetUnavailableError("got a kid that may be in a key set that cannot be had")
        raise UntrustedKeyError(_UNKNOWN)

    def of_issuer(self, issuer: str, found: PinnedKey) -> PinnedKey:
        """The same key as ``issuer`` has it, if its set holds it now, too.

        For a token that names another issuer than the one that its key was found with. The issuer's
        source is asked for it as for any key: that another published it earlier takes nothing away.

        Raises:
            UntrustedIssuerError: If it is no issuer whose set can be had and holds the key.
        """
        key, place = found.key, self._places.get(issuer)
        if place is not None:
            entry = self._looked_for((place,), key.kid, key.alg, found.until)
            if entry is not None and not are_two_rsa(entry.key.alg, key.alg):
                return entry
        raise UntrustedIssuerError("got an iss that is not an issuer whose key set holds the key")

    def _looked_for(
        self, places: Iterable[int], kid: str, alg: object, until: float | None
    ) -> PinnedKey | None:
        """The first that is for ``alg``, else one that is for another."""
        for_another: PinnedKey | None = None
        for entry in self._held(tuple(places), kid, until):
            if not are_two_rsa(entry.key.alg, alg):
                return entry
            for_another = entry
        return for_another

    def _held(self, places: tuple[int, ...], kid: str, until: float | None) -> Iterator[PinnedKey]:
        """The key in each set that holds it: in sets at hand, then in those that are fetched."""
        pins, before = self._pins, self._table.sets
        clients = {place: client for place in places if (client := pins[place].client) is not None}
        for place in places:
            at_hand = pins[place].at_hand
            if at_hand is None:
                yield from self._taken(place, pins[place].fixed, kid)
            elif before[place] is not None or place in clients:
                yield from self._taken(place, asked(at_hand, before[place]), kid)
        for place in places:
            source = pins[place].source
            if source is not None and place not in clients:
                key_set = asked(partial(source.key_set, kid), self._table.sets[place])
                yield from self._taken(place, key_set, kid)
        yield from self._fetched(clients, kid, until)

    def _fetched(
        self, clients: Mapping[int, JWKSetClient], kid: str, until: float | None
    ) -> Iterator[PinnedKey]:
        if not clients:
            return
        from ageassure.verifier.jwks.look import as_answered  # loaded with the clients

        if until is None:
            until = time.monotonic() + max(client.timeout_seconds for client in clients.values())
        looks = {client.look(kid): place for place, client in clients.items()}
        for look in as_answered(looks, until):
            place = looks[look]
            key_set = asked(look.key_set, self._table.sets[place])
            for entry in self._taken(place, key_set, kid):
                yield entry._replace(until=until)

    def _taken(self, place: int, key_set: JWKSet | None, kid: str) -> Iterator[PinnedKey]:
        """The key in the set that an issuer has now; what has changed goes into the table."""
        before = self._table.sets
        if key_set is not before[place]:
            sets = (*before[:place], key_set, *before[place + 1 :])
            self._table = made_table(self._pins, sets)
        if key_set is not None:
            key = key_set.get(kid)
            if key is not None:
                yield self._pins[place].found(key_set, key)

    async def ready(self, kid: object) -> None:
        """Wait, without blocking the event loop, for the fetches that :meth:`find` would wait for.

        A source that cannot be awaited is left to :meth:`find`.
        """
        if not self._moving or not isinstance(kid, str) or not THUMBPRINT_PATTERN.fullmatch(kid):
            return
        found = self._table.keys.get(kid)
        if found is not None and found.at_hand is None:
            return
        sources = [pin.awaitable for pin in self._pins if pin.awaitable is not None]
        holders = [source for source in sources if _holds(source, kid)]
        if len(holders) == 1:
            await _awaited(holders[0], None)
        elif holders:
            await _awaited_together(holders, None, lambda: True)
        else:
            await _awaited_together(sources, kid, lambda: any(_holds(one, kid) for one in sources))


def _holds(source: AwaitableKeySource, kid: str) -> bool:
    with suppress(Exception):  # as in asked(); what find() meets is another matter
        return source.holds(kid)
    return False


async def _awaited(source: AwaitableKeySource, missing: str | None) -> None:
    with suppress(Exception):
        await source.ready(missing)


async def _awaited_together(
    sources: Iterable[AwaitableKeySource], missing: str | None, enough: Callable[[], bool]
) -> None:
    import asyncio  # whoever awaits has loaded it

    tasks = {asyncio.ensure_future(_awaited(source, missing)) for source in sources}
    try:
        while tasks:
            _, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if enough():
                return
    finally:
        for task in tasks:
            task.cancel()
