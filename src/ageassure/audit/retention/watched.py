"""A process that assesses what it is sent, seen from outside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Self

from ageassure.audit.retention.memory import held_memory, process_tree
from ageassure.audit.retention.search import count_runs
from ageassure.audit.retention.stops import NOTHING, STOPS
from ageassure.audit.retention.subject import CASE, HARDENED, PLAIN, UNHARDENED
from ageassure.errors import ConfigurationError
from ageassure.hardening import TUNABLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from ageassure.audit.retention.search import Texts

CONTROL: Final = "plain flow"
_MODULE: Final = "ageassure.audit.retention.subject"
_PATIENCE_SECONDS: Final = 30

_WRITES: Final = re.compile(
    r"\b(?:socket|connect|sendto|sendmsg|mkdir|mkdirat|creat|unlink|unlinkat|rename|renameat|renameat2"
    r"|link|linkat|symlink|symlinkat|truncate)\(|O_WRONLY|O_RDWR|O_CREAT"
)
_NO_FILE: Final = re.compile(r'"/(?:dev|proc)/| = -1 |\bsendto\(\d+, "\\0", 1, 0, NULL, 0\)')
"""The last one is asyncio waking its own loop; a socket that leads elsewhere is seen when made."""


class WatchedProcess:
    """A child process that runs :mod:`.subject`.

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
        role = PLAIN if name == CONTROL else HARDENED if hardened else UNHARDENED
        self._process = subprocess.Popen(  # noqa: S603 - this package, in this interpreter
            [*before, sys.executable, "-m", _MODULE, str(threads), role, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if before else None,
            cwd=home,
            env=environment,
        )
        self.missing: list[str] = []
        self.files = self.network = 0

    def __enter__(self) -> Self:
        try:
            self.missing = self._answer()["missing"]
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
        try:
            self._process.communicate(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def assess(self, file: bytes, *, stop: str = NOTHING) -> tuple[str, ...]:
        """Let it assess as many copies of a file as it has threads, at the same time.

        Args:
            file: The file.
            stop: What the shipped pipeline is to do, one of :data:`~.stops.STOPS`.

        Raises:
            ConfigurationError: If it ended.
        """
        try:
            if self._process.stdin:
                self._process.stdin.write(CASE.pack(self.threads, len(file), STOPS.index(stop)))
                self._process.stdin.write(file * self.threads)
                self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the missing answer tells
        answer = self._answer()
        self.files, self.network = answer["files"], answer["network"]
        return tuple(answer["outcomes"])

    def search(self, texts: Texts) -> tuple[Counter[str], int]:
        """Search it and its descendants; returns the runs and the number of bytes searched.

        Raises:
            ConfigurationError: If their memory cannot be read.
        """
        runs: Counter[str] = Counter()
        searched = 0
        for pid in process_tree(self._process.pid):
            for region in held_memory(pid):
                runs += count_runs(texts, region)
                searched += len(region)
        return runs, searched

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise ConfigurationError("the watched process ended by itself, see its standard error")
        answer: dict[str, Any] = json.loads(line)
        return answer


def written_or_sent(log: str) -> int:
    """Count the calls in strace's output that made or changed a file, or a socket.

    Calls that failed, and those on devices and on ``/proc``, are no files.
    """
    return sum(1 for line in log.splitlines() if _WRITES.search(line) and not _NO_FILE.search(line))
