"""What has been answered so far, on disk, so that a run that was killed goes on where it was.

A text file: the run's identity as one line of JSON, then one line for every answer, in the order
in which they came. It is only ever appended to; a line that the kill cut off is dropped.
"""

from __future__ import annotations

import importlib.util
import json
import os
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from ageassure.audit.prediction.assessing import STATUS, Answer
from ageassure.audit.table import OK
from ageassure.errors import PredictionsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO

    from numpy.typing import NDArray

_LOCKS: Final = importlib.util.find_spec("fcntl") is not None
"""False on Windows: two runs at once are not noticed there."""


class Journal:
    """The answers of one run; use it as a context manager.

    Args:
        path: The file; made if absent.
        identity: What makes two runs the same: digests and settings, never a time.
        count: Pictures in the manifest.
        chances: Probabilities in an answer that is ``ok``.

    Attributes:
        figures: float64 ``[count, 2 + chances]``: estimated age, probabilities, latency.
        done: bool ``[count]``: which pictures have been answered.

    Raises:
        PredictionsError: If the file cannot be written, belongs to another run, is in use by one,
            or is damaged.
    """

    def __init__(
        self, path: Path, *, identity: Mapping[str, Any], count: int, chances: int
    ) -> None:
        self._name = path.name
        self._statuses: dict[str, int] = {}
        self._codes = np.zeros(count, np.int32)
        self.figures: NDArray[np.float64] = np.full((count, 2 + chances), np.nan)
        self.done: NDArray[np.bool_] = np.zeros(count, np.bool_)
        head = json.dumps(dict(identity), sort_keys=True).encode() + b"\n"
        self._file = self._opened(path)
        try:
            self._replay(head)
        except BaseException:
            self._file.close()
            raise

    def _opened(self, path: Path) -> BinaryIO:
        reason = "another run is writing it"
        try:
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        except OSError as error:
            reason = error.strerror or "it cannot be opened"
        else:
            if not _LOCKS or _locked(file):
                return file
            file.close()
        raise PredictionsError(f"cannot use the journal {self._name}: {reason}")

    def _replay(self, head: bytes) -> None:
        """Take what the file holds, and cut off a line that is not whole."""
        whole = 0
        with os.fdopen(os.dup(self._file.fileno()), "rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    break
                if number == 1 and line != head:
                    raise PredictionsError(
                        f"the journal {self._name} belongs to another run: other pictures, another "
                        "estimator, other settings or another version; remove it to start anew"
                    )
                if number > 1 and not self._take(_parsed(line)):
                    raise PredictionsError(f"the journal {self._name} is damaged in line {number}")
                whole += len(line)
        self._file.truncate(whole)
        self._file.seek(whole)
        if not whole:
            self._file.write(head)

    def _take(self, answer: Answer | None) -> bool:
        if answer is None or not 0 <= answer.index < len(self.done):
            return False
        expected = self.figures.shape[1] - 2 if answer.status == OK else 0
        if len(answer.p_over) != expected:
            return False
        if not self.done[answer.index]:
            row = self.figures[answer.index]
            row[0], row[-1] = answer.estimated_age_years, answer.latency_ms
            row[1 : 1 + expected] = answer.p_over
            code = self._statuses.setdefault(answer.status, len(self._statuses))
            self._codes[answer.index] = code
            self.done[answer.index] = True
        return True

    def append(self, answers: Sequence[Answer]) -> None:
        """Write answers down; once this returns, they survive the end of this process.

        Raises:
            PredictionsError: If they cannot be written.
        """
        lines = "".join(_line(answer) for answer in answers).encode()
        reason: str | None = None
        try:
            written = self._file.write(lines)
        except OSError as error:
            reason = error.strerror or "output failed"
        else:
            reason = None if written == len(lines) else "the disk is full"
        if reason is not None:
            raise PredictionsError(f"cannot write the journal {self._name}: {reason}")
        for answer in answers:
            self._take(answer)

    @property
    def statuses(self) -> list[str]:
        """The status of every picture, in the manifest's order."""
        names = list(self._statuses)
        return [names[code] for code in self._codes.tolist()]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()


def _locked(file: BinaryIO) -> bool:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _line(answer: Answer) -> str:
    figures = (answer.estimated_age_years, answer.latency_ms, *answer.p_over)
    return f"{answer.index},{answer.status},{','.join(map(repr, figures))}\n"


def _parsed(line: bytes) -> Answer | None:
    try:
        index, status, *figures = line.decode("ascii").rstrip("\n").split(",")
        estimate, latency, *chances = map(float, figures)
        answer = Answer(
            index=int(index),
            status=status,
            estimated_age_years=estimate,
            p_over=tuple(chances),
            latency_ms=latency,
        )
    except ValueError:
        return None
    return answer if STATUS.fullmatch(status) is not None else None
