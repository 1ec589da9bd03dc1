"""One key in the sets of several issuers: it is each one's, and nobody is shut out by it."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ageassure.errors import (
    AlgorithmError,
    KeySetError,
    KeySetUnavailableError,
    UntrustedIssuerError,
    UntrustedKeyError,
    VerificationError,
)
from ageassure.tokens import JWKSet, PublicJWK, SigningKey, base64url
from ageassure.verifier import JWKSetClient, MemoryReplayStore, TokenVerifier
from ageassure.verifier.jwks import KeySetResponse

from .issuing import AUDIENCE, NONCE, NOW, issued, sets

if TYPE_CHECKING:
    from collections.abc import Callable

VICTIM, EVIL, THIRD = "https://victim.example", "https://evil.example", "https://third.example"
V1, V2, E1, T1, T2 = (SigningKey.generate() for _ in range(5))
ORDERS = list(itertools.permutations([VICTIM, EVIL, THIRD]))


class Host:
    """A key host in memory, and the client of it."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = keys
        self.fetches = 0
        self.down = False
        self.client = JWKSetClient("https://keys.example/jwks.json", fetcher=self)

    def fetch(self, *_: Any, **__: Any) -> KeySetResponse:
        self.fetches += 1
        if self.down:
            raise OSError
        return KeySetResponse(body=json.dumps(sets(*self.keys).to_dict()).encode())

    def publish(self, *keys: SigningKey) -> None:
        self.keys = keys
        self.client.refresh()


class World:
    """A verifier of three issuers, in the order given; the victim's set may be a fixed one."""

    def __init__(self, order: tuple[str, ...], *, fixed: bool = False, ready: bool = False) -> None:
        self.ready = ready
        self.victim, self.evil, self.third = Host(V1, V2), Host(E1), Host(T1)
        issuers: dict[str, Any] = {
            VICTIM: sets(V1, V2) if fixed else self.victim.client,
            EVIL: self.evil.client,
            THIRD: self.third.client,
        }
        self.store = MemoryReplayStore(now=lambda: NOW)
        self.verifier = TokenVerifier(
            issuers={name: issuers[name] for name in order},
            audience=AUDIENCE,
            replay_store=self.store,
            now=lambda: NOW,
        )

    def load(self) -> None:
        """No fetch is under way afterwards, and none was begun to find a name."""
        for host in (self.victim, self.evil, self.third):
            host.client.refresh()

    def verify(self, token: str) -> str:
        expected: dict[str, Any] = {"nonce": NONCE, "age_over": 18}
        if self.ready:
            return asyncio.run(self.verifier.verify_async(token, **expected)).issuer
        return self.verifier.verify(token, **expected).issuer

    def accepts(self, issuer: str, *keys: SigningKey) -> None:
        for key in keys:
            assert self.verify(issued(key, issuer)) == issuer

    def refuses(self, issuer: str, key: SigningKey, error: type[VerificationError]) -> None:
        with pytest.raises(VerificationError) as caught:
            self.verify(issued(key, issuer))
        assert type(caught.value) is error


@pytest.fixture(params=[False, True], ids=["verify", "verify_async"])
def ready(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


EVENTS: dict[str, Callable[[World], None]] = {
    "nothing": lambda world: None,  # noqa: ARG005
    "the victim rotates": lambda world: world.victim.publish(V1, T2),
    "the victim denies another key": lambda world: world.victim.client.deny(V2.kid),
    "the third rotates": lambda world: world.third.publish(T1, T2),
    "the copier rotates": lambda world: world.evil.publish(V1, T2, E1),
    "the copier goes": lambda world: world.evil.publish(E1),
    "the copier's host fails": lambda world: setattr(world.evil, "down", True),
    "the third's host fails": lambda world: setattr(world.third, "down", True),
}


@pytest.mark.parametrize("fixed", [False, True], ids=["moving", "fixed"])
@pytest.mark.parametrize("when", ["loaded before", "copied before", "copied after"])
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(name[8] for name in order))
def test_a_copy_shuts_nobody_out_whatever_happens(
    order: tuple[str, ...], when: str, fixed: bool, ready: bool
) -> None:
    for event in EVENTS.values():
        world = World(order, fixed=fixed, ready=ready)
        if when == "copied before":
            world.evil.keys = (E1, V1, V2)  # before anybody has loaded anything
            world.accepts(EVIL, E1)
        else:
            world.accepts(VICTIM, V1)
            world.accepts(EVIL, E1)
            world.accepts(THIRD, T1)
        if when == "copied after":
            event(world)
        if not world.evil.down:
            world.evil.publish(E1, V1, V2)
        for _ in range(2):
            world.accepts(VICTIM, V1)
            world.accepts(EVIL, E1)
            world.accepts(THIRD, T1)
            world.refuses(VICTIM, E1, UntrustedIssuerError)
            world.refuses(THIRD, V1, UntrustedIssuerError)
            event(world)


