"""All keys that tokens may be signed with, by name, in step with the sources they come from."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, cast, final

from ageassure.errors import (
    ConfigurationError,
    KeySetError,
    KeySetUnavailableError,
    UntrustedIssuerError,
    UntrustedKeyError,
)
from ageassure.results import THUMBPRINT_PATTERN
from ageassure.tokens.claims import checked_issuer, token_header
from ageassure.tokens.jws import encode_header, parse_header
from ageassure.tokens.keys import JWKSet, PublicJWK
from ageassure.verifier.replay import replay_prefix

if TYPE_CHECKING:
    from ageassure.verifier.jwks.source import AwaitableKeySource, KeySource

_UNKNOWN: Final = "got a kid that no pinned key has"
_RSA_ALGORITHMS: Final = ("PS256", "RS256")


class PinnedKey(NamedTuple):
    """A key in one issuer's set, the constant part of its tokens' replay keys, and the source."""

    issuer: str
    key: PublicJWK
    prefix: bytes
    key_set: JWKSet
    source: KeySource | None


class _Pin(NamedTuple):
    """An issuer with its source, or None and its fixed set."""

    issuer: str
    prefix: bytes
    source: KeySource | None = None
    awaitable: AwaitableKeySource | None = None  # the same source, if it is one
    fixed: JWKSet | None = None


class _Table(NamedTuple):
    """Never changed, replaced whole: no thread sees half of a change."""

    keys: dict[str, PinnedKey]  # of each name the first issuer's, fixed sets before the others
    headers: dict[bytes, Mapping[str, object]]
    sets: tuple[JWKSet | None, ...]  # of each pin, None for what cannot be had or must not be used


@final
class PinnedKeys:
    """Finds the key that a token names. Safe for threads; holds no lock.

    A ``kid`` is the thumbprint of its key: the same name in two issuers' sets is the same key. It
    belongs to each of them, for as long as that issuer's own set holds it, so that nobody can shut
    another out by publishing the other's keys.

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
        self._pins = tuple(_pin(issuer, keys, audience) for issuer, keys in given.items())
        self._places = {pin.issuer: place for place, pin in enumerate(self._pins)}
        self._moving = any(pin.source is not None for pin in self._pins)
        fixed = tuple(pin.fixed for pin in self._pins)
        self._table = _made_table(self._pins, fixed)
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
        if found is not None and not _are_two_rsa(found.key.alg, alg):
            source = found.source
            if source is None or _current(source, None, found.key_set) is found.key_set:
                return found
        # Any other kid than a thumbprint is in no set that was let in.
        if not THUMBPRINT_PATTERN.fullmatch(kid):
            raise UntrustedKeyError(_UNKNOWN)
        return self._looked_for(kid, alg)

    def of_issuer(self, issuer: str, key: PublicJWK) -> PinnedKey:
        """The same key as ``issuer`` has it, if its set holds it now, too.

        For a token that is signed with ``key`` and names another issuer than the one it was found
        with. The issuer's source is asked for it as for any key: that another published it earlier
        takes nothing away.

        Raises:
            UntrustedIssuerError: If it is no issuer whose set can be had and holds the key.
        """
        place = self._places.get(issuer)
        if place is not None:
            for missing in (None, key.kid):
                entry = self._asked(place, missing, key.kid)
                if entry is not None and not _are_two_rsa(entry.key.alg, key.alg):
                    return entry
        raise UntrustedIssuerError("got an iss that is not an issuer whose key set holds the key")

    def _looked_for(self, kid: str, alg: object) -> PinnedKey:
        """Ask the sources, the ones that need not fetch first, until one has it."""
        sets = self._table.sets
        warm = [place for place, key_set in enumerate(sets) if key_set is not None]
        cold = [place for place, key_set in enumerate(sets) if key_set is None]
        questions = [(place, None) for place in warm] + [(place, kid) for place in cold + warm]
        for_another: PinnedKey | None = None
        for place, missing in questions:
            entry = self._asked(place, missing, kid)
            if entry is not None and not _are_two_rsa(entry.key.alg, alg):
                return entry
            for_another = entry or for_another
        if for_another is not None:
            return for_another
        if any(key_set is None for key_set in self._table.sets):
            raise KeySetUnavailableError("got a kid that may be in a key set that cannot be had")
        raise UntrustedKeyError(_UNKNOWN)

    def _asked(self, place: int, missing: str | None, kid: str) -> PinnedKey | None:
        """The key as the issuer's set holds it now; what has changed goes into the table."""
        pin, before = self._pins[place], self._table.sets
        key_set = pin.fixed
        if pin.source is not None:
            key_set = _current(pin.source, missing, before[place])
            if key_set is not before[place]:
                sets = (*before[:place], key_set, *before[place + 1 :])
                self._table = _made_table(self._pins, sets)
        key = None if key_set is None else key_set.get(kid)
        if key_set is None or key is None:
            return None
        return PinnedKey(pin.issuer, key, pin.prefix, key_set, pin.source)

    async def ready(self, kid: object) -> None:
        """Wait, without blocking the event loop, for the fetches that :meth:`find` would wait for.

        A source that cannot be awaited is left to :meth:`find`.
        """
        if not self._moving or not isinstance(kid, str) or not THUMBPRINT_PATTERN.fullmatch(kid):
            return
        found = self._table.keys.get(kid)
        if found is not None and found.source is None:
            return
        sources = [pin.awaitable for pin in self._pins if pin.awaitable is not None]
        for source in sources:
            if _holds(source, kid):
                await _awaited(source, None)
                return
        for source in sources:
            await _awaited(source, kid)
            if _holds(source, kid):
                return


