"""A browser for each framework: an application with a gate, driven by the framework's own client.

Every application has a page ``/room`` for people of 18 or over and ``/playground`` for those under
16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from fastapi import Depends, FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ageassure.integrations import flask as flask_adapter
from ageassure.integrations import starlette as starlette_adapter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from ageassure.integrations import AgeGate

COOKIE_SECRET = "cookie secret of a test"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Browser(Protocol):
    """One visitor with one cookie jar."""

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] = {}, body: bytes = b""
    ) -> Reply: ...


class ASGIBrowser:
    def __init__(self, app: Starlette) -> None:
        self._client = TestClient(app, base_url="https://platform.invalid", follow_redirects=False)

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] = {}, body: bytes = b""
    ) -> Reply:
        sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        reply = self._client.request(method, path, headers=sent, content=body)
        return Reply(reply.status_code, dict(reply.headers), reply.content)


def starlette_site(gate: AgeGate) -> Callable[[], Browser]:
    age = starlette_adapter.AgeAssurance(gate)
    over_18, under_16 = age.require_age(18), age.require_age(age_under=16)

    async def room(request: Request) -> Response:
        result = await over_18(request)
        return PlainTextResponse(result.limit.name)

    async def playground(request: Request) -> Response:
        await under_16(request)
        return PlainTextResponse("playground")

    app = Starlette(
        routes=[Route("/room", room), Route("/playground", playground)],
        middleware=[Middleware(SessionMiddleware, secret_key=COOKIE_SECRET, https_only=True)],
    )
    age.install(app)
    return lambda: ASGIBrowser(app)


def fastapi_site(gate: AgeGate) -> Callable[[], Browser]:
    age = starlette_adapter.AgeAssurance(gate)
    app = FastAPI()
    app.add_middleware(SessionMiddleware, secret_key=COOKIE_SECRET, https_only=True)
    age.install(app)

    @app.get("/room", dependencies=[Depends(age.require_age(18))])
    def room() -> str:
        return "over-18"

    @app.get("/playground", dependencies=[Depends(age.require_age(age_under=16))])
    def playground() -> str:
        return "playground"

    return lambda: ASGIBrowser(app)


class FlaskBrowser:
    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] = {}, body: bytes = b""
    ) -> Reply:
        reply = self._client.open(
            path,
            method=method,
            headers=dict(headers),
            data=body,
            base_url="https://platform.invalid",
        )
        return Reply(reply.status_code, dict(reply.headers), reply.data)


def flask_site(gate: AgeGate) -> Callable[[], Browser]:
    app = Flask(__name__)
    app.config.update(SECRET_KEY=COOKIE_SECRET, SESSION_COOKIE_SECURE=True)
    age = flask_adapter.AgeAssurance(gate, app)

    @app.get("/room")
    @age.require_age(18)
    def room() -> str:
        return "over-18"

    @app.get("/playground")
    @age.require_age(age_under=16)
    def playground() -> str:
        return "playground"

    return lambda: FlaskBrowser(app)


settings.configure(
    ALLOWED_HOSTS=["platform.invalid"],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    INSTALLED_APPS=["ageassure.integrations.django"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "ageassure.integrations.django.AgeGateMiddleware",
    ],
    ROOT_URLCONF=(),
    SECRET_KEY=COOKIE_SECRET,
    SESSION_COOKIE_SECURE=True,
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
)
django.setup()
from ageassure.integrations.django import age_required  # noqa: E402


@age_required(18)
def django_room(request: HttpRequest) -> HttpResponse:
    return HttpResponse("over-18")


@age_required(age_under=16)
async def django_playground(request: HttpRequest) -> HttpResponse:
    return HttpResponse("playground")


settings.ROOT_URLCONF = (path("room", django_room), path("playground", django_playground))


class DjangoBrowser:
    def __init__(self) -> None:
        self.client = Client(enforce_csrf_checks=True, SERVER_NAME="platform.invalid")

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] = {}, body: bytes = b""
    ) -> Reply:
        kind = headers.get("Content-Type", "")
        more = {key: value for key, value in headers.items() if key != "Content-Type"}
        reply = self.client.generic(
            method, path, data=body, content_type=kind, secure=True, headers=more
        )
        return Reply(reply.status_code, dict(reply.headers), reply.content)


def django_site(gate: AgeGate) -> Callable[[], Browser]:
    settings.AGEASSURE_GATE = gate
    return DjangoBrowser


SITES = {
    "starlette": starlette_site,
    "fastapi": fastapi_site,
    "flask": flask_site,
    "django": django_site,
}
