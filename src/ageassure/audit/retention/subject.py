"""The process that is looked into: it assesses the pictures that it is sent, and waits.

``python -m ageassure.audit.retention.subject THREADS CONTROL ESTIMATOR`` reads cases from standard
input and answers each with one line of JSON. A case is three numbers (:data:`CASE`: copies, size of
the file, whether a fault is wanted) and then the file, as many times as it says; the copies are
assessed at the same time.

Files are read into buffers without an intermediate one. Results and errors are kept until the next
case, tracebacks included: nothing of the picture may hang on them either.
"""

from __future__ import annotations

import gc
import json
import os
import struct
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Final

from ageassure.errors import AgeAssuranceError
from ageassure.hardening import harden_process, set_dumpable

if TYPE_CHECKING:
    from collections.abc import Callable

CASE: Final = struct.Struct("<III")
FACIAL: Final = "facial"
FAULT: Final = "fault"
DONE: Final = "estimated"
FAILED: Final = "another error"

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND


class InjectedFaultError(Exception):
    """Raised inside the pipeline on request."""


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
            _, mode, flags = arguments
            writes = set(mode or "") & set("wax+") or (flags or 0) & _WRITING
            self.files += bool(writes)


class Faults:
    """Lets the shipped pipeline fail at its last step: everything else has been made by then.

    Attributes:
        wanted: Whether to.
    """

    def __init__(self) -> None:
        from ageassure.estimators.facial.pipeline import FacialPipeline

        self.wanted = False
        sound = FacialPipeline.age_probabilities

        def age_probabilities(*arguments: Any) -> Any:  # noqa: ANN401 - passed on as they are
            if self.wanted:
                raise InjectedFaultError
            return sound(*arguments)

        setattr(FacialPipeline, "age_probabilities", age_probabilities)  # noqa: B010 - mypy


def main(arguments: list[str]) -> None:
    """Prepare this process, and serve."""
    watch = Watch()
    sys.addaudithook(watch)
    answers = os.dup(1)
    os.dup2(2, 1)  # what an estimator prints is no answer
    threads, control, name = int(arguments[0]), arguments[1] == "control", arguments[2]
    missing: list[str] = []
    if not control:
        missing = [str(measure) for measure in harden_process().missing]
        set_dumpable(dumpable=True)
    assess = _plain_flow() if control else _estimator(name)
    faults = None if control or name != FACIAL else Faults()
    _answer(answers, {"missing": missing})
    serve(assess, threads=threads, requests=0, answers=answers, watch=watch, faults=faults)


def serve(
    assess: Callable[[bytearray], object],
    *,
    threads: int,
    requests: int,
    answers: int,
    watch: Watch,
    faults: Faults | None,
) -> None:
    """Assess what comes until it ends.

    Args:
        assess: Takes a file.
        threads: At most so many at a time.
        requests: Descriptor from which cases are read.
        answers: Descriptor to which answers are written.
        watch: Its counts are part of the answers.
        faults: Told whether one is wanted.
    """
    kept: list[Any] = []
    with ThreadPoolExecutor(threads) as pool:
        while True:
            header = bytearray(CASE.size)
            if not _filled(header, requests):
                return
            copies, size, fault = CASE.unpack(header)
            files = [bytearray(size) for _ in range(copies)]
            if not all(_filled(file, requests) for file in files):
                return
            if faults is not None:
                faults.wanted = bool(fault)
            kept = [pool.submit(_assessed, assess, files.pop()) for _ in range(copies)]
            wait(kept)
            gc.collect()
            outcomes = [future.result()[0] for future in kept]
            _answer(answers, {"outcomes": outcomes, "files": watch.files, "network": watch.network})


def _plain_flow() -> Callable[[bytearray], object]:
    from ageassure.audit.retention.control import PlainFlow

    return PlainFlow().estimate


def _estimator(name: str) -> Callable[[bytearray], object]:
    from ageassure.estimators.worker.loading import load_estimator

    return load_estimator(name).estimate


def _assessed(assess: Callable[[bytearray], object], file: bytearray) -> tuple[str, object]:
    try:
        return DONE, assess(file)
    except AgeAssuranceError as error:
        return error.code, error
    except InjectedFaultError as error:
        return FAULT, error
    except Exception as error:  # noqa: BLE001 - anybody's estimator, any error
        return FAILED, error
    finally:
        del file


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
