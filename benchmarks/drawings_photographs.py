"""What the limit against drawings does to photographs of people, for ``drawings.py``.

Looked at are the photographs that every other limit lets pass: how many are refused as a drawing,
by age and by ethnicity. FairFace's have apparent age groups and the black border of
``models/data/fairface_chips.py``; a picture is taken as a person. The limit was chosen on its
calibration and train parts, not on the test part and not on London's photographs.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from measures import share

sys.path.insert(0, str(Path(__file__).parents[1] / "models" / "data"))

from fairface_chips import bordered
from fairface_split import Part, load_split, read_pictures
from quality import london
from quality_gauge import Gauge

from ageassure.estimators.facial.pipeline import DEFAULT_MODEL
from ageassure.imaging import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]


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
