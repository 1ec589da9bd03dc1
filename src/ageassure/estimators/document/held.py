"""How a document's bytes are held: shown to nobody, wiped where they can be, out of tracebacks."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NoReturn, TypeVar

from ageassure.errors import AgeAssuranceError, DocumentError
from ageassure.estimators.birth_dates import EARLIEST_ZONE
from ageassure.wiping import Wiping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ageassure.results import AgeInterval

EvidenceT = TypeVar("EvidenceT")

Content = bytes | bytearray | memoryview


class Hidden:
    """Evidence whose content no ``repr`` shows, and that is neither pickled nor copied."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (content hidden)>"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is evidence and is neither pickled nor copied")


def utc_now() -> datetime:
    """The system clock, as an aware datetime in UTC."""
    return datetime.now(UTC)


def malformed(message: str) -> DocumentError:
    """An error of code ``document_malformed``; the message shows nothing of the document."""
    return DocumentError(message, code="document_malformed")


def check_not_expired(last_day: date, at: datetime) -> None:
    """Refuse a document whose last day has ended everywhere on Earth.

    Raises:
        DocumentError: ``document_expired``.
    """
    if at.astimezone(EARLIEST_ZONE).date() > last_day:
        raise DocumentError("got a document past its date of expiry", code="document_expired")


@contextmanager
def opened(content: object, *, max_bytes: int) -> Iterator[memoryview]:
    """Look at a document's bytes, and fill them with zeros afterwards where they are writable.

    Whatever happens, a ``bytearray`` or a writable ``memoryview`` holds zeros afterwards; ``bytes``
    cannot be wiped, and live as long as the caller keeps them. The view is released.

    Raises:
        DocumentError: ``document_malformed`` if it is no contiguous run of bytes, or too long.
    """
    with Wiping(content):
        view: memoryview | None = None
        if isinstance(content, Content):
            try:
                view = memoryview(content).cast("B")
            except (TypeError, ValueError):  # a view with gaps, of odd items, or released
                view = None
        if view is None:
            raise malformed(f"got a {type(content).__name__}, expected contiguous bytes")
        with view:
            if view.nbytes > max_bytes:
                raise malformed(f"got {view.nbytes} bytes, expected at most {max_bytes}")
            yield view


def sealed(assess: Callable[[EvidenceT], AgeInterval], held: list[EvidenceT]) -> AgeInterval:
    """Assess the one thing in ``held``, empty it, and let out no frame that has seen it.

    Raises:
        AgeAssuranceError: What ``assess`` raises, anew: without traceback and context.
    """
    try:
        return assess(held.pop())
    except AgeAssuranceError as error:
        refusal = type(error)(str(error), code=error.code)
    # Raised outside the except block: a chained error would keep the document alive.
    raise refusal
