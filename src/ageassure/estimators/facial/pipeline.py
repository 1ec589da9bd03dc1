"""The steps from a picture to the age network's raw answer, in their order.

detect → mesh → one face → align → quality → liveness slot → age network. Quality gates and the
liveness slot are not filled yet; they belong between the chip and the age network.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from ageassure.errors import FaceError
from ageassure.estimators.facial import alignment, detection, mesh
from ageassure.estimators.facial.raw import CLASS_YEARS, RawAge
from ageassure.inference import load_model, read_pinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ageassure.estimators.facial.mesh import Face
    from ageassure.imaging import Frame
    from ageassure.inference import Model

PIPELINE_REVISION: Final = 1
"""Raised by one whenever the code of a step changes its result; enters the digest."""

LONG_SIDE_PIXELS: Final = 960
"""What a picture's longer side keeps at least when a large file is decoded at a reduced scale."""

SECOND_FACE_SHARE: Final = 0.4
"""Another face counts as present from this share of the largest one's side on."""

MAX_CANDIDATES: Final = 4
"""Faces, the largest first, that the mesh is asked about; two that it confirms are too many."""


class FacialPipeline:
    """Everything before the calibration; may be shared by threads. Offline use only.

    Its result is no estimate. Users take :class:`~ageassure.estimators.FacialAgeEstimator`; the
    scripts that fit and measure take this, so that they see exactly what is shipped.

    Args:
        near: BlazeFace at 128 pixels.
        far: BlazeFace at 256 pixels, asked where ``near`` finds no face that the mesh confirms.
        face_mesh: Face Mesh.
        age: The age network.
        template: Mean places of the mesh's points, see :mod:`~.alignment`.
    """

    def __init__(
        self,
        *,
        near: Model,
        far: Model,
        face_mesh: Model,
        age: Model,
        template: NDArray[np.float64],
    ) -> None:
        self._detectors = (near, far)
        self._mesh = face_mesh
        self._age = age
        self._template = template

    @classmethod
    def shipped(cls) -> Self:
        """Load the shipped models.

        Raises:
            ModelIntegrityError: If a file is missing or not the pinned one.
            MissingExtraError: If ``ageassure-models`` is not installed.
        """
        return cls(
            near=load_model("blazeface-128"),
            far=load_model("blazeface-256"),
            face_mesh=load_model("face-mesh-468"),
            age=load_model("age-v1"),
            template=alignment.read_template(read_pinned("age-v1", "alignment.json")),
        )

    def raw(self, frame: Frame) -> RawAge:
        """Run every step on one picture.

        Args:
            frame: The picture; takes over what has to be wiped with it. The caller wipes it.

        Raises:
            FaceError: ``no_face`` or ``several_faces``.
            ModelIntegrityError: If a network fails.
        """
        face = _only(self.faces(frame))
        region = alignment.chip_region(face.points, self._template)
        chip = alignment.extract_chip(frame, region)
        return RawAge(
            probabilities=self.probabilities(frame, chip),
            eye_distance_pixels=face.eye_distance,
        )

    def faces(self, frame: Frame) -> list[Face]:
        """The faces that the mesh confirms, the largest first."""
        for detector in self._detectors:
            candidates = detection.find_faces(frame, detector)[:MAX_CANDIDATES]
            meshes = [mesh.face_mesh(frame, found, self._mesh) for found in candidates]
            confirmed = [face for face in meshes if face.score >= mesh.FACE_BAR]
            if confirmed:
                return confirmed
        return []

    def probabilities(self, frame: Frame, chip: NDArray[np.float32]) -> NDArray[np.float64]:
        """Ask the age network about a chip and its mirror image, float64 ``[2, 81]``.

        Args:
            frame: Takes over what has to be wiped.
            chip: RGB float32 ``[64, 64, 3]`` of 0 … 255.
        """
        one = self._age.normalised(chip)
        both = frame.own(np.stack([one, one[:, :, ::-1]]))
        one.fill(0)
        (probabilities,) = self._age.run(both)
        return probabilities.astype(np.float64)

    @property
    def raw_digest(self) -> str:
        """SHA-256 over everything that turns a picture into the raw answer, 64 hex digits."""
        return hashlib.sha256(json.dumps(self.description(), sort_keys=True).encode()).hexdigest()

    def description(self) -> dict[str, object]:
        """What :attr:`raw_digest` is taken over."""
        models = (*self._detectors, self._mesh, self._age)
        return {
            "revision": PIPELINE_REVISION,
            "long_side_pixels": LONG_SIDE_PIXELS,
            "models": [_contract(model) for model in models],
            "detection": [detection.SCORE_BAR, detection.OVERLAP_BAR, MAX_CANDIDATES],
            "mesh": [mesh.REGION_SIDES, mesh.FACE_BAR],
            "second_face_share": SECOND_FACE_SHARE,
            "template": self._template.tolist(),
            "chip": [alignment.CHIP_PIXELS, alignment.CHIP_PADDING],
            "class_years": CLASS_YEARS.tolist(),
        }


def _contract(model: Model) -> list[object]:
    manifest = model.manifest
    return [manifest.file_sha256, list(manifest.mean), manifest.divisor]


def _only(faces: Sequence[Face]) -> Face:
    """The one face that a picture is of; much smaller ones stand far behind and do not count."""
    if not faces:
        raise FaceError("no face that shows both eyes was found", code="no_face")
    largest = faces[0]
    count = sum(face.side >= SECOND_FACE_SHARE * largest.side for face in faces)
    if count > 1:
        raise FaceError(f"got {count} faces, expected one", code="several_faces")
    return largest
