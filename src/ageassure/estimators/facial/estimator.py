"""The estimator that users take: a picture in, a distribution over ages out, nothing kept."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ageassure.deadline import Deadline, checkpoint
from ageassure.errors import (
    AgeAssuranceError,
    ConfigurationError,
    EvidenceError,
    ModelIntegrityError,
    plain,
)
from ageassure.estimators.facial.calibrations import read_calibration
from ageassure.estimators.facial.frames import combined, frames_of
from ageassure.estimators.facial.liveness import LivenessCheck
from ageassure.estimators.facial.operating_points import OperatingPoints
from ageassure.estimators.facial.pipeline import (
    DEFAULT_MODEL,
    LONG_SIDE_PIXELS,
    FacialPipeline,
)
from ageassure.imaging import decode
from ageassure.imaging.decoding import without_memory
from ageassure.inference import read_pinned
from ageassure.results import AgeDistribution, MethodClass, PresentationAttack, Provenance
from ageassure.wiping import Wiping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ageassure.estimators.facial.calibrations import AnyCalibration
    from ageassure.policy import ChallengeAge, LowerBar

    Picture = bytes | bytearray | memoryview | NDArray[np.uint8]


def _now() -> datetime:
    return datetime.now(UTC)


class FacialAgeEstimator:
    """Age from a picture of one face; may be shared by threads.

    It says nothing of who the person is. Unless you supply a liveness check it does not look for a
    living person before the camera: ``presentation_attack`` is ``not_evaluated``, and a policy has
    to name that to accept it. Whether it is right for the people before YOUR camera is not known
    here: see the model card, and measure.

    Args:
        model: Which age network: ``age-v2``, trained for this library, or ``age-v1``, from which it
            was trained. Each has its own calibration and its own bars.
        now: Clock that dates the estimates.
        liveness: Asked before an age is estimated; estimates then say ``passed``. It is no part of
            :attr:`pipeline_digest`: it only refuses, and whoever it refuses is not let through, so
            the bars hold with it as without.

    Raises:
        ConfigurationError: If there is no age network of this name, the clock gives no aware
            datetime, or ``liveness`` is no liveness check.
        ModelIntegrityError: If a model file is missing, is not the pinned one, or calibration or
            operating points were made through another pipeline.
        MissingExtraError: If ``ageassure-models`` is not installed.
    """

    def __init__(
        self,
        *,
        model: str = DEFAULT_MODEL,
        now: Callable[[], datetime] = _now,
        liveness: LivenessCheck | None = None,
    ) -> None:
        if liveness is not None and not isinstance(liveness, LivenessCheck):
            raise ConfigurationError("got a liveness that is no LivenessCheck")
        self._now = now
        self._moment()
        self._presentation_attack = (
            PresentationAttack.NOT_EVALUATED if liveness is None else PresentationAttack.PASSED
        )
        self._pipeline = FacialPipeline.shipped(model, liveness=liveness)
        self._calibration = read_calibration(read_pinned(model, "calibration.json"))
        if self._calibration.fitted_on != self._pipeline.raw_digest:
            raise ModelIntegrityError("the calibration was fitted through another pipeline")
        self._digest = pipeline_digest(self._pipeline, self._calibration)
        self._points = OperatingPoints(
            read_pinned(model, "operating_points.json"), pipeline_digest=self._digest
        )

    @property
    def pipeline_digest(self) -> str:
        """SHA-256 over everything that turns a picture into an estimate, 64 hex digits.

        Operating points, such as challenge ages, name it and are refused for another pipeline.
        """
        return self._digest

    @property
    def model_bytes(self) -> int:
        """Size of the networks' files."""
        return sum(model.manifest.file_bytes for model in self._pipeline.models)

    def challenge_age(self, age_limit: int, *, alpha: float) -> ChallengeAge:
        """The challenge age that this very pipeline has earned.

        It was earned on the calibration part of FairFace's training pictures, whose ages are
        apparent and in groups: see its ``protected_band`` and ``age_proof``. It bounds no error
        for a single year of age, and none for the people before YOUR camera.

        Args:
            age_limit: 13, 16, 18 or 21.
            alpha: 0.05, 0.01 or 0.005.

        Raises:
            ConfigurationError: If none was sought for this limit and error.
            InsufficientEvidenceError: If too few people were measured to support it.
        """
        return self._points.challenge_age(age_limit, alpha=alpha)

    def lower_bar(self, age_limit: int, *, alpha: float) -> LowerBar:
        """The bar for UNDER that this very pipeline has earned; as :meth:`challenge_age`.

        Raises:
            ConfigurationError: If none was sought for this limit and error.
            InsufficientEvidenceError: If too few people were measured to support it.
        """
        return self._points.lower_bar(age_limit, alpha=alpha)

    def estimate(
        self,
        evidence: Picture | Sequence[Picture],
        *,
        timeout_seconds: float | None = None,
    ) -> AgeDistribution:
        """Estimate the age of the one face in a picture.

        Args:
            evidence: A JPEG, PNG or WebP file, or RGB pixels, uint8 ``[height, width, 3]``. A
                ``bytearray`` or a writable ``memoryview`` is filled with zeros; ``bytes`` cannot
                be, and an array stays the caller's. Or a list or tuple of up to 8 of these, taken
                one after another of one person: see :mod:`.frames`.
            timeout_seconds: Asked between the stages; the decoder and the networks are not
                interrupted. From a coroutine, use :class:`~ageassure.threads.AssessmentThreads`.

        Returns:
            Probabilities of the completed years 0 … 120.

        Raises:
            PictureError: If the picture cannot be read, there is no memory for it, one is given
                twice, or the face is too dark, burnt out or blurred.
            FaceError: If there is no face, or more than one, or it is not fit to be judged; or
                ``frames_disagree``.
            PresentationAttackError: If the liveness check is not passed.
            EvidenceError: If the estimator has a defect; nothing else is raised.
            ModelIntegrityError: If a network fails.
            UnfinishedError: If the time is over, or the assessment was called off.
            ConfigurationError: If the timeout is no finite number, or the clock gives no aware
                datetime.
        """
        refusal: AgeAssuranceError
        try:
            with Wiping(evidence), Deadline(timeout_seconds):
                ages = [self._age(picture) for picture in frames_of(evidence)]
                probabilities = combined(
                    ages, greatest_gap_years=self._pipeline.limits.greatest_frame_gap_years
                )
                checkpoint()
        except AgeAssuranceError as error:
            refusal = plain(error) or _defect(error)
        except MemoryError:
            refusal = without_memory()
        except Exception as error:  # noqa: BLE001 - a defect's traceback would hold the face's points
            refusal = _defect(error)
        else:
            return self._estimate(probabilities)
        finally:
            del evidence
        # Raised outside the except block: a chained error would keep the picture alive.
        raise refusal

    def _age(self, picture: Any) -> NDArray[np.float64]:  # noqa: ANN401 - decode checks it
        with decode(picture, long_side_pixels=LONG_SIDE_PIXELS) as frame:
            return self._calibration.probabilities(self._pipeline.raw(frame))

    def _estimate(self, probabilities: list[float]) -> AgeDistribution:
        return AgeDistribution(
            probabilities=probabilities,
            provenance=Provenance(
                method_class=MethodClass.ESTIMATION,
                bound=True,
                presentation_attack=self._presentation_attack,
                as_of=self._moment(),
                pipeline_digest=self._digest,
            ),
        )

    def _moment(self) -> datetime:
        with suppress(Exception):  # the caller's clock may raise anything
            moment: object = self._now()
            if isinstance(moment, datetime) and moment.utcoffset() is not None:
                return moment
        raise ConfigurationError("got a clock that gives no aware datetime")


def _defect(error: Exception) -> EvidenceError:
    return EvidenceError(f"the estimator failed with a {type(error).__name__}")


def pipeline_digest(pipeline: FacialPipeline, calibration: AnyCalibration) -> str:
    """SHA-256 of the whole pipeline: everything before the calibration, and its parameters."""
    whole = {"pipeline": pipeline.description(), "calibration": calibration.parameters()}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
