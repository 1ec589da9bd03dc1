"""The frame owns pixels, wipes them, and gives nothing away."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from ageassure.imaging import Frame


def frame() -> Frame:
    return Frame(np.full((4, 5, 3), 7, np.uint8))


def test_pixels_are_read_only_and_the_same_memory() -> None:
    owned = np.full((4, 5, 3), 7, np.uint8)
    pixels = Frame(owned).pixels
    assert np.shares_memory(pixels, owned)
    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0, 0] = 1


def test_wiping_zero_fills_everything_and_ends_the_use() -> None:
    whole = frame()
    pixels = whole.pixels
    crop = whole.own(np.full((2, 2), 0.5, np.float32))
    whole.wipe()
    assert not pixels.any()
    assert not crop.any()
    with pytest.raises(ValueError, match="wiped"):
        _ = whole.pixels
    whole.wipe()


def test_leaving_the_context_wipes_on_success_and_on_error() -> None:
    with frame() as whole:
        pixels = whole.pixels
        assert pixels.all()
    assert not pixels.any()
    whole = frame()
    pixels = whole.pixels
    with pytest.raises(ZeroDivisionError), whole:
        _ = 1 / 0
    assert not pixels.any()


def test_what_comes_too_late_is_wiped_at_once() -> None:
    whole = frame()
    whole.wipe()
    late = np.ones(8)
    with pytest.raises(ValueError, match="the frame is wiped"):
        whole.own(late)
    assert not late.any()


def test_read_only_arrays_are_not_owned() -> None:
    fixed = np.frombuffer(bytes(60), np.uint8).reshape(4, 5, 3)
    with pytest.raises(ValueError, match="read-only"):
        frame().own(fixed)
    with pytest.raises(ValueError, match="read-only"):
        Frame(fixed)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 5), np.uint8),
        np.zeros((4, 5, 4), np.uint8),
        np.zeros((3, 4, 5, 3), np.uint8),
        np.zeros((4, 5, 3), np.int8),
    ],
)
def test_other_arrays_are_no_pixels(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        Frame(pixels)


def test_nothing_is_shown_pickled_or_copied() -> None:
    whole = frame()
    assert repr(whole) == str(whole) == f"{whole}" == "<Frame>"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            leak(whole)
    assert not hasattr(whole, "__dict__")
