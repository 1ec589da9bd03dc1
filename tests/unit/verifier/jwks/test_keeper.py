"""The keeper's rules at their edges: whom it lets wait, for what, and what is told to whom."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from ageassure.errors import KeySetUnavailableError
from ageassure.verifier.jwks import JWKSetClient, KeySetState
from ageassure.verifier.jwks import client as client_module
from ageassure.verifier.jwks import keeper as keeper_module
from ageassure.verifier.jwks.state import Flight

from .sources import NEW, OLD, Elapsed, Source, made


def flight_of_another(elapsed: Elapsed) -> Flight:
    now = elapsed.now
    return Flight(caller=object(), before=None, begun_at=now, timeout_seconds=50)


def test_nobody_waits_for_the_fetches_of_others_for_ever(
    client: JWKSetClient, elapsed: Elapsed
) -> None:
    client.key_set()
    keeper, look, waited = client._keeper, client.look(NEW.kid), 0
    keeper.flight = flight_of_another(elapsed)
    while look.next_flight() is not None:
        waited += 1
        keeper.flight = flight_of_another(elapsed)
    assert waited == 4


def test_a_fetch_that_does_not_end_is_waited_for_once(client: JWKSetClient, source: Source) -> None:
    source.let_go.clear()
    look = client.look(None)
    assert look.next_flight() is not None
    assert look.next_flight() is None
    source.let_go.set()


def test_two_who_refresh_share_one_fetch(client: JWKSetClient, source: Source) -> None:
    source.let_go.clear()
    first, second = client._keeper.joined_or_begun(), client._keeper.joined_or_begun()
    source.let_go.set()
    assert first is second
    assert client.status().fetches == 1


def test_a_look_that_does_not_end_blocks_nobody(source: Source, elapsed: Elapsed) -> None:
    client = made(source, elapsed, timeout_seconds=0.05)
    client.key_set()
    source.let_go.clear()
    looking = threading.Thread(target=client.key_set, args=(NEW.kid,), daemon=True)
    looking.start()
    looking.join(5)
    assert not looking.is_alive()
    assert len(client._keeper.unknown) == 0  # nothing was answered
    source.let_go.set()


def test_before_the_first_fetch_no_key_is_held(client: JWKSetClient) -> None:
    assert client.holds(OLD.kid) is False
    client.key_set()
    assert client.holds(OLD.kid) is True
    assert client.holds(NEW.kid) is False


def test_after_a_failure_no_name_is_looked_for_before_the_next_try(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    source.failing = OSError()
    with pytest.raises(KeySetUnavailableError):
        client.key_set()
    source.failing = None
    with pytest.raises(KeySetUnavailableError):
        client.key_set(OLD.kid)  # the next try is a second away
    assert client.status().fetches == 1
    elapsed.now += 1
    assert client.key_set(OLD.kid).get(OLD.kid) is not None
    assert client.status().fetches == 2


def test_with_a_set_at_hand_no_name_is_looked_for_before_the_next_try(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    client.key_set()
    source.failing, source.keys = OSError(), [OLD, NEW]
    with pytest.raises(KeySetUnavailableError):
        client.refresh()
    source.failing = None
    assert client.key_set(NEW.kid).get(NEW.kid) is None
    elapsed.now += 1
    assert client.key_set(NEW.kid).get(NEW.kid) is not None
    assert client.status().fetches == 3


def test_in_the_instant_in_which_a_set_ends_a_fetch_is_waited_for(
    client: JWKSetClient, source: Source, elapsed: Elapsed
) -> None:
    good = client.key_set()
    source.failing = OSError()
    elapsed.now += 590
    with pytest.raises(KeySetUnavailableError):
        client.refresh()
    assert client.status().state is KeySetState.STALE
    source.failing = None
    elapsed.now += 10
    assert client.status().state is KeySetState.UNAVAILABLE
    assert client.key_set() is good
    assert client.status().state is KeySetState.FRESH


def test_a_thread_that_cannot_be_had_is_told_to_all_who_wait(
    client: JWKSetClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class NoThread:
        def __init__(self, **_: object) -> None: ...

        def start(self) -> None:
            raise RuntimeError

    monkeypatch.setattr(keeper_module, "Thread", NoThread)
    with pytest.raises(KeySetUnavailableError):
        client.key_set()
    assert len(caplog.records) == 1
    with pytest.raises(KeySetUnavailableError, match="no thread"):
        client.refresh()
    assert len(caplog.records) == 2


def test_a_failure_of_the_parents_is_not_told_again_in_the_child(
    client: JWKSetClient, elapsed: Elapsed, caplog: pytest.LogCaptureFixture
) -> None:
    client._keeper._untold.append((flight_of_another(elapsed), "down"))
    client_module._renew_after_fork()
    client.refresh()
    assert caplog.records == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_waits_for_no_lock_of_the_parents(client: JWKSetClient) -> None:
    client.key_set()
    with client._keeper.lock:  # as another thread may hold it
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(10)  # ends a child that hangs
            fetches = client.status().fetches
            os._exit(0 if fetches == 1 else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
