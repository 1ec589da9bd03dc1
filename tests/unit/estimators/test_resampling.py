"""Places, filters and borders are exactly those that the age network was trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from ageassure.errors import PictureError
from ageassure.estimators.facial import resampling
from ageassure.estimators.facial.alignment import (
    CHIP_PIXELS,
    extract_chip,
    extract_chips,
    halvings,
)
from ageassure.estimators.facial.geometry import Similarity
from ageassure.imaging import Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIDDLE = CHIP_PIXELS / 2


def slope(height: int, width: int) -> NDArray[np.float64]:
    """A picture whose red says x, whose green says y, in units of half a level."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x / 2, y / 2, np.full_like(x, 9)], axis=-1)


def frame_of(values: NDArray[np.float64]) -> Frame:
    return Frame(np.round(values).astype(np.uint8))


@pytest.mark.parametrize("scale", [0.6, 1.0, 1.9, 2.1, 3.9, 4.2])
@pytest.mark.parametrize("turn", [1, 1j, 0.9 + 0.3j])
@pytest.mark.parametrize("side", [CHIP_PIXELS, 96])
def test_a_chip_has_its_pixels_where_the_region_says(
    scale: float, turn: complex, side: int
) -> None:
    factor = scale * turn / abs(turn)
    region = Similarity(factor=factor, shift=250.3 + 240.6j - factor * MIDDLE * (1 + 1j))
    ticks = np.arange(side, dtype=np.float64) * CHIP_PIXELS / side
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1)
    with frame_of(slope(480, 500)) as frame:
        chip = extract_chip(frame, region, side)
        error = chip[..., :2] - region.apply(grid) / 2
        # Every halving rounds to whole bytes, as the picture itself does; that evens out.
        assert np.abs(error).max() < 0.8
        assert np.abs(error.mean(axis=(0, 1))).max() < 0.1
        np.testing.assert_allclose(chip[..., 2], 9, atol=1e-4)


@pytest.mark.parametrize(
    ("scale", "count"), [(0.5, 0), (1, 0), (1.99, 0), (2, 0), (2.01, 1), (4.01, 2), (8.01, 3)]
)
def test_the_picture_is_halved_while_it_stays_larger(scale: float, count: int) -> None:
    assert halvings(scale) == count


def test_halving_applies_the_binomial_filter() -> None:
    image = np.random.default_rng(1).integers(0, 256, (21, 30, 3)).astype(np.uint8)
    with Frame(image.copy()) as frame:
        half = resampling.halved_by_binomial(frame, frame.pixels)
        taps = np.array([1, 4, 6, 4, 1]) / 16
        y, x = 4, 7
        window = image[2 * y - 2 : 2 * y + 3, 2 * x - 2 : 2 * x + 3]
        expected = np.einsum("i,j,ijc->c", taps, taps, window.astype(float))
        np.testing.assert_allclose(half[y, x], expected, atol=0.51)
        assert half.shape == (11, 15, 3)


def test_stripes_finer_than_the_chip_do_not_alias() -> None:
    stripes = np.zeros((300, 300, 3), dtype=np.uint8)
    stripes[:, ::2] = 200
    region = Similarity(factor=4.1 + 0j, shift=16 + 16j)
    with Frame(stripes) as frame:
        chip = extract_chip(frame, region)
        np.testing.assert_allclose(chip, 100, atol=2)


def test_outside_the_picture_is_black() -> None:
    region = Similarity(factor=1 + 0j, shift=-20 - 10j)
    with Frame(np.full((300, 300, 3), 200, dtype=np.uint8)) as frame:
        chip = extract_chip(frame, region)
        assert (chip[:10] == 0).all()
        assert (chip[:, :20] == 0).all()
        assert (chip[10:, 20:] == 200).all()


@pytest.mark.parametrize("shift", [-1000 - 1000j, 1000 + 0j, 1e9 + 1e9j])
@pytest.mark.parametrize("scale", [0.01, 1, 5])
def test_a_region_beside_the_picture_is_black(shift: complex, scale: float) -> None:
    with Frame(np.full((100, 100, 3), 200, dtype=np.uint8)) as frame:
        chip = extract_chip(frame, Similarity(factor=complex(scale), shift=shift))
        assert chip.shape == (CHIP_PIXELS, CHIP_PIXELS, 3)
        assert not chip.any()


@pytest.mark.parametrize("scale", [1.3, 3.1])
def test_a_chip_depends_continuously_on_its_region(scale: float) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (400, 400, 3)).astype(np.uint8)
    with Frame(noise) as frame:
        chips = [
            extract_chip(frame, Similarity(factor=scale + step, shift=60 + 60j))
            for step in (0, 1e-7)
        ]
        assert np.abs(chips[0] - chips[1]).max() < 0.02


