"""Key sources behind the verifier: what they can and cannot do to it."""

from __future__ import annotations

import asyncio
import json
import threading
import traceback
from typing import Any

import pytest

from ageassure.errors import (
    ConfigurationError,
    KeySetError,
    KeySetUnavailableError,
    UntrustedIssuerError,
    UntrustedKeyError,
    VerificationError,
)
from ageassure.tokens import JWKSet, PublicJWK, SigningKey
from ageassure.verifier import JWKSetClient, MemoryReplayStore, TokenVerifier
from ageassure.verifier.jwks import KeySetResponse

from .issuing import AUDIENCE, NONCE, NOW, issued, sets

ISSUER, OTHER_ISSUER = "https://age.example", "https://other.example"
KEY, NEW, OTHER_KEY, STRANGER = (SigningKey.generate() for _ in range(4))


class Source:
    """Gives what the test has put into it, and keeps what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[str | None] = []

    def key_set(self, missing: str | None = None) -> JWKSet:
        self.asked.append(missing)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]


def verifier(**issuers: Any) -> TokenVerifier:
    names = {"issuer": ISSUER, "other": OTHER_ISSUER}
    return TokenVerifier(
        issuers={names[name]: keys for name, keys in issuers.items()},
        audience=AUDIENCE,
        replay_store=MemoryReplayStore(now=lambda: NOW),
        now=lambda: NOW,
    )


def token(key: SigningKey, issuer: str = ISSUER) -> str:
    return issued(key, issuer)


def accepted(made: TokenVerifier, key: SigningKey, issuer: str = ISSUER) -> bool:
    verified = made.verify(token(key, issuer), nonce=NONCE, age_over=18)
    return verified.issuer == issuer


def refused(
    made: TokenVerifier, key: SigningKey, error: type[Exception], issuer: str = ISSUER
) -> None:
    with pytest.raises(error) as caught:
        made.verify(token(key, issuer), nonce=NONCE, age_over=18)
    assert type(caught.value) is error


# -- a source that has nothing good ---------------------------------------------------------------

JUNK: list[Any] = [
    KeySetUnavailableError("down"),
    OSError("down"),
    RuntimeError(),
    None,
    {"keys": []},
    sets(KEY).to_dict(),
    JWKSet(keys=(PublicJWK.from_dict(KEY.public.to_dict() | {"kid": "mine"}),)),
    JWKSet(keys=(PublicJWK.from_dict(KEY.public.to_dict() | {"kid": NEW.kid}),)),
]


@pytest.mark.parametrize("answer", JUNK, ids=repr)
def test_a_source_without_a_good_set_closes_its_own_door_alone(answer: Any) -> None:
    made = verifier(issuer=Source(answer), other=sets(OTHER_KEY))
    refused(made, KEY, KeySetUnavailableError)
    refused(made, STRANGER, KeySetUnavailableError)
    assert accepted(made, OTHER_KEY, OTHER_ISSUER)


@pytest.mark.parametrize("answer", JUNK, ids=repr)
def test_a_source_that_goes_bad_closes_its_door(answer: Any) -> None:
    source = Source(sets(KEY))
    made = verifier(issuer=source)
    assert accepted(made, KEY)
    source.answer = answer
    refused(made, KEY, KeySetUnavailableError)
    source.answer = sets(KEY)
    assert accepted(made, KEY)


@pytest.mark.parametrize("junk", [None, {}, [], "x", object()])
def test_what_is_no_source_is_refused(junk: Any) -> None:
    with pytest.raises(ConfigurationError, match="key source"):
        verifier(issuer=junk)


def test_making_a_verifier_asks_nobody() -> None:
    source = Source(sets(KEY))
    verifier(issuer=source)
    assert source.asked == []


# -- whose key it is ------------------------------------------------------------------------------


def test_a_source_cannot_speak_for_another_issuer() -> None:
    made = verifier(issuer=Source(sets(KEY)), other=Source(sets(OTHER_KEY)))
    refused(made, KEY, UntrustedIssuerError, OTHER_ISSUER)
    refused(made, OTHER_KEY, UntrustedIssuerError, ISSUER)


# -- rotation -------------------------------------------------------------------------------------


def test_a_new_key_is_asked_for_by_name_and_an_old_one_goes_with_its_set() -> None:
    class Client(Source):
        def key_set(self, missing: str | None = None) -> JWKSet:
            if missing == NEW.kid:
                self.answer = sets(KEY, NEW)
            return super().key_set(missing)

    source = Client(sets(KEY))
    made = verifier(issuer=source)
    assert accepted(made, KEY)
    assert accepted(made, NEW)
    assert accepted(made, KEY)
    source.answer = sets(NEW)
    refused(made, KEY, UntrustedKeyError)
    assert accepted(made, NEW)


@pytest.mark.parametrize("change", [sets(NEW), OSError()])
def test_a_withdrawn_key_is_not_found_again_by_asking_others(change: Any) -> None:
    first, second = Source(sets(KEY)), Source(sets(OTHER_KEY))
    made = verifier(issuer=first, other=second)
    assert accepted(made, KEY)
    assert accepted(made, OTHER_KEY, OTHER_ISSUER)
    second.answer = change
    with pytest.raises((UntrustedKeyError, KeySetUnavailableError)):
        accepted(made, OTHER_KEY, OTHER_ISSUER)
    assert accepted(made, KEY)


def test_one_issuers_rotation_makes_no_other_look_for_it() -> None:
    first, second = Source(sets(KEY)), Source(sets(OTHER_KEY))
    made = verifier(issuer=first, other=second)
    assert accepted(made, KEY)
    assert accepted(made, OTHER_KEY, OTHER_ISSUER)
    first.asked.clear()
    second.answer = sets(OTHER_KEY, NEW)  # renewed in the background
    assert accepted(made, OTHER_KEY, OTHER_ISSUER)
    assert accepted(made, NEW, OTHER_ISSUER)
    assert set(first.asked) <= {None}


def test_while_nothing_changes_the_key_s_own_source_alone_is_asked() -> None:
    first, second = Source(sets(KEY)), Source(sets(OTHER_KEY))
    made = verifier(issuer=first, other=second)
    assert accepted(made, KEY)
    assert accepted(made, OTHER_KEY, OTHER_ISSUER)
    first.asked.clear()
    second.asked.clear()
    assert accepted(made, OTHER_KEY, OTHER_ISSUER)
    assert (first.asked, second.asked) == ([], [None])


@pytest.mark.parametrize("kid", [None, 1, [], "", "x" * 42, "x" * 44, "x" * 42 + "=", "x" * 9999])
def test_a_name_that_can_be_no_thumbprint_reaches_no_source(kid: Any) -> None:
    source = Source(sets(KEY))
    made = verifier(issuer=source)
    with pytest.raises(UntrustedKeyError):
        made._pinned.find(kid, "ES256")
    assert source.asked == []


def test_headers_read_before_follow_the_sets() -> None:
    source = Source(sets(KEY))
    made = verifier(issuer=source)
    assert len(made._pinned.headers) == 0
    assert accepted(made, KEY)
    assert len(made._pinned.headers) == 1
    source.answer = sets(KEY, NEW)
    assert accepted(made, KEY)
    assert len(made._pinned.headers) == 2


def test_a_denied_key_is_refused_from_the_next_token_on() -> None:
    fetcher = Fetcher()
    client = JWKSetClient("https://age.example/jwks.json", fetcher=fetcher)
    made = verifier(issuer=client)
    assert accepted(made, KEY)
    client.deny(KEY.kid)
    refused(made, KEY, UntrustedKeyError)
    assert accepted(made, NEW)
    client.deny(NEW.kid)
    refused(made, NEW, KeySetUnavailableError)
    assert fetcher.fetches == 1


# -- async ----------------------------------------------------------------------------------------


class Fetcher:
    """Gives both keys, when it is let."""

    def __init__(self) -> None:
        self.fetches = 0
        self.keys = sets(KEY, NEW)
        self.let_go = threading.Event()
        self.let_go.set()

    def fetch(self, *_: Any, **__: Any) -> KeySetResponse:
        self.fetches += 1
        self.let_go.wait(10)
        return KeySetResponse(body=json.dumps(self.keys.to_dict()).encode())


def test_async_refuses_what_verify_refuses() -> None:
    async def scenario(made: TokenVerifier) -> None:
        good = token(KEY)
        with pytest.raises(ConfigurationError):
            await made.verify_async("x", nonce="", age_over=18)
        for bad in ("x", "", None, token(STRANGER), good[:-1]):
            with pytest.raises(VerificationError) as caught:
                await made.verify_async(bad, nonce=NONCE, age_over=18)  # type: ignore[arg-type]
            assert caught.value.__cause__ is None
            assert caught.value.__context__ is None
            for frame, _ in traceback.walk_tb(caught.value.__traceback__):
                own = frame.f_code.co_filename.endswith("verifier.py")
                assert not own or (bad or "no token") not in map(str, frame.f_locals.values())
        with pytest.raises(VerificationError):
            await made.verify_async(good, nonce="m" * 43, age_over=18)
        assert (await made.verify_async(good, nonce=NONCE, age_over=18)).age_over == 18
        with pytest.raises(VerificationError, match="accepted before"):
            await made.verify_async(good, nonce=NONCE, age_over=18)

    asyncio.run(scenario(verifier(issuer=sets(KEY))))
    client = JWKSetClient("https://age.example/jwks.json", fetcher=Fetcher())
    asyncio.run(scenario(verifier(issuer=client, other=Source(sets(OTHER_KEY)))))


@pytest.mark.parametrize("broken", ["holds", "ready"])
def test_a_source_that_cannot_be_awaited_after_all_closes_no_door(broken: str) -> None:
    class Awaitable(Source):
        def holds(self, kid: str) -> bool:
            if broken == "holds":
                raise ZeroDivisionError
            return kid == NEW.kid

        async def ready(self, _missing: str | None = None) -> None:
            raise ZeroDivisionError

    made = verifier(other=Awaitable(sets(OTHER_KEY)), issuer=Awaitable(sets(KEY, NEW)))
    for key in (KEY, NEW):
        asyncio.run(made.verify_async(token(key), nonce=NONCE, age_over=18))


def test_a_slow_key_host_does_not_block_the_loop_nor_any_thread() -> None:
    fetcher = Fetcher()
    fetcher.let_go.clear()
    client = JWKSetClient("https://age.example/jwks.json", fetcher=fetcher)
    made = verifier(issuer=client)

    async def scenario() -> list[Any]:
        tasks = [
            asyncio.create_task(made.verify_async(token(key), nonce=NONCE, age_over=18))
            for key in [KEY, NEW] * 50
        ]
        await asyncio.sleep(0.05)
        # The threads of the loop's own pool are free, though a hundred tokens wait.
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 5) == "free"
        assert not any(task.done() for task in tasks)
        fetcher.let_go.set()
        return await asyncio.gather(*tasks)

    assert len(asyncio.run(scenario())) == 100
    assert fetcher.fetches == 1


def test_async_one_issuers_rotation_makes_no_other_look_for_it() -> None:
    first = Fetcher()
    one = JWKSetClient("https://age.example/jwks.json", fetcher=first)
    second = Fetcher()
    second.keys = sets(OTHER_KEY)
    two = JWKSetClient("https://other.example/jwks.json", fetcher=second)
    made = verifier(issuer=one, other=two)

    async def accepted_async(key: SigningKey) -> None:
        await made.verify_async(token(key, OTHER_ISSUER), nonce=NONCE, age_over=18)

    async def scenario() -> None:
        await accepted_async(OTHER_KEY)
        one.refresh()
        before = first.fetches
        second.keys = sets(OTHER_KEY, STRANGER)
        two.refresh()  # as in the background: the verifier has not seen it yet
        await accepted_async(STRANGER)
        assert first.fetches == before

    asyncio.run(scenario())


class Awaitable(Source):
    """Keeps what was waited for, and has the keys in hand from the first time on."""

    def __init__(self, answer: Any, *, in_hand: bool = False) -> None:
        super().__init__(answer)
        self.in_hand = in_hand
        self.waited: list[str | None] = []

    def holds(self, kid: str) -> bool:
        return self.in_hand and self.answer.get(kid) is not None

    async def ready(self, missing: str | None = None) -> None:
        self.waited.append(missing)
        self.in_hand = True


@pytest.mark.parametrize("kid", [None, 1, [], "", "x" * 42, "x" * 44, "x" * 42 + "=", "x" * 9999])
def test_async_a_name_that_can_be_no_thumbprint_makes_nobody_wait(kid: Any) -> None:
    source = Awaitable(sets(KEY))
    asyncio.run(verifier(issuer=source)._pinned.ready(kid))
    assert source.waited == []


def test_async_who_has_the_key_in_hand_is_waited_for_alone() -> None:
    first, second = Awaitable(sets(KEY)), Awaitable(sets(OTHER_KEY), in_hand=True)
    asyncio.run(verifier(issuer=first, other=second)._pinned.ready(OTHER_KEY.kid))
    assert (first.waited, second.waited) == ([], [None])


@pytest.mark.parametrize("slow_first", [False, True])
def test_async_all_are_waited_for_together_until_one_has_the_key(slow_first: bool) -> None:
    class Slow(Awaitable):
        async def ready(self, missing: str | None = None) -> None:
            self.waited.append(missing)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended.append("slow")
                raise

    ended: list[str] = []
    slow, quick = Slow(sets(OTHER_KEY)), Awaitable(sets(KEY))
    issuers = {"other": slow, "issuer": quick} if slow_first else {"issuer": quick, "other": slow}
    pinned = verifier(**issuers)._pinned

    async def scenario() -> None:
        await asyncio.wait_for(pinned.ready(KEY.kid), 10)
        assert (slow.waited, quick.waited) == ([KEY.kid], [KEY.kid])
        await asyncio.sleep(0.01)
        assert ended == ["slow"]
        slow.in_hand, slow.answer = True, sets(KEY)  # of two that have it the quicker one will do
        await asyncio.wait_for(pinned.ready(KEY.kid), 10)
        assert (slow.waited[1:], quick.waited[1:]) == ([None], [None])

    asyncio.run(scenario())


def test_async_who_answers_first_without_the_key_ends_no_waiting() -> None:
    class Slow(Awaitable):
        async def ready(self, missing: str | None = None) -> None:
            await asyncio.sleep(0.05)
            await super().ready(missing)

    quick, slow = Awaitable(sets(OTHER_KEY)), Slow(sets(KEY))
    asyncio.run(verifier(other=quick, issuer=slow)._pinned.ready(KEY.kid))
    assert (quick.waited, slow.waited) == ([KEY.kid], [KEY.kid])


def test_async_a_key_that_was_found_before_is_waited_for_again() -> None:
    source = Awaitable(sets(KEY), in_hand=True)
    pinned = verifier(issuer=source)._pinned
    assert pinned.find(KEY.kid, "ES256").issuer == ISSUER
    asyncio.run(pinned.ready(KEY.kid))
    assert source.waited == [None]


@pytest.mark.parametrize("fixed_first", [False, True])
def test_a_fixed_set_s_key_is_found_there_whoever_else_publishes_it(fixed_first: bool) -> None:
    copier = Source(sets(KEY, OTHER_KEY))
    issuers = {"issuer": sets(KEY), "other": copier}
    pinned = verifier(**issuers if fixed_first else dict(reversed(issuers.items())))._pinned
    assert pinned.find(OTHER_KEY.kid, "ES256").issuer == OTHER_ISSUER
    asked = list(copier.asked)
    assert pinned.find(KEY.kid, "ES256").issuer == ISSUER
    assert copier.asked == asked


@pytest.mark.parametrize("only", ["holds", "ready"])
def test_async_what_has_but_half_of_waiting_is_not_waited_for(only: str) -> None:
    half, whole = Source(sets(KEY)), Awaitable(sets(OTHER_KEY))
    model = Awaitable(sets(KEY, OTHER_KEY), in_hand=True)
    setattr(half, only, getattr(model, only))
    asyncio.run(verifier(issuer=half, other=whole)._pinned.ready(OTHER_KEY.kid))
    assert (model.waited, whole.waited) == ([], [OTHER_KEY.kid])


@pytest.mark.parametrize("name", ["mine", NEW.kid])
def test_a_fixed_set_with_a_name_that_is_no_thumbprint_is_refused(name: str) -> None:
    named = PublicJWK.from_dict(KEY.public.to_dict() | {"kid": name})
    with pytest.raises(KeySetError, match="not the thumbprint"):
        verifier(issuer=JWKSet(keys=(named,)))
