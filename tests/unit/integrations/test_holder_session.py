"""What the session remembers of a holder's key, and what is read of a request."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.integrations import answers
from ageassure.integrations.session import SESSION_KEY
from ageassure.integrations.submission import Submission, read_holder_jkt
from ageassure.testing import TEST_TIME

from .driving import FORM, KEY, OVER_18, admitted, demanding, last_code, opened, proof

if TYPE_CHECKING:
    from .conftest import Parties


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ageassure.integrations")


def test_the_session_remembers_the_thumbprint_and_the_result_does_not(parties: Parties) -> None:
    gate = demanding(parties)
    session: dict[str, Any] = {}
    answer = gate.open_challenge(session, "over-18", KEY.kid)
    assert session[SESSION_KEY]["open"][0][3] == KEY.kid
    assert KEY.kid not in repr(gate._reader.read(session, TEST_TIME.timestamp()))
    token = parties.token(answer.body)
    submission = Submission(
        token=token,
        holder_proof=proof(parties, token, answer.body),
        in_header=True,
        too_large=False,
    )
    assert "eyJ" not in repr(submission)
    assert gate.accept(session, submission).status == 204
    assert session[SESSION_KEY] == {"open": [], "passed": {"over-18": int(TEST_TIME.timestamp())}}


@pytest.mark.parametrize("jkt", [None, 7, "", "a" * 42, ["a" * 43]])
def test_a_challenge_without_a_key_is_none_for_a_gate_that_demands(
    parties: Parties, caplog: pytest.LogCaptureFixture, jkt: object
) -> None:
    """Such as one that was opened before the gate began to demand."""
    session: dict[str, Any] = {}
    token = parties.token(opened(parties.gate, session))
    if jkt is not None:
        session[SESSION_KEY]["open"][0].append(jkt)
    submission = Submission(token=token, holder_proof=None, in_header=True, too_large=False)
    assert demanding(parties).accept(session, submission) is answers.REFUSED
    assert last_code(caplog) == "no_challenge"


def test_a_result_stands_when_the_gate_begins_to_demand(parties: Parties) -> None:
    session: dict[str, Any] = {}
    token = parties.token(opened(parties.gate, session))
    submission = Submission(token=token, holder_proof=None, in_header=True, too_large=False)
    assert parties.gate.accept(session, submission).status == 204
    admitted(demanding(parties), session, OVER_18)


def test_a_question_is_answered_as_it_was_asked(
    parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the gate stops demanding, what was asked with a key still needs its proof."""
    session: dict[str, Any] = {}
    asked = demanding(parties).open_challenge(session, "over-18", KEY.kid).body
    token = parties.token(asked)
    gate = demanding(parties, demand=False)
    for given, status in ((None, 403), (proof(parties, token, asked), 204)):
        submission = Submission(token=token, holder_proof=given, in_header=True, too_large=False)
        assert gate.accept(session, submission).status == status
    assert last_code(caplog) == "holder_proof"


def test_two_proofs_are_none() -> None:
    read = Submission.read(
        authorization=["AgeToken a.b.c"], holder_proofs=["x", "x"], content_type="", body=b""
    )
    assert (read.token, read.holder_proof) == ("a.b.c", None)
    twice = b"age_token=a.b.c&age_holder_proof=x&age_holder_proof=x"
    read = Submission.read(authorization=[], holder_proofs=["x"], content_type=FORM, body=twice)
    assert (read.token, read.holder_proof) == ("a.b.c", None)
    assert read_holder_jkt(content_type=FORM, body=b"holder_jkt=x") == "x"
