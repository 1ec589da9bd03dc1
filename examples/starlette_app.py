"""A Starlette application with a room for people of 18 or over, and a visit to it.

The provider, which runs elsewhere in real life, is played by ``ageassure.testing``. Needs the extra
``starlette``, and ``httpx2`` for the visit. In FastAPI the room is written
``@app.get("/room", dependencies=[Depends(age.require_age(18))])``.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ageassure import AgeRequest, MethodClass, Outcome
from ageassure.integrations import AgeGate
from ageassure.integrations.starlette import AgeAssurance
from ageassure.results import AssuranceLevel
from ageassure.testing import throw_away

if TYPE_CHECKING:
    from starlette.requests import Request

    from ageassure import TokenVerifier


def make_app(verifier: TokenVerifier) -> Starlette:
    gate = AgeGate(verifier, age_over=[18], result_seconds=30 * 86_400, next_path="/room")
    age = AgeAssurance(gate)
    over_18 = age.require_age(18)

    async def room(request: Request) -> Response:
        result = await over_18(request)
        return PlainTextResponse(f"welcome, {result.limit.name}")

    app = Starlette(
        routes=[Route("/room", room)],
        middleware=[
            Middleware(SessionMiddleware, secret_key=secrets.token_urlsafe(), https_only=True)
        ],
    )
    age.install(app)
    return app


def main() -> None:
    provider = throw_away()
    browser = TestClient(make_app(provider.verifier), base_url="https://platform.invalid")

    closed = browser.get("/room").json()
    print(f"{closed['status']}: {closed['detail']}")

    challenge = browser.post(closed["challenge"]).json()
    token = provider.issuer.issue(
        AgeRequest(**challenge),
        outcome=Outcome.OVER,
        method_class=MethodClass.ESTIMATION,
        level=AssuranceLevel.STANDARD,
    )
    for _ in range(2):
        answer = browser.post("/age/token", headers={"Authorization": f"AgeToken {token}"})
        print(answer.status_code)
    print(browser.get("/room").text)


if __name__ == "__main__":
    main()
