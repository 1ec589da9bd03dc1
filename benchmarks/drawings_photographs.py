"""What the limit against drawings does to photographs of people, for ``drawings.py``.

Looked at are the photographs that every other limit lets pass: how many are refused as a drawing,
by age and by ethnicity. FairFace's have apparent age groups and the black border of
``models/data/fairface_chips.py``; a picture is taken as a person. The limit was chosen on its
calibration and train parts, not on the test part and not on London's photographs.

The limit is no part of the pipeline's digest, so the bars are counted again on the part that they
were earned on, through all that ships: people of the protected band who are processed, those among
them on the wrong side of the bar, and whether that many still carry the error claimed.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from measures import share

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "data"))

from fairface_chips import bordered
from fairface_outputs import AGE_GROUPS, FIRST_YEARS
from fairface_split import Part, load_split, read_pictures
from quality import london
from quality_gauge import Gauge

from ageassure.errors import EvidenceError, InsufficientEvidenceError
from ageassure.estimators import FacialAgeEstimator
from ageassure.estimators.facial.pipeline import AGE_MODELS, DEFAULT_MODEL
from ageassure.imaging import Frame
from ageassure.policy import ChallengeAge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ageassure.policy import LowerBar

Json = dict[str, Any]
LIMITS_YEARS = (13, 16, 18, 21)
ALPHAS = (0.05, 0.01, 0.005)


def refused_photographs(london_folder: Path, fairface: Path) -> list[Json]:
    """Photographs that are refused as drawings, of each set."""
    gauge = Gauge(DEFAULT_MODEL)
    found = [_refused("FairFace", part, _fairface(gauge, fairface, part)) for part in Part]
    return [*found, _refused("London", "neutral faces", _london(gauge, london_folder))]


def _fairface(gauge: Gauge, folder: Path, part: Part) -> Iterator[tuple[bool, dict[str, str]]]:
    faces = [face for face in load_split(folder / "labels.csv") if face.part is part]
    for face, jpeg in read_pictures(folder, faces):
        with bordered(jpeg) as frame:
            drawing = taken_for_a_drawing(gauge, frame)
        if drawing is not None:
            yield drawing, {"age": face.group, "ethnicity": face.ethnicity}


def _london(gauge: Gauge, folder: Path) -> Iterator[tuple[bool, dict[str, str]]]:
    for pixels, _, _ in london(folder):
        with Frame(pixels) as frame:
            drawing = taken_for_a_drawing(gauge, frame)
        if drawing is not None:
            yield drawing, {}


def taken_for_a_drawing(gauge: Gauge, frame: Frame) -> bool | None:
    """Whether it is refused as a drawing; None if another limit refuses it anyhow."""
    quality = gauge.look(frame, "", "").quality
    if quality is None or gauge.refusal(replace(quality, quiet_curvature=1.0)):
        return None
    return bool(gauge.refusal(quality))


def _refused(data: str, part: str, seen: Iterator[tuple[bool, dict[str, str]]]) -> Json:
    everybody: list[bool] = []
    groups: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for drawing, labels in seen:
        everybody.append(drawing)
        for axis, value in labels.items():
            groups[axis][value].append(drawing)
    return {
        "data": data,
        "part": str(part),
        "refused": share(np.array(everybody)),
        "by_group": {
            axis: {value: share(np.array(members[value])) for value in sorted(members)}
            for axis, members in groups.items()
        },
    }


def bars_again(folder: Path) -> list[Json]:
    """Every bar that ships, counted again on FairFace's calibration part."""
    faces = [face for face in load_split(folder / "labels.csv") if face.part is Part.CALIBRATION]
    rows = []
    for model in AGE_MODELS:
        estimator = FacialAgeEstimator(model=model)
        years, groups = [], []
        for face, jpeg in read_pictures(folder, faces):
            with bordered(jpeg) as frame, suppress(EvidenceError):
                years.append(estimator.estimate(frame.pixels.copy()).mean_years)
                groups.append(AGE_GROUPS.index(face.group))
        people = np.array(years), np.array([FIRST_YEARS[group] for group in groups])
        rows += [
            {"model": model, "age_limit": limit, **_again(bar, *people)}
            for limit, bar in _bars(estimator)
        ]
    return rows


def _bars(estimator: FacialAgeEstimator) -> Iterator[tuple[int, ChallengeAge | LowerBar]]:
    for earned in (estimator.challenge_age, estimator.lower_bar):
        for limit in LIMITS_YEARS:
            for alpha in ALPHAS:
                with suppress(InsufficientEvidenceError):
                    yield limit, earned(limit, alpha=alpha)


def _again(
    bar: ChallengeAge | LowerBar, years: NDArray[np.float64], first_years: NDArray[np.int_]
) -> Json:
    protected = years[first_years == bar.protected_band.first_years]
    over = isinstance(bar, ChallengeAge)
    wrong = protected >= bar.age_years if over else protected < bar.age_years
    counted = replace(bar, n=len(protected), k=int(wrong.sum()))  # refuses what is too thin
    return {
        "bar": bar.KIND,
        "alpha": bar.alpha,
        "age_years": bar.age_years,
        "earned": [bar.k, bar.n],
        "with_the_limit": [counted.k, counted.n],
        "upper_bound": round(counted.upper_bound, 6),
    }
