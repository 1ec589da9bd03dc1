"""What a process does to files and the network, seen by ``strace``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from ageassure.audit.retention.cases import cases
from ageassure.audit.retention.pictures import LARGE_PIXELS, SMALL_PIXELS, make_picture
from ageassure.audit.retention.report import Trace, never_estimated
from ageassure.audit.retention.scenes import Scene
from ageassure.audit.retention.watched import WatchedProcess
from ageassure.errors import ConfigurationError
from ageassure.estimators.worker.loading import FACIAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ageassure.audit.retention.pictures import Encoding

_TRACED: Final = (
    "trace=%file,%network,%ipc,?memfd_create,?memfd_secret,?mq_open,?open_by_handle_at,?fsetxattr"
    ",?add_key,?io_uring_setup"
)
"""A question mark lets a call be unknown to this strace, or to this kernel."""

_WRITES: Final = re.compile(
    r"\b(?:socket|connect|sendto|sendmsg|sendmmsg|mkdir|mkdirat|mknod|mknodat|creat|unlink|unlinkat"
    r"|rename|renameat|renameat2|link|linkat|symlink|symlinkat|truncate|l?f?setxattr|shmget|msgget"
    r"|memfd_create|memfd_secret|add_key|io_uring_setup)\(|O_WRONLY|O_RDWR|O_CREAT"
)
_NOTHING: Final = re.compile(
    r'"/dev/(?:null|zero|full)", |\) += -1 E\w+ \([^()]*\)$'
    r'|\bsendto\(\d+, "\\0", 1, 0, NULL, 0(?:\)| <)'
)
"""Devices that keep nothing, calls that failed, and asyncio waking its own loop: a socket that
leads elsewhere is seen when it is made."""


def trace(estimator: str, encodings: Sequence[Encoding]) -> Trace:
    """Let an estimator assess pictures of each kind, under strace."""
    strace = shutil.which("strace")
    if strace is None:
        return Trace(calls=None, problem="strace is not installed")
    with TemporaryDirectory() as home, TemporaryDirectory() as logs:
        log = Path(logs) / "log"
        tracing = [strace, "-f", "-qq", "-o", str(log), "-e", _TRACED]
        tried = subprocess.run(  # noqa: S603 - found in PATH, as a user would start it
            [*tracing, sys.executable, "-c", ""], capture_output=True, check=False
        )
        if tried.returncode:
            return Trace(calls=None, problem="strace is not allowed here")
        problem = ""
        try:
            with WatchedProcess(estimator, threads=1, home=Path(home), before=tracing) as traced:
                outcomes = list(_outcomes(traced, encodings, shipped=estimator == FACIAL))
        except ConfigurationError:
            problem = "the process ended by itself under strace"
        else:
            nothing_of = never_estimated(outcomes)
            if nothing_of:
                problem = f"nothing was estimated under strace of {'; '.join(nothing_of)}"
        seen = log.read_text(encoding="utf-8", errors="replace")
        return Trace(calls=written_or_sent(seen), problem=problem)


def _outcomes(
    traced: WatchedProcess, encodings: Sequence[Encoding], *, shipped: bool
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Of every case in a small size, and of what is estimated in a large one as well."""
    for encoding in encodings:
        large = make_picture(Scene.ONE_FACE, encoding, LARGE_PIXELS, seed=0).file
        yield encoding, traced.assess(large)
        for case in cases(encoding, shipped=shipped):
            file = make_picture(case.scene, encoding, SMALL_PIXELS, seed=0).file
            yield encoding, traced.assess(case.altered(file), stop=case.stop, given=case.given)


def written_or_sent(log: str) -> int:
    """Count the calls in strace's output that made or changed a file, or a socket.

    Calls that failed, and those on devices that keep nothing, are not counted. What has no name,
    in memory alone or only for other processes to attach to, counts as a file.
    """
    return sum(1 for line in log.splitlines() if _WRITES.search(line) and not _NOTHING.search(line))