def _pin(issuer: str, keys: object, audience: str) -> _Pin:
    prefix = replay_prefix(checked_issuer(issuer), audience)
    if isinstance(keys, JWKSet):
        if not _is_of_thumbprints(keys):
            raise KeySetError("got a kid that is not the thumbprint of its key")
        return _Pin(issuer, prefix, fixed=keys)
    if not callable(getattr(keys, "key_set", None)):
        raise ConfigurationError("got an issuer without a JWKSet or a key source")
    source, awaitable = cast("KeySource", keys), None
    if callable(getattr(keys, "ready", None)) and callable(getattr(keys, "holds", None)):
        awaitable = cast("AwaitableKeySource", keys)
    return _Pin(issuer, prefix, source=source, awaitable=awaitable)


def _current(source: KeySource, missing: str | None, before: JWKSet | None) -> JWKSet | None:
    """A source's set, or None if it has none that may be used.

    A set in which a key has a name of its own is not used at all; the one from before was checked.
    """
    key_set: object = None
    with suppress(Exception):  # a source may raise anything: then it has no set
        key_set = source.key_set(missing)
    if key_set is before:
        return before
    return key_set if isinstance(key_set, JWKSet) and _is_of_thumbprints(key_set) else None


def _is_of_thumbprints(key_set: JWKSet) -> bool:
    return all(key.kid == key.thumbprint for key in key_set)


def _are_two_rsa(one: object, other: object) -> bool:
    """Can they be the algorithms of one key in two sets? No other type of key is for several."""
    return one != other and one in _RSA_ALGORITHMS and other in _RSA_ALGORITHMS


def _holds(source: AwaitableKeySource, kid: str) -> bool:
    with suppress(Exception):  # as in _current; what find() meets is another matter
        return source.holds(kid)
    return False


async def _awaited(source: AwaitableKeySource, missing: str | None) -> None:
    with suppress(Exception):
        await source.ready(missing)


def _made_table(pins: tuple[_Pin, ...], sets: tuple[JWKSet | None, ...]) -> _Table:
    keys: dict[str, PinnedKey] = {}
    for pin, key_set in sorted(zip(pins, sets, strict=True), key=lambda one: one[0].fixed is None):
        for key in key_set or ():
            keys.setdefault(
                key.kid, PinnedKey(pin.issuer, key, pin.prefix, cast("JWKSet", key_set), pin.source)
            )
    return _Table(keys=keys, headers=_usual_headers(keys), sets=sets)


def _usual_headers(keys: Mapping[str, PinnedKey]) -> dict[bytes, Mapping[str, object]]:
    headers = (token_header(alg=entry.key.alg, kid=kid) for kid, entry in keys.items())
    return {segment: parse_header(segment) for segment in map(encode_header, headers)}
