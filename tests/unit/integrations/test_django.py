"""What is Django's alone."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

import pytest
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, override_settings
from django.urls import path
from django.views import View

from ageassure.errors import ConfigurationError, MissingExtraError
from ageassure.integrations import AgeLimit
from ageassure.integrations import django as adapter

from .browsers import DjangoBrowser, django_site
from .driving import BrokenStream

if TYPE_CHECKING:
    from .conftest import Parties

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
FUNCTION = "ageassure.testing.throw_away"  # a middleware may be made by a function
GATE = "ageassure.integrations.django.AgeGateMiddleware"


@pytest.fixture(autouse=True)
def _gate(parties: Parties) -> None:
    django_site(parties.gate)


def found() -> list[str]:
    return [message.id for message in run_checks(tags=["ageassure"])]


def test_a_sound_set_up_passes_the_check() -> None:
    assert found() == []


@pytest.mark.parametrize("gate", [None, "", "no.such.gate", "ageassure.testing.throw_away", 7])
def test_a_missing_gate_is_found_by_the_check_and_at_start(gate: object) -> None:
    with override_settings(AGEASSURE_GATE=gate):
        assert found() == ["ageassure.E001"]
        with pytest.raises(ConfigurationError, match="AGEASSURE_GATE"):
            DjangoBrowser().request("GET", "/room")


@pytest.mark.parametrize("chain", [[GATE], [GATE, SESSIONS], [CSRF, GATE], [FUNCTION, GATE]])
def test_missing_sessions_are_found_by_the_check_and_at_start(chain: list[str]) -> None:
    with override_settings(MIDDLEWARE=chain):
        assert found() == ["ageassure.E002"]
        with pytest.raises(ConfigurationError, match="SessionMiddleware"):
            DjangoBrowser().request("GET", "/room")


def test_a_missing_middleware_is_found_by_the_check() -> None:
    with override_settings(MIDDLEWARE=[SESSIONS]):
        assert found() == ["ageassure.E002"]


def test_a_limit_that_the_gate_does_not_ask_about_is_found_by_the_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adapter, "_demanded", set())
    with pytest.raises(ConfigurationError):
        adapter.age_required(100)
    view = adapter.age_required(40)(lambda _request: None)
    assert adapter._demanded == {AgeLimit.of(40)}
    assert found() == ["ageassure.E003"]
    with pytest.raises(ConfigurationError, match="over-40"):
        view(None)


def test_the_gate_may_be_named(parties: Parties, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ageassure.testing.gate", parties.gate, raising=False)
    with override_settings(AGEASSURE_GATE="ageassure.testing.gate"):
        assert found() == []
        assert DjangoBrowser().request("POST", "/age/challenge/over-18").status == 201


def test_the_session_gets_a_new_key_with_the_result(parties: Parties) -> None:
    browser = DjangoBrowser()
    asked = browser.request("POST", "/age/challenge/over-18")
    planted = browser.client.cookies["sessionid"].value
    headers = {"Authorization": f"AgeToken {parties.token(asked.body)}"}
    refused = browser.request("POST", "/age/token", headers={"Authorization": "AgeToken junk"})
    assert refused.status == 403
    assert browser.client.cookies["sessionid"].value == planted
    assert browser.request("POST", "/age/token", headers=headers).status == 204
    assert browser.client.cookies["sessionid"].value != planted
    assert browser.request("GET", "/room").status == 200
    browser.client.cookies["sessionid"] = planted
    assert browser.request("GET", "/room").status == 401


def test_other_pages_keep_their_csrf_check() -> None:
    assert DjangoBrowser().request("POST", "/room").status == 403
    assert DjangoBrowser().request("GET", "/elsewhere").status == 404


def test_under_asgi(parties: Parties) -> None:
    async def visit() -> list[int]:
        client = AsyncClient(SERVER_NAME="platform.invalid")
        before = await client.get("/playground")
        asked = await client.post("/age/challenge/under-16")
        token = parties.token(asked.content)
        accepted = await client.post("/age/token", headers={"Authorization": f"AgeToken {token}"})
        after = await client.get("/playground")
        return [answer.status_code for answer in (before, accepted, after)]

    assert asyncio.run(visit()) == [401, 204, 200]


def test_an_async_view_of_a_class_is_guarded_and_awaited(parties: Parties) -> None:
    class Playground(View):  # type: ignore[misc]
        async def get(self, _request: HttpRequest) -> HttpResponse:
            return HttpResponse("playground")

    guarded = adapter.age_required(age_under=16)(Playground.as_view())

    async def visit() -> list[int]:
        client = AsyncClient(SERVER_NAME="platform.invalid")
        before = await client.get("/class")
        asked = await client.post("/age/challenge/under-16")
        token = parties.token(asked.content)
        await client.post("/age/token", headers={"Authorization": f"AgeToken {token}"})
        return [before.status_code, (await client.get("/class")).status_code]

    with override_settings(ROOT_URLCONF=(path("class", guarded),)):
        assert asyncio.run(visit()) == [401, 200]


def test_a_body_that_breaks_off_is_none(parties: Parties) -> None:
    broken = {"wsgi.input": BrokenStream(), "CONTENT_LENGTH": "100"}
    for address, status in (("/age/token", 403), ("/age/challenge/over-18", 201)):
        assert DjangoBrowser().client.post(address, **broken).status_code == status
    assert parties.gate.counts.read() == {"no_token": 1, "challenge_opened": 1}


def test_what_to_install_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("ageassure.extras.find_spec", lambda _name: None)
        with pytest.raises(MissingExtraError, match=r"ageassure\[django\]"):
            importlib.reload(adapter)
