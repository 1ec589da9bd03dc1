"""All keys that tokens may be signed with, by name, in step with the sources they come from."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, cast, final

from ageassure.errors import (
    ConfigurationError,
    KeySetError,
    KeySetUnavailableError,
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


class PinnedKey(NamedTuple):
    """A key, whose it is, the constant part of its tokens' replay keys, and where it is from."""

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

    keys: dict[str, PinnedKey]
    headers: dict[bytes, Mapping[str, object]]
    sets: tuple[JWKSet | None, ...]  # of each pin, None for what cannot be had
    lacks_some: bool  # whether a set could not be had, or was kept out


@final
class PinnedKeys:
    """Finds the key that a token names. Safe for threads; holds no lock.

    Args:
        issuers: Key set or source by issuer.
        audience: The relying party's name.

    Raises:
        ConfigurationError: If there are no issuers, or one is ill-formed.
        KeySetError: If in a fixed set a ``kid`` is no thumbprint, or belongs to two issuers.
    """

    __slots__ = ("_moving", "_pins", "_table")

    def __init__(self, issuers: Mapping[str, JWKSet | KeySource], audience: str) -> None:
        given: object = issuers
        if not isinstance(given, Mapping) or not given:
            raise ConfigurationError("got no issuers, expected at least one with its key set")
        self._pins = tuple(_pin(issuer, keys, audience) for issuer, keys in given.items())
        self._moving = any(pin.source is not None for pin in self._pins)
        fixed = tuple(pin.fixed for pin in self._pins)
        self._table = _made_table(self._pins, fixed, before=fixed)
        if len(self._table.keys) != sum(len(key_set) for key_set in fixed if key_set is not None):
            raise KeySetError("got one key in the sets of two issuers")

    @property
    def headers(self) -> Mapping[bytes, Mapping[str, object]]:
        """The headers as our issuer writes them, already read: the same in every token of a key."""
        return self._table.headers

    def find(self, kid: object) -> PinnedKey:
        """The key named ``kid``, if its issuer's set holds it now.

        Args:
            kid: What the token's header says, of any type.

        Raises:
            UntrustedKeyError: If no set holds it.
            KeySetUnavailableError: If the set that may hold it cannot be had.
        """
        if not isinstance(kid, str):
            raise UntrustedKeyError(_UNKNOWN)
        found = self._table.keys.get(kid)
        if found is not None and found.source is None:
            return found
        return self._find_now(kid, found)

    def _find_now(self, kid: str, found: PinnedKey | None) -> PinnedKey:
        if found is not None and _current(found.source, None) is found.key_set:
            return found
        # Any other kid than a thumbprint is in no set that was let in.
        if not self._moving or not THUMBPRINT_PATTERN.fullmatch(kid):
            raise UntrustedKeyError(_UNKNOWN)
        return self._looked_for(kid)

    def _looked_for(self, kid: str) -> PinnedKey:
        """Ask the sources, the ones that need not fetch first, until one has it."""
        sets = list(self._table.sets)
        moving = [place for place, pin in enumerate(self._pins) if pin.source is not None]
        warm = [place for place in moving if sets[place] is not None]
        cold = [place for place in moving if sets[place] is None]
        questions = [(place, None) for place in warm] + [(place, kid) for place in cold + warm]
        for place, missing in questions:
            pin = self._pins[place]
            sets[place] = _current(pin.source, missing)
            found = self._renewed(tuple(sets)).keys.get(kid)
            if found is not None and found.issuer == pin.issuer:
                return found
        if self._table.lacks_some:
            raise KeySetUnavailableError("got a kid that may be in a key set that cannot be had")
        raise UntrustedKeyError(_UNKNOWN)

    def _renewed(self, sets: tuple[JWKSet | None, ...]) -> _Table:
        before = self._table
        if all(new is old for new, old in zip(sets, before.sets, strict=True)):
            return before
        self._table = table = _made_table(self._pins, sets, before.sets)
        return table

    async def ready(self, kid: object) -> None:
        """Wait, without blocking the event loop, for the fetches that :meth:`find` would wait for.

        A source that cannot be awaited is left to :meth:`find`.
        """
        if not self._moving or not isinstance(kid, str) or not THUMBPRINT_PATTERN.fullmatch(kid):
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
        if any(key.kid != key.thumbprint for key in keys):
            raise KeySetError("got a kid that is not the thumbprint of its key")
        return _Pin(issuer, prefix, fixed=keys)
    if not callable(getattr(keys, "key_set", None)):
        raise ConfigurationError("got an issuer without a JWKSet or a key source")
    source, awaitable = cast("KeySource", keys), None
    if callable(getattr(keys, "ready", None)) and callable(getattr(keys, "holds", None)):
        awaitable = cast("AwaitableKeySource", keys)
    return _Pin(issuer, prefix, source=source, awaitable=awaitable)


def _current(source: KeySource | None, missing: str | None) -> JWKSet | None:
    """A source's set, or None if it has none that may be used."""
    if source is None:
        return None
    key_set: object = None
    with suppress(Exception):  # a source may raise anything: then it has no set
        key_set = source.key_set(missing)
    return key_set if isinstance(key_set, JWKSet) else None


def _holds(source: AwaitableKeySource, kid: str) -> bool:
    with suppress(Exception):  # as in _current; what find() meets is another matter
        return source.holds(kid)
    return False


async def _awaited(source: AwaitableKeySource, missing: str | None) -> None:
    with suppress(Exception):
        await source.ready(missing)


def _made_table(
    pins: tuple[_Pin, ...], sets: tuple[JWKSet | None, ...], before: tuple[JWKSet | None, ...]
) -> _Table:
    """Let the sets in, those first that were in before: a new one cannot push an old one out.

    A set with a key that is in another issuer's, or that has a name of its own, stays out as a
    whole.
    """
    keys: dict[str, PinnedKey] = {}
    lacks_some = False
    places = range(len(pins))
    for place in sorted(places, key=lambda place: sets[place] is not before[place]):
        key_set, pin = sets[place], pins[place]
        if key_set is None or any(key.kid in keys or key.kid != key.thumbprint for key in key_set):
            lacks_some = True
            continue
        for key in key_set:
            keys[key.kid] = PinnedKey(pin.issuer, key, pin.prefix, key_set, pin.source)
    return _Table(keys=keys, headers=_usual_headers(keys), sets=sets, lacks_some=lacks_some)


def _usual_headers(keys: Mapping[str, PinnedKey]) -> dict[bytes, Mapping[str, object]]:
    headers = (token_header(alg=entry.key.alg, kid=kid) for kid, entry in keys.items())
    return {segment: parse_header(segment) for segment in map(encode_header, headers)}
