"""Is this face fit to be judged? What is measured, and the limits that refuse.

The limits stand in the age network's manifest (``[age.quality]``), because they say where **its**
error starts to grow; ``benchmarks/quality.py`` shows it for each. The last three are measured on
the chip that the alignment gives, so that neither the picture's size nor where the face stands in
it matters:

* ``least_eye_distance_pixels``: between the eyes' centres, in the picture as it was decoded; more
  than the error asks for, since drawings with noise pass most often where they are small;
* ``greatest_cut_share``: of the mesh's points that lie outside the picture;
* ``least_mesh_score``: the mesh's own answer to "is there a face?", which falls when much of it is
  covered or turned away;
* ``greatest_point_gap``: between the detector's points and the mesh's, in distances between the
  eyes; they part where a face is upside down, or is none;
* ``greatest_yaw_degrees``, ``greatest_pitch_degrees``, ``greatest_roll_degrees``: of the mesh,
  whose depth is a guess of the network and no measurement;
* ``least_highlight``: 95th percentile of the face's brightness, 0 … 255. Dark skin under enough
  light has highlights, and the whites of the eyes; the mean brightness would refuse it;
* ``greatest_burnt_share``: of the face's pixels that are white, or nearly;
* ``greatest_blur``: how little the changes from pixel to pixel fall when the face is blurred once
  more, 0 … 1 (F. Crété and others, "The blur effect", 2007). A ratio of changes, so that contrast
  and brightness, and with them the colour of the skin, cancel out.

Besides, what has shape in its strokes alone is no photograph: ``face_unclear`` where
:mod:`.structure` finds less than :data:`LEAST_QUIET_CURVATURE`, as in pictograms and other drawings
made by a program, whose faces detector and mesh take for real, also with noise over them. The
converse does not hold: a drawing with texture in it or shaded as a round body, or now and then a
small and noisy one, is judged like a photograph and may be called OVER, see
``benchmarks/drawings.py``, and so may a photograph of a photograph. Only a check for a living
person can stop that, see :mod:`.liveness`. This limit is the same for every network.

``greatest_frame_gap_years`` is of several pictures together, see :mod:`.frames`.

Not checked: what covers a face as long as the mesh still sees one (glasses, masks, hands, hair) and
so much of it is not plain, make-up, filters, and noise, unless the face's shape is lost in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Self

from ageassure.errors import AgeAssuranceError, FaceError, ModelIntegrityError, PictureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ageassure.estimators.facial.quality import Quality

LEAST_QUIET_CURVATURE: Final = 0.042
"""Chosen on drawings of other random numbers than those of the benchmark and on FairFace's train
and calibration parts, where it refuses three or four in a thousand of the pictures that every other
limit lets pass. See docs/reference/measurements.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityLimits:
    """The limits, as the manifest gives them; see the module.

    Raises:
        ModelIntegrityError: If one is not finite.
    """

    least_eye_distance_pixels: float
    greatest_cut_share: float
    least_mesh_score: float
    greatest_point_gap: float
    greatest_yaw_degrees: float
    greatest_pitch_degrees: float
    greatest_roll_degrees: float
    least_highlight: float
    greatest_burnt_share: float
    greatest_blur: float
    greatest_frame_gap_years: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in self.as_dict().values()):
            raise ModelIntegrityError("got a quality limit that is not finite")

    @classmethod
    def from_manifest(cls, table: object) -> Self:
        """Read ``[age.quality]``, strictly.

        Raises:
            ModelIntegrityError: If an entry is missing, unknown or no float.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(table, dict) or table.keys() != set(names):
            raise ModelIntegrityError(f"got other entries in [age.quality], expected {names}")
        if any(type(value) is not float for value in table.values()):
            raise ModelIntegrityError("got a quality limit that is no float")
        return cls(**table)

    def as_dict(self) -> dict[str, float]:
        """By name, for the pipeline's digest."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def check(self, quality: Quality) -> None:
        """Refuse a face that is not fit to be judged.

        The message gives the limit and not what was measured.

        Raises:
            FaceError: ``face_too_small``, ``face_cut``, ``face_unclear`` or ``face_turned``.
            PictureError: ``picture_dark``, ``picture_burnt_out`` or ``picture_blurred``.
        """
        for holds, refusal in self._checks(quality):
            if not holds:
                raise refusal

    def _checks(self, quality: Quality) -> Iterator[tuple[bool, AgeAssuranceError]]:
        yield (
            quality.eye_distance_pixels >= self.least_eye_distance_pixels,
            FaceError(
                "got a face that is too small, expected at least "
                f"{self.least_eye_distance_pixels:g} pixels between the eyes",
                code="face_too_small",
            ),
        )
        yield (
            quality.cut_share <= self.greatest_cut_share,
            FaceError("got a face that is cut by the edge of the picture", code="face_cut"),
        )
        yield (
            quality.mesh_score >= self.least_mesh_score
            and quality.point_gap <= self.greatest_point_gap,
            FaceError("got a face that is not clearly seen", code="face_unclear"),
        )
        for angle, greatest, name in (
            (quality.yaw_degrees, self.greatest_yaw_degrees, "yaw"),
            (quality.pitch_degrees, self.greatest_pitch_degrees, "pitch"),
            (quality.roll_degrees, self.greatest_roll_degrees, "roll"),
        ):
            yield (
                abs(angle) <= greatest,
                FaceError(
                    f"got a turned face, expected at most {greatest:g} degrees of {name}",
                    code="face_turned",
                ),
            )
        yield (
            quality.highlight >= self.least_highlight,
            PictureError("got a face that is too dark", code="picture_dark"),
        )
        yield (
            quality.burnt_share <= self.greatest_burnt_share,
            PictureError("got a face that is burnt out", code="picture_burnt_out"),
        )
        yield (
            quality.blur <= self.greatest_blur,
            PictureError("got a face that is blurred", code="picture_blurred"),
        )
        yield (
            quality.quiet_curvature >= LEAST_QUIET_CURVATURE,
            FaceError("got a face that is no photograph's", code="face_unclear"),
        )
