"""One request and its answer over an open connection, under one deadline and one limit."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Final, cast

from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer

    from ageassure.verifier.fetching.target import Target

MAX_HEAD_BYTES: Final = 32 * 1024
"""Status line and headers, interim responses included."""

_HEADER: Final = re.compile(r"[!-~]+(?: [!-~]+)*")
_ETAG: Final = re.compile(r'(?:W/)?"[!#-~]{0,256}"')


class FetchFailedError(Exception):
    """What the host did, as the rest of a sentence about it: constant, nothing of its own text.

    Never leaves the verifier: whoever asks translates it.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for.

    Attributes:
        media_types: Content types that are taken, the preferred one first.
        called: What a document of these types is called, for the message.
        max_bytes: Largest document.
        etag: Entity tag of the document at hand, or None.
        headers: Further headers, names and values.
        content: JSON to send by POST; None for GET.
        statuses: Statuses of an answer with a document.

    Raises:
        ConfigurationError: If a header holds anything but printable ASCII.
    """

    media_types: tuple[str, ...]
    called: str
    max_bytes: int
    etag: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    content: bytes | None = field(default=None, repr=False)
    statuses: tuple[int, ...] = (200,)

    def __post_init__(self) -> None:
        if not all(_HEADER.fullmatch(text) for pair in self.headers for text in pair):
            raise ConfigurationError("got a header that is not printable ASCII")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back.

    Attributes:
        body: The document; None if it has not changed.
        etag: Entity tag to ask with the next time, or None.
        cache_control: The header ``Cache-Control``, several joined by commas.
        age: The header ``Age``, or None.
    """

    body: bytes | None
    etag: str | None
    cache_control: str
    age: str | None


def remaining(deadline: float) -> float:
    """Seconds until then, by the monotonic clock.

    Raises:
        TimeoutError: If there are none.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


class _BoundedReader(RawIOBase):
    """The incoming bytes, under one deadline and one limit for all of them.

    A timeout of a socket is for one operation: a byte every second would never end.
    """

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = deadline
        self.left_bytes = MAX_HEAD_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        if self.left_bytes <= 0:
            raise FetchFailedError("sent too much")
        view = memoryview(buffer)[: self.left_bytes]
        self._connection.settimeout(remaining(self._deadline))
        count = self._connection.recv_into(view)
        self.left_bytes -= count
        return count

    def makefile(self, _mode: str) -> BufferedReader:
        """What ``HTTPResponse`` asks a socket for."""
        return BufferedReader(self)


def exchange(
    connection: socket.socket, target: Target, question: Question, deadline: float
) -> Answer:
    """Ask once and read the answer.

    Raises:
        FetchFailedError: If the answer is not as it must be.
        OSError: If the connection breaks; TimeoutError if time has run out.
        HTTPException: If the protocol is broken; ValueError likewise.
    """
    method = "GET" if question.content is None else "POST"
    content = question.content or b""
    lines = [
        f"{method} {target.target} HTTP/1.1",
        f"Host: {target.authority}",
        f"Accept: {', '.join(question.media_types)}",
        "Accept-Encoding: identity",
        "User-Agent: ageassure",
        "Connection: close",
        *([] if question.etag is None else [f"If-None-Match: {question.etag}"]),
        *(f"{name}: {value}" for name, value in question.headers),
        *(
            []
            if question.content is None
            else ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        ),
    ]
    connection.settimeout(remaining(deadline))
    connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + content)
    reader = _BoundedReader(connection, deadline)
    response = HTTPResponse(cast("socket.socket", reader), method=method)
    with response:
        response.begin()
        unchanged = response.status == 304 and question.etag is not None
        if not unchanged:
            _check_head(response, question)
        told = response.getheader("ETag", "")
        etag = told if _ETAG.fullmatch(told) else None
        return Answer(
            body=None if unchanged else _read_body(response, reader, question.max_bytes),
            etag=question.etag if unchanged else etag,
            cache_control=", ".join(response.headers.get_all("Cache-Control", [])),
            age=response.getheader("Age"),
        )


def _check_head(response: HTTPResponse, question: Question) -> None:
    if 300 <= response.status < 400:
        raise FetchFailedError("answered with a redirect")
    if response.status not in question.statuses:
        raise FetchFailedError(f"answered with status {response.status}")
    # Where none is told, it counts as text/plain.
    if response.headers.get_content_type() not in question.media_types:
        raise FetchFailedError(f"answered with something else than {question.called}")
    if response.getheader("Content-Encoding", "identity").strip().lower() != "identity":
        raise FetchFailedError("answered with a content encoding")
    if len(response.headers.get_all("Content-Length", [])) > 1:
        raise FetchFailedError("announced several lengths")
    if response.length is None and not response.chunked:
        raise FetchFailedError("announced no length")
    if (response.length or 0) > question.max_bytes:
        raise FetchFailedError("sent too much")


def _read_body(response: HTTPResponse, reader: _BoundedReader, max_bytes: int) -> bytes:
    announced = response.length
    reader.left_bytes = 2 * max_bytes  # with room for the framing of sensible chunks
    body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise FetchFailedError("sent too much")
    if announced is not None and len(body) != announced:
        raise FetchFailedError("sent another length than announced")
    return body
