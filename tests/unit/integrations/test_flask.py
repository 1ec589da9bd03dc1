"""What is Flask's alone."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from flask.sessions import SessionInterface

from ageassure.errors import ConfigurationError, MissingExtraError
from ageassure.integrations import flask as adapter
from ageassure.integrations.flask import AgeAssurance

from .driving import BrokenStream

if TYPE_CHECKING:
    from .conftest import Parties


def test_an_application_without_a_session_is_refused_at_start(parties: Parties) -> None:
    app = Flask(__name__)
    with pytest.raises(ConfigurationError, match="secret_key"):
        AgeAssurance(parties.gate, app)
    assert "ageassure" not in app.extensions
    app.session_interface = SessionInterface()  # somebody else's, with a store on the server
    AgeAssurance(parties.gate, app)


def test_the_application_may_come_later(parties: Parties) -> None:
    age = AgeAssurance(parties.gate)
    app = Flask(__name__)
    app.secret_key = "s"
    age.init_app(app)
    assert app.extensions["ageassure"] is age
    assert app.test_client().post("/age/challenge/over-18").status_code == 201


def test_a_limit_that_the_gate_does_not_ask_about_is_refused_at_start(parties: Parties) -> None:
    with pytest.raises(ConfigurationError, match="over-40"):
        AgeAssurance(parties.gate).require_age(40)


def test_a_body_that_breaks_off_is_none(parties: Parties) -> None:
    app = Flask(__name__)
    app.secret_key = "s"
    AgeAssurance(parties.gate, app)
    for length in ({"CONTENT_LENGTH": "100"}, {"wsgi.input_terminated": True}):  # or in chunks
        broken = {"wsgi.input": BrokenStream(), **length}
        for path, status in (("/age/token", 403), ("/age/challenge/over-18", 201)):
            reply = app.test_client().post(path, environ_overrides=broken)
            assert reply.status_code == status
    assert parties.gate.counts.read() == {"no_token": 2, "challenge_opened": 2}


def test_what_to_install_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("ageassure.extras.find_spec", lambda _name: None)
        with pytest.raises(MissingExtraError, match=r"ageassure\[flask\]"):
            importlib.reload(adapter)
