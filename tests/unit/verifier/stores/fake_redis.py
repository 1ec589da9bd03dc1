"""A server that speaks a little of Redis's protocol, and answers as it is told."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = Callable[[bytes], bytes]

DRIP_SECONDS = 0.1

INFO = b"redis_mode:standalone\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n"


def bulk(text: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text)


def fit(command: bytes) -> bytes:
    """What a fit server answers to each command."""
    return bulk(INFO) if command == b"INFO" else b"+OK\r\n"


class FakeServer:
    """Answers each command at once, or a byte at a time once ``slow`` names the command."""

    def __init__(self) -> None:
        self.answer: Answer = fit
        self.slow: bytes | None = None
        self.commands: list[bytes] = []
        self.ended = Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"redis://:word@127.0.0.1:{self.port}/1"
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as sent:
            while line := sent.readline():
                parts = [sent.read(int(sent.readline()[1:]) + 2) for _ in range(int(line[1:]))]
                self.commands.append(parts[0].strip())
                self._send(connection, self.commands[-1])

    def _send(self, connection: socket.socket, command: bytes) -> None:
        answer = self.answer(command)
        if command != self.slow:
            connection.sendall(answer)
            return
        for number in range(len(answer)):
            if self.ended.wait(DRIP_SECONDS):
                return
            connection.sendall(answer[number : number + 1])

    def close(self) -> None:
        self.ended.set()
        self._listening.close()
