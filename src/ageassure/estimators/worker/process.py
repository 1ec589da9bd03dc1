"""The process that estimates: ``python -m ageassure.estimators.worker.process NAME``.

It answers :attr:`Kind.READY <.messages.Kind.READY>` once the estimator is made, and then one answer
to each request until there are no more. It belongs to whoever started it and hardens itself as far
as the platform allows. What an estimator prints is thrown away.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from ageassure.errors import EvidenceError
from ageassure.estimators.worker.loading import load_estimator
from ageassure.estimators.worker.messages import (
    ANSWER,
    REQUEST,
    SIZE,
    Kind,
    encode_error,
    encode_estimate,
)
from ageassure.hardening import harden_process
from ageassure.results import AgeEstimate

if TYPE_CHECKING:
    from io import FileIO

    from ageassure.estimators.base import Estimator


def main(name: str) -> None:
    """Take over standard input and output, and serve."""
    with _taken_over(0, "rb") as requests, _taken_over(1, "wb") as answers:
        harden_process()
        answer = Kind.READY, b""
        estimator: Estimator[Any] | None = None
        try:
            estimator = load_estimator(name)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other side is told
            answer = encode_error(error)
        _send(answers, *answer)
        if estimator is not None:
            serve(estimator, requests, answers)


def serve(estimator: Estimator[Any], requests: FileIO, answers: FileIO) -> None:
    """Answer requests until they end."""
    while (evidence := read_evidence(requests)) is not None:
        _send(answers, *_answer(estimator, evidence))
        del evidence


def _answer(estimator: Estimator[Any], evidence: bytearray | list[bytearray]) -> tuple[Kind, bytes]:
    try:
        estimate: object = estimator.estimate(evidence)  # a plug-in may return anything
        if isinstance(estimate, AgeEstimate):
            return encode_estimate(estimate)
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
        return encode_error(error)
    return encode_error(EvidenceError("the estimator returned no AgeEstimate"))


def read_evidence(requests: FileIO) -> bytearray | list[bytearray] | None:
    """Read a request's files, each into a buffer of its own; None where the requests end."""
    head = _filled(requests, REQUEST.size)
    if head is None:
        return None
    several, count = REQUEST.unpack(head)
    sizes = [_filled(requests, SIZE.size) for _ in range(count)]
    files = [_filled(requests, SIZE.unpack(size)[0]) for size in sizes if size is not None]
    whole = [file for file in files if file is not None]
    if len(whole) < count:
        return None
    return whole if several else whole[0]


def _filled(requests: FileIO, size: int) -> bytearray | None:
    buffer = bytearray(size)
    with memoryview(buffer) as view:
        done = 0
        while done < size:
            count = requests.readinto(view[done:])
            if not count:
                return None
            done += count
    return buffer


def _send(answers: FileIO, kind: Kind, body: bytes) -> None:
    answers.write(ANSWER.pack(kind, len(body)) + body)  # less than a pipe takes at once


def _taken_over(descriptor: int, mode: str) -> FileIO:
    """A private copy of a standard stream, in whose place nothing is left."""
    copy = os.dup(descriptor)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, descriptor)
    os.close(nothing)
    stream: FileIO = open(copy, mode, buffering=0)  # type: ignore[assignment]  # noqa: SIM115, PTH123
    return stream


if __name__ == "__main__":
    main(sys.argv[1])
