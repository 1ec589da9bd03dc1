"""Status lists fetched and kept: to their ttl or exp, from pinned issuers, and fail closed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest

from ageassure.errors import ConfigurationError, StatusError
from ageassure.tokens import SigningKey
from ageassure.tokens.jws import parse_compact, sign_compact
from ageassure.tokens.status import StatusListBuilder, StatusReference, sign_status_list
from ageassure.verifier import status as module
from ageassure.verifier import status_attempt
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
    assert module.DEFAULT_MAX_BYTES == 64 * 1024 * 1024
    assert module.WAIT_SECONDS == 5
    assert module.MAX_FETCHES == 8
    assert status_attempt.UNTOLD_TTL_SECONDS == 300
    assert status_attempt.MAX_KEPT_SECONDS == 86_400
    assert status_attempt.RETRY_SECONDS == 5
    assert status_attempt.LEEWAY_SECONDS == 30


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


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_a_failure_stands_from_its_end(host: Host, key: SigningKey) -> None:
    def slow(uri: str) -> bytes:
        body = host.fetch(uri)
        host.seconds += 10
        return body if key is OTHER else b""

    host.key = OTHER
    checker = host.checker(fetch=slow)
    code_of(checker, at(0))
    host.seconds = 14.9
    code_of(checker, at(0))
    assert host.fetches == 1
    host.seconds = 15
    code_of(checker, at(0))
    assert host.fetches == 2


def test_a_list_that_has_outlived_its_ttl_while_it_came_is_used_once(host: Host) -> None:
    def slow(uri: str) -> bytes:
        body = host.fetch(uri)
        host.seconds += 61
        return body

    checker = host.checker(fetch=slow)
    for fetches in (1, 2):
        checker.require_valid(at(0))
        assert host.fetches == fetches


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, MemoryError, ConfigurationError])
def test_whatever_a_fetcher_raises(host: Host, error: type[BaseException]) -> None:
    def fail(_: str) -> bytes:
        raise error("secret of the host")

    assert code_of(host.checker(fetch=fail), at(0)) == "status_unavailable"


def test_the_message_of_a_status_error_is_passed_on(host: Host) -> None:
    def fail(_: str) -> bytes:
        raise StatusError("the host is closed", code="status_suspended")

    with pytest.raises(StatusError, match="the host is closed") as caught:
        host.checker(fetch=fail).require_valid(at(0))
    assert caught.value.code == "status_unavailable"


def test_a_clock_that_breaks(host: Host) -> None:
    class Broken:
        broken = False

        def __call__(self) -> Any:
            return None if self.broken else host.now()

    now = Broken()

    def fetch(uri: str) -> bytes:
        now.broken = True
        return host.fetch(uri)

    checker = host.checker(fetch=fetch, now=now)
    with pytest.raises(StatusError, match="could not be fetched"):
        checker.require_valid(at(0))
    with pytest.raises(ConfigurationError):
        checker.require_valid(at(0))
    now.broken = False
    assert code_of(checker, at(0)) == "status_unavailable"


def test_no_more_threads(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    checker = host.checker()
    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", start)
        with pytest.raises(StatusError, match="no thread could be started") as caught:
            checker.require_valid(at(0))
    assert caught.value.code == "status_unavailable"
    assert caught.value.__cause__ is caught.value.__context__ is None
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
        {"issuers": {"https://Issuer.example/statuslists/": KEY.public_set()}},
        {"issuers": {"https://issuer.example:0/": KEY.public_set()}},
        {"issuers": {"https://127.1/": KEY.public_set()}},
        {"issuers": {f"{PREFIX}../": KEY.public_set()}},
        {"issuers": {7: KEY.public_set()}},
        {"max_bytes": 4 * 1024 * 1024 - 1},
        {"max_bytes": None},
        {"max_bytes": 1e9},
        {"fetch": None},
        {"now": lambda: None},
    ],
)
def test_bad_set_ups(host: Host, replaced: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        host.checker(**replaced)


def test_room_for_the_largest_list_is_enough(host: Host) -> None:
    host.checker(max_bytes=4 * 1024 * 1024).require_valid(at(0))
