"""The process that is looked into: it assesses the pictures that it is sent, and waits.

``python -m ageassure.audit.retention.subject THREADS ROLE ESTIMATOR`` reads cases from standard
input and answers each with one line of JSON. A role is :data:`HARDENED`, :data:`UNHARDENED` or
:data:`PLAIN`, the control. A case is four numbers (:data:`CASE`: copies, size of the file, what
the pipeline is to do, how the file is given) and then the file, as many times as it says; the
copies are assessed at the same time, from a coroutine, as a service would.

Files are read into buffers without an intermediate one. Results and errors are kept until the next
case, tracebacks included, and so is the log at its most talkative: nothing of the picture may hang
on them either.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import logging
import os
import stat
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.retention.given import GIVEN, Given, buffers_of, evidence_of
from ageassure.audit.retention.stops import CALLED_OFF, DONE, STOPS, Stops
from ageassure.errors import AgeAssuranceError
from ageassure.estimators.worker.loading import FACIAL, load_estimator
from ageassure.hardening import harden_process, set_dumpable
from ageassure.threads import AssessmentThreads

if TYPE_CHECKING:
    from collections.abc import Callable

CASE: Final = struct.Struct("<IIII")
PLAIN: Final = "plain"
HARDENED: Final = "hardened"
UNHARDENED: Final = "unhardened"
FAILED: Final = "another error"
NOT_WIPED: Final = "the file was not wiped"

_PR_SET_CHILD_SUBREAPER: Final = 36
"""linux/prctl.h: who is nobody's child any more becomes this process's, and is found there."""

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND


class Watch:
    """Counts what Python does to files and the network; an audit hook cannot be taken off again.

    Attributes:
        files: Files opened for writing, or made, moved and removed.
        network: Sockets made, used, and names looked up.
    """

    def __init__(self) -> None:
        self.files = 0
        self.network = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Look at one event (Python's audit events table)."""
        if event.startswith("socket."):
            self.network += 1
        elif event in {"os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink"}:
            self.files += 1
        elif event == "open" and len(arguments) == 3:
            path, mode, flags = arguments
            writes = set(mode or "") & set("wax+") or (flags or 0) & _WRITING
            # A number is a descriptor that is open already: a pipe, or a file counted before.
            self.files += bool(writes) and path != os.devnull and not isinstance(path, int)


class Log(logging.Handler):
    """Keeps all that is logged, at every level and with tracebacks, so that it is searched too."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self.lines.append(self.format(record))


def main(arguments: list[str]) -> None:
    """Prepare this process, and serve."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with asyncio.Runner() as runner:
        runner.get_loop()  # its socket pair is no estimator's
        watch = Watch()
        sys.addaudithook(watch)
        logging.basicConfig(level=logging.DEBUG, handlers=[Log()])
        answers = os.dup(1)
        os.dup2(2, 1)  # what an estimator prints is no answer
        threads, role, name = int(arguments[0]), arguments[1], arguments[2]
        own = open_sockets()
        missing: list[str] = []
        if role == HARDENED:
            missing = [str(measure) for measure in harden_process().missing]
            set_dumpable(dumpable=True)
        assess = _plain_flow() if role == PLAIN else load_estimator(name).estimate
        stops = Stops() if role == HARDENED and name == FACIAL else None
        _answer(answers, {"missing": missing, "sockets": own})
        with AssessmentThreads(threads=threads, waiting=0) as pool:
            service = Service(assess=assess, pool=pool, watch=watch, stops=stops)
            service.serve(runner, requests=0, answers=answers)


@dataclass(slots=True, kw_only=True)
class Service:
    """Assesses what comes until it ends.

    Attributes:
        assess: Takes a piece of evidence.
        pool: The threads that it is done in.
        watch: Its counts are part of the answers.
        stops: Told which one is wanted.
        kept: Results and errors of the last case, and what was made of them.
    """

    assess: Callable[[Any], object]
    pool: AssessmentThreads
    watch: Watch
    stops: Stops | None
    kept: list[object] = field(default_factory=list)

    def serve(self, runner: asyncio.Runner, *, requests: int, answers: int) -> None:
        """Read cases from one descriptor, and answer on the other."""
        while True:
            header = bytearray(CASE.size)
            if not _filled(header, requests):
                return
            copies, size, stop, given = CASE.unpack(header)
            files = [bytearray(size) for _ in range(copies)]
            if not all(_filled(file, requests) for file in files):
                return
            self.kept.clear()
            evidence = [evidence_of(file, GIVEN[given]) for file in files]
            outcomes = runner.run(self._assessed(evidence, STOPS[stop]))
            if GIVEN[given] is Given.PIXELS:
                for file in files:  # the caller's own array, so the caller's to wipe
                    file[:] = bytes(size)
            gc.collect()
            counts = {"files": self.watch.files, "network": self.watch.network}
            _answer(answers, {"outcomes": outcomes, **counts})

    async def _assessed(self, evidence: list[object], stop: str) -> list[str]:
        """Assess all pieces of evidence at the same time."""
        assess = self.assess
        if self.stops is not None:
            self.stops.wanted = stop
            assess = self.stops.limited(assess)
        tasks = [asyncio.create_task(self.pool.run(assess, one)) for one in evidence]
        if self.stops is not None:
            self.stops.cancel = _canceller(tasks)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        self.kept += results
        for result in results:
            if isinstance(result, Exception):
                logging.getLogger(__name__).error("not assessed", exc_info=result)
        wiped = [all(part.count(0) == len(part) for part in buffers_of(one)) for one in evidence]
        pairs = zip(results, wiped, strict=True)
        return [_outcome(result) if done else NOT_WIPED for result, done in pairs]


def _canceller(tasks: list[asyncio.Task[object]]) -> Callable[[], object]:
    loop = asyncio.get_running_loop()
    return lambda: [loop.call_soon_threadsafe(task.cancel) for task in tasks]


def _outcome(result: object) -> str:
    if isinstance(result, AgeAssuranceError):
        return result.code
    if isinstance(result, asyncio.CancelledError):
        return CALLED_OFF
    return FAILED if isinstance(result, BaseException) else DONE


def _plain_flow() -> Callable[[bytearray], object]:
    from ageassure.audit.retention.control import PlainFlow

    return PlainFlow().estimate


def open_sockets() -> list[tuple[int, int]]:
    """Device and inode of each socket that is open now: asyncio's own."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the folder's own descriptor is closed by now
            seen = path.stat()
            if stat.S_ISSOCK(seen.st_mode):
                found.append((seen.st_dev, seen.st_ino))
    return found


def _filled(buffer: bytearray, requests: int) -> bool:
    """Fill the buffer, not by way of another; False where the input ends."""
    done = 0
    with memoryview(buffer) as view:
        while done < len(buffer):
            count = os.readv(requests, [view[done:]])
            if count == 0:
                return False
            done += count
    return True


def _answer(descriptor: int, document: dict[str, Any]) -> None:
    os.write(descriptor, json.dumps(document).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
