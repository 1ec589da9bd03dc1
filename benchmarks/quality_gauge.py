"""The shipped pipeline for ``quality.py``: what it makes of a picture, refused or not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from degradations import DEGRADATIONS
from measures import share

from ageassure.errors import EvidenceError
from ageassure.estimators.facial.calibrations import read_calibration
from ageassure.estimators.facial.faces import FaceFinder, only_face
from ageassure.estimators.facial.pipeline import FacialPipeline
from ageassure.imaging import Frame
from ageassure.inference import read_pinned
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from degradations import Pixels

    from ageassure.estimators.facial.quality import Quality

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was made of one picture; ``code`` is empty if it was accepted."""

    person: str
    label: str
    code: str
    years: float = np.nan
    quality: Quality | None = None


class Gauge:
    """The pipeline with its limits applied afterwards, so that refused faces have an age too.

    Args:
        model_id: The age network.
    """

    def __init__(self, model_id: str) -> None:
        self.pipeline = FacialPipeline.shipped(model_id)
        self.calibration = read_calibration(read_pinned(model_id, "calibration.json"))
        self._finder = FaceFinder.shipped()

    def look(self, frame: Frame, person: str, label: str) -> Seen:
        """Run the pipeline on one picture, then apply the limits."""
        try:
            quality, raw = self.pipeline.unjudged(frame)
        except EvidenceError as error:
            return Seen(person=person, label=label, code=error.code)
        years = float(np.arange(MAX_YEARS + 1) @ self.calibration.probabilities(raw))
        code = self.refusal(quality)
        return Seen(person=person, label=label, code=code, years=years, quality=quality)

    def refusal(self, quality: Quality) -> str:
        """The code with which the limits refuse a face; empty if they let it pass."""
        try:
            self.pipeline.limits.check(quality)
        except EvidenceError as error:
            return error.code
        return ""

    def spoilt(self, pixels: Pixels, person: str, label: str) -> dict[tuple[str, float], Seen]:
        """One picture in every degree; empty if it is refused as it is."""
        with Frame(pixels.copy()) as frame:
            before = self.look(frame, person, label)
            if before.code:
                return {}
            points = only_face(self._finder.find(frame)).points
        found = {("", 0.0): before}
        for way in DEGRADATIONS:
            for degree in way.degrees:
                with Frame(way.spoil(pixels, points, degree)) as frame:
                    found[way.name, degree] = self.look(frame, person, label)
        return found


def refusals(seen: Iterable[Seen]) -> Json:
    codes = [one.code for one in seen]
    flags = np.array(codes)
    found = {code: share(flags == code) for code, _ in Counter(codes).most_common() if code}
    return {"all": share(flags != ""), **found}
