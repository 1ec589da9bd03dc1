"""What the gate refuses."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from ageassure.integrations import answers
from ageassure.integrations.session import SESSION_KEY
from ageassure.integrations.submission import MAX_BODY_BYTES
from ageassure.results import MethodClass
from ageassure.testing import TEST_AUDIENCE, TEST_TIME
from ageassure.tokens import SigningKey

from .conftest import RESULT_SECONDS, Parties
from .driving import FORM, OVER_18, accept, by_header, last_code, opened, turned_away

NOW = int(TEST_TIME.timestamp())


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ageassure.integrations")


@pytest.mark.parametrize(
    ("authorization", "kind", "body", "code"),
    [
        ([], "", b"", "no_token"),
        (["AgeToken"], "", b"", "no_token"),
        (["Bearer x.y.z"], "", b"", "no_token"),
        (["AgeToken a.b.c", "AgeToken a.b.c"], "", b"", "no_token"),
        (["AgeToken junk"], "", b"", "malformed_token"),
        ([], FORM, b"age_token=junk", "malformed_token"),
        ([], FORM, b"age_token=a.b.c&age_token=a.b.c", "no_token"),
        ([], FORM, b"token=a.b.c", "no_token"),
        ([], FORM, b"age_token=\xff", "no_token"),
        ([], FORM, b"&".join([b"x=1"] * 17), "no_token"),
        ([], "multipart/form-data; boundary=x", b"age_token=a.b.c", "no_token"),
        ([], "application/json", b'{"age_token": "a.b.c"}', "no_token"),
        ([], FORM, b"age_token=" + b"a" * MAX_BODY_BYTES, "body_too_large"),
    ],
)
def test_what_is_no_token_is_refused(
    parties: Parties,
    caplog: pytest.LogCaptureFixture,
    authorization: list[str],
    kind: str,
    body: bytes,
    code: str,
) -> None:
    session: dict[str, Any] = {}
    opened(parties.gate, session)
    answer = accept(parties.gate, session, authorization, kind, body)
    assert answer is answers.REFUSED
    assert last_code(caplog) == code
    assert parties.gate.counts.read() == {"challenge_opened": 1, code: 1}
    assert turned_away(parties.gate, session, OVER_18).status == 401


def test_every_refusal_of_the_verifier_is_the_same_outside(
    parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    gate = parties.gate
    session: dict[str, Any] = {}
    challenge = opened(gate, session)
    token = parties.token(challenge)
    forged = parties.token(challenge, signing_key=SigningKey.generate())
    declared = json.dumps({**json.loads(challenge), "tell_method": True}).encode()
    wrong_way = parties.token(
        json.dumps(
            {"audience": TEST_AUDIENCE, "nonce": json.loads(challenge)["nonce"], "age_under": 18}
        ).encode()
    )
    for presented, code in (
        (forged, "unknown_key"),
        (token[:-8] + "AAAAAAAA", "bad_signature"),
        (wrong_way, "age_not_met"),
        (parties.token(declared, method_class=MethodClass.DECLARATION), "assurance_not_met"),
        (parties.token(opened(gate, {})), "wrong_nonce"),
    ):
        assert by_header(gate, session, presented) is answers.REFUSED
        assert last_code(caplog) == code
    assert by_header(gate, session, token).status == 204, "no refusal used it up"


def test_a_token_is_refused_in_another_session_and_without_one(
    parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    mine: dict[str, Any] = {}
    other: dict[str, Any] = {}
    token = parties.token(opened(parties.gate, mine))
    assert by_header(parties.gate, {}, token) is answers.REFUSED
    assert last_code(caplog) == "no_challenge"
    opened(parties.gate, other)
    assert by_header(parties.gate, other, token) is answers.REFUSED
    assert last_code(caplog) == "wrong_nonce"


def test_a_challenge_is_answered_once(parties: Parties, caplog: pytest.LogCaptureFixture) -> None:
    session: dict[str, Any] = {}
    challenge = opened(parties.gate, session)
    first, second = parties.token(challenge), parties.token(challenge)
    before = json.loads(json.dumps(session))
    assert by_header(parties.gate, session, first).status == 204
    assert by_header(parties.gate, session, second) is answers.REFUSED
    assert last_code(caplog) == "no_challenge"
    # Who puts an old cookie back has the challenge again, but not the token.
    assert by_header(parties.gate, before, first) is answers.REFUSED
    assert last_code(caplog) == "replayed"


def test_a_challenge_expires(parties: Parties, caplog: pytest.LogCaptureFixture) -> None:
    session: dict[str, Any] = {}
    challenge = opened(parties.gate, session)
    parties.clock.advance(seconds=1799)
    assert by_header(parties.gate, dict(session), parties.token(challenge)).status == 204
    parties.clock.advance(seconds=1)
    assert by_header(parties.gate, session, parties.token(challenge)) is answers.REFUSED
    assert last_code(caplog) == "no_challenge"


def test_open_challenges_are_few(parties: Parties, caplog: pytest.LogCaptureFixture) -> None:
    session: dict[str, Any] = {}
    challenges = [opened(parties.gate, session) for _ in range(5)]
    refused = parties.gate.open_challenge(session, "under-16")
    assert (refused.status, dict(refused.headers)["Retry-After"]) == (429, "1800")
    parties.clock.advance(seconds=600)
    again = parties.gate.open_challenge(session, "under-16")
    assert dict(again.headers)["Retry-After"] == "1200", "when the oldest ends"
    assert last_code(caplog) == "too_many_challenges"
    assert by_header(parties.gate, session, parties.token(challenges[0])).status == 204
    opened(parties.gate, session)
    assert parties.gate.open_challenge(session, "over-18").status == 429
    parties.clock.advance(seconds=1199)
    assert parties.gate.open_challenge(session, "over-18").status == 429
    parties.clock.advance(seconds=1)
    opened(parties.gate, session)


def test_the_oldest_challenge_may_stand_anywhere(parties: Parties) -> None:
    """Two servers' clocks differ: what was opened last may end first."""
    session: dict[str, Any] = {}
    opened(parties.gate, session)
    parties.clock.advance(seconds=-60)
    for _ in range(4):
        opened(parties.gate, session)
    answer = parties.gate.open_challenge(session, "over-18")
    assert dict(answer.headers)["Retry-After"] == "1800"


