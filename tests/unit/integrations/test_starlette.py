"""What is Starlette's and FastAPI's alone."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.testclient import TestClient

from ageassure.errors import ConfigurationError, MissingExtraError
from ageassure.integrations import AgeGate
from ageassure.integrations import starlette as adapter
from ageassure.integrations.starlette import AgeAssurance
from ageassure.integrations.submission import MAX_BODY_BYTES
from ageassure.testing import TEST_AUDIENCE, TEST_ISSUER
from ageassure.verifier import JWKSet, TokenVerifier

from .browsers import starlette_site

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .conftest import Parties


class OwnSessions:
    """A session middleware of somebody else's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._session: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["session"] = self._session
        await self._app(scope, receive, send)


@pytest.mark.parametrize("make_app", [Starlette, FastAPI])
def test_an_application_without_sessions_is_refused_at_start(
    parties: Parties, make_app: type[Starlette]
) -> None:
    app = make_app()
    with pytest.raises(ConfigurationError, match="without SessionMiddleware"):
        AgeAssurance(parties.gate).install(app)
    app.add_middleware(OwnSessions)
    with pytest.raises(ConfigurationError, match="without SessionMiddleware"):
        AgeAssurance(parties.gate).install(app)
    AgeAssurance(parties.gate).install(app, session_middleware=OwnSessions)
    assert TestClient(app).post("/age/challenge/over-18").status_code == 201


def test_a_request_without_a_session_is_a_mistake_in_the_set_up(parties: Parties) -> None:
    require = AgeAssurance(parties.gate).require_age(18)
    with pytest.raises(ConfigurationError, match="without a session"):
        asyncio.run(require(Request({"type": "http"})))


def test_a_limit_that_the_gate_does_not_ask_about_is_refused_at_start(parties: Parties) -> None:
    with pytest.raises(ConfigurationError, match="over-40"):
        AgeAssurance(parties.gate).require_age(40)


def test_routes_stay_out_of_the_schema(parties: Parties) -> None:
    app = FastAPI()
    app.add_middleware(SessionMiddleware, secret_key="s")
    AgeAssurance(parties.gate).install(app)
    assert app.openapi()["paths"] == {}


def test_verifying_does_not_block_the_event_loop(parties: Parties) -> None:
    loops: list[bool] = []

    def look() -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            loops.append(False)
        else:
            loops.append(True)

    parties.store.before_claim = look
    browser = starlette_site(parties.gate)()
    token = parties.token(browser.request("POST", "/age/challenge/over-18").body)
    reply = browser.request("POST", "/age/token", headers={"Authorization": f"AgeToken {token}"})
    assert (reply.status, loops) == (204, [False])


def test_a_fetch_of_keys_is_awaited_before_a_thread_is_taken(parties: Parties) -> None:
    class Source:
        """Has its key set once somebody awaited it."""

        def __init__(self) -> None:
            self.asked: list[str | None] = []

        def key_set(self, missing: str | None = None) -> JWKSet:  # noqa: ARG002
            assert self.asked
            return parties.issuer.jwks

        def holds(self, kid: str) -> bool:  # noqa: ARG002
            return False

        async def ready(self, missing: str | None = None) -> None:
            self.asked.append(missing)

    source = Source()
    verifier = TokenVerifier(
        issuers={TEST_ISSUER: source},
        audience=TEST_AUDIENCE,
        replay_store=parties.store,
        now=parties.clock,
    )
    gate = AgeGate(verifier, age_over=[18], age_under=[16], result_seconds=60, now=parties.clock)
    browser = starlette_site(gate)()
    token = parties.token(browser.request("POST", "/age/challenge/over-18").body)
    for sent in ("", "junk"):  # nothing to wait for
        headers = {"Authorization": f"AgeToken {sent}"}
        assert browser.request("POST", "/age/token", headers=headers).status == 403
    assert source.asked == []
    headers = {"Authorization": f"AgeToken {token}"}
    assert browser.request("POST", "/age/token", headers=headers).status == 204
    (kid,) = (key.kid for key in parties.issuer.jwks)
    assert source.asked == [kid]


def test_an_endless_body_is_left_unread() -> None:
    sent = 0

    async def receive() -> Message:
        nonlocal sent
        sent += 1
        return {"type": "http.request", "body": b"a" * 1000, "more_body": True}

    body = asyncio.run(adapter._bounded_body(Request({"type": "http"}, receive)))
    assert len(body) == MAX_BODY_BYTES + 1
    assert sent == MAX_BODY_BYTES // 1000 + 1


@pytest.mark.parametrize("path", ["/age/token", "/age/challenge/over-18"])
def test_a_body_that_breaks_off_is_none(parties: Parties, path: str) -> None:
    app = Starlette()
    app.add_middleware(SessionMiddleware, secret_key="s")
    AgeAssurance(parties.gate).install(app)
    parts: list[Message] = [
        {"type": "http.request", "body": b"age_token=a.b.c", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return parts.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    kind = (b"content-type", b"application/x-www-form-urlencoded")
    scope = {"type": "http", "method": "POST", "path": path, "headers": [kind]}
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == (403 if path == "/age/token" else 201)
    assert parties.gate.counts.read() in ({"no_token": 1}, {"challenge_opened": 1})


def test_what_to_install_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("ageassure.extras.find_spec", lambda _name: None)
        with pytest.raises(MissingExtraError, match=r"ageassure\[starlette\]"):
            importlib.reload(adapter)
