"""What nobody meant to send, through every real framework."""

from __future__ import annotations

import gzip
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from ageassure.integrations import answers

from .browsers import SITES, Browser, Reply
from .driving import FORM, last_code

if TYPE_CHECKING:
    from .conftest import Parties

JUNK_BODIES: list[tuple[str, bytes]] = [
    (FORM, b"\xff\xfe\x00"),
    (FORM, b"age_token=\xff\xfe"),
    (FORM, b"age_token=%ff%fe"),
    (FORM, b"age_token=%00"),
    (FORM, b"age_token=a.b.c%00"),
    (FORM, b"age_token=%ED%A0%80.b.c"),
    (FORM, b"age_token=%"),
    (FORM, b"age_token=%C3%A9.%C3%A9.%C3%A9"),
    (FORM, b"age_token=..&age_token=.."),
    (FORM, b"age_token[]=a.b.c"),
    (FORM, b"age_token;age_token=a.b.c"),
    (FORM, b"AGE_TOKEN=a.b.c"),
    (FORM, b"&&&&===="),
    (FORM, b"&".join([b"age_token=a.b.c"] * 1000)),
    (FORM, b"=" * 16_384),
    (FORM, b"%" * 16_384),
    (FORM, b"age_token=" + b"A" * 8192 + b".e30.AA"),
    (FORM, b"age_token=" + b"." * 16_000),
    (FORM, b"age_token=" + b"W" * 4000 + b"." + b"W" * 4000 + b".AA"),
    (f"{FORM}; charset=utf-16", "age_token=a.b.c".encode("utf-16")),
    (f"{FORM}; charset=no-such", b"age_token=a.b.c"),
    (f" {FORM.upper()} ;;;", b"age_token=a.b.c"),
    (FORM, gzip.compress(b"age_token=a.b.c")),
    ("multipart/form-data", b"age_token=a.b.c"),
    ("multipart/form-data; boundary=" + "x" * 5000, b"--x"),
    ("application/json", b"[" * 10_000),
    ("text/xml", b"<!DOCTYPE x [<!ENTITY a 'a'>]><age_token>&a;</age_token>"),
    (";", b"age_token=a.b.c"),
    ("x" * 20_000, b"age_token=a.b.c"),
]

JUNK_HEADERS: list[dict[str, str]] = [
    {"Authorization": ""},
    {"Authorization": " "},
    {"Authorization": "AgeToken" + " " * 5000},
    {"Authorization": "AgeToken " + "a" * 60_000},
    {"Authorization": "AgeToken " + "a." * 20_000},
    {"Authorization": "AgeToken a.b.c, AgeToken d.e.f"},
    {"Authorization": "AgeToken\ta.b.c"},
    {"Authorization": "AgeToken token=a.b.c"},
    {"Authorization": "AgeToken \xff.\xfe.\xfd"},
    {"Authorization": "Bearer a.b.c", "Age-Holder-Proof": "x" * 60_000},
    {"Authorization": "AgeToken a.b.c", "Age-Holder-Proof": "\xe9" * 100},
    {"Content-Type": "\xff\xfe"},
    {"X-HTTP-Method-Override": "GET"},
    {"Cookie": "session=%ff; sessionid=..; session=" + "x" * 4000},
    {"Cookie": "\xff=\xff; ;;; =; sessionid=" + quote("\x00" * 32)},
]

JUNK_NAMES = [
    "over-018", "OVER-18", "over-18%00", "over--18", "over-1", "over-18/", "over-18/../token",
    "under-18", "18", "%2e%2e", "%ff", "%F0%9F%94%9E", "over-18;x=1", "over-18%0dX:%20y",
    "x" * 5000, "over-" + "9" * 5000,
]  # fmt: skip


@pytest.fixture(params=SITES)
def browser(parties: Parties, request: pytest.FixtureRequest) -> Browser:
    return SITES[request.param](parties.gate)()


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ageassure.integrations")


def fields(reply: Reply) -> dict[str, str]:
    return {name.lower(): value for name, value in reply.headers.items()}


def test_every_junk_gets_the_same_refusal_to_the_last_field(
    browser: Browser, parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    post = "/age/token"
    replies = [browser.request("POST", post, headers=headers) for headers in JUNK_HEADERS]
    replies += [
        browser.request("POST", post, headers={"Content-Type": kind}, body=body)
        for kind, body in JUNK_BODIES
    ]
    assert {reply.status for reply in replies} == {403}
    assert {reply.body for reply in replies} == {answers.REFUSED.body}
    challenge = browser.request("POST", "/age/challenge/over-18").body
    token = parties.token(challenge)
    parties.clock.advance(seconds=16 * 60)
    ways = [{"Authorization": f"AgeToken {each}"} for each in ("", "a.b.c", token)]
    with_session = [browser.request("POST", post, headers=headers) for headers in ways]
    assert last_code(caplog) == "expired"
    one, *others = [fields(reply) for reply in with_session]
    assert all(other == one for other in others)
    same = [fields(reply) for reply in replies]
    assert all(other == same[0] for other in same)
    assert set(parties.gate.counts.read()) <= {
        "no_token", "malformed_token", "malformed_header", "no_challenge", "body_too_large",
        "challenge_opened", "expired",
    }  # fmt: skip


def test_a_session_cookie_of_nobody_changes_no_field(browser: Browser) -> None:
    replies = [
        browser.request(
            "POST", "/age/token", headers={"Cookie": "session=x; sessionid=" + "a" * 32} | more
        )
        for more in ({}, {"Authorization": "AgeToken junk"})
    ]
    assert fields(replies[0]) == fields(replies[1])


def test_junk_instead_of_a_limit_is_not_found(browser: Browser) -> None:
    for name in JUNK_NAMES:
        reply = browser.request("POST", f"/age/challenge/{name}")
        assert (reply.status, reply.body) == (404, answers.NOT_FOUND.body), name
        assert fields(reply)["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/age/token", "/age/challenge/over-18", "/age/challenge/junk"])
def test_other_methods_are_answered_by_the_gate(browser: Browser, path: str) -> None:
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"):
        reply = browser.request(method, path)
        assert (reply.status, fields(reply)["allow"]) == (405, "POST"), method
        assert fields(reply)["cache-control"] == "no-store"
        assert fields(reply)["content-type"] == "application/problem+json"
        assert reply.body in (answers.NOT_ALLOWED.body, b"")
