"""What the gate accepts, asks and remembers."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from typing import Any
from urllib.parse import urlencode

import pytest

from ageassure.integrations import AgeGate, AgeLimit, AgeResult, answers
from ageassure.integrations.session import SESSION_KEY
from ageassure.results import AssuranceLevel, MethodClass
from ageassure.testing import TEST_AUDIENCE, TEST_TIME

from .conftest import RESULT_SECONDS, Parties
from .driving import OVER_18, admitted, by_form, by_header, last_code, opened, turned_away


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ageassure.integrations")


def test_the_nonce_is_the_hash_of_what_the_session_holds(parties: Parties) -> None:
    session: dict[str, Any] = {}
    request = json.loads(opened(parties.gate, session))
    assert request.keys() == {"audience", "nonce", "age_over"}
    assert (request["audience"], request["age_over"]) == (TEST_AUDIENCE, 18)
    kept = json.dumps(session)
    assert request["nonce"] not in kept
    secret = base64.urlsafe_b64decode(session[SESSION_KEY]["open"][0][1] + "=")
    digest = base64.urlsafe_b64encode(hashlib.sha256(secret).digest()).rstrip(b"=")
    assert digest.decode() == request["nonce"]
    assert json.loads(opened(parties.gate, session))["nonce"] != request["nonce"]


def test_an_outcome_is_kept_and_a_time_and_nothing_of_the_token(parties: Parties) -> None:
    session: dict[str, Any] = {}
    token = parties.token(opened(parties.gate, session))
    parties.clock.advance(seconds=90)
    answer = by_form(parties.gate, session, urlencode({"state": "x", "age_token": token}).encode())
    assert (answer.status, dict(answer.headers)["Location"]) == (303, "/lobby")
    moment = int(TEST_TIME.timestamp()) + 90
    assert session == {SESSION_KEY: {"open": [], "passed": {"over-18": moment}}}
    result = admitted(parties.gate, session, OVER_18)
    assert result == AgeResult(limit=OVER_18, passed_at=parties.clock())
    assert parties.gate.counts.read() == {"challenge_opened": 1, "accepted": 1}


def test_a_result_counts_for_its_time(parties: Parties) -> None:
    session: dict[str, Any] = {}
    by_header(parties.gate, session, parties.token(opened(parties.gate, session)))
    parties.clock.advance(seconds=RESULT_SECONDS - 1)
    admitted(parties.gate, session, OVER_18)
    parties.clock.advance(seconds=1)
    assert turned_away(parties.gate, session, OVER_18).status == 401
    assert parties.gate.counts.read()["age_required"] == 1


def test_which_of_several_challenges_was_answered_is_found(parties: Parties) -> None:
    session: dict[str, Any] = {}
    over, under = (
        opened(parties.gate, session, "over-21"),
        opened(parties.gate, session, "under-16"),
    )
    assert json.loads(under)["age_under"] == 16
    assert by_header(parties.gate, session, parties.token(over)).status == 204
    result = admitted(parties.gate, session, OVER_18)
    assert result.limit == AgeLimit.of(21), "21 or over is 18 or over"
    assert turned_away(parties.gate, session, AgeLimit.of(age_under=16)).status == 401
    assert by_header(parties.gate, session, parties.token(under)).status == 204
    admitted(parties.gate, session, AgeLimit.of(age_under=16))


def test_methods_and_level_are_asked_for_and_demanded(
    parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    gate = AgeGate(
        parties.verifier,
        age_over=[18],
        result_seconds=60,
        methods=[MethodClass.VERIFICATION],
        minimum_level=AssuranceLevel.STANDARD,
        now=parties.clock,
    )
    session: dict[str, Any] = {}
    challenge = opened(gate, session)
    request = json.loads(challenge)
    assert (request["methods"], request["minimum_level"]) == (["verification"], "standard")
    assert request["tell_method"]
    assert request["tell_level"]
    estimated = parties.token(json.dumps(request | {"methods": ["estimation"]}).encode())
    assert by_header(gate, session, estimated) is answers.REFUSED
    assert last_code(caplog) == "assurance_not_met"
    verified = parties.token(challenge, method_class=MethodClass.VERIFICATION)
    assert by_header(gate, session, verified).status == 204


def test_nothing_personal_is_logged(parties: Parties, caplog: pytest.LogCaptureFixture) -> None:
    session: dict[str, Any] = {}
    challenge = opened(parties.gate, session)
    token = parties.token(challenge)
    by_header(parties.gate, session, token)
    by_header(parties.gate, session, token)
    for part in (*token.split("."), json.loads(challenge)["nonce"]):
        assert part not in caplog.text
    assert "nonce" not in repr(answers.challenge_opened(json.loads(challenge)))


def test_every_answer_is_a_problem_that_nobody_stores(parties: Parties) -> None:
    gate = parties.gate
    session: dict[str, Any] = {}
    problems = [
        answers.REFUSED,
        answers.NOT_FOUND,
        turned_away(gate, {}, OVER_18),
        answers.too_many_challenges(1800),
    ]
    rest = [answers.PASSED, answers.passed_by_form("/"), gate.open_challenge(session, "over-18")]
    for answer in (*problems, *rest):
        assert dict(answer.headers)["Cache-Control"] == "no-store"
    for answer in problems:
        assert dict(answer.headers)["Content-Type"] == "application/problem+json"
        assert json.loads(answer.body)["status"] == answer.status
    required = turned_away(gate, {}, OVER_18)
    assert json.loads(required.body)["challenge"] == "/age/challenge/over-18"
    assert dict(required.headers)["WWW-Authenticate"] == "AgeToken"
    assert gate.token_path == "/age/token"