def test_a_copier_lets_the_owner_sign_in_its_name_and_has_its_own_replays(ready: bool) -> None:
    world = World((EVIL, VICTIM, THIRD), ready=ready)
    world.evil.keys = (E1, V1)
    theirs, ours = issued(V1, EVIL), issued(V1, VICTIM)
    assert world.verify(theirs) == EVIL
    assert world.verify(ours) == VICTIM
    for again in (theirs, ours):
        with pytest.raises(VerificationError, match="accepted before"):
            world.verify(again)


def test_replay_keys_are_those_of_the_issuer_named() -> None:
    """The copy is found first; what is recorded is the victim's, as without the copy."""
    claimed: list[bytes] = []

    class Store:
        def claim(self, key: bytes, expires_at: int) -> bool:  # noqa: ARG002
            claimed.append(key)
            return True

    made = issued(V1, VICTIM)
    for issuers in ({VICTIM: sets(V1)}, {EVIL: Host(V1).client, VICTIM: Host(V1).client}):
        TokenVerifier(
            issuers=issuers, audience=AUDIENCE, replay_store=Store(), now=lambda: NOW
        ).verify(made, nonce=NONCE, age_over=18)
    assert claimed[0] == claimed[1]


# -- a copy keeps no key alive --------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("how", ["denied", "rotated out", "no set"])
def test_what_an_issuer_has_no_more_is_not_its_key_though_others_have_it(
    order: tuple[str, ...], how: str, ready: bool
) -> None:
    world = World(order, ready=ready)
    world.evil.keys = (E1, V1)
    world.accepts(VICTIM, V1, V2)
    world.accepts(EVIL, E1, V1)
    if how == "denied":
        world.victim.client.deny(V1.kid)
    elif how == "rotated out":
        world.victim.publish(V2)
    else:
        world.victim.client.deny(V1.kid)
        world.victim.client.deny(V2.kid)
    for _ in range(2):
        world.refuses(VICTIM, V1, UntrustedIssuerError)  # step 4 passes: it is a key of another
        world.accepts(EVIL, V1)
    world.evil.publish(E1)
    error = KeySetUnavailableError if how == "no set" else UntrustedKeyError
    world.refuses(VICTIM, V1, error)
    world.refuses(EVIL, V1, error)


def test_a_key_that_the_copier_has_first_is_looked_for_at_its_owner(ready: bool) -> None:
    world = World((EVIL, VICTIM, THIRD), ready=ready)
    world.load()
    world.accepts(VICTIM, V1)
    world.accepts(EVIL, E1)
    fetches = world.victim.fetches
    world.victim.keys = (V1, T2)
    world.evil.publish(E1, T2)
    world.accepts(VICTIM, T2)
    assert world.victim.fetches == fetches + 1
    world.accepts(VICTIM, T2)
    assert world.victim.fetches == fetches + 1


def test_an_owner_never_loaded_is_asked_though_the_copy_is_at_hand(ready: bool) -> None:
    world = World((EVIL, VICTIM, THIRD), ready=ready)
    world.evil.publish(E1, V1)
    assert world.victim.fetches == 0
    world.accepts(VICTIM, V1)


def test_an_issuer_that_signs_in_anothers_name_causes_one_fetch() -> None:
    world = World((EVIL, VICTIM, THIRD))
    world.load()
    world.accepts(VICTIM, V1)
    world.accepts(EVIL, E1)
    before = world.victim.fetches, world.third.fetches
    for _ in range(20):
        world.refuses(VICTIM, E1, UntrustedIssuerError)
    assert (world.victim.fetches, world.third.fetches) == (before[0] + 1, before[1])


def test_an_owner_whose_set_cannot_be_had_is_closed_while_the_copy_is_there(ready: bool) -> None:
    world = World((EVIL, VICTIM, THIRD), ready=ready)
    world.evil.publish(E1, V1)
    world.victim.down = True
    world.refuses(VICTIM, V1, UntrustedIssuerError)
    world.accepts(EVIL, V1)


