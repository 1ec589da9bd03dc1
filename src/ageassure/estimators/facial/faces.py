"""Which faces a picture shows: two detectors, and the mesh that has to confirm them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from ageassure.errors import FaceError
from ageassure.estimators.facial.detection import find_faces
from ageassure.estimators.facial.mesh import FACE_BAR, face_mesh
from ageassure.inference import load_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ageassure.estimators.facial.mesh import Face
    from ageassure.imaging import Frame
    from ageassure.inference import Model

SECOND_FACE_SHARE: Final = 0.4
"""Another face counts as present from this share of the largest one's side on."""

MAX_CANDIDATES: Final = 4
"""Detections, the largest first, that the mesh is asked about; two that it confirms decide."""


class FaceFinder:
    """Finds the faces in a picture; may be shared by threads.

    Args:
        near: BlazeFace at 128 pixels.
        far: BlazeFace at 256 pixels, for smaller faces; asked where ``near`` finds none that the
            mesh confirms.
        mesh: Face Mesh.
    """

    def __init__(self, *, near: Model, far: Model, mesh: Model) -> None:
        self._detectors = (near, far)
        self._mesh = mesh

    @classmethod
    def shipped(cls) -> Self:
        """Load the shipped networks.

        Raises:
            ModelIntegrityError: If a file is missing or not the pinned one.
            MissingExtraError: If ``ageassure-models`` is not installed.
        """
        return cls(
            near=load_model("blazeface-128"),
            far=load_model("blazeface-256"),
            mesh=load_model("face-mesh-468"),
        )

    @property
    def models(self) -> tuple[Model, ...]:
        """The networks, in the order in which they are asked."""
        return (*self._detectors, self._mesh)

    def find(self, frame: Frame) -> list[Face]:
        """The faces that the mesh confirms, the largest first; none is an empty list.

        Args:
            frame: The picture; takes over what has to be wiped with it.

        Raises:
            ModelIntegrityError: If a network fails.
        """
        for detector in self._detectors:
            candidates = find_faces(frame, detector)[:MAX_CANDIDATES]
            faces = [face_mesh(frame, found, self._mesh) for found in candidates]
            confirmed = [face for face in faces if face.score >= FACE_BAR]
            if confirmed:
                return confirmed
        return []


def only_face(faces: Sequence[Face]) -> Face:
    """The one face that a picture is of; much smaller ones stand far behind and do not count.

    Args:
        faces: The largest first.

    Raises:
        FaceError: ``no_face`` or ``several_faces``.
    """
    if not faces:
        raise FaceError("no face that shows both eyes was found", code="no_face")
    largest = faces[0]
    count = sum(face.side >= SECOND_FACE_SHARE * largest.side for face in faces)
    if count > 1:
        raise FaceError(f"got {count} faces, expected one", code="several_faces")
    return largest
