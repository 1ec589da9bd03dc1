"""Pictures as they come, for ``quality.py``: errors by what was measured, and who is refused.

Each sign is looked at among the pictures that keep every **other** limit, so that a turned face
that is blurred as well does not count for both. It is what was observed, not what was done to a
picture: people who turn away, or stand in the dark, may differ in other ways. The angles are the
mesh's, whose depth is a guess; profiles, in which it sees no second eye, are not among them.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from fairface_chips import bordered
from fairface_outputs import AGE_GROUPS, FIRST_YEARS
from fairface_split import Part, load_split, read_pictures
from measures import area_with_interval, share
from quality_gauge import refusals

from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from quality_gauge import Gauge, Seen

Json = dict[str, Any]

TWENTY = FIRST_YEARS.index(20)
LEAST_PEOPLE: Final = 20
"""Of each side, from whom an area under the ROC curve is given."""

SIGNS: Final[dict[str, tuple[float, tuple[float, ...]]]] = {
    "mesh_score": (1.0, (0.0, 0.5, 0.7, 0.9, 0.99, 0.999, 1.01)),
    "point_gap": (0.0, (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 10.0)),
    "yaw_degrees": (0.0, (0, 10, 20, 30, 35, 40, 50, 90)),
    "pitch_degrees": (0.0, (0, 10, 20, 25, 30, 35, 90)),
    "highlight": (255.0, (0, 45, 70, 90, 130, 200, 240, 256)),
    "burnt_share": (0.0, (0, 0.001, 0.05, 0.1, 0.25, 0.4, 1.01)),
    "blur": (0.0, (0, 0.45, 0.55, 0.65, 0.7, 0.75, 0.78, 1.01)),
}
"""The value that no limit refuses, and the edges of the bins."""


def as_they_come(gauge: Gauge, folder: Path, bar_years: float) -> Json:
    """FairFace's calibration part: error by what was measured, and refusals by group."""
    labels = load_split(folder / "labels.csv")
    faces = tuple(face for face in labels if face.part is Part.CALIBRATION)
    seen, ethnicity = [], []
    for face, jpeg in read_pictures(folder, faces):
        with bordered(jpeg) as frame:
            seen.append(gauge.look(frame, face.fairface_file, face.group))
        ethnicity.append(face.ethnicity)
    axes = {"ethnicity": ethnicity, "age": [one.label for one in seen]}
    return {
        "pictures": len(seen),
        "refused": refusals(seen),
        "refused_by_group": {
            axis: {
                group: refusals(o for o, g in zip(seen, values, strict=True) if g == group)
                for group in sorted(set(values))
            }
            for axis, values in axes.items()
        },
        "error_by_sign": {sign: _by_sign(gauge, seen, sign, bar_years) for sign in SIGNS},
    }


def _by_sign(gauge: Gauge, seen: list[Seen], sign: str, bar_years: float) -> list[Json]:
    best, edges = SIGNS[sign]
    measured = [
        (abs(float(getattr(one.quality, sign))), one)
        for one in seen
        if one.quality and not gauge.refusal(replace(one.quality, **{sign: best}))
    ]
    bins = [
        (low, high, [one for value, one in measured if low <= value < high])
        for low, high in pairwise(edges)
    ]
    return [
        {"from": low, "to": high, **_errors(members, bar_years)}
        for low, high, members in bins
        if members
    ]


def _errors(seen: list[Seen], bar_years: float) -> Json:
    outside = np.array([_outside(one) for one in seen])
    mean, doubt = float(outside.mean()), 1.96 * float(outside.std()) / len(seen) ** 0.5
    years = np.array([one.years for one in seen])
    groups = np.array([AGE_GROUPS.index(one.label) for one in seen])
    teens, adults = groups == TWENTY - 1, groups >= TWENTY
    enough = min(teens.sum(), adults.sum()) >= LEAST_PEOPLE
    return {
        "n": len(seen),
        "years_outside_the_group": {
            "value": round(mean, 3),
            "low": round(mean - doubt, 3),
            "high": round(mean + doubt, 3),
        },
        "auc_10_19_against_20": area_with_interval(years, teens, adults) if enough else None,
        "called_over_10_19": share(years[teens] >= bar_years),
    }


def _outside(one: Seen) -> float:
    """How far an estimate lies outside the group that the label names, in years."""
    group = AGE_GROUPS.index(one.label)
    ends: NDArray[np.int_] = np.array([*FIRST_YEARS, MAX_YEARS + 1])[group : group + 2]
    return float(max(0.0, ends[0] - one.years, one.years - ends[1]))
