"""A provider as a service: a picture comes in, an outcome and perhaps a token go out.

    export GLIBC_TUNABLES=glibc.malloc.tcache_count=0
    uvicorn --app-dir examples provider_service:app --port 8001 --loop asyncio

Needs the extras ``face`` and ``starlette``, and uvicorn. ``docs/tutorial/two-services.md`` leads
through it, ``docs/how-to/run-it-in-your-service.md`` says why it is as it is.

It is for trying out. Its key is made at the start and lost at the end, it serves one platform, it
takes requests from anybody (who can then try pictures under nonces of their own), and its bar is
the weak one of the first lesson, so that one portrait leads to a token.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ageassure import (
    AgeAssuranceError,
    AgeRequest,
    AssuranceResult,
    EvidenceError,
    FacialAgeEstimator,
    MethodClass,
    Policy,
    Provider,
    RelyingParty,
    SigningKey,
    TokenIssuer,
)
from ageassure.errors import (
    ConfigurationError,
    FaceError,
    PictureError,
    RequestRefusedError,
    UnfinishedError,
)
from ageassure.hardening import harden_process
from ageassure.policy import (
    SENTENCES,
    Binding,
    MemoryAttemptStore,
    PresentationAttackRule,
    RequiredCertainty,
)
from ageassure.results import Direction
from ageassure.threads import AssessmentThreads
from ageassure.wiping import Wiping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import Receive

ISSUER = "https://provider.example"
PLATFORM = "https://platform.example"
MAX_BYTES = 10_000_000
BODY_SECONDS = 10.0
ASSESSMENT_SECONDS = 5.0


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Parts:
    """What one process of the service needs."""

    issuer: TokenIssuer
    provider: Provider
    threads: AssessmentThreads


def make_provider(issuer: TokenIssuer) -> Provider:
    policy = Policy(
        age_limit=18,
        direction=Direction.OVER,
        methods=frozenset({MethodClass.ESTIMATION}),
        binding=Binding.REQUIRED,
        presentation_attack=PresentationAttackRule.UNEVALUATED_ACCEPTED,
        over=RequiredCertainty(certainty=0.9),  # elsewhere: an earned challenge age
        under=None,
        session_alpha=0.1,
        max_attempts=1,
    )
    return Provider(
        estimators={"face": FacialAgeEstimator()},
        policies=[policy],
        issuer=issuer,
        relying_parties=[RelyingParty(audience=PLATFORM)],
        attempt_store=MemoryAttemptStore(now=utc_now),
    )


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    report = harden_process()  # in each process, before the estimator is made
    if not report.fully_hardened:
        raise SystemExit(f"not hardened: {dict(report.missing)}")
    issuer = TokenIssuer(issuer=ISSUER, signing_key=SigningKey.generate())
    with AssessmentThreads(threads=2, waiting=8) as threads:
        app.state.parts = Parts(issuer, make_provider(issuer), threads)
        yield


async def read_body(receive: Receive) -> bytearray | None:
    """The request's body, or None if it is too large or was not sent to its end."""
    body, whole = bytearray(), False
    try:
        while not whole:
            message = await receive()
            body += message.get("body", b"")
            if message["type"] != "http.request" or len(body) > MAX_BYTES:
                return None
            whole = not message.get("more_body", False)
        return body
    finally:
        if not whole:  # too large, too slow, broken off
            Wiping(body).wipe()


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def assess(
    parts: Parts, picture: bytearray, asked: AgeRequest, receive: Receive
) -> AssuranceResult | None:
    """Assess the picture; None if whoever sent it went away, which stops the work."""
    run = parts.threads.run(
        parts.provider.assess, picture, asked, timeout_seconds=ASSESSMENT_SECONDS
    )
    work, gone = asyncio.create_task(run), asyncio.create_task(until_gone(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        work.cancel()  # nothing, where it is done
    await asyncio.wait({work})  # at the end of its stage; the picture is zeros then
    return None if work.cancelled() else work.result()


async def take_picture(request: Request) -> Response:
    parts: Parts = request.app.state.parts
    try:
        asked = AgeRequest(**json.loads(request.headers.get("age-request", "")))
    except (ValueError, TypeError, RecursionError, ConfigurationError):
        return Response("no age request", status_code=400)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            picture = await read_body(request.receive)
    except TimeoutError:
        return Response("too slow", status_code=408)
    if picture is None:
        return Response("too large", status_code=413)
    try:
        result = await assess(parts, picture, asked, request.receive)
    except EvidenceError as error:
        told = isinstance(error, FaceError | PictureError)
        return JSONResponse({"hint": SENTENCES[error.code if told else "evidence"]}, 422)
    except RequestRefusedError:
        return JSONResponse({"token": None}, 403)
    except UnfinishedError:
        return Response("try again", status_code=503, headers={"Retry-After": "5"})
    except AgeAssuranceError as error:
        print("defect or set-up:", error.code)
        return Response("error", status_code=500)
    if result is None:
        return Response(status_code=499)  # read by nobody
    return JSONResponse({"outcome": result.outcome, "token": result.token})


async def key_set(request: Request) -> Response:
    parts: Parts = request.app.state.parts
    return JSONResponse(parts.issuer.jwks.to_dict())


app = Starlette(
    routes=[
        Route("/assess", take_picture, methods=["POST"]),
        Route("/.well-known/jwks.json", key_set),
    ],
    lifespan=lifespan,
)
