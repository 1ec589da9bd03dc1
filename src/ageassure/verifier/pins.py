"""What is pinned: issuers with their sets or sources, and the keys that these hold by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from ageassure.errors import ConfigurationError, KeySetError
from ageassure.tokens.claims import checked_issuer, token_header
from ageassure.tokens.jws import encode_header, parse_header
from ageassure.tokens.keys import JWKSet, PublicJWK
from ageassure.verifier.replay import replay_prefix

if TYPE_CHECKING:
    from ageassure.verifier.jwks.client import JWKSetClient
    from ageassure.verifier.jwks.source import AwaitableKeySource, KeySource

AtHand: TypeAlias = Callable[[], JWKSet | None]

_RSA_ALGORITHMS: Final = ("PS256", "RS256")


class PinnedKey(NamedTuple):
    """A key in one issuer's set, the constant part of its tokens' replay keys, and the source."""

    issuer: str
    key: PublicJWK
    prefix: bytes
    key_set: JWKSet
    at_hand: AtHand | None  # the set that its source has now; None for a fixed set
    until: float | None = None  # when waiting for fetches is over, if it was begun; monotonic


class Pin(NamedTuple):
    """An issuer with its source, or None and its fixed set."""

    issuer: str
    prefix: bytes
    source: KeySource | None = None
    awaitable: AwaitableKeySource | None = None  # the same source, if it is one
    client: JWKSetClient | None = None  # the same source, if it is one
    fixed: JWKSet | None = None

    @property
    def at_hand(self) -> AtHand | None:
        """How the source is asked for its set in the usual case: a client makes nobody wait."""
        if self.client is not None:
            return self.client.at_hand
        return None if self.source is None else partial(self.source.key_set, None)

    def found(self, key_set: JWKSet, key: PublicJWK) -> PinnedKey:
        """A key of the set that the issuer has now."""
        return PinnedKey(self.issuer, key, self.prefix, key_set, self.at_hand)


class Table(NamedTuple):
    """Never changed, replaced whole: no thread sees half of a change."""

    keys: dict[str, PinnedKey]  # of each name the first issuer's, fixed sets before the others
    headers: dict[bytes, Mapping[str, object]]
    sets: tuple[JWKSet | None, ...]  # of each pin, None for what cannot be had or must not be used


def checked_pin(issuer: str, keys: object, audience: str) -> Pin:
    """An issuer as it was given.

    Raises:
        ConfigurationError: If issuer or audience is ill-formed, or there is no set and no source.
        KeySetError: If in a fixed set a ``kid`` is no thumbprint.
    """
    prefix = replay_prefix(checked_issuer(issuer), audience)
    if isinstance(keys, JWKSet):
        if not _is_of_thumbprints(keys):
            raise KeySetError("got a kid that is not the thumbprint of its key")
        return Pin(issuer, prefix, fixed=keys)
    if not callable(getattr(keys, "key_set", None)):
        raise ConfigurationError("got an issuer without a JWKSet or a key source")
    from ageassure.verifier.jwks.client import JWKSetClient  # fixed sets need neither TLS nor HTTP

    source, awaitable = cast("KeySource", keys), None
    if callable(getattr(keys, "ready", None)) and callable(getattr(keys, "holds", None)):
        awaitable = cast("AwaitableKeySource", keys)
    client = keys if isinstance(keys, JWKSetClient) else None
    return Pin(issuer, prefix, source=source, awaitable=awaitable, client=client)


def made_table(pins: tuple[Pin, ...], sets: tuple[JWKSet | None, ...]) -> Table:
    """All keys of these sets, one for each pin."""
    keys: dict[str, PinnedKey] = {}
    for pin, key_set in sorted(zip(pins, sets, strict=True), key=lambda one: one[0].fixed is None):
        if key_set is not None:
            for key in key_set:
                keys.setdefault(key.kid, pin.found(key_set, key))
    headers = (token_header(alg=entry.key.alg, kid=kid) for kid, entry in keys.items())
    segments = {segment: parse_header(segment) for segment in map(encode_header, headers)}
    return Table(keys=keys, headers=segments, sets=sets)


def asked(question: AtHand, before: JWKSet | None) -> JWKSet | None:
    """A source's set, or None if it has none that may be used.

    A set in which a key has a name of its own is not used at all; the one from before was checked.
    """
    key_set: object = None
    with suppress(Exception):  # a source may raise anything: then it has no set
        key_set = question()
    if key_set is before:
        return before
    return key_set if isinstance(key_set, JWKSet) and _is_of_thumbprints(key_set) else None


def are_two_rsa(one: object, other: object) -> bool:
    """Can they be the algorithms of one key in two sets? No other type of key is for several."""
    return one != other and one in _RSA_ALGORITHMS and other in _RSA_ALGORITHMS


def _is_of_thumbprints(key_set: JWKSet) -> bool:
    return all(key.kid == key.thumbprint for key in key_set)
