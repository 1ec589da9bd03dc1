"""Which faces are refused as unfit to be judged."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.data import astronaut

from ageassure.errors import FACE_CODES, PICTURE_CODES, EvidenceError, ModelIntegrityError
from ageassure.estimators.facial import alignment
from ageassure.estimators.facial.faces import FaceFinder, only_face
from ageassure.estimators.facial.mesh import Face
from ageassure.estimators.facial.pipeline import FacialPipeline
from ageassure.estimators.facial.quality import (
    CHIN,
    FOREHEAD,
    PAIRS,
    Quality,
    QualityMeter,
    head_pose,
)
from ageassure.estimators.facial.quality_limits import QualityLimits
from ageassure.imaging import Frame, decode
from ageassure.inference import load_manifest, read_pinned
from ageassure.policy import SENTENCES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LIMITS = QualityLimits(
    least_eye_distance_pixels=20.0,
    greatest_cut_share=0.2,
    least_mesh_score=0.9,
    greatest_point_gap=0.3,
    greatest_yaw_degrees=40.0,
    greatest_pitch_degrees=35.0,
    greatest_roll_degrees=100.0,
    least_highlight=45.0,
    greatest_burnt_share=0.4,
    greatest_blur=0.78,
    greatest_frame_gap_years=12.0,
)
AT_THE_LIMIT = Quality(
    eye_distance_pixels=20.0,
    cut_share=0.2,
    mesh_score=0.9,
    point_gap=0.3,
    yaw_degrees=-40.0,
    pitch_degrees=35.0,
    roll_degrees=-100.0,
    highlight=45.0,
    burnt_share=0.4,
    blur=0.78,
    quiet_curvature=0.042,
)
BEYOND: dict[str, tuple[float, str]] = {
    "eye_distance_pixels": (19.99, "face_too_small"),
    "cut_share": (0.201, "face_cut"),
    "mesh_score": (0.899, "face_unclear"),
    "point_gap": (0.301, "face_unclear"),
    "yaw_degrees": (-40.1, "face_turned"),
    "pitch_degrees": (35.1, "face_turned"),
    "roll_degrees": (-100.1, "face_turned"),
    "highlight": (44.9, "picture_dark"),
    "burnt_share": (0.401, "picture_burnt_out"),
    "blur": (0.781, "picture_blurred"),
    "quiet_curvature": (0.0419, "face_unclear"),
}


def code(limits: QualityLimits, quality: Quality) -> str:
    try:
        limits.check(quality)
    except EvidenceError as error:
        return error.code
    return ""


def test_a_face_at_every_limit_passes() -> None:
    assert code(LIMITS, AT_THE_LIMIT) == ""


@pytest.mark.parametrize("name", BEYOND)
def test_beyond_a_limit_has_its_code(name: str) -> None:
    value, expected = BEYOND[name]
    poor = replace(AT_THE_LIMIT, **{name: value})
    assert code(LIMITS, poor) == expected
    if name.endswith("degrees"):
        assert code(LIMITS, replace(AT_THE_LIMIT, **{name: -value})) == expected


@pytest.mark.parametrize("name", BEYOND)
def test_what_is_no_number_is_refused(name: str) -> None:
    assert code(LIMITS, replace(AT_THE_LIMIT, **{name: float("nan")})) == BEYOND[name][1]


@given(st.sampled_from(sorted(BEYOND)), st.floats(0, 1000))
def test_messages_tell_the_limit_and_never_the_measure(name: str, value: float) -> None:
    with_limits = {
        "greatest_yaw_degrees": 40.0,
        "greatest_pitch_degrees": 35.0,
        "greatest_roll_degrees": 100.0,
        "least_eye_distance_pixels": 20.0,
    }
    allowed = {"", *(f"{limit:g}" for limit in with_limits.values())}
    try:
        LIMITS.check(replace(AT_THE_LIMIT, **{name: value}))
    except EvidenceError as error:
        numbers = "".join(c if c.isdigit() else " " for c in str(error)).split()
        assert set(numbers) <= allowed


def test_every_code_of_a_poor_picture_has_a_hint_without_a_number() -> None:
    codes = {expected for _, expected in BEYOND.values()}
    assert codes <= FACE_CODES | PICTURE_CODES
    for each in codes:
        assert not any(character.isdigit() for character in SENTENCES[each])


def test_the_manifest_holds_the_limits() -> None:
    table = load_manifest("age-v1").details["quality"]
    assert FacialPipeline.shipped().limits == QualityLimits.from_manifest(table) == LIMITS


@pytest.mark.parametrize(
    "table",
    [
        None,
        [],
        {},
        LIMITS.as_dict() | {"another": 1.0},
        {k: v for k, v in LIMITS.as_dict().items() if k != "greatest_blur"},
        LIMITS.as_dict() | {"greatest_blur": 1},
        LIMITS.as_dict() | {"greatest_blur": True},
        LIMITS.as_dict() | {"greatest_blur": "0.8"},
        LIMITS.as_dict() | {"greatest_blur": float("nan")},
        LIMITS.as_dict() | {"greatest_blur": float("inf")},
    ],
)
def test_malformed_limits_are_refused(table: Any) -> None:
    with pytest.raises(ModelIntegrityError):
        QualityLimits.from_manifest(table)


def face(points: NDArray[np.float64], depths: NDArray[np.float64] | None = None) -> Face:
    return Face(
        points=points,
        depths=np.zeros(468) if depths is None else depths,
        score=1.0,
        side=100.0,
        gap=0.0,
    )


def head(yaw: float, pitch: float, roll: float) -> Face:
    """Points of a flat face, turned in space."""
    space = np.zeros((468, 3))
    for index, (right, left) in enumerate(PAIRS):
        space[right] = (-20, 10 * index, 0)
        space[left] = (20, 10 * index, 0)
    space[FOREHEAD], space[CHIN] = (0, -40, 0), (0, 60, 0)
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, 0], [0, 1, 0], [np.sin(y), 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), 0], [0, np.sin(p), 1]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    turned = space @ about_y.T @ about_x.T @ about_z.T
    return face(turned[:, :2], turned[:, 2])


@pytest.mark.parametrize(
    "angles",
    [(0, 0, 0), (30, 0, 0), (-50, 0, 0), (0, 20, 0), (0, -25, 0), (0, 0, 40), (0, 0, -170)],
)
def test_the_pose_is_read_from_the_points(angles: tuple[float, float, float]) -> None:
    assert head_pose(head(*angles)) == pytest.approx(angles, abs=1e-6)


@cache
def template() -> NDArray[np.float64]:
    return alignment.read_template(read_pinned("age-v1", "alignment.json"))


def measured(chip: Any, points: NDArray[np.float64] | None = None) -> Quality:
    where = alignment.to_chip(template()) if points is None else points
    with Frame(np.zeros((64, 64, 3), dtype=np.uint8)) as frame:
        return QualityMeter(template()).measure(frame, face(where), chip)


def texture(seed: int = 1) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).uniform(60, 200, (64, 64)).astype(np.float32)
    return np.repeat(cv2.GaussianBlur(noise, (0, 0), 0.7)[..., None], 3, axis=2)


def test_blur_rises_with_blur() -> None:
    levels = [
        measured(cv2.GaussianBlur(texture(), (0, 0), sigma)).blur for sigma in (0.3, 0.8, 1.5, 3)
    ]
    assert levels == sorted(levels)
    assert levels[-1] > levels[0] + 0.2


def test_blur_along_one_line_counts_in_full() -> None:
    for size in ((9, 1), (1, 9)):
        assert measured(cv2.blur(texture(), size)).blur > measured(texture()).blur + 0.1


def test_a_face_without_any_change_is_blurred() -> None:
    assert measured(np.full((64, 64, 3), 90, dtype=np.float32)).blur == 1


@given(st.floats(0.1, 1.0), st.floats(0, 60))
def test_blur_does_not_depend_on_light_or_contrast(gain: float, offset: float) -> None:
    plain = measured(texture()).blur
    assert measured(texture() * np.float32(gain) + np.float32(offset)).blur == pytest.approx(
        plain, abs=1e-3
    )


def test_what_lies_outside_the_face_does_not_count() -> None:
    inside = QualityMeter(template())._inside
    assert 0.2 < inside.mean() < 0.8
    plain = texture()
    framed = np.where(inside[..., None], plain, 255).astype(np.float32)
    one, other = measured(plain), measured(framed)
    assert one.highlight == pytest.approx(other.highlight)
    assert one.burnt_share == other.burnt_share == 0


def test_brightness_is_that_of_the_highlights() -> None:
    dark_skin = np.full((64, 64, 3), 30, dtype=np.float32)
    dark_skin[::4] = 120  # a quarter of the rows catches the light
    assert measured(dark_skin).highlight > 100
    assert measured(dark_skin * np.float32(0.3)).highlight < 45


def test_burnt_pixels_are_counted() -> None:
    half = np.full((64, 64, 3), 128, dtype=np.float32)
    half[:, 32:] = 255
    assert measured(half).burnt_share == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("shift", [(-100, 0), (100, 0), (0, -100), (0, 100)])
def test_points_outside_the_picture_are_counted(shift: tuple[int, int]) -> None:
    points = alignment.to_chip(template()).clip(1, 62)
    assert measured(texture(), points).cut_share == 0
    assert measured(texture(), points + shift).cut_share == 1
    some = points.copy()
    some[:117] += shift
    assert measured(texture(), some).cut_share == 0.25


def test_what_was_measured_is_not_shown() -> None:
    assert not any(character.isdigit() for character in repr(AT_THE_LIMIT)[:-20])


# -- on a real face -----------------------------------------------------------------------------


@cache
def shipped() -> FacialPipeline:
    return FacialPipeline.shipped()


def portrait() -> NDArray[np.uint8]:
    """A portrait in the public domain, 512 × 512."""
    pixels: NDArray[np.uint8] = astronaut()  # type: ignore[no-untyped-call]
    return pixels


def outcome(pixels: Any) -> str:
    with Frame(np.array(pixels, dtype=np.uint8, order="C")) as frame:
        try:
            shipped().raw(frame)
        except EvidenceError as error:
            return error.code
    return ""


def test_the_portrait_passes() -> None:
    assert outcome(portrait()) == ""


@pytest.mark.parametrize("side", [512, 384, 256])
@pytest.mark.parametrize("noise", [0, 2, 4, 8, 16])
def test_the_portrait_is_no_drawing(side: int, noise: float) -> None:
    pixels = cv2.resize(portrait(), (side, side), interpolation=cv2.INTER_AREA)
    seen = pixels + np.random.default_rng(side).normal(0, noise, pixels.shape)
    assert outcome(np.rint(seen).clip(0, 255)) == ""


@pytest.mark.parametrize("quality", [90, 50, 25, 12])
def test_a_compressed_portrait_is_no_drawing(quality: int) -> None:
    _, file = cv2.imencode(".jpg", portrait()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    with decode(file.tobytes()) as frame:
        assert outcome(frame.pixels) == ""


@pytest.mark.parametrize("grey_levels", [10, 30, 60])
def test_a_smoothed_portrait_is_no_drawing(grey_levels: float) -> None:
    """As a filter that smooths skin does: what differs by more than so much is kept."""
    assert outcome(cv2.bilateralFilter(portrait(), 9, grey_levels, 9)) == ""


SPOILT: dict[str, Any] = {
    "face_too_small": lambda p: cv2.resize(p, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA),
    "picture_blurred": lambda p: cv2.GaussianBlur(p, (0, 0), 3),
    "picture_dark": lambda p: p // 8,
}


@pytest.mark.parametrize("expected", SPOILT)
def test_a_spoilt_portrait_is_refused(expected: str) -> None:
    assert outcome(SPOILT[expected](portrait())) == expected


def test_photographs_that_are_cut_or_burnt_out_are_refused(shared_dir: Path) -> None:
    for path in sorted((shared_dir / "data" / "london" / "images").glob("*neutral*"))[:3]:
        with decode(path.read_bytes()) as frame:
            pixels = frame.pixels.copy()
            places = only_face(FaceFinder.shipped().find(frame)).points[:, 0]
        assert outcome(pixels) == ""
        assert outcome(pixels[:, int(places.min() + 0.35 * np.ptp(places)) :]) == "face_cut"
        assert outcome(np.minimum(pixels.astype(np.int32) * 3, 255)) == "picture_burnt_out"


def test_a_portrait_upside_down_is_refused() -> None:
    assert outcome(portrait()[::-1, ::-1]) in {"no_face", "face_unclear", "face_turned"}


def test_a_smaller_portrait_is_not_blurred() -> None:
    with Frame(portrait()) as frame:
        large, _ = shipped().unjudged(frame)
    half = cv2.resize(portrait(), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    with Frame(half.astype(np.uint8)) as frame:
        small, _ = shipped().unjudged(frame)
    assert small.blur == pytest.approx(large.blur, abs=0.15)
