"""Every adapter, through its real framework: the same behaviour everywhere."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from ageassure.integrations import answers
from ageassure.integrations.submission import MAX_BODY_BYTES

from .browsers import SITES, Browser, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .conftest import Parties

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(params=SITES)
def visitor(parties: Parties, request: pytest.FixtureRequest) -> Callable[[], Browser]:
    """Makes visitors of one site, each with a session of its own."""
    return SITES[request.param](parties.gate)


@pytest.fixture
def browser(visitor: Callable[[], Browser]) -> Browser:
    return visitor()


@pytest.fixture
def code(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """The last code in the log."""
    with caplog.at_level(logging.INFO, logger="ageassure.integrations"):
        yield lambda: [
            record.getMessage().rpartition(" ")[2]
            for record in caplog.records
            if record.name == "ageassure.integrations"
        ][-1]


def challenge(browser: Browser, name: str = "over-18") -> bytes:
    reply = browser.request("POST", f"/age/challenge/{name}")
    assert reply.status == 201
    assert header(reply, "Cache-Control") == "no-store"
    return reply.body


def by_header(browser: Browser, token: str) -> Reply:
    return browser.request("POST", "/age/token", headers={"Authorization": f"AgeToken {token}"})


def by_form(browser: Browser, token: str) -> Reply:
    body = f"state=x&age_token={token}".encode()
    return browser.request("POST", "/age/token", headers=FORM, body=body)


def header(reply: Reply, name: str) -> str | None:
    return {key.lower(): value for key, value in reply.headers.items()}.get(name.lower())


def is_refused(reply: Reply) -> bool:
    """Whether it is the one constant refusal, to the last byte."""
    return (
        reply.status == 403
        and reply.body == answers.REFUSED.body
        and header(reply, "Content-Type") == "application/problem+json"
        and header(reply, "Cache-Control") == "no-store"
    )


# -- refusals -------------------------------------------------------------------------------------


def test_a_page_stays_closed_and_says_where_to_begin(browser: Browser) -> None:
    for page, name in (("/room", "over-18"), ("/playground", "under-16")):
        reply = browser.request("GET", page)
        assert reply.status == 401
        assert header(reply, "Content-Type") == "application/problem+json"
        assert header(reply, "Cache-Control") == "no-store"
        assert header(reply, "WWW-Authenticate") == "AgeToken"
        assert json.loads(reply.body)["challenge"] == f"/age/challenge/{name}"


def test_no_token_and_junk_are_refused(browser: Browser, code: Callable[[], str]) -> None:
    challenge(browser)
    assert is_refused(browser.request("POST", "/age/token"))
    assert code() == "no_token"
    for junk in ("junk", "a.b.c", "a.b", "x" * 7000):
        assert is_refused(by_header(browser, junk))
        assert code() == "malformed_token"
        assert is_refused(by_form(browser, quote(junk)))
        assert code() == "malformed_token"


def test_a_query_string_is_not_read(
    browser: Browser, parties: Parties, code: Callable[[], str]
) -> None:
    token = parties.token(challenge(browser))
    for path in (f"/age/token?age_token={token}", f"/age/token?Authorization=AgeToken%20{token}"):
        assert is_refused(browser.request("POST", path))
        assert code() == "no_token"
    assert browser.request("GET", f"/room?age_token={token}").status == 401
    assert browser.request("GET", f"/age/token?age_token={token}").status == 405
    assert by_header(browser, token).status == 204


def test_a_token_is_accepted_once(
    browser: Browser, parties: Parties, code: Callable[[], str]
) -> None:
    asked = challenge(browser)
    first, second = parties.token(asked), parties.token(asked)
    assert by_header(browser, first).status == 204
    for again in (first, second):
        assert is_refused(by_header(browser, again))
        assert code() == "no_challenge"
    challenge(browser)
    assert is_refused(by_header(browser, first))
    assert code() == "wrong_nonce"


def test_another_session_is_refused(
    visitor: Callable[[], Browser], parties: Parties, code: Callable[[], str]
) -> None:
    mine, other = visitor(), visitor()
    token = parties.token(challenge(mine))
    assert is_refused(by_header(other, token))
    assert code() == "no_challenge"
    challenge(other)
    assert is_refused(by_form(other, token))
    assert code() == "wrong_nonce"
    assert by_header(mine, token).status == 204
    assert mine.request("GET", "/room").status == 200
    assert other.request("GET", "/room").status == 401


def test_an_expired_challenge_is_refused(
    browser: Browser, parties: Parties, code: Callable[[], str]
) -> None:
    asked = challenge(browser)
    parties.clock.advance(seconds=1800)
    assert is_refused(by_header(browser, parties.token(asked)))
    assert code() == "no_challenge"


def test_an_expired_token_is_refused(
    browser: Browser, parties: Parties, code: Callable[[], str]
) -> None:
    token = parties.token(challenge(browser))
    parties.clock.advance(seconds=16 * 60)
    assert is_refused(by_header(browser, token))
    assert code() == "expired"


def test_open_challenges_are_few(
    browser: Browser, parties: Parties, code: Callable[[], str]
) -> None:
    for _ in range(5):
        challenge(browser)
    reply = browser.request("POST", "/age/challenge/over-18")
    assert (reply.status, header(reply, "Retry-After")) == (429, "1800")
    parties.clock.advance(seconds=1799.5)
    reply = browser.request("POST", "/age/challenge/over-18")
    assert (reply.status, header(reply, "Retry-After")) == (429, "1")
    assert header(reply, "Cache-Control") == "no-store"
    assert code() == "too_many_challenges"


def test_a_body_that_is_too_long_is_refused(browser: Browser, code: Callable[[], str]) -> None:
    challenge(browser)
    assert is_refused(by_form(browser, "a" * MAX_BODY_BYTES))
    assert code() == "body_too_large"
    assert is_refused(by_form(browser, "a" * 3_000_000))
    assert code() == "body_too_large"


def test_multipart_is_not_read(browser: Browser, parties: Parties, code: Callable[[], str]) -> None:
    token = parties.token(challenge(browser))
    part = f'--x\r\nContent-Disposition: form-data; name="age_token"\r\n\r\n{token}\r\n--x--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert is_refused(browser.request("POST", "/age/token", headers=kind, body=part.encode()))
    assert code() == "no_token"


def test_a_replay_store_that_is_down_closes_the_door(
    browser: Browser, parties: Parties, code: Callable[[], str]
) -> None:
    token = parties.token(challenge(browser))
    parties.store.down = True
    assert is_refused(by_header(browser, token))
    assert code() == "replay_store_unavailable"
    parties.store.down = False
    assert by_header(browser, token).status == 204


def test_an_unknown_limit_is_not_found(browser: Browser) -> None:
    reply = browser.request("POST", "/age/challenge/over-99")
    assert (reply.status, reply.body) == (404, answers.NOT_FOUND.body)
    assert browser.request("GET", "/age/challenge/over-18").status == 405


# -- the way through ------------------------------------------------------------------------------


def test_by_header(browser: Browser, parties: Parties) -> None:
    reply = by_header(browser, parties.token(challenge(browser)))
    assert (reply.status, reply.body) == (204, b"")
    assert header(reply, "Cache-Control") == "no-store"
    page = browser.request("GET", "/room")
    assert (page.status, page.body.strip(b'"')) == (200, b"over-18")
    assert browser.request("GET", "/playground").status == 401
    parties.clock.advance(seconds=86_400)
    assert browser.request("GET", "/room").status == 401


def test_by_form(browser: Browser, parties: Parties) -> None:
    reply = by_form(browser, parties.token(challenge(browser, "under-16")))
    assert (reply.status, header(reply, "Location")) == (303, "/lobby")
    assert header(reply, "Cache-Control") == "no-store"
    assert browser.request("GET", "/playground").status == 200
    assert parties.gate.counts.read() == {"challenge_opened": 1, "accepted": 1}
