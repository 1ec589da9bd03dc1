"""Status lists from real servers on loopback: what is refused, how soon, and for how long kept."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import ConfigurationError, StatusError
from ageassure.tokens import SigningKey
from ageassure.tokens.status import (
    MAX_STATUS_TOKEN_BYTES,
    StatusListBuilder,
    StatusReference,
    sign_status_list,
)
from ageassure.verifier.status import WAIT_SECONDS, StatusChecker
from ageassure.verifier.status_fetch import DEFAULT_TIMEOUT_SECONDS, HTTPSStatusListFetcher

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, OTHER = SigningKey.generate(), SigningKey.generate()
START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
PATH = "/statuslists/1"
TYPE = "application/statuslist+jwt"
REVOKED = 7


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def listed(uri: str, clock: Clock, *, key: SigningKey = KEY, lifetime_seconds: int = 3600) -> bytes:
    builder = StatusListBuilder(1000)
    builder.set(REVOKED, 1)
    return sign_status_list(
        builder.build(),
        uri=uri,
        signing_key=key,
        lifetime_seconds=lifetime_seconds,
        ttl_seconds=60,
        now=clock,
    ).encode()


def checker(host: Any, clock: Clock, **options: Any) -> StatusChecker:
    return StatusChecker(
        issuers={host.uri(path="/statuslists/"): KEY.public_set()},
        fetch=HTTPSStatusListFetcher(**options),
        now=clock,
    )


def at(host: Any, index: int = 0) -> StatusReference:
    return StatusReference(uri=host.uri(path=PATH), index=index)


def refusal(host: Any, clock: Clock, match: str, **options: Any) -> None:
    """The checker's, and the fetcher's own, of the same code and text."""
    with pytest.raises(StatusError, match=match) as caught:
        checker(host, clock, **options).require_valid(at(host))
    assert caught.value.code == "status_unavailable"
    with pytest.raises(StatusError, match=match) as caught:
        HTTPSStatusListFetcher(**options)(host.uri(path=PATH))
    assert caught.value.code == "status_unavailable"
    assert caught.value.__cause__ is caught.value.__context__ is None


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_redirects_are_not_followed(
    key_host: Any, make_answer: Callable[..., bytes], clock: Clock, status: int
) -> None:
    for target in ("http://169.254.169.254/latest/", key_host.uri(path=PATH)):
        headers = f"Location: {target}\r\n"
        key_host.sends(make_answer(status=f"{status} Elsewhere", headers=headers))
        refusal(key_host, clock, "redirect")
    assert key_host.connections == 4


@pytest.mark.parametrize("status", [204, 206, 404, 500])
def test_other_statuses(
    key_host: Any, make_answer: Callable[..., bytes], clock: Clock, status: int
) -> None:
    key_host.sends(make_answer(b"", status=f"{status} Other", content_type=TYPE))
    refusal(key_host, clock, f"status {status}")


@pytest.mark.parametrize("content_type", ["text/html", "application/json", "application/jwt", None])
def test_other_types(
    key_host: Any, make_answer: Callable[..., bytes], clock: Clock, content_type: str | None
) -> None:
    body = listed(key_host.uri(path=PATH), clock)
    key_host.sends(make_answer(body, content_type=content_type))
    refusal(key_host, clock, "something else than a status list")


def test_more_than_a_list_may_have(
    key_host: Any, make_answer: Callable[..., bytes], clock: Clock
) -> None:
    key_host.sends(make_answer(b"x", content_type=TYPE, length=MAX_STATUS_TOKEN_BYTES + 1))
    refusal(key_host, clock, "too much")
    endless = make_answer(
        b"10000\r\n" + b"x" * 0x10000 + b"\r\n",
        content_type=TYPE,
        length=None,
        headers="Transfer-Encoding: chunked\r\n",
    )
    head, _, chunk = endless.partition(b"\r\n\r\n")

    def behave(peer: Any) -> None:
        peer.sendall(head + b"\r\n\r\n")
        while not key_host.ended.is_set():
            peer.sendall(chunk)

    key_host.behave = behave
    refusal(key_host, clock, "too much")


def test_a_drip_ends(key_host: Any, make_answer: Callable[..., bytes], clock: Clock) -> None:
    key_host.drips(make_answer(listed(key_host.uri(path=PATH), clock), content_type=TYPE), 0.05)
    start = time.monotonic()
    refusal(key_host, clock, "in time", timeout_seconds=0.4)
    assert time.monotonic() - start < 4


def test_nobody_there(key_host: Any, clock: Clock) -> None:
    key_host.close()
    refusal(key_host, clock, "broke the connection")


def test_an_authority_that_is_not_trusted(secure_host: Any, clock: Clock) -> None:
    refusal(secure_host, clock, "failed in TLS")


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "127.0.0.1", "::1"])
def test_a_name_that_leads_inside(address: str) -> None:
    fetch = HTTPSStatusListFetcher(resolve=lambda _host, _port: ["8.8.8.8", address])
    with pytest.raises(StatusError, match="must not be used") as caught:
        fetch("https://issuer.example/statuslists/1")
    assert caught.value.code == "status_unavailable"


@pytest.mark.parametrize(
    "uri", ["", "http://issuer.example/1", "https://issuer.example", "https://127.1/1", "file:///1"]
)
def test_addresses_that_are_none(uri: str) -> None:
    with pytest.raises(StatusError, match="uri") as caught:
        HTTPSStatusListFetcher()(uri)
    assert caught.value.code == "status_unavailable"
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_list_by_another_key_is_refused_for_another_reason(
    key_host: Any, make_answer: Callable[..., bytes], clock: Clock
) -> None:
    for body in (listed(key_host.uri(path=PATH), clock, key=OTHER), b""):
        key_host.sends(make_answer(body, content_type=TYPE))
        with pytest.raises(StatusError) as caught:
            checker(key_host, clock).require_valid(at(key_host))
        assert caught.value.code == "status_refused"


def test_times() -> None:
    assert DEFAULT_TIMEOUT_SECONDS == 4
    for seconds in (0.001, 60):
        assert HTTPSStatusListFetcher(timeout_seconds=seconds)._timeout_seconds == seconds


@pytest.mark.parametrize("seconds", [0, -1, 60.001, float("nan"), True, "5", None])
def test_bad_times(seconds: Any) -> None:
    with pytest.raises(ConfigurationError):
        HTTPSStatusListFetcher(timeout_seconds=seconds)


def test_bad_networks() -> None:
    with pytest.raises(ConfigurationError):
        HTTPSStatusListFetcher(allowed_networks=["10.0.0.1/8"])


def test_other_threads_wait_for_the_answer() -> None:
    assert DEFAULT_TIMEOUT_SECONDS < WAIT_SECONDS


# -- what is fetched ------------------------------------------------------------------------------


def test_a_list_is_fetched_over_tls_and_kept_for_its_ttl(
    secure_host: Any, authority: Any, make_answer: Callable[..., bytes], clock: Clock
) -> None:
    headers = "Cache-Control: no-store\r\n"  # the ttl that is signed decides
    body = listed(secure_host.uri(path=PATH), clock)
    secure_host.sends(make_answer(body, content_type=TYPE, headers=headers))
    statuses = checker(secure_host, clock, ssl_context=authority.trusted())
    for clock.seconds in (0, 30, 59):
        statuses.require_valid(at(secure_host))
        with pytest.raises(StatusError) as caught:
            statuses.require_valid(at(secure_host, REVOKED))
        assert caught.value.code == "status_invalid"
    assert secure_host.connections == 1
    clock.seconds = 60
    statuses.require_valid(at(secure_host))
    assert secure_host.connections == 2


def test_a_host_that_goes_down_closes_the_door_after_the_ttl(
    key_host: Any, make_answer: Callable[..., bytes], clock: Clock
) -> None:
    key_host.sends(make_answer(listed(key_host.uri(path=PATH), clock), content_type=TYPE))
    statuses = checker(key_host, clock)
    statuses.require_valid(at(key_host))
    key_host.sends(make_answer(b"<html>", status="503 Down", content_type="text/html"))
    clock.seconds = 59
    statuses.require_valid(at(key_host))
    clock.seconds = 60
    for _ in range(10):
        with pytest.raises(StatusError, match="status 503") as caught:
            statuses.require_valid(at(key_host))
        assert caught.value.code == "status_unavailable"
    assert key_host.connections == 2


def test_an_expiry_before_the_ttl_decides(
    key_host: Any, make_answer: Callable[..., bytes], clock: Clock
) -> None:
    body = listed(key_host.uri(path=PATH), clock, lifetime_seconds=10)
    key_host.sends(make_answer(body, content_type=TYPE))
    statuses = checker(key_host, clock)
    statuses.require_valid(at(key_host))
    clock.seconds = 10
    with pytest.raises(StatusError) as caught:
        statuses.require_valid(at(key_host))
    assert caught.value.code == "status_refused"


def test_the_request_says_no_more_than_it_must(
    key_host: Any, make_answer: Callable[..., bytes], clock: Clock
) -> None:
    key_host.sends(make_answer(listed(key_host.uri(path=PATH), clock), content_type=TYPE))
    checker(key_host, clock).require_valid(at(key_host))
    assert key_host.requests == [
        f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{key_host.port}\r\nAccept: {TYPE}\r\n"
        "Accept-Encoding: identity\r\nUser-Agent: ageassure\r\nConnection: close\r\n\r\n".encode()
    ]
