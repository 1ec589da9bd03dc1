"""Parts of long forms: how much they are, and that no piece as long as is said slips between."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.audit.retention.layouts import pixel_samples
from ageassure.audit.retention.pictures import Encoding, make_picture
from ageassure.audit.retention.reductions import SIDES, reduced_forms
from ageassure.audit.retention.sampling import Sample, SampledShare, coverage, of_all, sample
from ageassure.audit.retention.scenes import Scene
from ageassure.audit.retention.search import Texts, count_runs, index_texts

FORM = np.random.default_rng(5).bytes(50_000)
PIXELS = np.random.default_rng(6).integers(0, 256, (150, 130, 3), np.uint8)


def test_a_short_form_is_taken_whole() -> None:
    whole = sample(FORM[:1000], 1024)
    assert whole == Sample(parts=FORM[:1000], whole_bytes=1000, distance_bytes=64)


SOME = sample(FORM, 2560)
SOME_TEXTS = index_texts({"some": SOME.parts})


def test_a_long_form_is_taken_in_blocks_from_one_end_to_the_other() -> None:
    assert len(SOME.parts) == 2560
    assert SOME.parts[:128] == FORM[:128]
    assert SOME.parts[-128:] == FORM[-128:]
    assert SOME.distance_bytes == 2625


@given(start=st.integers(0, len(FORM) - SOME.distance_bytes))
def test_a_piece_as_long_as_the_distance_is_found(start: int) -> None:
    piece = FORM[start : start + SOME.distance_bytes]
    assert count_runs(SOME_TEXTS, np.frombuffer(piece, np.uint8))["some"] >= 1


FLOATS = pixel_samples("some", PIXELS, 4096)
FLOAT_TEXTS = {
    order: index_texts({"form": FLOATS[f"some float 0…1 {order}"].parts})
    for order in ("rgb", "bgr", "channels")
}


@pytest.mark.parametrize("order", ["rgb", "bgr", "channels"])
@given(share=st.floats(0, 1))
def test_so_is_a_piece_of_a_float_form(order: str, share: float) -> None:
    values = PIXELS.astype(np.float32) / np.float32(255)
    laid_out = {
        "rgb": values,
        "bgr": values[..., ::-1],
        "channels": values.transpose(2, 0, 1),
    }[order]
    form = np.ascontiguousarray(laid_out).tobytes()
    of_it = FLOATS[f"some float 0…1 {order}"]
    assert of_it.whole_bytes == len(form)
    start = int(share * (len(form) - of_it.distance_bytes)) // 4 * 4
    piece = form[start : start + of_it.distance_bytes]
    assert count_runs(FLOAT_TEXTS[order], np.frombuffer(piece, np.uint8))["form"] >= 1


def test_the_coverage_is_that_of_the_worst_form() -> None:
    low = SampledShare(least_share=0.05, found_from_bytes=100)
    far = SampledShare(least_share=0.5, found_from_bytes=2625)
    assert of_all([low, far]) == SampledShare(least_share=0.05, found_from_bytes=2625)
    assert of_all([]) == SampledShare(least_share=0.0, found_from_bytes=0)
    assert coverage([SOME]) == SampledShare(least_share=2560 / 50_000, found_from_bytes=2625)


PICTURE = make_picture(Scene.NO_FACE, Encoding.JPEG, 512, seed=9)


@cache
def reduced() -> Texts:
    return index_texts(reduced_forms(PICTURE))


@pytest.mark.parametrize("code", [cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_AREA])
@pytest.mark.parametrize("side", SIDES)
def test_a_reduced_picture_is_found(side: int, code: int) -> None:
    pixels = cv2.imdecode(np.frombuffer(PICTURE.file, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    small = cv2.resize(pixels, (side, side), interpolation=code)
    for kept in (small, small[..., ::-1], small.transpose(2, 0, 1)):
        memory = np.frombuffer(np.ascontiguousarray(kept).tobytes(), np.uint8)
        assert count_runs(reduced(), memory)
