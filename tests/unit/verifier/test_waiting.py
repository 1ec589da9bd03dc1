"""Key hosts that are slow: how long a token waits, and for whom."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import (
    KeySetUnavailableError,
    UntrustedIssuerError,
    UntrustedKeyError,
    VerificationError,
)
from ageassure.tokens import JWKSet, SigningKey
from ageassure.verifier import JWKSetClient, MemoryReplayStore, TokenVerifier
from ageassure.verifier.jwks import KeySetResponse
from ageassure.verifier.jwks import look as look_module

from .issuing import AUDIENCE, NONCE, NOW, issued

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = "https://good.example"
KEY, OTHER, STRANGER = (SigningKey.generate() for _ in range(3))


class Host:
    """A key host and the client of it. While ``let_go`` is not set, it hangs."""

    made: list[Host] = []  # noqa: RUF012 - emptied by the fixture

    def __init__(self, *keys: SigningKey, hangs: bool = True, **changes: Any) -> None:
        self.keys = keys
        self.fetches = 0
        self.overstays = False
        self.let_go = threading.Event()
        if not hangs:
            self.let_go.set()
        self.now = 0.0
        arguments: dict[str, Any] = {"timeout_seconds": 0.5, "elapsed": lambda: self.now} | changes
        self.client = JWKSetClient("https://keys.example/jwks.json", fetcher=self, **arguments)
        Host.made.append(self)

    def fetch(self, _uri: str, *, etag: str | None, timeout_seconds: float) -> KeySetResponse:  # noqa: ARG002
        self.fetches += 1
        if not self.let_go.wait(20 if self.overstays else timeout_seconds):
            raise TimeoutError
        body = {"keys": [key.public.to_dict() for key in self.keys]}
        return KeySetResponse(body=json.dumps(body).encode(), max_age_seconds=100)


@pytest.fixture(autouse=True)
def released() -> Iterator[None]:
    yield
    for host in Host.made:
        host.let_go.set()
    Host.made.clear()


def verifier(**issuers: Any) -> TokenVerifier:
    return TokenVerifier(
        issuers={f"https://{name}.example": source for name, source in issuers.items()},
        audience=AUDIENCE,
        replay_store=MemoryReplayStore(now=lambda: NOW),
        now=lambda: NOW,
    )


def token(key: SigningKey = KEY, issuer: str = GOOD) -> str:
    return issued(key, issuer)


@pytest.fixture(params=[False, True], ids=["verify", "verify_async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def seconds(made: TokenVerifier, is_async: bool, text: str, error: Any = None) -> float:
    """How long the answer takes, which is a refusal if ``error`` is given."""
    start = time.monotonic()
    found: type[VerificationError] | None = None
    try:
        if is_async:
            asyncio.run(made.verify_async(text, nonce=NONCE, age_over=18))
        else:
            made.verify(text, nonce=NONCE, age_over=18)
    except VerificationError as refusal:
        found = type(refusal)
    assert found is error
    return time.monotonic() - start


# -- several hosts that hang ----------------------------------------------------------------------


@pytest.mark.parametrize("overstays", [False, True])
def test_four_hosts_that_hang_cost_one_timeout_together_and_once(
    is_async: bool, overstays: bool
) -> None:
    hosts = [Host(OTHER) for _ in range(4)]
    for host in hosts:
        host.overstays = overstays
    made = verifier(**{f"slow{number}": host.client for number, host in enumerate(hosts)})
    first = seconds(made, is_async, token(), KeySetUnavailableError)
    assert 0.4 < first < 1  # one after the other takes 2 seconds, or 4
    start = time.monotonic()
    for _ in range(10):  # a second before any is tried again: nobody waits any more
        seconds(made, is_async, token(STRANGER), KeySetUnavailableError)
    assert time.monotonic() - start < 1
    assert [host.fetches for host in hosts] == [1] * 4


@pytest.mark.parametrize("good_first", [False, True])
def test_a_good_token_waits_for_its_own_issuer_alone(is_async: bool, good_first: bool) -> None:
    good = Host(KEY, hangs=False, timeout_seconds=5)
    slow = {f"slow{number}": Host(OTHER, timeout_seconds=5).client for number in range(4)}
    made = verifier(
        **({"good": good.client} | slow if good_first else slow | {"good": good.client})
    )
    assert seconds(made, is_async, token()) < 2.5
    assert seconds(made, is_async, token()) < 2.5


def test_the_greatest_timeout_is_the_bound(is_async: bool) -> None:
    short, long = Host(OTHER, timeout_seconds=0.05), Host(KEY, timeout_seconds=20)
    made = verifier(short=short.client, good=long.client)
    threading.Timer(0.3, long.let_go.set).start()
    assert 0.2 < seconds(made, is_async, token()) < 10


def test_while_one_set_can_be_had_the_unknown_name_waits_once_for_the_others(
    is_async: bool,
) -> None:
    good, slow = Host(KEY, hangs=False), Host(OTHER)
    made = verifier(good=good.client, slow=slow.client)
    seconds(made, is_async, token())
    assert slow.fetches == 1  # begun with the first token, which did not wait for it
    assert seconds(made, is_async, token(STRANGER), KeySetUnavailableError) < 1


def test_a_set_fetched_before_the_first_token_makes_no_other_host_work(is_async: bool) -> None:
    other, good = Host(OTHER, hangs=False), Host(KEY, hangs=False)
    made = verifier(other=other.client, good=good.client)
    good.client.refresh()
    seconds(made, is_async, token())
    assert (other.fetches, good.fetches) == (0, 1)


def test_an_expired_copy_at_a_host_that_hangs_delays_nobody(is_async: bool) -> None:
    copier = Host(KEY, OTHER, hangs=False, timeout_seconds=5, stale_seconds=0)
    good = Host(KEY, hangs=False)
    made = verifier(copier=copier.client, good=good.client)
    seconds(made, is_async, token(OTHER, "https://copier.example"))
    seconds(made, is_async, token())
    copier.let_go.clear()
    copier.now = 1000.0
    assert seconds(made, is_async, token()) < 2.5


def test_one_client_may_stand_for_two_issuers(is_async: bool) -> None:
    host = Host(KEY, hangs=False)
    made = verifier(good=host.client, same=host.client)
    for issuer in (GOOD, "https://same.example"):
        seconds(made, is_async, token(issuer=issuer))
    seconds(made, is_async, token(STRANGER), UntrustedKeyError)
    seconds(made, is_async, token(STRANGER), UntrustedKeyError)
    assert host.fetches <= 2


# -- the issuer named is another than the one that has the key at hand ----------------------------


def test_the_issuers_own_host_is_waited_for_within_the_same_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bounds: list[float] = []
    as_answered = look_module.as_answered

    def noted(looks: Any, until: float) -> Iterator[Any]:
        bounds.append(until)
        return as_answered(looks, until)

    monkeypatch.setattr(look_module, "as_answered", noted)
    copier, owner = Host(KEY, hangs=False), Host(KEY, timeout_seconds=20)
    made = verifier(copier=copier.client, good=owner.client)
    threading.Timer(0.3, owner.let_go.set).start()
    assert seconds(made, False, token()) < 10
    first, second = bounds
    assert first == second
    assert owner.fetches == 1


def test_an_issuers_own_host_that_hangs_is_waited_for_once(is_async: bool) -> None:
    copier, owner = Host(KEY, hangs=False), Host(KEY)
    made = verifier(copier=copier.client, good=owner.client)
    assert seconds(made, is_async, token(), UntrustedIssuerError) < 1
    seconds(made, is_async, token(), UntrustedIssuerError)
    assert owner.fetches == 1


# -- other sources --------------------------------------------------------------------------------


class Source:
    """A source that only has ``key_set``."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys: JWKSet | None = None
        self.own = JWKSet(keys=tuple(key.public for key in keys))
        self.asked: list[str | None] = []

    def key_set(self, missing: str | None = None) -> JWKSet:
        self.asked.append(missing)
        if missing is not None:
            self.keys = self.own
        return self.keys  # type: ignore[return-value]


