"""The protocol of a service that checks documents, and one over HTTP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, final, runtime_checkable

from ageassure.errors import ConfigurationError, DocumentError
from ageassure.estimators.external.answer import (
    MAX_ANSWER_BYTES,
    CheckAnswer,
    StartedCheck,
    checked_id,
    is_like,
    read_answer,
    unavailable,
)
from ageassure.results import checked_age_limit
from ageassure.tokens.strict_json import dump_object, parse_object
from ageassure.verifier.fetching import (
    BoundedFetcher,
    FetchFailedError,
    Question,
    resolve_by_system,
    take_apart,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection

    from ageassure.verifier.fetching import Resolver

_MAX_TIMEOUT_SECONDS: Final = 60
_STARTS: Final = 2
_API_KEY: Final = re.compile(r"[!-~]{1,1024}", re.ASCII)


@runtime_checkable
class DocumentCheckService(Protocol):
    """A service that looks at documents, and at their holders.

    Implementations may be called from several threads at once, bound their time, and raise
    :class:`~ageassure.errors.DocumentError` with ``document_check_unavailable`` where the service
    cannot be reached or says something else than it should.
    """

    def start(self, *, reference: str, age_limit: int) -> StartedCheck:
        """Start a check; with the same reference again, it is the same check.

        Args:
            reference: Of :func:`check_reference`; also the idempotency key.
            age_limit: What the service is to answer: whether the person has completed so many
                years. No more is asked for than that.

        Raises:
            DocumentError: ``document_check_unavailable``.
        """
        ...

    def fetch(self, check_id: str) -> CheckAnswer:
        """Ask how far a check is.

        Raises:
            DocumentError: ``document_check_unavailable``.
            BirthDateError: If it says an impossible birth date.
        """
        ...


@final
class HTTPDocumentCheckService:
    """A service with a small JSON interface, which stands for that of a vendor.

    ``POST {base_url}/checks`` with ``{"reference": …, "age_limit": 18}`` and the header
    ``Idempotency-Key`` answers ``{"check_id": …, "address": …}``; ``GET {base_url}/checks/{id}``
    answers what :func:`~ageassure.estimators.external.answer.read_answer` reads. Each request has
    ``Authorization: Bearer`` with the key. A start that fails is tried once more with the same key.

    Fetched as key sets are: over https (http for loopback), to a checked address, no redirects, 16
    KiB at most, one deadline for everything.

    Args:
        base_url: Where the interface begins, without a slash at the end.
        api_key: Printable ASCII without spaces; never shown.
        timeout_seconds: For each request, from name resolution to the last byte, at most 60.
        allowed_networks: As of :class:`~ageassure.verifier.HTTPSFetcher`.
        ssl_context: Likewise.
        resolve: Likewise.

    Raises:
        ConfigurationError: If one of these is malformed.
    """

    __slots__ = ("_base_url", "_fetcher", "_headers", "_timeout_seconds")

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        timeout_seconds: float = 10,
        allowed_networks: Collection[str] = (),
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolver = resolve_by_system,
    ) -> None:
        take_apart(f"{base_url}/checks", name="base_url")
        if not is_like(api_key, _API_KEY):
            raise ConfigurationError("got a malformed api_key, expected printable ASCII, no spaces")
        if not 0 < timeout_seconds <= _MAX_TIMEOUT_SECONDS:
            raise ConfigurationError(
                f"got a timeout_seconds outside 0 to {_MAX_TIMEOUT_SECONDS} seconds"
            )
        self._base_url = base_url
        self._headers = (("Authorization", f"Bearer {api_key}"),)
        self._timeout_seconds = timeout_seconds
        self._fetcher = BoundedFetcher(
            allowed_networks=allowed_networks, ssl_context=ssl_context, resolve=resolve
        )

    def start(self, *, reference: str, age_limit: int) -> StartedCheck:
        """Start a check, or find the one that was started with this reference.

        Raises:
            DocumentError: ``document_check_unavailable``.
            ConfigurationError: If an argument is malformed.
        """
        checked_id(reference, "reference")
        content = dump_object({"reference": reference, "age_limit": checked_age_limit(age_limit)})
        refusal: DocumentError | None = None
        for _ in range(_STARTS):
            try:
                body = self._asked("/checks", reference=reference, content=content)
                return _started(body)
            except DocumentError as error:
                refusal = DocumentError(str(error), code=error.code)
        assert refusal is not None  # noqa: S101 - there is at least one try
        raise refusal

    def fetch(self, check_id: str) -> CheckAnswer:
        """Ask how far a check is.

        Raises:
            DocumentError: ``document_check_unavailable``.
            BirthDateError: If it says an impossible birth date.
            ConfigurationError: If ``check_id`` is malformed.
        """
        return read_answer(self._asked(f"/checks/{checked_id(check_id, 'check_id')}"))

    def _asked(self, path: str, *, reference: str = "", content: bytes | None = None) -> bytes:
        question = Question(
            media_types=("application/json",),
            called="JSON",
            max_bytes=MAX_ANSWER_BYTES,
            headers=(*self._headers, *([("Idempotency-Key", reference)] if reference else [])),
            content=content,
            statuses=(200, 201, 202),
        )
        target = take_apart(self._base_url + path, name="base_url")
        reason = "sent no document"
        try:
            answer = self._fetcher.fetch(target, question, timeout_seconds=self._timeout_seconds)
            if answer.body is not None:
                return answer.body
        except FetchFailedError as error:
            reason = str(error)
        raise unavailable(f"the document check service {reason}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (key hidden)>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a service holds a key and is neither pickled nor copied")


def _started(body: bytes) -> StartedCheck:
    members = parse_object(body)
    started: StartedCheck | None = None
    if members is not None and members.keys() == {"check_id", "address"}:
        try:
            started = StartedCheck(**members)  # type: ignore[arg-type]
        except ConfigurationError:
            started = None
    if started is None:
        raise unavailable("got an answer to a start that is not of the form agreed on")
    return started
