"""Status lists fetched and kept: to their ttl or exp, from pinned issuers, and fail closed."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest

from ageassure.errors import ConfigurationError, StatusError
from ageassure.tokens import SigningKey
from ageassure.tokens.jws import parse_compact, sign_compact
from ageassure.tokens.status import StatusListBuilder, StatusReference, sign_status_list
from ageassure.verifier import status as module
from ageassure.verifier.status import StatusChecker

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
PREFIX = "https://issuer.example/statuslists/"
URI = f"{PREFIX}1"
KEY, OTHER = SigningKey.generate(), SigningKey.generate()


class Host:
    """Serves lists, signed at the moment; and counts."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.fetches = 0
        self.key = KEY
        self.statuses = {3: 1, 4: 2, 5: 3}
        self.ttl_seconds, self.lifetime_seconds = 60, 3600
        self.down = False

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def fetch(self, uri: str) -> bytes:
        self.fetches += 1
        if self.down:
            raise OSError("secret of the host")
        builder = StatusListBuilder(100, bits=2)
        for index, status in self.statuses.items():
            builder.set(index, status)
        return sign_status_list(
            builder.build(),
            uri=uri,
            signing_key=self.key,
            ttl_seconds=self.ttl_seconds,
            lifetime_seconds=self.lifetime_seconds,
            now=self.now,
        ).encode()

    def checker(self, **replaced: Any) -> StatusChecker:
        return StatusChecker(
            **{
                "issuers": {PREFIX: KEY.public_set()},
                "fetch": self.fetch,
                "now": self.now,
                **replaced,
            }
        )


@pytest.fixture
def host() -> Host:
    return Host()


def at(index: int, uri: str = URI) -> StatusReference:
    return StatusReference(uri=uri, index=index)


def code_of(checker: StatusChecker, reference: StatusReference) -> str:
    with pytest.raises(StatusError) as caught:
        checker.require_valid(reference)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "secret" not in str(caught.value)
    return caught.value.code


def test_the_numbers() -> None:
    assert module.MAX_LISTS == 32
    assert module.UNTOLD_TTL_SECONDS == 300
    assert module.MAX_KEPT_SECONDS == 86_400
    assert module.RETRY_SECONDS == 5
    assert module.LEEWAY_SECONDS == 30


def test_statuses(host: Host) -> None:
    checker = host.checker()
    checker.require_valid(at(0))
    assert [checker.status(at(index)) for index in (0, 3, 4, 5)] == [0, 1, 2, 3]
    assert code_of(checker, at(3)) == "status_invalid"
    assert code_of(checker, at(4)) == "status_suspended"
    assert code_of(checker, at(5)) == "status_invalid"
    assert code_of(checker, at(100)) == "status_refused"
    assert host.fetches == 1


def test_kept_for_its_ttl(host: Host) -> None:
    checker = host.checker()
    checker.require_valid(at(0))
    host.statuses[0] = 1
    host.seconds = 59.9
    checker.require_valid(at(0))
    host.seconds = 60
    assert code_of(checker, at(0)) == "status_invalid"
    assert host.fetches == 2


def test_kept_until_it_expires(host: Host) -> None:
    host.lifetime_seconds = 10
    checker = host.checker()
    checker.require_valid(at(0))
    host.seconds, host.down = 9.9, True
    checker.require_valid(at(0))
    host.seconds = 10
    assert code_of(checker, at(0)) == "status_unavailable"


def test_kept_for_a_day_at_most(host: Host) -> None:
    host.ttl_seconds = host.lifetime_seconds = 30 * 86_400
    checker = host.checker()
    checker.require_valid(at(0))
    host.seconds, host.down = 86_399, True
    checker.require_valid(at(0))
    host.seconds = 86_400
    assert code_of(checker, at(0)) == "status_unavailable"


def test_kept_for_five_minutes_where_no_ttl_is_told(host: Host) -> None:
    def fetch(uri: str) -> bytes:
        jws = parse_compact(host.fetch(uri).decode())
        payload = json.loads(jws.payload)
        del payload["ttl"]
        return sign_compact(jws.header, json.dumps(payload).encode(), KEY).encode()

    checker = host.checker(fetch=fetch)
    for seconds, fetches in ((0, 1), (299.9, 1), (300, 2)):
        host.seconds = seconds
        checker.require_valid(at(0))
        assert host.fetches == fetches


