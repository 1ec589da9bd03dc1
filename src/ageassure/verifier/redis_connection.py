"""Connections to Redis with one time limit for a whole claim, from connecting to the last byte.

redis-py's ``socket_timeout`` begins anew with every byte that arrives, and its connect timeout with
every address: a server that sends a byte now and then would hold a claim for ever. Here the socket
waits for no longer than what is left of the claim of its thread.

And redis-py gives a connection back whatever has ended its use. Where a signal handler has raised
between question and answer, the next claim would take that answer for its own. Here no connection
is used again that was not greeted to the end, or has an answer that was not read.
"""

from __future__ import annotations

import time
from threading import local
from typing import TYPE_CHECKING, Final

from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as RedisConnectionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from socket import socket

# A timeout of zero would not wait at all; that much is waited for a time limit that is over.
_LEAST_SECONDS: Final = 0.001


class _Claim(local):
    ends = 0.0  # reading of the monotonic clock; over, until a claim begins


_claim = _Claim()


def begin_claim(seconds: float) -> None:
    """Give this thread's connections so long from now."""
    _claim.ends = time.monotonic() + seconds


def _left() -> float:
    return _claim.ends - time.monotonic()


class _TimedSocket:
    """A connected socket, plain or TLS, that waits as long as the claim has left.

    Attributes:
        greeted: Whether the server was greeted and found fit.
        settled: Whether, since then, every answer was read.
    """

    __slots__ = ("_socket", "greeted", "settled")

    def __init__(self, connected: socket) -> None:
        self._socket = connected
        self.greeted = self.settled = False

    def recv(self, size: int, flags: int = 0) -> bytes:
        self._limit()
        return self._socket.recv(size, flags)

    def recv_into(self, buffer: bytearray) -> int:
        self._limit()
        return self._socket.recv_into(buffer)

    def sendall(self, data: bytes) -> None:
        self._limit()
        self.settled = False
        self._socket.sendall(data)

    def _limit(self) -> None:
        if self._socket.gettimeout() == 0:
            return  # redis-py looks whether something lies there, and waits for nothing
        left = _left()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def __getattr__(self, name: str) -> object:
        return getattr(self._socket, name)


class _Timed:
    """What ``_connect``, which redis-py leaves to its kinds of connections, gives is timed."""

    @property
    def socket_timeout(self) -> float:
        """For each address that is tried, and TLS's handshake: what is left."""
        return max(_left(), _LEAST_SECONDS)

    @socket_timeout.setter
    def socket_timeout(self, _seconds: object) -> None: ...

    socket_connect_timeout = socket_timeout

    _sock: _TimedSocket

    def _connect(self) -> _TimedSocket:
        return _TimedSocket(super()._connect())  # type: ignore[misc]

    def greeted(self) -> None:
        """The server was greeted and found fit, and has answered everything."""
        self._sock.greeted = self._sock.settled = True

    def read_response(self, *arguments: object, **options: object) -> object:
        answer = super().read_response(*arguments, **options)  # type: ignore[misc]
        self._sock.settled = self._sock.greeted
        return answer

    def can_read(self, timeout: float = 0) -> bool:
        """Asked before each use: where it raises, redis-py connects anew."""
        if not self._sock.settled:
            raise RedisConnectionError
        readable: bool = super().can_read(timeout)  # type: ignore[misc]
        return readable


class _TimedConnection(_Timed, Connection): ...  # type: ignore[misc]


class _TimedSSLConnection(_Timed, SSLConnection): ...  # type: ignore[misc]


class _TimedUnixConnection(_Timed, UnixDomainSocketConnection): ...  # type: ignore[misc]


CONNECTIONS: Final[Mapping[str, type]] = {
    "redis": _TimedConnection,
    "rediss": _TimedSSLConnection,
    "unix": _TimedUnixConnection,
}
"""The kind of connection by the URL's scheme."""
