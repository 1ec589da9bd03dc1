"""Ways to stop the shipped pipeline at its last step, when everything has been made.

They are asked for by number (:data:`STOPS`): a fault, an error of every code that says something of
a picture, a deadline that passes, and a task that is cancelled.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from ageassure.deadline import Deadline, checkpoint
from ageassure.errors import (
    AgeAssuranceError,
    CalledOffError,
    DeadlineError,
    EvidenceError,
    FaceError,
    PictureError,
    PresentationAttackError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSALS: Final = (PictureError, FaceError, PresentationAttackError)
"""What the shipped estimator refuses a picture with; each of their codes is gone through."""

REFUSAL_CODES: Final = tuple(sorted(code for cls in REFUSALS for code in cls.codes))

DONE: Final = "estimated"
FAULT: Final = "fault"
"""Raised inside the pipeline; nothing of it leaves the estimator but :data:`DEFECT`."""

(DEFECT,) = EvidenceError.codes
(DEADLINE,) = DeadlineError.codes
(CALLED_OFF,) = CalledOffError.codes
NOTHING: Final = ""

STOPS: Final = (NOTHING, FAULT, DEADLINE, CALLED_OFF, *REFUSAL_CODES)

_PATIENCE_SECONDS: Final = 30.0


class InjectedFaultError(Exception):
    """Raised inside the pipeline on request."""


class Stops:
    """Changes the shipped pipeline's last step; cannot be taken off again.

    Attributes:
        wanted: One of :data:`STOPS`.
        cancel: Called from a working thread to cancel what is under way.
    """

    def __init__(self) -> None:
        from ageassure.estimators.facial.pipeline import FacialPipeline

        self.wanted = NOTHING
        self.cancel: Callable[[], object] = lambda: None
        self._clock = _Clock()
        sound = FacialPipeline.age_probabilities

        def age_probabilities(*arguments: Any) -> Any:  # noqa: ANN401 - passed on as they are
            self._stop()
            return sound(*arguments)

        setattr(FacialPipeline, "age_probabilities", age_probabilities)  # noqa: B010 - mypy

    def limited(self, assess: Callable[[Any], object]) -> Callable[[Any], object]:
        """The same with a deadline that passes when it is wanted."""

        def assess_in_time(file: object) -> object:
            held = [file]
            del file
            self._clock.seconds = 0
            with Deadline(1, clock=self._clock.read):
                return assess(held.pop())

        return assess_in_time

    def _stop(self) -> None:
        if self.wanted == FAULT:
            raise InjectedFaultError
        if self.wanted == DEADLINE:
            self._clock.seconds = 2  # the age network's own checkpoint sees it
        elif self.wanted == CALLED_OFF:
            self.cancel()
            _wait_at_checkpoints()
        elif self.wanted:
            raise _refusal(self.wanted)


class _Clock(threading.local):
    """A clock of its own for each thread; stands still unless it is moved."""

    seconds = 0

    def read(self) -> float:
        return self.seconds


def _wait_at_checkpoints() -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        checkpoint()
        time.sleep(0.001)


def _refusal(code: str) -> AgeAssuranceError:
    return next(cls("asked for", code=code) for cls in REFUSALS if code in cls.codes)
