"""A process that assesses what it is sent, seen from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

from ageassure.audit.retention.descriptors import contents, open_files
from ageassure.audit.retention.given import GIVEN, Given
from ageassure.audit.retention.memory import has_ended, held_memory, process_tree
from ageassure.audit.retention.search import count_runs
from ageassure.audit.retention.stops import NOTHING, STOPS
from ageassure.audit.retention.subject import CASE, HARDENED, PLAIN, UNHARDENED
from ageassure.errors import ConfigurationError
from ageassure.hardening import TUNABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from ageassure.audit.retention.descriptors import Identity
    from ageassure.audit.retention.search import Texts

CONTROL: Final = "plain flow"
_MODULE: Final = "ageassure.audit.retention.subject"
_PATIENCE_SECONDS: Final = 30
_SHOWN_BYTES: Final = 4_000


class WatchedProcess:
    """A child process that runs :mod:`.subject`.

    What it prints goes into a file in memory that is searched with the others: a service's output
    ends in its log. It is shown, the end of it, only where the process ended by itself.

    Args:
        name: Of the estimator, or :data:`CONTROL`, which is never hardened.
        threads: Of the process.
        home: An empty folder; the process's home, temporary and working folder.
        before: A command that starts it.
        hardened: Whether it is; what is done in worker processes is looked at without.
    """

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        home: Path,
        before: Sequence[str] = (),
        hardened: bool = True,
    ) -> None:
        self.name = name
        self.threads = threads
        hardened = hardened and name != CONTROL
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("XDG_")},
            "HOME": str(home),
            "TMPDIR": str(home),
            "PYTHONDONTWRITEBYTECODE": "1",
            "GLIBC_TUNABLES": TUNABLE if hardened else "",
        }
        self._printed = os.fdopen(os.memfd_create("printed"), "r+b", 0)
        role = PLAIN if name == CONTROL else HARDENED if hardened else UNHARDENED
        self._process = subprocess.Popen(  # noqa: S603 - this package, in this interpreter
            [*before, sys.executable, "-m", _MODULE, str(threads), role, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
            cwd=home,
            env=environment,
        )
        self.missing: list[str] = []
        self.files = self.network = 0
        self.written: set[Identity] = set()
        self.unread: set[Identity] = set()
        seen = os.fstat(self._printed.fileno())
        self._known: set[Identity] = {(seen.st_dev, seen.st_ino)}

    def __enter__(self) -> Self:
        try:
            answer = self._answer()
            self.missing = answer["missing"]
            self._known |= {(device, inode) for device, inode in answer["sockets"]}
        except ConfigurationError:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        descendants = _handles(process_tree(self._process.pid)[1:])
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # Not read to its end: what the process leaves behind may hold it open.
        if self._process.stdout:
            self._process.stdout.close()
        for handle in descendants:
            with suppress(OSError):  # it ended as well
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)
        self._printed.close()

    def assess(
        self, file: bytes, *, stop: str = NOTHING, given: Given = Given.FILE
    ) -> tuple[str, ...]:
        """Let it assess as many copies of a file as it has threads, at the same time.

        Args:
            file: The file.
            stop: What the shipped pipeline is to do, one of :data:`~.stops.STOPS`.
            given: How the file is handed to the estimator.

        Raises:
            ConfigurationError: If it ended.
        """
        header = CASE.pack(self.threads, len(file), STOPS.index(stop), GIVEN.index(given))
        try:
            if self._process.stdin:
                self._process.stdin.write(header)
                self._process.stdin.write(file * self.threads)
                self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the missing answer tells
        answer = self._answer()
        self.files, self.network = answer["files"], answer["network"]
        return tuple(answer["outcomes"])

    def search(self, texts: Texts) -> tuple[Counter[str], int]:
        """Search it and its descendants; returns the runs and the number of bytes searched.

        Their memory, what they printed, and the files that they have open and can have put
        something into. Such files are noted in ``written``, sockets and filled pipes in ``unread``;
        those that the process was started with are not.

        Raises:
            ConfigurationError: If that cannot be read.
        """
        runs: Counter[str] = Counter()
        searched = 0
        for region in self._held():
            runs += count_runs(texts, region)
            searched += len(region)
        return runs, searched

    def _held(self) -> Iterator[NDArray[np.uint8]]:
        read: set[Identity] = set()
        for pid in process_tree(self._process.pid):
            if pid != self._process.pid and has_ended(pid):
                continue
            yield from held_memory(pid)
            for file in open_files(pid):
                if file.keeps and file.identity not in read:
                    read.add(file.identity)
                    self.written |= {file.identity} - self._known
                    yield from contents(file.path)
                elif file.identity not in self._known and file.hides:
                    self.unread.add(file.identity)

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            self._show_what_was_printed()
            raise ConfigurationError("the watched process ended by itself, see its standard error")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _show_what_was_printed(self) -> None:
        start = max(0, os.fstat(self._printed.fileno()).st_size - _SHOWN_BYTES)
        shown = os.pread(self._printed.fileno(), _SHOWN_BYTES, start)
        sys.stderr.write(shown.decode("utf-8", "backslashreplace"))


def _handles(pids: Sequence[int]) -> list[int]:
    """Descriptors of processes: unlike its number, one never becomes another process's."""
    handles = []
    for pid in pids:
        with suppress(OSError):  # it ended meanwhile, or the system has none
            handles.append(os.pidfd_open(pid))
    return handles
