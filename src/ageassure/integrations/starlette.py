"""Starlette and FastAPI: two routes, a dependency and an exception handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from ageassure.errors import ConfigurationError
from ageassure.extras import require_extra
from ageassure.integrations.answers import NOT_ALLOWED, Answer
from ageassure.integrations.core import AgeGate
from ageassure.integrations.submission import (
    MAX_BODY_BYTES,
    PROOF_HEADER,
    Submission,
    read_holder_jkt,
)

require_extra("starlette", "starlette", "itsdangerous")

from starlette.concurrency import run_in_threadpool  # noqa: E402
from starlette.exceptions import HTTPException  # noqa: E402
from starlette.middleware.sessions import SessionMiddleware  # noqa: E402
from starlette.requests import ClientDisconnect, Request  # noqa: E402 - FastAPI reads annotations
from starlette.responses import Response  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.applications import Starlette

    from ageassure.integrations.limits import AgeResult


class AgeResultRequiredError(HTTPException):
    """The session shows no result that proves the limit; :class:`AgeAssurance` answers it.

    Args:
        answer: What the gate says.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(status_code=answer.status, headers=dict(answer.headers))
        self.answer = answer


@final
class AgeAssurance:
    """One gate in one application.

    Args:
        gate: The gate.

    Raises:
        ConfigurationError: If it is none.
    """

    __slots__ = ("_gate",)

    def __init__(self, gate: AgeGate) -> None:
        if not isinstance(gate, AgeGate):
            raise ConfigurationError("got another gate, expected an AgeGate")
        self._gate = gate

    def install(self, app: Starlette, *, session_middleware: type = SessionMiddleware) -> None:
        """Add the gate's routes and its exception handler.

        Args:
            app: Starlette or FastAPI application, to which the session middleware was added.
            session_middleware: Its class, where it is not Starlette's own.

        Raises:
            ConfigurationError: If the application has no such middleware.
        """
        classes = [entry.cls for entry in app.user_middleware]
        if not any(isinstance(c, type) and issubclass(c, session_middleware) for c in classes):
            raise ConfigurationError(
                f"got an application without {session_middleware.__name__}, "
                "expected it to be added before the age gate"
            )
        for path, endpoint in (
            (self._gate.challenge_prefix + "{limit:path}", self._open_challenge),
            (self._gate.token_path, self._accept),
        ):
            # No methods stand for all: those that are not POST are answered here as well.
            app.add_route(path, endpoint, methods=[], include_in_schema=False)
        app.add_exception_handler(AgeResultRequiredError, _answer_required)

    def require_age(
        self, age_over: int | None = None, *, age_under: int | None = None
    ) -> Callable[[Request], Coroutine[Any, Any, AgeResult]]:
        """A dependency that lets through who has a result, and raises for everybody else.

        In FastAPI ``Depends(age.require_age(18))``; in Starlette await it with the request.

        Args:
            age_over: Demand "at or over"; exactly one of the two, and one that the gate asks about.
            age_under: Demand "under".

        Raises:
            ConfigurationError: If the gate does not ask about this limit.
        """
        limit = self._gate.limit(age_over, age_under)

        async def required_result(request: Request) -> AgeResult:
            admitted = self._gate.admit(_session(request), limit)
            if isinstance(admitted, Answer):
                raise AgeResultRequiredError(admitted)
            return admitted

        return required_result

    async def _open_challenge(self, request: Request) -> Response:
        if request.method != "POST":
            return _response(NOT_ALLOWED)
        jkt = read_holder_jkt(
            content_type=request.headers.get("content-type", ""), body=await _bounded_body(request)
        )
        name = request.path_params["limit"]
        return _response(self._gate.open_challenge(_session(request), name, jkt))

    async def _accept(self, request: Request) -> Response:
        if request.method != "POST":
            return _response(NOT_ALLOWED)
        session = _session(request)
        submission = Submission.read(
            authorization=request.headers.getlist("authorization"),
            holder_proofs=request.headers.getlist(PROOF_HEADER),
            content_type=request.headers.get("content-type", ""),
            body=await _bounded_body(request),
        )
        await self._gate.keys_ready(submission)
        answer = await run_in_threadpool(self._gate.accept, session, submission)
        return _response(answer)


def _session(request: Request) -> dict[str, Any]:
    if "session" not in request.scope:
        raise ConfigurationError("got a request without a session, expected a session middleware")
    return request.session


async def _bounded_body(request: Request) -> bytes:
    """The body, or its beginning where it is too long: what is beyond is never read.

    Nothing where it breaks off.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk[: MAX_BODY_BYTES + 1 - len(body)]
            if len(body) > MAX_BODY_BYTES:
                break
    except ClientDisconnect:
        return b""
    return bytes(body)


def _response(answer: Answer) -> Response:
    return Response(answer.body, status_code=answer.status, headers=dict(answer.headers))


def _answer_required(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AgeResultRequiredError)  # noqa: S101 - registered for this class alone
    return _response(error.answer)