@pytest.mark.parametrize("keys", [(V1, E1), (E1, V1)])
def test_two_fixed_sets_with_one_key_are_refused(keys: tuple[SigningKey, ...]) -> None:
    with pytest.raises(KeySetError, match="two issuers"):
        TokenVerifier(
            issuers={VICTIM: sets(V1), THIRD: Host(T1).client, EVIL: sets(*keys)},
            audience=AUDIENCE,
            replay_store=MemoryReplayStore(),
            now=lambda: NOW,
        )


def test_a_fixed_key_is_found_without_asking_who_copies_it() -> None:
    world = World((EVIL, VICTIM, THIRD), fixed=True)
    world.evil.publish(E1, V1)
    world.accepts(EVIL, E1)
    world.evil.down = True
    world.evil.client._keeper.held = None
    fetches = world.evil.fetches
    world.accepts(VICTIM, V1)
    asyncio.run(world.verifier.keys_ready(issued(V1, VICTIM)))
    assert world.evil.fetches == fetches


# -- one RSA key for two algorithms ---------------------------------------------------------------

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def rsa_token(alg: str, issuer: str) -> str:
    payload = issued(V1, issuer).split(".")[1]
    kid = PublicJWK.from_key(RSA.public_key(), alg=alg).kid
    header = json.dumps({"typ": "age-result+jwt", "alg": alg, "kid": kid}).encode()
    text = f"{base64url.encode(header)}.{payload}"
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    scheme = pss if alg == "PS256" else padding.PKCS1v15()
    return f"{text}.{base64url.encode(RSA.sign(text.encode(), scheme, hashes.SHA256()))}"


@pytest.mark.parametrize("fixed", [False, True], ids=["moving", "fixed"])
@pytest.mark.parametrize("loaded", [VICTIM, EVIL])
@pytest.mark.parametrize("order", [(VICTIM, EVIL), (EVIL, VICTIM)])
def test_a_copy_for_another_algorithm_shuts_nobody_out(
    order: tuple[str, ...], loaded: str, fixed: bool
) -> None:
    algs = {VICTIM: "PS256", EVIL: "RS256"}

    class Source:
        def __init__(self, alg: str) -> None:
            self.keys: JWKSet | None = None
            self.own = JWKSet(keys=(PublicJWK.from_key(RSA.public_key(), alg=alg),))

        def key_set(self, missing: str | None = None) -> JWKSet:
            if missing is not None:
                self.keys = self.own
            return self.keys  # type: ignore[return-value]

    issuers: dict[str, Any] = {name: Source(algs[name]) for name in order}
    if fixed:
        issuers[VICTIM] = issuers[VICTIM].own
    verifier = TokenVerifier(
        issuers=issuers,
        audience=AUDIENCE,
        replay_store=MemoryReplayStore(now=lambda: NOW),
        now=lambda: NOW,
    )

    def verify(alg: str, issuer: str) -> str:
        return verifier.verify(rsa_token(alg, issuer), nonce=NONCE, age_over=18).issuer

    assert verify(algs[loaded], loaded) == loaded
    for _ in range(2):
        assert verify("PS256", VICTIM) == VICTIM
        assert verify("RS256", EVIL) == EVIL
        for alg, issuer in (("RS256", VICTIM), ("PS256", EVIL)):
            with pytest.raises(UntrustedIssuerError):
                verify(alg, issuer)


@pytest.mark.parametrize("fixed", [False, True], ids=["moving", "fixed"])
@pytest.mark.parametrize("alg", ["PS256", "ES256"])
def test_an_algorithm_that_no_set_has_the_key_for_is_refused(alg: str, fixed: bool) -> None:
    own = JWKSet(keys=(PublicJWK.from_key(RSA.public_key(), alg="RS256"),))

    class Source:
        def key_set(self, _missing: str | None = None) -> JWKSet:
            return own

    verifier = TokenVerifier(
        issuers={VICTIM: own if fixed else Source(), EVIL: Host().client},
        audience=AUDIENCE,
        replay_store=MemoryReplayStore(now=lambda: NOW),
        now=lambda: NOW,
    )
    good = rsa_token("RS256", VICTIM)
    head = {"typ": "age-result+jwt", "alg": alg, "kid": own.keys[0].kid}
    bad = ".".join([base64url.encode(json.dumps(head).encode()), *good.split(".")[1:]])
    for _ in range(2):
        with pytest.raises(AlgorithmError):
            verifier.verify(bad, nonce=NONCE, age_over=18)
        assert verifier.verify(good, nonce=NONCE, age_over=18).issuer == VICTIM
        good = rsa_token("RS256", VICTIM)
