"""The shipped pipeline's raw answers on FairFace's pictures, kept as numbers in a folder.

The network's answers do not change while the pipeline stays the same, so scripts that fit and
measure share them. The folder is the caller's and lies outside the repository; a file in it holds
no picture and no name, only numbers in the order of the split, and is personal data all the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from fairface_chips import bordered, exact_region
from fairface_split import LabelledFace, Part, load_split, read_pictures, split_digest

from ageassure.errors import FACE_CODES, PICTURE_CODES, EvidenceError
from ageassure.estimators.facial.alignment import extract_chip
from ageassure.estimators.facial.raw import CLASSES, RawAge
from ageassure.results import AgeDistribution, MethodClass, PresentationAttack, Provenance

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ageassure.estimators.facial.calibrations import AnyCalibration
    from ageassure.estimators.facial.pipeline import FacialPipeline
    from ageassure.imaging import Frame

REFUSALS: Final = ("", *sorted(FACE_CODES | PICTURE_CODES))
"""What a refusal is stored as: its place in this list; 0 if the picture was processed."""

AGE_GROUPS: Final = ("0–2", "3–9", "10–19", "20–29", "30–39", "40–49", "50–59", "60–69", "70+")
FIRST_YEARS: Final = (0, 3, 10, 20, 30, 40, 50, 60, 70)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outputs:
    """Raw answers on one part of the split.

    Attributes:
        faces: The part's pictures, in the split's order.
        probabilities: float32 ``[N, 2, 81]``: face and mirror image; zeros where refused.
        refusals: int8 ``[N]``: index into :data:`REFUSALS`.
    """

    faces: tuple[LabelledFace, ...]
    probabilities: NDArray[np.float32]
    refusals: NDArray[np.int8]

    @property
    def groups(self) -> NDArray[np.intp]:
        """Index of every picture's age group in :data:`AGE_GROUPS`."""
        return np.array([AGE_GROUPS.index(face.group) for face in self.faces])

    def processed(self) -> Self:
        """Only the pictures that were not refused."""
        return self.only(self.refusals == 0)

    def only(self, members: NDArray[np.bool_]) -> Self:
        """Only these pictures."""
        return type(self)(
            faces=tuple(self.faces[i] for i in np.flatnonzero(members)),
            probabilities=self.probabilities[members],
            refusals=self.refusals[members],
        )

    def features(self) -> NDArray[np.float64]:
        """What the calibration works on, float64 ``[N, len(FEATURES)]``."""
        return np.stack([_raw(answer).features() for answer in self.probabilities])

    def calibrated(self, calibration: AnyCalibration) -> NDArray[np.float64]:
        """Probabilities of the completed years, float64 ``[N, 121]``."""
        return np.stack([calibration.probabilities(_raw(a)) for a in self.probabilities])

    def mean_years(self, calibration: AnyCalibration) -> NDArray[np.float64]:
        """Estimated ages, float64 ``[N]``: to the last bit those that the estimator gives."""
        return np.array([_mean_years(one) for one in self.calibrated(calibration)])


def _raw(answer: NDArray[np.float32]) -> RawAge:
    return RawAge(probabilities=answer.astype(np.float64), eye_distance_pixels=0.0)


def _mean_years(probabilities: NDArray[np.float64]) -> float:
    provenance = Provenance(
        method_class=MethodClass.ESTIMATION,
        bound=True,
        presentation_attack=PresentationAttack.NOT_EVALUATED,
        as_of=datetime.fromtimestamp(0, UTC),
    )
    return AgeDistribution(probabilities=probabilities.tolist(), provenance=provenance).mean_years


def outputs(
    pipeline: FacialPipeline, folder: Path, part: Part, cache: Path, *, exact: bool = False
) -> Outputs:
    """The pipeline's answers on one part, read from the cache where it has them.

    Args:
        pipeline: The shipped one.
        folder: Holds ``labels.csv`` and the shards.
        part: Which part of the split.
        cache: Folder for the numbers, outside the repository; made if absent.
        exact: Ask the age network about FairFace's own chips, without detector and alignment.
    """
    labels = load_split(folder / "labels.csv")
    faces = tuple(face for face in labels if face.part is part)
    source = f"{pipeline.raw_digest} {split_digest(labels)} exact={exact}"
    name = f"{part}-{hashlib.sha256(source.encode()).hexdigest()[:16]}.npz"
    if not (cache / name).is_file():
        cache.mkdir(parents=True, exist_ok=True)
        probabilities, refusals = _measured(pipeline, folder, faces, exact=exact)
        np.savez(cache / name, probabilities=probabilities, refusals=refusals)
    with np.load(cache / name, allow_pickle=False) as stored:
        return Outputs(
            faces=faces, probabilities=stored["probabilities"], refusals=stored["refusals"]
        )


def _measured(
    pipeline: FacialPipeline, folder: Path, faces: tuple[LabelledFace, ...], *, exact: bool
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    position = {face.fairface_file: index for index, face in enumerate(faces)}
    probabilities = np.zeros((len(faces), 2, CLASSES), dtype=np.float32)
    refusals = np.zeros(len(faces), dtype=np.int8)
    for face, jpeg in read_pictures(folder, faces):
        index = position[face.fairface_file]
        with bordered(jpeg) as frame:
            try:
                probabilities[index] = (
                    _on_exact_chip(pipeline, frame) if exact else pipeline.raw(frame).probabilities
                )
            except EvidenceError as error:
                refusals[index] = REFUSALS.index(error.code)
    return probabilities, refusals


def _on_exact_chip(pipeline: FacialPipeline, frame: Frame) -> NDArray[np.float64]:
    chip = extract_chip(frame, exact_region(), pipeline.chip_pixels)
    return pipeline.age_probabilities(frame, chip)
