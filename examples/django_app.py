"""A Django site with a room for people of 18 or over, and a visit to it.

The provider, which runs elsewhere in real life, is played by ``ageassure.testing``. Settings, views
and addresses stand in one file here. Needs the extra ``django``.
"""

from __future__ import annotations

import json
import secrets

import django
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from ageassure import AgeRequest, MethodClass, Outcome
from ageassure.integrations import AgeGate
from ageassure.integrations.django import age_required
from ageassure.results import AssuranceLevel
from ageassure.testing import throw_away

HOST = "platform.invalid"
provider = throw_away()


@age_required(18)
def room(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("welcome, over-18")


urlpatterns = (path("room", room),)

settings.configure(
    AGEASSURE_GATE=AgeGate(
        provider.verifier, age_over=[18], result_seconds=30 * 86_400, next_path="/room"
    ),
    ALLOWED_HOSTS=[HOST],
    INSTALLED_APPS=["ageassure.integrations.django"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "ageassure.integrations.django.AgeGateMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    ROOT_URLCONF=urlpatterns,
    SECRET_KEY=secrets.token_urlsafe(64),
    SESSION_COOKIE_SECURE=True,
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)
django.setup()


def main() -> None:
    call_command("check")
    browser = Client(enforce_csrf_checks=True, SERVER_NAME=HOST)

    closed = json.loads(browser.get("/room", secure=True).content)
    print(f"{closed['status']}: {closed['detail']}")

    challenge = browser.post(closed["challenge"], secure=True).json()
    token = provider.issuer.issue(
        AgeRequest(**challenge),
        outcome=Outcome.OVER,
        method_class=MethodClass.ESTIMATION,
        level=AssuranceLevel.STANDARD,
    )
    for _ in range(2):
        answer = browser.post(
            "/age/token", secure=True, headers={"Authorization": f"AgeToken {token}"}
        )
        print(answer.status_code)
    print(browser.get("/room", secure=True).text)


if __name__ == "__main__":
    main()