def test_a_clock_that_was_set_back(host: Host) -> None:
    checker = host.checker()
    checker.require_valid(at(0))
    host.seconds = -10
    checker.require_valid(at(0))
    assert host.fetches == 2


def test_a_failure_is_told_and_not_tried_again_at_once(host: Host) -> None:
    host.down = True
    checker = host.checker()
    for _ in range(100):
        assert code_of(checker, at(0)) == "status_unavailable"
    host.seconds = 4.9
    assert code_of(checker, at(0)) == "status_unavailable"
    assert host.fetches == 1
    host.down, host.seconds = False, 5
    checker.require_valid(at(0))


def test_an_old_list_is_never_used_instead(host: Host) -> None:
    checker = host.checker()
    checker.require_valid(at(0))
    host.seconds, host.key = 61, OTHER
    assert code_of(checker, at(0)) == "status_refused"
    assert code_of(checker, at(0)) == "status_refused"
    assert host.fetches == 2


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", None, "text", b"a.b.c"])
def test_what_is_no_list(host: Host, body: Any) -> None:
    checker = host.checker(fetch=lambda _: body)
    assert code_of(checker, at(0)) in {"status_refused", "status_unavailable"}


@pytest.mark.parametrize(
    "uri",
    [
        "https://issuer.example/other/1",
        "https://issuer.example.evil.example/statuslists/1",
        "https://evil.example/https://issuer.example/statuslists/1",
    ],
)
def test_only_pinned_issuers_are_fetched(host: Host, uri: str) -> None:
    checker = host.checker()
    with pytest.raises(StatusError) as caught:
        checker.require_valid(at(0, uri))
    assert caught.value.code == "status_refused"
    assert host.fetches == 0


def test_the_longest_prefix_decides(host: Host) -> None:
    issuers = {PREFIX: KEY.public_set(), f"{PREFIX}b/": OTHER.public_set()}
    checker = host.checker(issuers=issuers)
    checker.require_valid(at(0))
    assert code_of(checker, at(0, f"{PREFIX}b/1")) == "status_refused"
    host.key = OTHER
    checker.require_valid(at(0, f"{PREFIX}b/2"))


def test_lists_kept_are_bounded(host: Host) -> None:
    checker = host.checker()
    for number in range(100):
        checker.require_valid(at(0, f"{PREFIX}{number}"))
    assert len(checker._kept) == module.MAX_LISTS
    checker.require_valid(at(0, f"{PREFIX}99"))
    assert host.fetches == 100


def test_the_list_fetched_longest_ago_makes_room(host: Host) -> None:
    checker = host.checker()
    for number in range(module.MAX_LISTS - 1):
        checker.require_valid(at(0, f"{PREFIX}{number}"))
    host.seconds = 60
    for name in ("0", "new", "newer"):
        checker.require_valid(at(0, f"{PREFIX}{name}"))
    assert f"{PREFIX}0" in checker._kept
    assert f"{PREFIX}1" not in checker._kept


def test_one_fetch_for_many_threads(host: Host) -> None:
    def slow(uri: str) -> bytes:
        time.sleep(0.1)  # so that all of them come while it lasts
        return host.fetch(uri)

    checker = host.checker(fetch=slow)
    threads = [Thread(target=checker.require_valid, args=(at(0),)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert host.fetches == 1


def test_a_fetch_that_hangs_keeps_nobody_else_for_long(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.1)
    entered, leave = Event(), Event()

    def hang(uri: str) -> bytes:
        entered.set()
        leave.wait(10)
        return host.fetch(uri)

    checker = host.checker(fetch=hang)
    thread = Thread(target=checker.require_valid, args=(at(0),))
    thread.start()
    entered.wait(10)
    try:
        assert code_of(checker, at(0)) == "status_unavailable"
    finally:
        leave.set()
        thread.join()
    checker.require_valid(at(0))


@pytest.mark.parametrize(
    "replaced",
    [
        {"issuers": {}},
        {"issuers": None},
        {"issuers": [PREFIX]},
        {"issuers": {URI: KEY.public_set()}},  # no slash at its end
        {"issuers": {"http://issuer.example/": KEY.public_set()}},
        {"issuers": {PREFIX: None}},
        {"fetch": None},
        {"now": lambda: None},
    ],
)
def test_bad_set_ups(host: Host, replaced: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        host.checker(**replaced)
