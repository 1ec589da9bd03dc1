"""Sites whose sessions lie in a store on the server, which can be told to fail."""

from __future__ import annotations

import copy
import secrets
from typing import TYPE_CHECKING, Any

from django.contrib.sessions.backends.base import CreateError, SessionBase
from django.test import Client
from fastapi import Depends, FastAPI
from flask import Flask
from flask import Request as FlaskRequest
from flask import Response as FlaskResponse
from flask.sessions import SessionInterface, SessionMixin
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ageassure.integrations import flask as flask_adapter
from ageassure.integrations import starlette as starlette_adapter

from .browsers import ASGIBrowser, Browser, DjangoBrowser, FlaskBrowser, django_site

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ageassure.integrations import AgeGate


SECRET = "what the store says of its host"


class Store:
    """Sessions on a server, until it is told to be down."""

    def __init__(self) -> None:
        self.down = ""
        self.kept: dict[str, dict[str, Any]] = {}

    def load(self, sid: str) -> dict[str, Any]:
        if self.down == "load":
            raise ConnectionError(SECRET)
        return copy.deepcopy(self.kept.get(sid, {}))

    def save(self, sid: str, content: dict[str, Any]) -> None:
        if self.down == "save":
            raise ConnectionError(SECRET)
        self.kept[sid] = copy.deepcopy(content)


store = Store()


class LazySession(dict[str, Any], SessionMixin):
    """Is loaded when it is first looked into."""

    def __init__(self, sid: str | None) -> None:
        super().__init__()
        self.sid = sid or secrets.token_hex(8)
        self.changed = self.loaded = False

    def get(self, key: str, default: Any = None) -> Any:
        if not self.loaded:
            self.update(store.load(self.sid))
            self.loaded = True
        return super().get(key, default)

    def __setitem__(self, key: str, value: Any) -> None:
        self.changed = True
        super().__setitem__(key, value)


class StoredSessions:
    """As a session middleware for Starlette would have it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["session"] = session = LazySession(Request(scope).cookies.get("sid"))

        async def saving(message: Message) -> None:
            if message["type"] == "http.response.start" and session.changed:
                store.save(session.sid, dict(session))
                MutableHeaders(scope=message).append("Set-Cookie", f"sid={session.sid}; Path=/")
            await send(message)

        await self._app(scope, receive, saving)


class StoredFlaskSessions(SessionInterface):
    """As an extension for Flask would have it."""

    def open_session(self, app: Flask, request: FlaskRequest) -> LazySession:  # noqa: ARG002
        return LazySession(request.cookies.get("sid"))

    def save_session(self, app: Flask, session: SessionMixin, response: FlaskResponse) -> None:  # noqa: ARG002
        assert isinstance(session, LazySession)
        if session.changed:
            store.save(session.sid, dict(session))
            response.set_cookie("sid", session.sid)


class SessionStore(SessionBase):  # type: ignore[misc]
    """As a session engine for Django would have it."""

    def load(self) -> dict[str, Any]:
        return store.load(self.session_key)

    def exists(self, session_key: str) -> bool:
        return session_key in store.kept

    def create(self) -> None:
        self._session_key = self._get_new_session_key()
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        if must_create and self.exists(self.session_key):
            raise CreateError
        if self.session_key is None:
            return self.create()
        return store.save(self.session_key, self._get_session(no_load=must_create))

    def delete(self, session_key: str | None = None) -> None:
        store.kept.pop(session_key or self.session_key, None)


def starlette_site(gate: AgeGate) -> Browser:
    age = starlette_adapter.AgeAssurance(gate)
    over_18 = age.require_age(18)

    async def room(request: Request) -> Response:
        return PlainTextResponse((await over_18(request)).limit.name)

    app = Starlette(routes=[Route("/room", room)])
    return asgi_browser(app, age)


def fastapi_site(gate: AgeGate) -> Browser:
    age = starlette_adapter.AgeAssurance(gate)
    app = FastAPI()

    @app.get("/room", dependencies=[Depends(age.require_age(18))])
    def room() -> str:
        return "over-18"

    return asgi_browser(app, age)


def asgi_browser(app: Starlette, age: starlette_adapter.AgeAssurance) -> Browser:
    app.add_middleware(StoredSessions)
    age.install(app, session_middleware=StoredSessions)
    browser = ASGIBrowser(app)
    browser._client = TestClient(app, raise_server_exceptions=False)
    return browser


def flask_site(gate: AgeGate) -> Browser:
    app = Flask(__name__)
    app.session_interface = StoredFlaskSessions()
    age = flask_adapter.AgeAssurance(gate, app)

    @app.get("/room")
    @age.require_age(18)
    def room() -> str:
        return "over-18"

    return FlaskBrowser(app)


def django_browser(gate: AgeGate) -> Browser:
    django_site(gate)
    browser = DjangoBrowser()
    browser.client = Client(raise_request_exception=False, SERVER_NAME="platform.invalid")
    return browser


MADE: dict[str, Callable[[AgeGate], Browser]] = {
    "starlette": starlette_site,
    "fastapi": fastapi_site,
    "flask": flask_site,
    "django": django_browser,
}
