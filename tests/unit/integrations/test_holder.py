"""Holder binding: a gate that demands proofs, through every real framework."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from ageassure.errors import ConfigurationError
from ageassure.integrations import answers
from ageassure.integrations.submission import MAX_BODY_BYTES
from ageassure.tokens import SigningKey

from .browsers import SITES, Browser, Reply
from .driving import FORM, KEY, demanding, last_code, proof

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Parties

FORM_KIND = {"Content-Type": FORM}
OTHER_KEY = SigningKey.generate()


@pytest.fixture(params=SITES)
def visitor(parties: Parties, request: pytest.FixtureRequest) -> Callable[[], Browser]:
    return SITES[request.param](demanding(parties))


@pytest.fixture
def browser(visitor: Callable[[], Browser]) -> Browser:
    return visitor()


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ageassure.integrations")


def ask(browser: Browser, body: bytes, kind: str = FORM) -> Reply:
    headers = {"Content-Type": kind} if kind else {}
    return browser.request("POST", "/age/challenge/over-18", headers=headers, body=body)


def challenge(browser: Browser, key: SigningKey = KEY) -> bytes:
    reply = ask(browser, urlencode({"holder_jkt": key.kid}).encode())
    assert reply.status == 201
    assert json.loads(reply.body)["holder_jkt"] == key.kid
    return reply.body


def by_header(browser: Browser, token: str, holder_proof: str | None) -> Reply:
    headers = {"Authorization": f"AgeToken {token}"}
    if holder_proof is not None:
        headers["Age-Holder-Proof"] = holder_proof
    return browser.request("POST", "/age/token", headers=headers)


def by_form(browser: Browser, token: str, holder_proof: str) -> Reply:
    body = urlencode({"age_token": token, "age_holder_proof": holder_proof}).encode()
    return browser.request("POST", "/age/token", headers=FORM_KIND, body=body)


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", ""),
        (b"", FORM),
        (b"holder_jkt=", FORM),
        (b"holder_jkt=" + b"a" * 42, FORM),
        (b"holder_jkt=" + b"a" * 44, FORM),
        (b"holder_jkt=" + b"a" * 42 + b"%0A", FORM),
        (b"holder_jkt=" + b"a" * 42 + b"\xff", FORM),
        (b"holder_jkt=" + b"a" * 42 + b"%C3%A9", FORM),
        (b"&".join([b"holder_jkt=" + b"a" * 43] * 2), FORM),
        (b"x=" + b"a" * MAX_BODY_BYTES + b"&holder_jkt=" + b"a" * 43, FORM),
        (b"holder_jkt=" + b"a" * 43, "text/plain"),
        (b'{"holder_jkt": "' + b"a" * 43 + b'"}', "application/json"),
    ],
)
def test_no_question_is_asked_without_the_thumbprint_of_a_key(
    browser: Browser, caplog: pytest.LogCaptureFixture, body: bytes, kind: str
) -> None:
    reply = ask(browser, body, kind)
    assert (reply.status, reply.body) == (400, answers.NO_HOLDER_KEY.body)
    assert last_code(caplog) == "no_holder_key"
    assert by_header(browser, "a.b.c", None).status == 403
    assert last_code(caplog) == "no_challenge"


def test_a_thumbprint_in_the_query_string_is_not_read(browser: Browser) -> None:
    path = f"/age/challenge/over-18?holder_jkt={KEY.kid}"
    assert browser.request("POST", path).status == 400


def test_a_token_without_a_proof_is_refused(
    browser: Browser, parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    token = parties.token(challenge(browser))
    for reply in (by_header(browser, token, None), by_form(browser, token, "")):
        assert (reply.status, reply.body) == (403, answers.REFUSED.body)
        assert last_code(caplog) == "holder_proof"
    assert browser.request("GET", "/room").status == 401


def test_a_wrong_proof_is_refused_and_uses_nothing_up(
    browser: Browser, parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    asked = challenge(browser)
    token, second = parties.token(asked), parties.token(asked)
    right = proof(parties, token, asked)
    for wrong in (
        "junk",
        "a.b.c",
        "é.b.c",
        "a" * 3000,
        f"{right}, {right}",
        right[:-4] + "AAAA",
        proof(parties, token, asked, OTHER_KEY),
        proof(parties, second, asked),
        proof(parties, token, asked, nonce="n" * 43),
        proof(parties, token, asked, audience="https://elsewhere.example"),
        token,
    ):
        ways = [by_form(browser, token, wrong)]
        if wrong.isascii():
            ways.append(by_header(browser, token, wrong))
        for reply in ways:
            assert (reply.status, reply.body) == (403, answers.REFUSED.body)
            assert last_code(caplog) == "holder_proof"
    parties.clock.advance(seconds=331)
    assert by_header(browser, token, right).status == 403, "too old"
    assert last_code(caplog) == "holder_proof"
    for part in (*token.split("."), *right.split("."), KEY.kid):
        assert part not in caplog.text
    assert by_header(browser, token, proof(parties, token, asked)).status == 204


def test_a_proof_counts_only_beside_its_token(
    browser: Browser, parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    asked = challenge(browser)
    token = parties.token(asked)
    right = proof(parties, token, asked)
    in_the_form = urlencode({"age_holder_proof": right}).encode()
    headers = {"Authorization": f"AgeToken {token}", **FORM_KIND}
    reply = browser.request("POST", "/age/token", headers=headers, body=in_the_form)
    assert (reply.status, last_code(caplog)) == (403, "holder_proof")
    headers = {"Age-Holder-Proof": right, **FORM_KIND}
    body = urlencode({"age_token": token}).encode()
    reply = browser.request("POST", "/age/token", headers=headers, body=body)
    assert (reply.status, last_code(caplog)) == (403, "holder_proof")
    reply = browser.request("POST", f"/age/token?age_holder_proof={right}", headers=headers)
    assert (reply.status, last_code(caplog)) == (403, "no_token")


def test_a_token_that_is_bound_to_another_key_or_to_none_is_refused(
    browser: Browser, parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    asked = json.loads(challenge(browser))
    for other in ({"holder_jkt": OTHER_KEY.kid}, {"holder_jkt": None}):
        changed = json.dumps(asked | other).encode()
        token = parties.token(changed)
        for key in (KEY, OTHER_KEY):
            reply = by_header(browser, token, proof(parties, token, changed, key))
            assert (reply.status, last_code(caplog)) == (403, "holder_proof")


def test_the_key_of_another_tab_does_not_serve(
    browser: Browser, parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = challenge(browser, KEY), challenge(browser, OTHER_KEY)
    token = parties.token(first)
    reply = by_header(browser, token, proof(parties, token, first, OTHER_KEY))
    assert (reply.status, last_code(caplog)) == (403, "holder_proof")
    assert by_header(browser, token, proof(parties, token, first, KEY)).status == 204
    token = parties.token(second)
    assert by_header(browser, token, proof(parties, token, second, OTHER_KEY)).status == 204


@pytest.mark.parametrize("wrong", [None, 1, "yes", KEY.kid])
def test_the_demand_is_yes_or_no(parties: Parties, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="demand_holder_proof"):
        demanding(parties, demand=wrong)


# -- the way through ------------------------------------------------------------------------------


def test_a_bound_token_with_its_proof_opens_the_door_once(
    browser: Browser, parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    asked = challenge(browser)
    token = parties.token(asked)
    right = proof(parties, token, asked)
    assert by_header(browser, token, right).status == 204
    assert browser.request("GET", "/room").status == 200
    challenge(browser)
    assert by_header(browser, token, right).status == 403
    assert last_code(caplog) == "wrong_nonce"


def test_by_form(browser: Browser, parties: Parties) -> None:
    asked = challenge(browser)
    token = parties.token(asked)
    assert by_form(browser, token, proof(parties, token, asked)).status == 303
    assert browser.request("GET", "/room").status == 200


@pytest.mark.parametrize("site", SITES)
def test_a_gate_that_does_not_demand_takes_a_bound_token_as_it_is(
    parties: Parties, site: str, caplog: pytest.LogCaptureFixture
) -> None:
    browser = SITES[site](demanding(parties, demand=False))()
    asked = json.loads(ask(browser, urlencode({"holder_jkt": KEY.kid}).encode()).body)
    assert "holder_jkt" not in asked, "it does not ask for what it does not demand"
    bound = json.dumps(asked | {"holder_jkt": KEY.kid}).encode()
    token = parties.token(bound)
    # A proof that is there must be right, as everywhere.
    assert by_header(browser, token, proof(parties, token, bound, OTHER_KEY)).status == 403
    assert last_code(caplog) == "holder_proof"
    assert by_header(browser, token, None).status == 204
