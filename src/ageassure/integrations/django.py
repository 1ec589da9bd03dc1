"""Django: a middleware, a decorator and a system check.

``AGEASSURE_GATE`` in the settings is the :class:`~ageassure.integrations.AgeGate`, or the dotted
path to it. With ``"ageassure.integrations.django"`` in ``INSTALLED_APPS`` the check runs.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final, final

from ageassure.errors import ConfigurationError
from ageassure.extras import require_extra
from ageassure.integrations.answers import NOT_ALLOWED, Answer
from ageassure.integrations.core import AgeGate
from ageassure.integrations.limits import AgeLimit
from ageassure.integrations.submission import (
    MAX_BODY_BYTES,
    PROOF_HEADER,
    Submission,
    read_holder_jkt,
)

require_extra("django", "django")

from asgiref.sync import iscoroutinefunction, sync_to_async  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.sessions.middleware import SessionMiddleware  # noqa: E402
from django.core import checks  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import get_resolver  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable


GATE_SETTING: Final = "AGEASSURE_GATE"

_demanded: Final[set[AgeLimit]] = set()  # by views that were imported; for the check


@final
class AgeGateMiddleware:
    """Answers the gate's two addresses; every other request passes untouched.

    It stands after the session middleware. Its answers need no CSRF token and ask for none: a token
    binds to the nonce in the visitor's own session.

    Args:
        get_response: The rest of the chain.

    Raises:
        ConfigurationError: If the gate or the session middleware is missing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._gate = _gate()
        _check_middleware()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        path: str = request.path_info
        prefix = self._gate.challenge_prefix
        if path != self._gate.token_path and not path.startswith(prefix):
            return self._get_response(request)
        if request.method != "POST":
            return _response(NOT_ALLOWED)
        if path.startswith(prefix):
            jkt = read_holder_jkt(content_type=_content_type(request), body=_bounded_body(request))
            name = path.removeprefix(prefix)
            return _response(self._gate.open_challenge(request.session, name, jkt))
        return _response(self._accept(request))

    def _accept(self, request: HttpRequest) -> Answer:
        submission = Submission.read(
            authorization=_values(request, "Authorization"),
            holder_proofs=_values(request, PROOF_HEADER),
            content_type=_content_type(request),
            body=_bounded_body(request),
        )
        answer = self._gate.accept(request.session, submission)
        if answer.status < 400:
            # Whoever planted this session's key in the browser does not share in the result.
            try:
                request.session.cycle_key()
            except Exception:  # noqa: BLE001 - a session's store may raise anything
                # The session middleware writes nothing after a 503.
                return self._gate.session_failed()
        return answer


def age_required(
    age_over: int | None = None, *, age_under: int | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that calls the view for those who have a result, and for nobody else.

    Args:
        age_over: Demand "at or over"; exactly one of the two, and one that the gate asks about.
        age_under: Demand "under".

    Raises:
        ConfigurationError: If it is no age limit; on the first request, if the gate does not ask
            about it. The system check finds that before.
    """
    limit = AgeLimit.of(age_over, age_under)
    _demanded.add(limit)

    def refusal(request: HttpRequest) -> HttpResponse | None:
        gate = _gate()
        gate.limit(limit.age_over, limit.age_under)
        admitted = gate.admit(request.session, limit)
        return _response(admitted) if isinstance(admitted, Answer) else None

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded_async(
                request: HttpRequest, *args: object, **kwargs: object
            ) -> object:
                # Reading a session may be a query to the database.
                refused = await sync_to_async(refusal)(request)
                return await view(request, *args, **kwargs) if refused is None else refused

            return guarded_async

        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> object:
            refused = refusal(request)
            return view(request, *args, **kwargs) if refused is None else refused

        return guarded

    return decorate


def check_age_gate(app_configs: object, **kwargs: object) -> list[checks.CheckMessage]:
    """The system check: E001 the gate, E002 the middleware, E003 a limit that it does not ask."""
    del app_configs, kwargs
    try:
        gate = _gate()
    except ConfigurationError as error:
        return [checks.Error(str(error), id="ageassure.E001")]
    messages = []
    try:
        _check_middleware()
    except ConfigurationError as error:
        messages.append(checks.Error(str(error), id="ageassure.E002"))
    get_resolver().url_patterns  # noqa: B018 - imports the views, and so their decorators
    for limit in sorted(_demanded, key=lambda one: one.name):
        try:
            gate.limit(limit.age_over, limit.age_under)
        except ConfigurationError as error:
            messages.append(checks.Error(str(error), id="ageassure.E003"))
    return messages


def _gate() -> AgeGate:
    found = getattr(settings, GATE_SETTING, None)
    if isinstance(found, str):
        try:
            found = import_string(found)
        except ImportError:
            found = None
    if not isinstance(found, AgeGate):
        raise ConfigurationError(f"got no AgeGate in the setting {GATE_SETTING}")
    return found


def _check_middleware() -> None:
    chain = [import_string(path) for path in settings.MIDDLEWARE]
    if AgeGateMiddleware not in chain:
        raise ConfigurationError("got a MIDDLEWARE without AgeGateMiddleware")
    before = chain[: chain.index(AgeGateMiddleware)]
    if not any(isinstance(one, type) and issubclass(one, SessionMiddleware) for one in before):
        raise ConfigurationError("got no SessionMiddleware before AgeGateMiddleware in MIDDLEWARE")


def _values(request: HttpRequest, name: str) -> list[str]:
    value = request.headers.get(name)
    return [] if value is None else [value]


def _content_type(request: HttpRequest) -> str:
    return str(request.META.get("CONTENT_TYPE", ""))


def _bounded_body(request: HttpRequest) -> bytes:
    """The body or its beginning; nothing where it breaks off."""
    try:
        body: bytes = request.read(MAX_BODY_BYTES + 1)
    except OSError:  # Django's own UnreadablePostError is one
        return b""
    return body


def _response(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))


checks.register(check_age_gate, "ageassure")
