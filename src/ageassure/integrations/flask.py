"""Flask: an extension with two views and a decorator."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, final

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

require_extra("flask", "flask")

from flask import Flask, Response, current_app, request, session  # noqa: E402
from flask.sessions import SecureCookieSessionInterface  # noqa: E402
from werkzeug.exceptions import ClientDisconnected  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable


_Parameters = ParamSpec("_Parameters")


@final
class AgeAssurance:
    """The extension: one gate in one application.

    Args:
        gate: The gate.
        app: The application; or call :meth:`init_app` later.

    Raises:
        ConfigurationError: If the gate is none; as :meth:`init_app`.
    """

    __slots__ = ("_gate",)

    def __init__(self, gate: AgeGate, app: Flask | None = None) -> None:
        if not isinstance(gate, AgeGate):
            raise ConfigurationError("got another gate, expected an AgeGate")
        self._gate = gate
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add the gate's two addresses.

        Args:
            app: The application, with its secret key set.

        Raises:
            ConfigurationError: If Flask's own sessions are used without a secret key.
        """
        if isinstance(app.session_interface, SecureCookieSessionInterface) and not app.secret_key:
            raise ConfigurationError("got an application without a secret_key, and so no session")
        for path, endpoint, view in (
            (f"{self._gate.challenge_prefix}<path:limit>", "challenge", self._open_challenge),
            (self._gate.token_path, "token", self._accept),
        ):
            # Rules for all methods: those that are not POST are answered here as well.
            app.endpoint(f"ageassure.{endpoint}")(view)
            app.url_map.add(app.url_rule_class(path, endpoint=f"ageassure.{endpoint}"))
        app.extensions["ageassure"] = self

    def require_age(
        self, age_over: int | None = None, *, age_under: int | None = None
    ) -> Callable[[Callable[_Parameters, Any]], Callable[_Parameters, Any]]:
        """A decorator that calls the view for those who have a result, and for nobody else.

        It stands below ``@app.route``.

        Args:
            age_over: Demand "at or over"; exactly one of the two, and one that the gate asks about.
            age_under: Demand "under".

        Raises:
            ConfigurationError: If the gate does not ask about this limit.
        """
        limit = self._gate.limit(age_over, age_under)

        def decorate(view: Callable[_Parameters, Any]) -> Callable[_Parameters, Any]:
            @wraps(view)
            def guarded(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Any:  # noqa: ANN401
                admitted = self._gate.admit(session, limit)
                if isinstance(admitted, Answer):
                    return _response(admitted)
                return current_app.ensure_sync(view)(*args, **kwargs)

            return guarded

        return decorate

    def _open_challenge(self, limit: str) -> Response:
        if request.method != "POST":
            return _response(NOT_ALLOWED)
        jkt = read_holder_jkt(content_type=request.content_type or "", body=_bounded_body())
        return _response(self._gate.open_challenge(session, limit, jkt))

    def _accept(self) -> Response:
        if request.method != "POST":
            return _response(NOT_ALLOWED)
        submission = Submission.read(
            authorization=request.headers.getlist("Authorization"),
            holder_proofs=request.headers.getlist(PROOF_HEADER),
            content_type=request.content_type or "",
            body=_bounded_body(),
        )
        return _response(self._gate.accept(session, submission))


def _bounded_body() -> bytes:
    """The body or its beginning; nothing where it breaks off."""
    try:
        return request.stream.read(MAX_BODY_BYTES + 1)
    except (OSError, ClientDisconnected):
        return b""


def _response(answer: Answer) -> Response:
    return Response(answer.body, status=answer.status, headers=list(answer.headers))