def test_a_chip_does_not_depend_on_the_picture_far_away() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (400, 400, 3)).astype(np.uint8)
    region = Similarity(factor=3.1 + 0j, shift=100 + 100j)
    with Frame(noise.copy()) as whole, Frame(noise[8:360, 16:360].copy()) as part:
        moved = Similarity(factor=region.factor, shift=region.shift - 16 - 8j)
        np.testing.assert_allclose(extract_chip(whole, region), extract_chip(part, moved))


@pytest.mark.parametrize("scale", [0.7, 1.4, 2.5, 6.3])
def test_chips_taken_together_are_those_taken_one_by_one(scale: float) -> None:
    noise = np.random.default_rng(4).integers(0, 256, (500, 500, 3)).astype(np.uint8)
    region = Similarity(factor=scale * (0.96 + 0.28j), shift=90.3 + 20.7j)
    with Frame(noise) as frame:
        chips = extract_chips(frame, region, {64, 96})
        assert chips.keys() == {64, 96}
        for side, chip in chips.items():
            np.testing.assert_allclose(chip, extract_chip(frame, region, side), atol=1e-4)


def test_a_warp_puts_pixel_centres_where_the_region_says() -> None:
    region = Similarity.box(centre=100 + 120j, side=60, angle=0.5, pixels=30)
    grid = np.stack(np.meshgrid(*[np.arange(30.0)] * 2), axis=-1)
    with frame_of(slope(300, 300)) as frame:
        square = resampling.warped(frame, region, 30)
        np.testing.assert_allclose(square[..., :2], region.apply(grid) / 2, atol=1.01)


def test_means_of_four_leave_an_odd_edge_out() -> None:
    image = np.random.default_rng(4).integers(0, 256, (21, 31, 3)).astype(np.uint8)
    with Frame(image.copy()) as frame:
        half = resampling.halved_by_mean(frame, frame.pixels)
        assert half.shape == (10, 15, 3)
        expected = image[:20, :30].reshape(10, 2, 15, 2, 3).mean(axis=(1, 3))
        np.testing.assert_allclose(half, expected, atol=0.51)


def test_a_median_keeps_edges_and_even_changes() -> None:
    image = np.tile(np.arange(0, 120, 4, dtype=np.float32), (30, 1))
    image[:, 20:] += 100
    with frame_of(slope(8, 8)) as frame:
        smooth = resampling.median_around(frame, image)
        # Beside the picture's own edges no even change goes on.
        np.testing.assert_array_equal(smooth[:, 2:-2], image[:, 2:-2])


@pytest.mark.parametrize("line", [np.s_[9:11], np.s_[:, 9:11]])
def test_a_median_takes_thin_lines_away(line: Any) -> None:
    image = np.full((30, 30), 120, dtype=np.float32)
    image[line] = 30
    with frame_of(slope(8, 8)) as frame:
        np.testing.assert_array_equal(resampling.median_around(frame, image), 120)


def test_everything_is_wiped_with_the_frame() -> None:
    white = np.full((400, 400, 3), 255, dtype=np.uint8)
    with Frame(white) as frame:
        kept: list[NDArray[np.generic]] = [
            extract_chip(frame, Similarity(factor=3 + 0j, shift=9 + 9j)),
            resampling.warped(frame, Similarity(factor=1 + 0j, shift=0j), 50),
            resampling.halved_by_mean(frame, frame.pixels),
            resampling.halved_by_binomial(frame, frame.pixels),
            resampling.median_around(frame, frame.pixels),
            resampling.resized(frame, frame.pixels, (50, 50)),
            resampling.resized(frame, frame.pixels, (800, 800)),
        ]
        assert all(np.any(array) for array in kept)
    assert not any(np.any(array) for array in kept)
    assert not white.any()


def test_what_sampling_makes_on_the_way_is_wiped_too() -> None:
    owned: list[NDArray[Any]] = []

    class Watched(Frame):
        def own(self, array: Any) -> Any:
            owned.append(array)
            return super().own(array)

    with Watched(np.full((9, 9, 3), 255, dtype=np.uint8)) as frame:
        owned.clear()
        y, x = np.mgrid[1:8:0.5, 1:8:0.5]
        resampling.sampled(frame, resampling.bordered(frame, frame.pixels), x, y)
        # The planes, and each of the four neighbours as bytes and as numbers.
        assert sum(array.any() for array in owned) == 9
    assert not any(array.any() for array in owned)


@pytest.mark.parametrize(
    ("status", "code"),
    [(None, "picture_malformed"), (-215, "picture_malformed"), (-4, "picture_too_large")],
)
def test_a_failure_of_opencv_is_translated(
    status: int | None, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_arguments: object, **_options: object) -> None:
        error = cv2.error("something about the picture")
        if status is not None:
            error.code = status
        raise error

    monkeypatch.setattr(cv2, "pyrDown", failing)
    with (
        Frame(np.zeros((64, 64, 3), dtype=np.uint8)) as frame,
        pytest.raises(PictureError, match="cannot resample") as caught,
    ):
        resampling.halved_by_binomial(frame, frame.pixels)
    assert caught.value.code == code
    assert caught.value.__context__ is None
