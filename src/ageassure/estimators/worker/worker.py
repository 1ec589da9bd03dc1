"""One process that estimates, seen from the one that asks."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Final

from ageassure.deadline import checkpoint
from ageassure.errors import AgeAssuranceError, WorkerError
from ageassure.estimators.worker.messages import (
    ANSWER,
    MAX_ANSWER_BYTES,
    REQUEST,
    SIZE,
    decode_answer,
)
from ageassure.hardening import TUNABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ageassure.results import AgeEstimate

_MODULE: Final = "ageassure.estimators.worker.process"
_LOOK_SECONDS: Final = 0.01
"""How often a deadline is looked at while an answer is waited for."""


class Worker:
    """A process that is started at once and made ready when it is first asked.

    Not safe for threads: it belongs to whoever asks it.

    Args:
        name: Of its estimator.

    Raises:
        WorkerError: If it cannot be started.

    Attributes:
        answered: Answers so far.
    """

    __slots__ = ("_process", "_ready", "_whole", "answered")

    def __init__(self, name: str) -> None:
        self.answered = 0
        self._ready = False
        self._whole = True
        process: subprocess.Popen[bytes] | None = None
        with suppress(OSError):
            process = subprocess.Popen(  # noqa: S603 - this package, in this interpreter
                # -P: the working folder is not searched for modules.
                [sys.executable, "-P", "-m", _MODULE, name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env=_environment(),
            )
        if process is None:
            raise WorkerError("the worker process could not be started")
        self._process = process

    def make_ready(self) -> None:
        """Wait until its estimator is made.

        Raises:
            AgeAssuranceError: Why it could not be made.
            WorkerError: If it ended, or answered something else.
            UnfinishedError: If the work under way is to stop; the process is ended.
        """
        if self._ready:
            return
        answer = self._answer_to(lambda: None)
        if isinstance(answer, AgeAssuranceError):
            raise answer
        if answer is not None:
            raise WorkerError("the worker process gave an estimate before it was asked")
        self._ready = True

    def ask(self, files: Sequence[memoryview], *, several: bool) -> AgeEstimate:
        """Let it estimate.

        Args:
            files: Contiguous bytes; read until this returns, not wiped here.
            several: Whether its estimator takes a list of files.

        Raises:
            AgeAssuranceError: What its estimator raised.
            WorkerError: If it ended, or gave no proper answer.
            UnfinishedError: If the work under way is to stop; the process is ended.
        """
        self.make_ready()
        answer = self._answer_to(lambda: self._send(files, several=several))
        self.answered += 1
        if isinstance(answer, AgeAssuranceError):
            raise answer
        if answer is None:
            raise WorkerError("the worker process gave no estimate")
        return answer

    def end(self) -> None:
        """End it at once and take leave of it, so that no zombie is left; again changes nothing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def sound(self) -> bool:
        """Whether it still runs, and has answered properly whatever it was asked."""
        return self._whole and self._process.poll() is None

    def _answer_to(self, send: Callable[[], None]) -> AgeEstimate | AgeAssuranceError | None:
        """Send and receive in a thread, so that this one can look at the deadline meanwhile."""
        received: list[tuple[int, bytes]] = []
        self._whole = False

        def exchange() -> None:
            try:
                send()
                received.append(self._receive())
            except (OSError, EOFError, ValueError):  # it ended, or its pipes were closed
                pass

        thread = Thread(target=exchange, name="ageassure worker", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                checkpoint()
                thread.join(_LOOK_SECONDS)
        finally:
            if thread.is_alive():
                self._process.kill()  # its pipes end with it, and so does the thread
                thread.join()
        answer = _decoded(received)
        self._whole = True
        return answer

    def _send(self, files: Sequence[memoryview], *, several: bool) -> None:
        head = REQUEST.pack(several, len(files)) + b"".join(SIZE.pack(len(f)) for f in files)
        for data in (memoryview(head), *files):
            done = 0
            while done < len(data):
                # Straight from the caller's buffer into the pipe: there is no copy to be wiped.
                done += os.write(self._pipe(0), data[done:])

    def _receive(self) -> tuple[int, bytes]:
        kind, size = ANSWER.unpack(self._read(ANSWER.size))
        if size > MAX_ANSWER_BYTES:
            raise ValueError("got an answer that is too long")
        return kind, self._read(size)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = os.read(self._pipe(1), size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def _pipe(self, number: int) -> int:
        pipe = (self._process.stdin, self._process.stdout)[number]
        assert pipe is not None  # noqa: S101 - both were asked for
        return pipe.fileno()


def _decoded(received: list[tuple[int, bytes]]) -> AgeEstimate | AgeAssuranceError | None:
    failure = "the worker process ended by itself"
    if received:
        try:
            return decode_answer(*received.pop())
        except ValueError as error:
            failure = f"the worker process answered wrongly: {error}"
    raise WorkerError(failure)


def _environment() -> dict[str, str]:
    """This process's own, with the tunable that only a process's start can set."""
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    if TUNABLE not in tunables.split(":"):
        tunables = f"{tunables}:{TUNABLE}" if tunables else TUNABLE
    return {**os.environ, "GLIBC_TUNABLES": tunables}
