"""The client's rules, with a fetcher and a clock of the test's own."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import ConfigurationError, KeySetError, KeySetUnavailableError
from ageassure.verifier.jwks import JWKSetClient, KeySetResponse, KeySetState
from ageassure.verifier.jwks import client as client_module
from ageassure.verifier.jwks import keeper as keeper_module
from ageassure.verifier.jwks.state import UNKNOWN_KIDS, Flight

from .sources import NEW, OLD, STRANGER, URI, Elapsed, Source, made

if TYPE_CHECKING:
    from ageassure.tokens import JWKSet


def kid(number: int) -> str:
    return f"{number:043d}"


def kids(key_set: JWKSet) -> set[str]:
    return {key.kid for key in key_set}


def settled(client: JWKSetClient, fetches: int) -> None:
    """Wait for what runs in the background."""
    for _ in range(1000):
        if client.status().fetches == fetches and client._keeper.flight is None:
            return
        time.sleep(0.005)
    raise AssertionError(client.status())


# -- nothing usable: closed -----------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeySetUnavailableError("the host is down"), OSError("x")])
def test_without_a_set_it_is_closed_and_says_why(
    client: JWKSetClient, source: Source, error: Exception
) -> None:
    source.failing = error
    with pytest.raises(KeySetUnavailableError, match=r"the host is down|the fetcher failed"):
        client.key_set()
    status = client.status()
    assert (status.state, status.keys, status.age_seconds) == (KeySetState.UNAVAILABLE, 0, None)
    assert (status.failures, status.failures_in_a_row, status.fetches) == (1, 1, 1)


PRIVATE = {"keys": [OLD.to_jwk()]}
BAD: dict[str, Any] = {
    "no JSON": b"<html>",
    "empty": {"keys": []},
    "symmetric": {"keys": [{"kty": "oct", "k": "AAAA", "kid": "a", "alg": "HS256"}]},
    "private": PRIVATE,
    "twice": {"keys": [OLD.public.to_dict()] * 2},
    "for encryption": {"keys": [OLD.public.to_dict() | {"use": "enc"}]},
    "a name of its own": {"keys": [OLD.public.to_dict() | {"kid": "mine"}]},
    "the name of another": {"keys": [OLD.public.to_dict() | {"kid": NEW.kid}]},
    "weak RSA": {"keys": [{"kty": "RSA", "n": "_" * 171, "e": "AQAB", "alg": "RS256", "kid": "a"}]},
    "too large": b" " * 300_000,
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_set_is_not_let_in_and_the_last_good_one_stays(
    client: JWKSetClient, source: Source, elapsed: Elapsed, name: str
) -> None:
    good = client.key_set()
    body = BAD[name]
    source.body = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(KeySetUnavailableError, match="must not be used"):
        client.refresh()
    assert client.key_set() is good
    assert client.status().failures == 1
    elapsed.now += 100 + 500
    with pytest.raises(KeySetUnavailableError):
        client.key_set()


GOOD: Any = json.dumps(OLD.public_set().to_dict()).encode()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"{}",
        KeySetResponse(body=None, etag=None),
        KeySetResponse(body=GOOD, max_age_seconds="60"),  # type: ignore[arg-type]
        KeySetResponse(body=GOOD, max_age_seconds=float("nan")),  # type: ignore[arg-type]
        KeySetResponse(body=GOOD, etag=1),  # type: ignore[arg-type]
    ],
)
def test_a_fetcher_that_gives_no_set_has_failed(elapsed: Elapsed, answer: Any) -> None:
    class Odd:
        def fetch(self, *_: Any, **__: Any) -> Any:
            return answer

    with pytest.raises(KeySetUnavailableError, match="the fetcher gave no"):
        made(Odd(), elapsed).refresh()


def raising(error: BaseException) -> Any:
    def read(_body: bytes) -> JWKSet:
        raise error

    return read


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        (lambda _: None, "the reader gave no JWKSet"),
        (lambda _: {"keys": []}, "the reader gave no JWKSet"),
        (lambda _: [OLD.public], "the reader gave no JWKSet"),
        (lambda _: OLD.public, "the reader gave no JWKSet"),
        (raising(ZeroDivisionError("secret")), "the reader gave no JWKSet"),
        (raising(KeySetError("not like this")), "not like this"),
        (raising(SystemExit()), "the fetcher failed"),
    ],
)
def test_a_reader_that_gives_no_set_has_failed(
    source: Source, elapsed: Elapsed, caplog: pytest.LogCaptureFixture, read: Any, reason: str
) -> None:
    client = made(source, elapsed, read=read, timeout_seconds=20)
    start = time.monotonic()
    for _ in range(10):
        with pytest.raises(KeySetUnavailableError, match=reason):
            client.key_set()
    assert time.monotonic() - start < 10  # nobody waits for what is over
    status = client.status()
    assert (status.fetches, status.failures, status.failures_in_a_row) == (1, 1, 1)
    (record,) = caplog.records
    assert reason in record.getMessage()
    assert "secret" not in record.getMessage()
    elapsed.now += 1
    with pytest.raises(KeySetUnavailableError, match=reason):
        client.key_set()
    assert client.status().failures_in_a_row == 2


def test_unchanged_since_a_tag_that_was_never_given_is_a_failure(elapsed: Elapsed) -> None:
    answers = [KeySetResponse(body=json.dumps(OLD.public_set().to_dict()).encode())]

    class Odd:
        def fetch(self, *_: Any, **__: Any) -> KeySetResponse:
            return answers.pop() if answers else KeySetResponse(body=None)

    client = made(Odd(), elapsed)
    client.refresh()
    with pytest.raises(KeySetUnavailableError, match="the fetcher gave no key set"):
        client.refresh()


def test_nobody_waits_for_a_host_that_has_just_failed_while_a_stale_set_will_do(
    source: Source, elapsed: Elapsed
) -> None:
    client = made(source, elapsed, timeout_seconds=60)
    good = client.key_set()
    source.failing = OSError()
    elapsed.now += 100
    assert client.key_set() is good  # waited for: it might have been replaced
    source.let_go.clear()
    source.entered.clear()
    elapsed.now += 1
    start = time.monotonic()
    assert client.key_set() is good
    assert source.entered.wait(5)
    assert client.key_set() is good
    assert time.monotonic() - start < 5
    source.let_go.set()


def test_a_stale_set_is_used_so_long_and_no_longer(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    good = client.key_set()
    source.failing = OSError()
    elapsed.now += 100 + 499
    assert client.key_set() is good
    settled(client, 2)
    assert client.status().state is KeySetState.STALE
    elapsed.now += 1
    with pytest.raises(KeySetUnavailableError):
        client.key_set()
    source.failing = None
    elapsed.now += 30
    assert client.key_set() is good  # the host says that it is unchanged
    assert client.status().state is KeySetState.FRESH


def test_no_stale_time_means_closed_at_once(source: Source, elapsed: Elapsed) -> None:
    client = made(source, elapsed, stale_seconds=0)
    client.key_set()
    source.failing = OSError()
    elapsed.now += 100
    with pytest.raises(KeySetUnavailableError):
        client.key_set()


def test_a_failing_host_is_asked_less_and_less_often(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    source.failing = OSError()
    asked_at: list[int] = []
    for second in range(200):
        elapsed.now = 1000.0 + second
        with pytest.raises(KeySetUnavailableError):
            client.key_set()
        if len(source.etags) > len(asked_at):
            asked_at.append(second)
    assert asked_at == [0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181]


def test_a_fetcher_that_never_returns_is_given_up(source: Source, elapsed: Elapsed) -> None:
    client = made(source, elapsed, timeout_seconds=0.05)
    source.let_go.clear()
    for _ in range(3):
        with pytest.raises(KeySetUnavailableError, match="in time"):
            client.key_set()
    with pytest.raises(KeySetUnavailableError, match="in time"):
        client.refresh()
    assert client.status().fetches == 1
    elapsed.now += 0.1
    with pytest.raises(KeySetUnavailableError, match="in time"):
        client.key_set()
    assert client.status().failures == 1
    lost_key, source.keys = source.keys, [NEW]
    elapsed.now += 1
    source.entered.clear()
    with pytest.raises(KeySetUnavailableError):
        client.key_set()
    assert source.entered.wait(5)
    source.let_go.set()
    settled(client, 2)
    assert kids(client.key_set()) == {NEW.kid}, lost_key  # the lost fetch's set came too late


def test_no_thread_to_be_had_is_a_failure(
    client: JWKSetClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoThread:
        def __init__(self, **_: Any) -> None: ...

        def start(self) -> None:
            raise RuntimeError

    monkeypatch.setattr(keeper_module, "Thread", NoThread)
    with pytest.raises(KeySetUnavailableError, match="no thread"):
        client.key_set()


def test_no_thread_for_a_renewal_is_told_and_makes_nobody_wait(
    client: JWKSetClient,
    elapsed: Elapsed,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class NoThread:
        def __init__(self, **_: Any) -> None: ...

        def start(self) -> None:
            raise RuntimeError

    first = client.key_set()
    monkeypatch.setattr(keeper_module, "Thread", NoThread)
    elapsed.now += 75
    assert client.at_hand() is first
    assert "no thread could be started" in caplog.text


# -- freshness ------------------------------------------------------------------------------------


def test_a_fresh_set_is_fetched_once(client: JWKSetClient, elapsed: Elapsed) -> None:
    first = client.key_set()
    for _ in range(74):
        elapsed.now += 1
        assert client.key_set() is first
    assert client.status().fetches == 1


def test_before_it_expires_it_is_renewed_in_the_background(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    first = client.key_set()
    source.keys, source.etags = [OLD, NEW], []
    source.let_go.clear()
    elapsed.now += 75
    for _ in range(50):
        assert client.key_set() is first  # nobody waits
    source.let_go.set()
    settled(client, 2)
    assert kids(client.key_set()) == {OLD.kid, NEW.kid}
    assert source.etags == [OLD.kid]


def test_the_first_one_after_it_has_expired_waits(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    client.key_set()
    source.keys = [NEW]
    elapsed.now += 100
    assert kids(client.key_set()) == {NEW.kid}


def test_a_set_too_old_for_use_is_waited_for_though_it_has_the_key(
    client: JWKSetClient, elapsed: Elapsed
) -> None:
    client.key_set()
    elapsed.now += 100 + 500
    assert client.at_hand() is None
    assert kids(client.key_set(OLD.kid)) == {OLD.kid}
    assert client.status().fetches == 2


def test_unchanged_keeps_the_very_object(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    first = client.key_set()
    for times in range(1, 4):
        elapsed.now += 100
        assert client.key_set() is first
        assert client.status().unchanged == times
    source.body = json.dumps(OLD.public_set().to_dict()).encode()  # sent again, and the same
    elapsed.now += 100
    assert client.key_set() is first
    assert client.status().unchanged == 3


@pytest.mark.parametrize(
    ("told", "fresh"), [(None, 300), (0, 60), (59, 60), (61, 61), (1000, 1000), (10**9, 1000)]
)
def test_what_the_host_says_is_held_within_bounds(
    client: JWKSetClient, source: Source, elapsed: Elapsed, told: int | None, fresh: int
) -> None:
    source.max_age = told
    client.key_set()
    source.failing = OSError()
    elapsed.now += fresh - 0.5
    assert client.status().state is KeySetState.FRESH
    elapsed.now += 0.5
    assert client.status().state is KeySetState.STALE
    elapsed.now += 500 - 0.5
    client.key_set()
    elapsed.now += 0.5
    with pytest.raises(KeySetUnavailableError):
        client.key_set()


def test_age_counts_from_the_question_not_from_the_answer(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    source.let_go.clear()
    thread = threading.Thread(target=client.key_set)
    thread.start()
    assert source.entered.wait(5)
    elapsed.now += 3
    source.let_go.set()
    thread.join()
    assert client.status().age_seconds == 3


def test_many_threads_make_one_fetch(client: JWKSetClient, source: Source) -> None:
    source.let_go.clear()
    sets: list[JWKSet] = []
    threads = [threading.Thread(target=lambda: sets.append(client.key_set())) for _ in range(32)]
    for thread in threads:
        thread.start()
    assert source.entered.wait(5)
    source.let_go.set()
    for thread in threads:
        thread.join()
    assert len({id(key_set) for key_set in sets}) == 1
    assert client.status().fetches == 1


# -- unknown names --------------------------------------------------------------------------------


def test_a_new_key_is_found_as_soon_as_it_is_used(client: JWKSetClient, source: Source) -> None:
    client.key_set()
    for keys in ([OLD, NEW], [NEW, STRANGER], [OLD, STRANGER]):  # three rotations within a moment
        missing = next(key for key in keys if client.key_set().get(key.kid) is None)
        source.keys = keys
        assert client.key_set(missing.kid).get(missing.kid) is not None
    assert client.status().fetches == 4
    assert client.status().unknown_kids == 0


def test_a_thousand_bogus_names_make_one_fetch(client: JWKSetClient, elapsed: Elapsed) -> None:
    client.key_set()
    for number in range(1000):
        assert client.key_set(kid(number)).get(kid(number)) is None
        elapsed.now += 0.02
    assert client.status().fetches == 2
    assert client.status().unknown_kids == 1000
    assert len(client._keeper.unknown) == 1


def test_from_cold_a_bogus_name_makes_one_fetch(client: JWKSetClient) -> None:
    for number in range(100):
        client.key_set(kid(number))
    assert client.status().fetches == 1


def test_many_threads_with_bogus_names_make_one_fetch(client: JWKSetClient, source: Source) -> None:
    for expected in (1, 2):
        source.let_go.clear()
        source.entered.clear()
        threads = [
            threading.Thread(target=client.key_set, args=(kid(number),)) for number in range(32)
        ]
        for thread in threads:
            thread.start()
        assert source.entered.wait(5)
        source.let_go.set()
        for thread in threads:
            thread.join()
        assert client.status().fetches == expected
        client._keeper.looks_again_at = 0  # the cooldown is over, for names not seen before
        client._keeper.unknown._until.clear()


def test_a_name_known_to_be_unknown_is_not_looked_for_again_for_a_while(
    client: JWKSetClient, elapsed: Elapsed, source: Source
) -> None:
    source.max_age = 1000
    client.key_set()
    client.key_set(kid(1))
    elapsed.now += 31
    client.key_set(kid(1))
    assert client.status().fetches == 2
    client.key_set(kid(2))
    assert client.status().fetches == 3
    elapsed.now += 300
    client.key_set(kid(1))
    assert client.status().fetches == 4


def test_the_memory_of_unknown_names_is_bounded(
    client: JWKSetClient, elapsed: Elapsed, source: Source
) -> None:
    for number in range(UNKNOWN_KIDS + 50):
        client._keeper.unknown.add(kid(number), elapsed.now)
    assert len(client._keeper.unknown) == UNKNOWN_KIDS
    assert not client._keeper.unknown.holds(kid(0), elapsed.now)
    assert client._keeper.unknown.holds(kid(UNKNOWN_KIDS + 49), elapsed.now)


def test_a_fetch_under_way_may_be_too_old_to_know_the_key(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    client.key_set()
    source.let_go.clear()
    source.entered.clear()
    elapsed.now += 80
    client.key_set()  # begins a fetch in the background, which is answered now …
    assert source.entered.wait(5)
    source.keys = [OLD, NEW]  # … and a key is published after that
    found: list[JWKSet] = []
    thread = threading.Thread(target=lambda: found.append(client.key_set(NEW.kid)))
    thread.start()
    time.sleep(0.05)
    source.let_go.set()
    thread.join()
    assert NEW.kid in kids(found[0])
    assert client.status().fetches == 3


def test_a_failed_look_is_not_taken_for_an_answer(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    client.key_set()
    source.failing = OSError()
    assert client.key_set(NEW.kid).get(NEW.kid) is None
    assert len(client._keeper.unknown) == 0
    source.failing, source.keys = None, [OLD, NEW]
    assert client.key_set(NEW.kid).get(NEW.kid) is None  # the cooldown
    elapsed.now += 30
    assert client.key_set(NEW.kid).get(NEW.kid) is not None


# -- the deny-list --------------------------------------------------------------------------------


def test_a_denied_key_is_gone_at_once_and_stays_gone(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    source.keys = [OLD, NEW]
    before = client.key_set()
    client.deny(OLD.kid)
    after = client.key_set()
    assert after is not before
    assert kids(after) == {NEW.kid}
    assert client.key_set(OLD.kid) is after
    assert client.status().fetches == 1  # nor is it looked for
    elapsed.now += 100
    source.keys = [NEW, OLD]
    assert kids(client.key_set()) == {NEW.kid}
    assert client.status().keys == 1


def test_a_key_can_be_denied_before_anything_is_fetched(source: Source, elapsed: Elapsed) -> None:
    client = made(source, elapsed, denied_kids=[NEW.kid])
    client.deny(OLD.kid)
    for keys in ([OLD, NEW], [NEW]):
        source.keys = keys
        with pytest.raises(KeySetUnavailableError, match="every key of the set is denied"):
            client.refresh()
    assert client.status().state is KeySetState.UNAVAILABLE
    source.keys = [OLD, NEW, STRANGER]
    assert kids(client.refresh()) == {STRANGER.kid}


@pytest.mark.parametrize("bad", [None, "", "short", "x" * 44, "=" * 43, 1])
def test_only_thumbprints_can_be_denied(client: JWKSetClient, bad: Any) -> None:
    with pytest.raises(ConfigurationError, match="kid"):
        client.deny(bad)
    with pytest.raises(ConfigurationError, match="kid"):
        JWKSetClient(URI, denied_kids=[bad])


# -- the rest -------------------------------------------------------------------------------------


def test_refresh_fetches_whatever_the_age(client: JWKSetClient, source: Source) -> None:
    client.key_set()
    source.keys = [NEW]
    assert kids(client.refresh()) == {NEW.kid}
    source.failing = KeySetUnavailableError("the host is down")
    with pytest.raises(KeySetUnavailableError, match="the host is down"):
        client.refresh()
    assert kids(client.key_set()) == {NEW.kid}


def test_refresh_waits_for_the_fetch_under_way_and_then_fetches_itself(
    client: JWKSetClient, source: Source
) -> None:
    source.let_go.clear()
    first = threading.Thread(target=client.key_set)
    first.start()
    assert source.entered.wait(5)
    source.keys = [NEW]
    found: list[JWKSet] = []
    second = threading.Thread(target=lambda: found.append(client.refresh()))
    second.start()
    time.sleep(0.05)
    source.let_go.set()
    first.join()
    second.join()
    assert kids(found[0]) == {NEW.kid}


def test_ready_waits_without_blocking_the_loop(client: JWKSetClient, source: Source) -> None:
    async def scenario() -> int:
        source.let_go.clear()
        task = asyncio.create_task(client.ready())
        turns = 0
        while not source.entered.is_set() or turns < 10:
            await asyncio.sleep(0.001)
            turns += 1
        assert not task.done()
        source.let_go.set()
        await task
        await client.ready(kid(1))
        return turns

    assert asyncio.run(scenario()) >= 10
    assert kids(client.key_set()) == {OLD.kid}
    assert client.status().fetches == 2


def test_ready_waits_for_a_second_fetch_where_the_first_may_be_too_old(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    client.key_set()
    source.let_go.clear()
    source.entered.clear()
    elapsed.now += 75
    client.at_hand()  # begins one
    assert source.entered.wait(5)
    source.keys = [OLD, NEW]  # published just after it was answered

    async def scenario() -> None:
        waiting = asyncio.ensure_future(client.ready(NEW.kid))
        await asyncio.sleep(0.05)
        source.let_go.set()
        await asyncio.wait_for(waiting, 10)
        usable = client.at_hand()
        assert usable is not None
        assert kids(usable) == {OLD.kid, NEW.kid}

    asyncio.run(scenario())
    assert client.status().fetches == 3


def test_ready_waits_no_longer_than_stated_for_a_fetch_that_it_began(
    source: Source, elapsed: Elapsed
) -> None:
    client = made(source, elapsed, timeout_seconds=0.2)
    client.key_set()
    source.let_go.clear()
    elapsed.now += 40
    begun = time.monotonic()
    asyncio.run(client.ready(NEW.kid))
    assert time.monotonic() - begun < 2
    source.let_go.set()


def test_one_who_cancels_takes_nothing_from_the_others(
    client: JWKSetClient, source: Source
) -> None:
    async def scenario() -> None:
        source.let_go.clear()
        first, second = asyncio.create_task(client.ready()), asyncio.create_task(client.ready())
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.sleep(0.01)
        source.let_go.set()
        await second

    asyncio.run(scenario())
    assert kids(client.key_set()) == {OLD.kid}


def test_a_fetch_cannot_be_cancelled_by_who_waits_for_it() -> None:
    flight = Flight(caller=None, before=None, begun_at=0.0, timeout_seconds=5)
    assert not flight.future.cancel()
    flight.future.set_result(None)


def test_after_a_fork_no_fetch_of_the_parents_is_waited_for(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    client.key_set()
    source.let_go.clear()
    source.entered.clear()
    elapsed.now += 80
    client.key_set()
    assert source.entered.wait(5)
    client._keeper.lock.acquire()
    client_module._renew_after_fork()
    source.let_go.set()
    source.keys = [NEW]
    elapsed.now += 20
    assert kids(client.key_set()) == {NEW.kid}


def test_a_set_grows_old_while_the_machine_is_asleep(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    booted, awake = [1000.0], time.monotonic()
    clocks = SimpleNamespace(
        CLOCK_BOOTTIME="boot",
        clock_gettime=lambda clock: {"boot": booted[0]}[clock],
        monotonic=lambda: awake,
    )
    monkeypatch.setattr(client_module, "time", clocks)
    client = JWKSetClient(URI, fetcher=source, timeout_seconds=20)
    assert kids(client.key_set()) == {OLD.kid}
    source.keys = [NEW]
    assert kids(client.key_set()) == {OLD.kid}
    booted[0] += 3600.0  # the other clock stood still
    assert client.status().state is KeySetState.STALE
    assert kids(client.key_set()) == {NEW.kid}  # the first one waits for a fetch
    assert client.status().fetches == 2


def test_the_clock_used_is_not_the_time_of_day(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = JWKSetClient(URI, fetcher=source)
    client.key_set()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 0 <= (client.status().age_seconds or 0) < 60
    assert client_module._never_goes_back()() > 0
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    assert client_module._never_goes_back() is time.monotonic


BAD_ARGUMENTS: list[dict[str, Any]] = [
    {"timeout_seconds": 0},
    {"timeout_seconds": 61},
    {"timeout_seconds": True},
    {"timeout_seconds": float("nan")},
    {"min_fresh_seconds": 0},
    {"min_fresh_seconds": "60"},
    {"max_fresh_seconds": 59},
    {"max_fresh_seconds": 86401},
    {"stale_seconds": -1},
    {"stale_seconds": 7 * 86400 + 1},
    {"cooldown_seconds": 0},
    {"cooldown_seconds": None},
    {"fetcher": object()},
]


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS, ids=str)
def test_a_bad_set_up_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="|".join(arguments)):
        JWKSetClient(URI, **arguments)


@pytest.mark.parametrize("uri", [None, "http://keys.example/jwks", "file:", "file://host/x", "x"])
def test_a_bad_address_is_refused(uri: Any) -> None:
    with pytest.raises(ConfigurationError):
        JWKSetClient(uri)


@pytest.mark.parametrize("hangs", [False, True])
def test_what_listens_to_the_log_may_ask_the_client(
    client: JWKSetClient, source: Source, elapsed: Elapsed, hangs: bool
) -> None:
    seen: list[int] = []

    class Listener(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            seen.append(client.status().failures)

    listener = Listener()
    logger = logging.getLogger("ageassure.verifier.jwks.keeper")
    logger.addHandler(listener)
    try:
        source.failing = KeySetUnavailableError("down")
        if hangs:
            source.let_go.clear()
            client._keeper.joined_or_begun()
            elapsed.now += 4  # twice the time for a fetch: it is given up
            assert client._keeper.under_way() is None
        else:
            with pytest.raises(KeySetUnavailableError, match="down"):
                client.refresh()
    finally:
        logger.removeHandler(listener)
        source.let_go.set()
    assert seen == [1]


def test_failures_are_logged_without_what_the_host_sent(
    client: JWKSetClient, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    source.body = b"<html>secret words</html>"
    with pytest.raises(KeySetUnavailableError):
        client.refresh()
    (record,) = caplog.records
    assert "keys.example" in record.getMessage()
    assert "secret" not in record.getMessage() + str(client.status())