def test_sources_of_ones_own_are_asked_first_and_in_turn() -> None:
    slow, first, second = Host(OTHER, timeout_seconds=5), Source(KEY), Source(OTHER)
    made = verifier(slow=slow.client, good=first, second=second)
    assert seconds(made, False, token()) < 2.5
    assert (first.asked, second.asked, slow.fetches) == ([KEY.kid], [], 0)
    seconds(made, False, token())
    assert first.asked == [KEY.kid, None]
    assert slow.fetches == 0


@pytest.mark.parametrize("warm", [False, True])
def test_a_clock_that_fails_makes_a_source_without_a_set(warm: bool) -> None:
    host, other = Host(KEY, hangs=False), Host(OTHER, hangs=False)
    made = verifier(good=host.client, other=other.client)
    if warm:
        seconds(made, False, token())
    del host.now
    seconds(made, False, token(), KeySetUnavailableError)
    seconds(made, False, token(OTHER, "https://other.example"))
    other.now, other.keys = 10.0, (STRANGER, OTHER)
    other.client.refresh()
    seconds(made, False, token(STRANGER, "https://other.example"))


def test_who_no_longer_waits_is_told_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The loop has ended when the fetch does."""
    good, slow = Host(KEY, hangs=False), Host(OTHER, timeout_seconds=5)
    made = verifier(good=good.client, slow=slow.client)
    seconds(made, True, token())
    slow.let_go.set()
    for _ in range(1000):
        if slow.client._keeper.flight is None:
            break
        time.sleep(0.005)
    assert slow.client.status().keys == 1
    assert caplog.records == []