def test_a_store_that_is_down_closes_the_door(
    parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    session: dict[str, Any] = {}
    token = parties.token(opened(parties.gate, session))
    parties.store.down = True
    assert by_header(parties.gate, session, token) is answers.REFUSED
    assert last_code(caplog) == "replay_store_unavailable"
    parties.store.down = False
    assert by_header(parties.gate, session, token).status == 204, "worth a retry"


def test_a_server_that_dies_after_the_claim_leaves_a_token_used_up(
    parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    session: dict[str, Any] = {}
    token = parties.token(opened(parties.gate, session))
    lost = dict(session)  # what is written into it never reaches the session's store
    assert by_header(parties.gate, lost, token).status == 204
    assert by_header(parties.gate, session, token) is answers.REFUSED
    assert last_code(caplog) == "replayed"
    assert turned_away(parties.gate, session, OVER_18).status == 401
    again = parties.token(opened(parties.gate, session))
    assert by_header(parties.gate, session, again).status == 204


def test_an_unknown_limit_is_not_found(parties: Parties) -> None:
    session: dict[str, Any] = {}
    for name in ("over-19", "under-18", "", "over-18/"):
        assert parties.gate.open_challenge(session, name) is answers.NOT_FOUND
    assert session == {}


@pytest.mark.parametrize(
    "kept",
    [
        None,
        [],
        "x",
        {"open": {}, "passed": []},
        {"open": [None, [], ["over-18"], ["over-18", "c2hvcnQ", NOW], ["over-18", 7, NOW]]},
        {"open": [["over-99", "A" * 43, NOW]]},
        {"open": [["over-18", "A" * 43, NOW + 61]]},
        {"open": [["over-18", "A" * 43, True], ["over-18", "A" * 42 + "=", NOW]]},
        {"passed": {"over-18": True, "over-21": "1", "over-40": NOW}},
        {"passed": {"over-18": NOW + 61}},
        {"passed": {"over-18": 10**400}, "open": [["over-18", "A" * 43, -(10**400)]]},
        {"passed": {"over-18": NOW - RESULT_SECONDS}},
    ],
)
def test_what_the_gate_did_not_write_counts_as_absent(
    parties: Parties, caplog: pytest.LogCaptureFixture, kept: object
) -> None:
    session: dict[str, Any] = {SESSION_KEY: kept}
    assert turned_away(parties.gate, session, OVER_18).status == 401
    token = parties.token(opened(parties.gate, {}))
    assert by_header(parties.gate, session, token) is answers.REFUSED
    assert last_code(caplog) == "no_challenge"
    for _ in range(5):
        opened(parties.gate, session)
