"""What a service says of one check, and what it must say to be believed."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ageassure.errors import ConfigurationError, DocumentError, EvidenceError
from ageassure.estimators.birth_dates import BirthDate
from ageassure.estimators.document.held import Hidden
from ageassure.estimators.document.holder import HolderCheck, checked_holder_check
from ageassure.results import checked_age_limit, checked_audience, checked_nonce
from ageassure.tokens.strict_json import parse_object

MAX_ANSWER_BYTES: Final = 16_384

_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,128}", re.ASCII)
_ADDRESS: Final = re.compile(r"https?://[!-~]{1,1024}", re.ASCII)
_MEMBERS: Final = frozenset(
    {"check_id", "reference", "state", "birth_date", "age_limit", "at_or_over", "holder_check"}
)


class CheckState(StrEnum):
    """How far a check is.

    Members:
        PENDING: The person, or the service, is not done.
        PASSED: The service believes the document; an age comes with it.
        FAILED: It does not, or the person gave up. Why is not asked.
    """

    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"


def is_like(value: object, pattern: re.Pattern[str]) -> bool:
    """Is it a text that is like ``pattern`` as a whole?"""
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def unavailable(message: str) -> DocumentError:
    """An error of code ``document_check_unavailable``."""
    return DocumentError(message, code="document_check_unavailable")


def checked_id(value: object, name: str) -> str:
    """Return an identifier of 8 to 128 of ``[A-Za-z0-9_-]``, which fits into any URL or header.

    Raises:
        ConfigurationError: If it is anything else. The message does not show it.
    """
    if not is_like(value, _ID):
        raise ConfigurationError(f"got a malformed {name}, expected 8 to 128 of [A-Za-z0-9_-]")
    return str(value)


def check_reference(audience: str, nonce: str) -> str:
    """The reference of a relying party's request: the same whenever it is asked for.

    SHA-256, so that the service learns neither the audience nor the nonce. As idempotency key it
    makes a request that is started twice one check, and it ties the answer to the request.

    Raises:
        ConfigurationError: If audience or nonce are malformed.
    """
    parts = (checked_audience(audience).encode(), checked_nonce(nonce).encode())
    data = b"".join(len(part).to_bytes(8, "big") + part for part in (b"check", *parts))
    return urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedCheck:
    """A check that the person can now go through.

    Attributes:
        check_id: The service's name of it, 8 to 128 of ``[A-Za-z0-9_-]``.
        address: Where to send the person, a URL.

    Raises:
        ConfigurationError: If a member is malformed.
    """

    check_id: str
    address: str

    def __post_init__(self) -> None:
        checked_id(self.check_id, "check_id")
        if not is_like(self.address, _ADDRESS):
            raise ConfigurationError("got a malformed address, expected a URL")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class CheckAnswer(Hidden):
    """What a service says of one check. Personal data; nothing is shown by ``repr``.

    Attributes:
        check_id: Which check.
        reference: The reference that it was started with.
        state: How far it is.
        age: Where it has passed, a birth date or ``(limit, is at or over)``; else None.
        holder_check: What the service did to tie the document to the person. It is the service's
            word; take services that you have a reason to believe.

    Raises:
        ConfigurationError: If a member is malformed, or an age stands where none belongs.
    """

    check_id: str
    reference: str
    state: CheckState
    age: BirthDate | tuple[int, bool] | None = None
    holder_check: HolderCheck = HolderCheck.NOT_MADE

    def __post_init__(self) -> None:
        checked_id(self.check_id, "check_id")
        checked_id(self.reference, "reference")
        checked_holder_check(self.holder_check)
        if not isinstance(self.state, CheckState):
            raise ConfigurationError("got a state that is no CheckState")
        if (self.age is not None) != (self.state is CheckState.PASSED):
            raise ConfigurationError("got an age of a check that has not passed, or passed without")
        if self.age is not None and not isinstance(self.age, BirthDate):
            limit, at_or_over = self.age
            checked_age_limit(limit)
            if type(at_or_over) is not bool:
                raise ConfigurationError("got an age statement that is no boolean")


def read_answer(body: bytes) -> CheckAnswer:
    """Read an answer from strict JSON with the members of :class:`CheckAnswer`.

    The age is ``birth_date`` (ISO 8601, possibly partial) or ``age_limit`` with ``at_or_over``.

    Raises:
        DocumentError: ``document_check_unavailable`` if it is anything else.
        BirthDateError: If the birth date is impossible.
    """
    refusal: EvidenceError
    try:
        return _read(body)
    except EvidenceError as error:
        refusal = type(error)(str(error), code=error.code)
    except (ConfigurationError, ValueError):
        refusal = unavailable("got an answer that is not of the form agreed on")
    finally:
        del body
    raise refusal


def _read(body: bytes) -> CheckAnswer:
    members = parse_object(body) if len(body) <= MAX_ANSWER_BYTES else None
    if members is None or not members.keys() <= _MEMBERS:
        raise unavailable("got an answer that is not of the form agreed on")
    return CheckAnswer(
        check_id=checked_id(members.get("check_id"), "check_id"),
        reference=checked_id(members.get("reference"), "reference"),
        state=CheckState(str(members.get("state"))),
        age=_age(members),
        holder_check=HolderCheck(str(members.get("holder_check", HolderCheck.NOT_MADE))),
    )


def _age(members: dict[str, Any]) -> BirthDate | tuple[int, bool] | None:
    """What is said about the age; :class:`CheckAnswer` checks a limit and its side."""
    if "birth_date" in members:
        if "age_limit" in members or "at_or_over" in members:
            raise unavailable("got an answer with two statements about the age")
        return BirthDate.from_iso(members["birth_date"])
    if "age_limit" not in members and "at_or_over" not in members:
        return None
    return members.get("age_limit"), members.get("at_or_over")  # type: ignore[return-value]
