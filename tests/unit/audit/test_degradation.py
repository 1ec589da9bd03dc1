from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage.data import astronaut

from ageassure.audit.degradation import GREY, LEVELS, Degradation, Region, degrade
from ageassure.errors import ConfigurationError

FACE = Region(left=170, top=60, right=280, bottom=200)


@pytest.fixture(scope="module")
def picture() -> Any:
    return astronaut()  # type: ignore[no-untyped-call]


def distance(one: Any, other: Any) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


@pytest.mark.parametrize("degradation", list(Degradation))
def test_every_level_changes_the_picture_more(picture: Any, degradation: Degradation) -> None:
    before = picture.copy()
    made = [degrade(picture, degradation, level, region=FACE) for level in LEVELS[degradation]]
    assert np.array_equal(picture, before)
    assert all(m.shape == picture.shape and m.dtype == np.uint8 for m in made)
    box = np.s_[FACE.top : FACE.bottom, FACE.left : FACE.right]
    far = [distance(m[box], picture[box]) for m in made]
    if degradation in (Degradation.ROTATION, Degradation.BRIGHTNESS):
        assert far[0] > far[1] > 0
        assert 0 < far[2] < far[3]
    else:
        assert 0 < far[0] < far[1] < far[2] < far[3]


@pytest.mark.parametrize("degradation", list(Degradation))
def test_it_is_deterministic(picture: Any, degradation: Degradation) -> None:
    level = LEVELS[degradation][0]
    assert np.array_equal(
        degrade(picture, degradation, level), degrade(picture, degradation, level)
    )


def test_the_mask_covers_the_lower_part_of_the_region_only(picture: Any) -> None:
    made = degrade(picture, Degradation.OCCLUSION, 0.5, region=FACE)
    changed = (made != picture).any(axis=2)
    assert (made[130:200, 170:280] == GREY).all()
    changed[130:200, 170:280] = False
    assert not changed.any()


def test_brightness_burns_out_and_never_wraps() -> None:
    pixels = np.full((4, 4, 3), 200, dtype=np.uint8)
    assert (degrade(pixels, Degradation.BRIGHTNESS, 2.0) == 255).all()
    assert (degrade(pixels, Degradation.BRIGHTNESS, 0.5) == 100).all()


def test_colours_keep_their_places() -> None:
    pixels = np.zeros((32, 32, 3), dtype=np.uint8)
    pixels[..., 0] = 250
    made = degrade(pixels, Degradation.JPEG, 95)
    assert made[..., 0].mean() > 240
    assert made[..., 2].mean() < 10


def test_a_quarter_turn_goes_anticlockwise() -> None:
    pixels = np.zeros((5, 5, 3), dtype=np.uint8)
    pixels[2, 4] = 255
    made = degrade(pixels, Degradation.ROTATION, 90)
    assert made[0, 2, 0] == 255


def test_a_picture_is_never_enlarged(picture: Any) -> None:
    made = degrade(picture, Degradation.RESOLUTION, 600)
    assert np.array_equal(made, picture)
    assert made is not picture


@pytest.mark.parametrize(
    ("degradation", "level"),
    [
        (Degradation.BLUR, 0.0),
        (Degradation.BLUR, float("nan")),
        (Degradation.JPEG, 0),
        (Degradation.JPEG, 101),
        (Degradation.BRIGHTNESS, -1.0),
        (Degradation.RESOLUTION, 3),
        (Degradation.ROTATION, 181),
        (Degradation.OCCLUSION, 1.1),
        (Degradation.OCCLUSION, True),
        (Degradation.BLUR, float("inf")),
    ],
)
def test_a_level_outside_its_range_is_refused(
    picture: Any, degradation: Degradation, level: float
) -> None:
    with pytest.raises(ConfigurationError, match="outside"):
        degrade(picture, degradation, level)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(pixels: Any) -> None:
    with pytest.raises(ConfigurationError, match="no uint8 array"):
        degrade(pixels, Degradation.BLUR, 0.1)


def test_a_region_outside_the_picture_is_refused(picture: Any) -> None:
    with pytest.raises(ConfigurationError, match="leaves the picture"):
        degrade(picture, Degradation.BLUR, 0.1, region=Region(left=0, top=0, right=513, bottom=512))


@pytest.mark.parametrize("sides", [(0, 0, 0, 1), (0, 5, 1, 5), (-1, 0, 1, 1), (0, 0, 1.5, 1)])
def test_a_malformed_region_is_refused(sides: Any) -> None:
    left, top, right, bottom = sides
    with pytest.raises(ConfigurationError, match="region"):
        Region(left=left, top=top, right=right, bottom=bottom)
