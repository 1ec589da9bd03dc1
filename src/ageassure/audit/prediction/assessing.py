"""One picture, one answer: what every engine runs, in threads, processes or on other machines.

What goes in are paths, offsets and digests, what comes out are numbers and a status. The picture
lives in between, in one buffer that is wiped.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ageassure.audit.datasets.places import ALTERED, UNREADABLE, read_checked, wipe_file
from ageassure.audit.degradation import Degradation, degrade
from ageassure.audit.table import OK, P_OVER_YEARS
from ageassure.errors import AgeAssuranceError, EvidenceError, PredictionsError
from ageassure.imaging import decode
from ageassure.results import MAX_YEARS, AgeEstimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ageassure.audit.datasets.places import PicturePlace
    from ageassure.estimators.base import Estimator

ALL_YEARS: Final = tuple(range(1, MAX_YEARS + 1))
"""Ages a at which P(age ≥ a) tells a whole distribution."""

STATUS: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""``ok``, ``picture_unreadable``, ``picture_altered``, or the code of a refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture to be assessed.

    Attributes:
        index: Its row in the manifest, from 0.
        place: Where it lies.
        sha256: What its bytes must have, 64 hex digits; "" if the manifest does not say.
    """

    index: int
    place: PicturePlace
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Answer:
    """What was made of one picture. An audit's own record of a labelled, consenting person.

    Attributes:
        index: The row in the manifest.
        status: ``ok``, or why there is no estimate.
        estimated_age_years: Mean of the estimate; NaN unless ``ok``.
        p_over: P(age ≥ a) at the ages a that were asked for; empty unless ``ok``.
        latency_ms: Wall time of the estimator, decoding included, reading the file not; NaN if it
            never saw the picture.
    """

    index: int
    status: str
    estimated_age_years: float = float("nan")
    p_over: tuple[float, ...] = ()
    latency_ms: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """How a picture is shown to an estimator; by default as the file that it is.

    Attributes:
        border_pixels: Width of a black border put around it, as its data set's statement asks.
        degradation: The way in which it is made worse before that; None for none.
        level: How much.

    Raises:
        ConfigurationError: If the level is outside its range.
    """

    border_pixels: int = 0
    degradation: Degradation | None = None
    level: float = 0.0

    def __post_init__(self) -> None:
        if self.degradation is not None:
            degrade(np.zeros((8, 8, 3), np.uint8), self.degradation, self.level)

    @property
    def unchanged(self) -> bool:
        """Does the estimator get the file itself?"""
        return not self.border_pixels and self.degradation is None

    def pixels(self, picture: bytearray) -> NDArray[np.uint8]:
        """Decode a picture and change it; the picture is wiped, the result is the caller's to wipe.

        Raises:
            PictureError: If it cannot be decoded.
        """
        with decode(picture) as frame:
            shown = frame.pixels
            if self.degradation is not None:
                shown = frame.own(degrade(shown, self.degradation, self.level))
            edges = (self.border_pixels, self.border_pixels)
            return np.pad(shown, (edges, edges, (0, 0)))


UNCHANGED: Final = Showing()


class Assessor:
    """An estimator that answers jobs; may be shared by threads if the estimator may.

    Args:
        estimator: The estimator.
        showing: How pictures are shown to it. If they are changed it gets RGB pixels in place of a
            file.
        p_over_years: Ages a at which P(age ≥ a) is answered.
        clock: Seconds, for latencies.
    """

    def __init__(
        self,
        estimator: Estimator[Any],
        *,
        showing: Showing = UNCHANGED,
        p_over_years: tuple[int, ...] = P_OVER_YEARS,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._estimator = estimator
        self._showing = showing
        self._p_over_years = p_over_years
        self._clock = clock

    def __call__(self, job: Job) -> Answer:
        """Read, assess, wipe.

        Raises:
            PredictionsError: If the estimator fails in another way than by refusing the picture, or
                states an interval, which has no estimated age. The run cannot go on then.
        """
        picture, problem = read_checked(job.place, job.sha256)
        if picture is None:
            return Answer(index=job.index, status=problem)
        started = self._clock()
        estimate, status, failure = self._asked(picture)
        latency_ms = (self._clock() - started) * 1000
        del picture
        # Raised here, not where it was caught: no frame with the picture stays reachable.
        if failure is not None:
            raise PredictionsError(f"row {job.index + 1} of the manifest: {failure}")
        if estimate is None:
            return Answer(index=job.index, status=status, latency_ms=latency_ms)
        if estimate.mean_years is None:
            raise PredictionsError("the estimator states intervals, which have no estimated age")
        return Answer(
            index=job.index,
            status=OK,
            estimated_age_years=estimate.mean_years,
            p_over=tuple(estimate.probability_at_or_over(age) for age in self._p_over_years),
            latency_ms=latency_ms,
        )

    def _asked(self, picture: bytearray) -> tuple[AgeEstimate | None, str, str | None]:
        """The estimate, or the code of the refusal, or what went wrong."""
        try:
            estimate = self._estimate(picture)
        except EvidenceError as error:
            taken = STATUS.fullmatch(error.code) is None or error.code in (OK, UNREADABLE, ALTERED)
            failure = "the estimator refuses with a code that is no status" if taken else None
            return None, error.code, failure
        except AgeAssuranceError as error:
            return None, "", f"the estimator failed: {error} ({error.code})"
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            return None, "", f"the estimator failed: {type(error).__name__}"
        finally:
            wipe_file(picture)
        if not isinstance(estimate, AgeEstimate):
            return None, "", "the estimator gave no AgeEstimate"
        return estimate, OK, None

    def _estimate(self, picture: bytearray) -> object:
        if self._showing.unchanged:
            return self._estimator.estimate(picture)
        pixels = self._showing.pixels(picture)
        try:
            return self._estimator.estimate(pixels)
        finally:
            pixels.fill(0)
