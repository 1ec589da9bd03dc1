"""Which faces have shape all over, and which in their strokes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from ageassure.estimators.facial.quality_limits import LEAST_QUIET_CURVATURE
from ageassure.estimators.facial.structure import LEAST_PLACES, quiet_curvature
from ageassure.imaging import Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Luma = NDArray[np.float32]

EVERYWHERE = np.ones((32, 32), dtype=np.bool_)


def measured(luma: NDArray[np.floating], inside: NDArray[np.bool_] = EVERYWHERE) -> float:
    with Frame(np.zeros((8, 8, 3), dtype=np.uint8)) as frame:
        return quiet_curvature(frame, luma.astype(np.float32), inside)


def strokes(paint: float = 180, ink: float = 30) -> Luma:
    """A face of the chip's size as a program draws it."""
    luma = np.full((64, 64), paint, dtype=np.float32)
    for x in (20, 44):
        cv2.ellipse(luma, (x, 24), (7, 4), 0, 0, 360, ink, 1)
        cv2.circle(luma, (x, 24), 2, ink, -1)
        cv2.line(luma, (x - 7, 16), (x + 7, 15), ink, 2)
    cv2.line(luma, (32, 26), (29, 40), ink, 1)
    cv2.ellipse(luma, (32, 48), (11, 5), 0, 0, 180, ink, 2)
    return luma


def texture(seed: int = 1) -> Luma:
    noise = np.random.default_rng(seed).uniform(0, 255, (64, 64)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 1.5)
    return np.asarray((soft - soft.mean()) / soft.std() * 12 + 120, dtype=np.float32)


# -- drawings --------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [4, 120, 249])
def test_a_plain_face_has_no_structure(level: int) -> None:
    assert measured(np.full((64, 64), level)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("noise", [0, 0.5, 1.5, 5, 10])
@pytest.mark.parametrize("light", [1.0, 0.5, 0.2])
def test_strokes_on_evenly_lit_paint_are_a_drawing(light: float, noise: float) -> None:
    luma = strokes() * np.linspace(light, 1, 64)
    luma += np.random.default_rng(2).normal(0, noise, luma.shape)
    assert measured(luma) < LEAST_QUIET_CURVATURE


def test_soft_strokes_are_a_drawing() -> None:
    assert (
        measured(np.asarray(cv2.GaussianBlur(strokes(), (0, 0), 1), np.float32))
        < LEAST_QUIET_CURVATURE
    )


@pytest.mark.parametrize("quality", [95, 85, 75])
@pytest.mark.parametrize("noise", [0, 1.5, 5])
def test_a_file_with_losses_makes_no_shape_of_noise(noise: float, quality: int) -> None:
    luma = strokes() + np.random.default_rng(3).normal(0, noise, (64, 64))
    grey = np.clip(np.rint(luma), 0, 255).astype(np.uint8)
    _, jpeg = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    seen = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), dtype=np.float32)
    assert measured(seen) < LEAST_QUIET_CURVATURE


@pytest.mark.parametrize("sigma", [0.5, 3, 10])
def test_noise_alone_is_no_shape(sigma: float) -> None:
    luma = 120 + np.random.default_rng(4).normal(0, sigma, (64, 64))
    assert measured(luma) < LEAST_QUIET_CURVATURE / 2


@pytest.mark.parametrize("level", [0, 2, 251, 255])
def test_where_all_is_black_or_burnt_out_nothing_can_be_said(level: int) -> None:
    assert measured(np.full((64, 64), level)) == 0


def test_little_that_is_left_says_nothing() -> None:
    enough = EVERYWHERE.copy()
    enough.ravel()[2 * LEAST_PLACES :] = False
    assert measured(texture(), enough) > LEAST_QUIET_CURVATURE
    enough.ravel()[2 * LEAST_PLACES - 32 :] = False
    assert measured(texture(), enough) == 0


# -- photographs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("blur", [0, 1, 2])
def test_structure_everywhere_is_none(seed: int, blur: float) -> None:
    luma = texture(seed)
    if blur:
        luma = np.asarray(cv2.GaussianBlur(luma, (0, 0), blur))
    assert measured(luma) > 1.9 * LEAST_QUIET_CURVATURE


@pytest.mark.parametrize(("gain", "offset"), [(0.25, 10), (0.5, 0), (0.5, 120), (2, -120)])
def test_contrast_and_brightness_do_not_matter(gain: float, offset: float) -> None:
    assert measured(texture() * gain + offset) == pytest.approx(measured(texture()), rel=0.03)


def test_an_even_light_does_not_matter() -> None:
    lit = texture() + np.linspace(-60, 60, 64)
    assert measured(lit) == pytest.approx(measured(texture()), rel=0.07)


@pytest.mark.parametrize("half", [np.s_[:, :32], np.s_[:, 32:]])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_the_livelier_half_counts(half: tuple[slice, slice], level: int) -> None:
    luma = texture()
    luma[half] = level
    assert measured(luma) > 2 * LEAST_QUIET_CURVATURE


def test_only_the_face_counts() -> None:
    face = np.zeros((32, 32), dtype=np.bool_)
    face[8:24] = True
    around = texture()
    around[13:51] = strokes()[13:51]
    assert measured(around, face) < LEAST_QUIET_CURVATURE < measured(around, ~face)


def test_what_derives_from_the_picture_is_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    owned: list[NDArray[Any]] = []
    own = Frame.own

    def noted(frame: Frame, array: NDArray[Any]) -> NDArray[Any]:
        owned.append(array)
        return own(frame, array)

    monkeypatch.setattr(Frame, "own", noted)
    measured(texture())
    assert {array.shape for array in owned} >= {(32, 32), (512,)}
    assert not any(array.any() for array in owned)
