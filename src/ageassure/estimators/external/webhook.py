"""Calls from a service that a check is done: signed, fresh, and acted upon once."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, final

from ageassure.errors import AgeAssuranceError, ConfigurationError, DocumentError
from ageassure.estimators.document.held import Content, opened, utc_now
from ageassure.estimators.external.answer import (
    MAX_ANSWER_BYTES,
    CheckAnswer,
    is_like,
    read_answer,
)
from ageassure.tokens.clock import Clock, read_clock

if TYPE_CHECKING:
    from collections.abc import Collection

    from ageassure.verifier import ReplayStore

TOLERANCE_SECONDS: Final = 300
"""How far a call's time may be from ours."""

REMEMBERED_SECONDS: Final = 86_400
"""How long a body is known again; services repeat a call for hours, with a new time."""

_MIN_SECRET_BYTES: Final = 32
_TIMESTAMP: Final = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)
_SIGNATURES: Final = re.compile(r"[0-9a-f]{64}(?:,[0-9a-f]{64}){0,3}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A call that comes from the service.

    Attributes:
        answer: What it says. Hidden in ``repr``.
        repeated: Whether the very same call was received before. Services call until they are
            answered: answer it with success again, and do nothing.
    """

    answer: CheckAnswer
    repeated: bool


@final
class WebhookReceiver:
    """Verifies the calls of one service.

    What is signed is the timestamp in decimal, a full stop, and the body: HMAC-SHA-256 in lower
    case hexadecimal. During a change of secrets the service may send several signatures, separated
    by commas, and several secrets may be given here. Comparison takes the same time whatever was
    sent.

    Args:
        secrets: Shared with the service, each of 32 bytes at least.
        seen: Remembers calls; shared by all processes that receive them.
        now: Clock.

    Raises:
        ConfigurationError: If there is no secret, or one is too short.
    """

    __slots__ = ("_now", "_secrets", "_seen")

    def __init__(
        self, *, secrets: Collection[bytes], seen: ReplayStore, now: Clock = utc_now
    ) -> None:
        given: object = secrets
        self._secrets = () if isinstance(given, bytes | bytearray | str) else tuple(secrets)
        if not self._secrets or not all(map(_is_secret, self._secrets)):
            raise ConfigurationError(
                f"got no secrets, or one of less than {_MIN_SECRET_BYTES} bytes"
            )
        read_clock(now)
        self._seen = seen
        self._now = now

    def receive(self, body: Content, *, timestamp: str, signature: str) -> Notification:
        """Verify one call; its body is not looked at before.

        Args:
            body: As it came; a ``bytearray`` is filled with zeros.
            timestamp: The header with the time, POSIX seconds.
            signature: The header with the signatures.

        Raises:
            DocumentError: ``document_check_unauthentic`` if it does not come from the service, or
                not now; ``document_check_unavailable`` if it says something else than it should, or
                the store cannot answer.
            BirthDateError: If it says an impossible birth date.
        """
        held = [body]
        del body
        refusal: AgeAssuranceError
        try:
            with opened(held.pop(), max_bytes=MAX_ANSWER_BYTES) as content:
                signed_at = self._check(content, timestamp, signature)
                answer = read_answer(bytes(content))
                return Notification(answer=answer, repeated=self._repeated(content, signed_at))
        except AgeAssuranceError as error:
            refusal = type(error)(str(error), code=error.code)
        raise refusal

    def _check(self, content: memoryview, timestamp: str, signature: str) -> int:
        if not is_like(timestamp, _TIMESTAMP):
            raise _unauthentic("got a call without its time")
        if not is_like(signature, _SIGNATURES):
            raise _unauthentic("got a call without its signature")
        given = signature.split(",")
        matches = 0
        for secret in self._secrets:
            mac = hmac.new(secret, timestamp.encode() + b".", hashlib.sha256)
            mac.update(content)
            expected = mac.hexdigest()
            for each in given:
                matches |= hmac.compare_digest(expected, each)
        if not matches:
            raise _unauthentic("got a call that was signed with no secret of the service's")
        if abs(read_clock(self._now) - int(timestamp)) > TOLERANCE_SECONDS:
            raise _unauthentic(f"got a call that is not within {TOLERANCE_SECONDS} seconds of now")
        return int(timestamp)

    def _repeated(self, content: memoryview, signed_at: int) -> bool:
        """Was this body received before?"""
        key = hashlib.sha256(b"ageassure webhook\x00" + content).digest()
        fresh: object = None
        try:
            fresh = self._seen.claim(key, signed_at + REMEMBERED_SECONDS)
        except Exception:  # noqa: BLE001 - a store may raise anything; the door closes
            fresh = None
        if not isinstance(fresh, bool):
            raise DocumentError(
                "the store of calls gave no answer", code="document_check_unavailable"
            )
        return not fresh

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (secrets hidden)>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a receiver holds secrets and is neither pickled nor copied")


def _is_secret(value: object) -> bool:
    return isinstance(value, bytes) and len(value) >= _MIN_SECRET_BYTES


def _unauthentic(message: str) -> DocumentError:
    return DocumentError(message, code="document_check_unauthentic")
