"""A session store that fails at that very moment closes the door, in every real framework."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings

from ageassure.integrations import answers
from ageassure.integrations.submission import Submission

from .browsers import Browser, DjangoBrowser
from .driving import OVER_18, last_code, opened, turned_away
from .stored_sessions import MADE, SECRET, SessionStore, store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Parties


@pytest.fixture(params=MADE)
def browser(parties: Parties, request: pytest.FixtureRequest) -> Iterator[Browser]:
    store.down, store.kept = "", {}
    # Django looks the engine up by the name of its module.
    with override_settings(SESSION_ENGINE=SessionStore.__module__):
        yield MADE[request.param](parties.gate)


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def token_for(browser: Browser, parties: Parties) -> str:
    asked = browser.request("POST", "/age/challenge/over-18")
    assert asked.status == 201
    return parties.token(asked.body)


def present(browser: Browser, token: str) -> int:
    headers = {"Authorization": f"AgeToken {token}"}
    return browser.request("POST", "/age/token", headers=headers).status


def is_told_nowhere(token: str, caplog: pytest.LogCaptureFixture) -> bool:
    return not any(part in caplog.text for part in token.split("."))


def test_a_session_that_cannot_be_loaded_closes_every_door(
    browser: Browser, parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    token = token_for(browser, parties)
    store.down = "load"
    for method, path in (
        ("GET", "/room"),
        ("POST", "/age/challenge/over-18"),
        ("POST", "/age/token"),
    ):
        reply = browser.request(method, path, headers={"Authorization": f"AgeToken {token}"})
        assert (reply.status, reply.body) == (503, answers.NO_SESSION.body)
        assert last_code(caplog) == "session_unavailable"
    assert SECRET not in caplog.text
    assert is_told_nowhere(token, caplog)
    store.down = ""
    assert parties.gate.counts.read() == {"challenge_opened": 1, "session_unavailable": 3}
    assert present(browser, token) == 204, "it was not used up"
    assert browser.request("GET", "/room").status == 200


def test_a_session_that_cannot_be_saved_keeps_no_result(
    browser: Browser, parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    token = token_for(browser, parties)
    store.down = "save"
    # Django's session is saved before the answer, where it gets its new key; the others after it.
    if isinstance(browser, DjangoBrowser):
        assert present(browser, token) == 503
        assert last_code(caplog) == "session_unavailable"
    else:
        assert present(browser, token) == 500
    assert browser.request("GET", "/room").status == 401
    assert browser.request("POST", "/age/challenge/over-18").status == 500
    store.down = ""
    assert browser.request("GET", "/room").status == 401
    assert present(browser, token) == 403
    assert last_code(caplog) == "replayed"
    assert is_told_nowhere(token, caplog)
    assert present(browser, token_for(browser, parties)) == 204, "a new challenge is the way out"
    assert browser.request("GET", "/room").status == 200


class FailingSession(dict[str, Any]):
    """Fails at the operations that are named."""

    failing = frozenset[str]()

    def get(self, key: str, default: Any = None) -> Any:
        if "get" in self.failing:
            raise RuntimeError(SECRET)
        return super().get(key, default)

    def __setitem__(self, key: str, value: Any) -> None:
        if "set" in self.failing:
            raise OSError(SECRET)
        super().__setitem__(key, value)


def test_a_session_that_writes_at_once_and_fails(
    parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    session = FailingSession()
    token = parties.token(opened(parties.gate, session))
    submission = Submission(token=token, holder_proof=None, in_header=True, too_large=False)
    empty = Submission(token=None, holder_proof=None, in_header=False, too_large=False)
    session.failing = frozenset({"get"})
    for answer in (
        turned_away(parties.gate, session, OVER_18),
        parties.gate.open_challenge(session, "over-18"),
        parties.gate.accept(session, submission),
        parties.gate.accept(session, empty),
    ):
        assert answer is answers.NO_SESSION
    session.failing = frozenset({"set"})
    assert parties.gate.open_challenge(session, "over-18") is answers.NO_SESSION
    assert parties.gate.accept(session, submission) is answers.NO_SESSION
    session.failing = frozenset()
    assert turned_away(parties.gate, session, OVER_18).status == 401
    assert parties.gate.accept(session, submission) is answers.REFUSED
    assert last_code(caplog) == "replayed"
    assert parties.gate.counts.read()["session_unavailable"] == 6
    assert SECRET not in caplog.text
