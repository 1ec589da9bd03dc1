"""The server that ``endpoint.py`` loads: its endpoints, in Starlette and uvicorn.

Started by ``endpoint.py`` in a process of its own, with the issuer's key set on standard input.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from timings import AUDIENCE, ISSUER

from ageassure.errors import VerificationError
from ageassure.integrations import AgeGate
from ageassure.integrations.starlette import AgeAssurance
from ageassure.tokens import JWKSet, base64url
from ageassure.verifier import MemoryReplayStore, TokenVerifier

if TYPE_CHECKING:
    from starlette.requests import Request

SECRET: Final = bytes(32)
"""Of every challenge, so that tokens can be made before: for a measurement and for nothing else."""

NONCE: Final = base64url.encode(sha256(SECRET).digest())
CHALLENGE_PATH: Final = "/site/age/challenge/over-18"
LET_IN: Final = b"come in"


class Endpoint(NamedTuple):
    """Where it is, what it answers to a good token, and which cookie it is to be sent."""

    path: str
    answer: tuple[int, bytes] = (200, LET_IN)
    cookie: str = ""


ENDPOINTS: Final = {
    "bare": Endpoint("/bare"),
    "async": Endpoint("/async"),
    "direct": Endpoint("/direct"),
    "session": Endpoint("/site/session", cookie="passed"),
    "gate": Endpoint("/site/age/token", (303, b""), "asked"),
    "require_age": Endpoint("/site/room", cookie="passed"),
}


def application(keys: JWKSet) -> Starlette:
    """The endpoints; with a site behind a session middleware and a gate."""
    verifier = TokenVerifier(
        issuers={ISSUER: keys},
        audience=AUDIENCE,
        replay_store=MemoryReplayStore(),
        now=lambda: datetime.now(UTC),
    )
    refused = PlainTextResponse("refused", 403)

    async def bare(request: Request) -> PlainTextResponse:
        await request.body()
        return PlainTextResponse(LET_IN)

    async def in_a_thread(request: Request) -> PlainTextResponse:
        token = (await request.body()).decode().removeprefix("age_token=")
        try:
            await verifier.verify_async(token, nonce=NONCE, age_over=18)
        except VerificationError:
            return refused
        return PlainTextResponse(LET_IN)

    async def direct(request: Request) -> PlainTextResponse:
        token = (await request.body()).decode().removeprefix("age_token=")
        try:
            verifier.verify(token, nonce=NONCE, age_over=18)
        except VerificationError:
            return refused
        return PlainTextResponse(LET_IN)

    async def spent(_request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(time.process_time_ns()))

    posts = {"/bare": bare, "/async": in_a_thread, "/direct": direct, "/spent": spent}
    routes = [Route(path, endpoint, methods=["POST"]) for path, endpoint in posts.items()]
    return Starlette(routes=[*routes, Mount("/site", app=site(verifier))])


def site(verifier: TokenVerifier) -> Starlette:
    """A platform's site: sessions in signed cookies, and the shipped adapter."""
    gate = AgeGate(
        verifier, age_over=[18], result_seconds=86_400, random_bytes=lambda _count: SECRET
    )
    age = AgeAssurance(gate)
    over_18 = age.require_age(18)

    async def session(request: Request) -> PlainTextResponse:
        await request.body()
        request.session.get("name")
        return PlainTextResponse(LET_IN)

    async def room(request: Request) -> PlainTextResponse:
        await request.body()
        await over_18(request)
        return PlainTextResponse(LET_IN)

    posts = {"/session": session, "/room": room}
    app = Starlette(
        routes=[Route(path, endpoint, methods=["POST"]) for path, endpoint in posts.items()],
        middleware=[Middleware(SessionMiddleware, secret_key="of a measurement")],
    )
    age.install(app)
    return app


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description="The server of endpoint.py.")
    parser.add_argument("port", type=int)
    port: int = parser.parse_args().port
    keys = JWKSet.from_json(sys.stdin.buffer.read())
    uvicorn.run(application(keys), host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main()
