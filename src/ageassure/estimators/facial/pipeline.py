"""The steps from a picture to the age network's raw answer, in their order.

detect → align → quality → liveness slot → age network.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from ageassure.errors import ConfigurationError, ModelIntegrityError
from ageassure.estimators.facial import (
    alignment,
    detection,
    faces,
    mesh,
    quality,
    quality_limits,
    structure,
)
from ageassure.estimators.facial.raw import CLASS_YEARS, RawAge
from ageassure.inference import load_model, read_pinned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ageassure.estimators.facial.liveness import LivenessCheck
    from ageassure.imaging import Frame
    from ageassure.inference import Model

    Chips = dict[int, NDArray[np.float32]]

AGE_MODELS: Final = ("age-v1", "age-v2")
"""Age networks that ship with a calibration and operating points."""

DEFAULT_MODEL: Final = "age-v2"

PIPELINE_REVISION: Final = 3
"""Raised by one whenever the code of a step changes its result; enters the digest."""

LONG_SIDE_PIXELS: Final = 640
"""What a picture's longer side keeps at least when a large file is decoded at a reduced scale.

A face that takes a seventh of it or more keeps all the pixels that the age network looks at."""


class FacialPipeline:
    """Everything before the calibration; may be shared by threads. For offline use.

    Its result is no estimate. Users take :class:`~ageassure.estimators.FacialAgeEstimator`; the
    scripts that fit and measure take this, so that they see exactly what is shipped.

    Args:
        finder: Finds the faces.
        template: Where their points lie in the age network's chip, see :mod:`.alignment`.
        age: The age network; its manifest holds the chip's size and the limits of quality.
        liveness: The operator's liveness check; None leaves the slot empty.

    Raises:
        ModelIntegrityError: If the manifest's limits or the chip's size are malformed.
    """

    def __init__(
        self,
        *,
        finder: faces.FaceFinder,
        template: NDArray[np.float64],
        age: Model,
        liveness: LivenessCheck | None = None,
    ) -> None:
        self._finder = finder
        self._template = template
        self._age = age
        self._chip_pixels = _chip_pixels(age)
        self._meter = quality.QualityMeter(template)
        self._limits = quality_limits.QualityLimits.from_manifest(
            age.manifest.details.get("quality")
        )
        self._liveness = liveness

    @classmethod
    def shipped(
        cls, model_id: str = DEFAULT_MODEL, *, liveness: LivenessCheck | None = None
    ) -> Self:
        """Load the shipped models.

        Args:
            model_id: The age network, one of :data:`AGE_MODELS`.
            liveness: The operator's liveness check.

        Raises:
            ConfigurationError: If there is no age network of this name.
            ModelIntegrityError: If a file is missing or not the pinned one.
            MissingExtraError: If ``ageassure-models`` is not installed.
        """
        if not _is_known(model_id):
            raise ConfigurationError(
                f"got another age network, expected one of {', '.join(AGE_MODELS)}"
            )
        return cls(
            finder=faces.FaceFinder.shipped(),
            # Of the mesh and dlib's template, whichever network looks at the chip.
            template=alignment.read_template(read_pinned("age-v1", "alignment.json")),
            age=load_model(model_id),
            liveness=liveness,
        )

    def raw(self, frame: Frame) -> RawAge:
        """Run every step on one picture.

        Args:
            frame: The picture; takes over what has to be wiped with it. The caller wipes it.

        Raises:
            FaceError: If there is no face, or more than one, or it is not fit to be judged.
            PictureError: If the face is too dark, burnt out or blurred.
            PresentationAttackError: If the liveness check is not passed.
            ModelIntegrityError: If a network fails.
        """
        face, chips = self._face_and_chips(frame)
        self._limits.check(self._quality(frame, face, chips))
        if self._liveness is not None:
            self._liveness.check(frame, face)
        return self._answer(frame, face, chips)

    def unjudged(self, frame: Frame) -> tuple[quality.Quality, RawAge]:
        """Run the steps without refusing a poor picture, for benchmarks; with what was measured.

        Raises:
            FaceError: ``no_face`` or ``several_faces``.
            ModelIntegrityError: If a network fails.
        """
        face, chips = self._face_and_chips(frame)
        return self._quality(frame, face, chips), self._answer(frame, face, chips)

    def _face_and_chips(self, frame: Frame) -> tuple[mesh.Face, Chips]:
        face = faces.only_face(self._finder.find(frame))
        region = alignment.chip_region(face.points, self._template)
        sides = {alignment.CHIP_PIXELS, self._chip_pixels}
        return face, alignment.extract_chips(frame, region, sides)

    def _quality(self, frame: Frame, face: mesh.Face, chips: Chips) -> quality.Quality:
        # At dlib's own size, so that the limits mean the same for every network.
        return self._meter.measure(frame, face, chips[alignment.CHIP_PIXELS])

    def _answer(self, frame: Frame, face: mesh.Face, chips: Chips) -> RawAge:
        return RawAge(
            probabilities=self.age_probabilities(frame, chips[self._chip_pixels]),
            eye_distance_pixels=face.eye_distance,
        )

    @property
    def models(self) -> tuple[Model, ...]:
        """The networks, in the order in which they are asked."""
        return (*self._finder.models, self._age)

    @property
    def chip_pixels(self) -> int:
        """Side of the chip that the age network takes."""
        return self._chip_pixels

    def age_probabilities(self, frame: Frame, chip: NDArray[np.float32]) -> NDArray[np.float64]:
        """Ask the age network about a chip and its mirror image.

        Args:
            frame: Takes over what has to be wiped.
            chip: RGB float32 ``[chip_pixels, chip_pixels, 3]`` of 0 … 255.

        Returns:
            float64 ``[2, 81]``.
        """
        image = frame.own(self._age.normalised(chip))
        both = frame.own(np.stack([image, image[:, :, ::-1]]))
        (probabilities,) = self._age.run(both)
        return probabilities.astype(np.float64)

    @property
    def limits(self) -> quality_limits.QualityLimits:
        """Which faces are not fit to be judged."""
        return self._limits

    @property
    def raw_digest(self) -> str:
        """SHA-256 of :meth:`description` as JSON with sorted keys, 64 hex digits."""
        return hashlib.sha256(json.dumps(self.description(), sort_keys=True).encode()).hexdigest()

    def description(self) -> dict[str, object]:
        """Everything that turns a picture into the raw answer."""
        return {
            "revision": PIPELINE_REVISION,
            "long_side_pixels": LONG_SIDE_PIXELS,
            "models": [_contract(model) for model in self.models],
            "detection": [detection.SCORE_BAR, detection.OVERLAP_BAR, faces.MAX_CANDIDATES],
            "mesh": [mesh.REGION_SIDES, mesh.FACE_BAR],
            "second_face_share": faces.SECOND_FACE_SHARE,
            "template": self._template.tolist(),
            "chip": [alignment.CHIP_PIXELS, alignment.CHIP_PADDING],
            "quality": [quality.HIGHLIGHT_PERCENT, quality.BURNT, quality.BLUR_PIXELS],
            "quality_limits": self._limits.as_dict(),
            "structure": [
                structure.BLACK,
                structure.WHITE,
                structure.QUIET_PERCENT,
                structure.LEAST_PLACES,
                structure.NOISE_WEIGHT,
                quality_limits.LEAST_QUIET_CURVATURE,
            ],
            "class_years": CLASS_YEARS.tolist(),
        }


def _is_known(model_id: object) -> bool:
    return isinstance(model_id, str) and model_id in AGE_MODELS


def _chip_pixels(age: Model) -> int:
    _, _, height, width = age.manifest.input.shape
    if not isinstance(width, int) or width != height:
        raise ModelIntegrityError("got an age network whose chip is no square of a fixed size")
    return width


def _contract(model: Model) -> list[object]:
    manifest = model.manifest
    return [manifest.file_sha256, list(manifest.mean), manifest.divisor]
