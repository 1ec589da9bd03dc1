"""Things, animals, patterns and these drawings never yield OVER at any bar of ours.

That is shown for the pictures here, and no more. A drawn face that has texture, or much noise for
its size, passes the quality limits like a photograph and may be called OVER:
``benchmarks/drawings.py`` counts them, and docs/reference/measurements.md shows how many.
"""

from __future__ import annotations

import contextlib
from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from ageassure.errors import EvidenceError, InsufficientEvidenceError
from ageassure.estimators import FacialAgeEstimator
from ageassure.policy import Binding, Policy, PresentationAttackRule
from ageassure.results import Direction, MethodClass, Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Colour = tuple[int, int, int]

LIMITS_YEARS = (13, 16, 18, 21)
ALPHAS = (0.05, 0.01, 0.005)


@cache
def shipped() -> FacialAgeEstimator:
    return FacialAgeEstimator()


@cache
def policies() -> list[Policy]:
    """A policy at every operating point that ships, with UNDER where there is a bar for it."""
    found = []
    for limit in LIMITS_YEARS:
        for alpha in ALPHAS:
            with contextlib.suppress(InsufficientEvidenceError):
                found.append(
                    Policy(
                        age_limit=limit,
                        direction=Direction.OVER,
                        methods=frozenset({MethodClass.ESTIMATION}),
                        binding=Binding.REQUIRED,
                        presentation_attack=PresentationAttackRule.UNEVALUATED_ACCEPTED,
                        over=shipped().challenge_age(limit, alpha=alpha),
                        under=None,
                        session_alpha=alpha,
                        max_attempts=1,
                    )
                )
    return found


def is_let_through(pixels: Any) -> bool:
    try:
        estimate = shipped().estimate(np.ascontiguousarray(pixels, dtype=np.uint8))
    except EvidenceError:
        return False
    return any(policy.decide(estimate).outcome is Outcome.OVER for policy in policies())


def test_there_are_bars_to_fail() -> None:
    assert len(policies()) >= 10


def example(name: str) -> Pixels:
    pixels: NDArray[Any] = getattr(skimage.data, name)()
    if pixels.dtype != np.uint8:
        pixels = (pixels * 255).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = np.stack([pixels] * 3, axis=-1)
    return np.ascontiguousarray(pixels[..., :3], dtype=np.uint8)


THINGS = [
    "brick",
    "camera",
    "cell",
    "chelsea",
    "checkerboard",
    "clock",
    "coffee",
    "coins",
    "colorwheel",
    "grass",
    "gravel",
    "horse",
    "hubble_deep_field",
    "immunohistochemistry",
    "logo",
    "moon",
    "page",
    "retina",
    "rocket",
    "text",
]


@pytest.mark.parametrize("name", THINGS)
def test_things_animals_and_texts(name: str) -> None:
    pixels = example(name)
    for size in (pixels.shape[0], 256, 900):
        factor = size / pixels.shape[0]
        assert not is_let_through(cv2.resize(pixels, None, fx=factor, fy=factor))


@pytest.mark.parametrize("level", [0, 1, 64, 128, 200, 254, 255])
def test_plain_colours(level: int) -> None:
    assert not is_let_through(np.full((300, 400, 3), level))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("bands", [1, 3, 12])
def test_gradients(axis: int, bands: int) -> None:
    ramp = np.linspace(0, bands, 400) % 1 * 255
    pixels = np.repeat(np.repeat(ramp[:, None], 400, axis=1)[..., None], 3, axis=2)
    assert not is_let_through(pixels if axis == 0 else pixels.transpose(1, 0, 2))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 2.0, 8.0, 25.0]))
def test_noise(seed: int, sigma: float) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), sigma).astype(np.float64)
    low, high = smooth.min(), smooth.max()
    assert not is_let_through((smooth - low) / (high - low) * 255)


def drawn(skin: Colour, ink: Colour, *, style: str) -> Pixels:
    """A face as a child draws it, a pictogram, and one that is to look old."""
    picture = np.full((480, 480, 3), 235, np.uint8)
    cv2.ellipse(picture, (240, 240), (130, 165), 0, 0, 360, skin, -1)
    for x in (190, 290):
        cv2.ellipse(picture, (x, 210), (26, 14), 0, 0, 360, (250, 250, 250), -1)
        cv2.circle(picture, (x, 210), 11, ink, -1)
        cv2.line(picture, (x - 28, 180), (x + 28, 178), ink, 5)
    cv2.line(picture, (240, 215), (232, 270), ink, 3)
    cv2.line(picture, (232, 270), (250, 272), ink, 3)
    cv2.ellipse(picture, (240, 315), (48, 20), 0, 0, 180, ink, 5)
    if style == "pictogram":
        cv2.ellipse(picture, (240, 140), (140, 90), 0, 180, 360, ink, -1)
    if style == "old":
        draw_age(picture, ink)
    return picture


def draw_age(picture: Pixels, ink: Colour) -> None:
    """Lines on the forehead and the cheeks, glasses and a beard."""
    for y in (118, 132, 146, 160):
        cv2.ellipse(picture, (240, y), (60, 6), 0, 180, 360, ink, 2)
    for side in (-1, 1):
        for x, y in ((62, 260), (75, 230)):
            cv2.line(picture, (240 + side * x // 2, y), (240 + side * x, 305), ink, 2)
        cv2.circle(picture, (240 + 50 * side, 210), 38, ink, 3)
    cv2.ellipse(picture, (240, 322), (110, 82), 0, 0, 180, (60, 60, 60), -1)


def ball() -> NDArray[np.float64]:
    """Light that falls off to all sides."""
    y, x = np.mgrid[-0.6:0.6:480j, -0.6:0.6:480j]
    return np.asarray(0.3 + 0.8 * np.sqrt(1 - x * x - y * y))[..., None]


LIGHTS = {
    "none": np.ones((1, 1, 1)),
    "from the side": np.linspace(0.6, 1.15, 480)[None, :, None],
    "as on a ball": ball(),
}


def seen(picture: Pixels, light: str, noise: float) -> Pixels:
    """With soft edges where there is light, and with a camera's noise, in grey levels."""
    soft = picture if light == "none" else cv2.GaussianBlur(picture, (0, 0), 2)
    lit = np.clip(soft * LIGHTS[light], 0, 255)
    lit += np.random.default_rng(7).normal(0, noise, lit.shape)
    return np.asarray(np.clip(np.rint(lit), 0, 255), dtype=np.uint8)


INKS: list[tuple[Colour, Colour]] = [
    ((255, 220, 50), (0, 0, 0)),
    ((225, 180, 150), (70, 40, 30)),
    ((110, 75, 55), (20, 15, 10)),
    ((235, 235, 235), (0, 0, 0)),
]


@pytest.mark.parametrize("style", ["child's", "pictogram", "old"])
@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("noise", [0, 2, 4, 8])
def test_drawn_faces_are_refused(style: str, light: str, noise: float) -> None:
    """So they are INCONCLUSIVE at every bar that there will ever be; some looked older than 40."""
    for skin, ink in INKS:
        picture = seen(drawn(skin, ink, style=style), light, noise)
        for factor in (1.0, 0.5):
            with pytest.raises(EvidenceError):
                shipped().estimate(np.asarray(cv2.resize(picture, None, fx=factor, fy=factor)))
