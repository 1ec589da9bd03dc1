"""The bounds, and what the decoder is given."""

from __future__ import annotations

import pytest

from ageassure.errors import PictureError
from ageassure.imaging.header import (
    MAX_ASPECT,
    MAX_PARTS,
    MAX_PIXELS,
    MAX_SIDE_PIXELS,
    MIN_SIDE_PIXELS,
    PictureFormat,
    PictureHeader,
    Piece,
    append_range,
    check_parts,
    check_sides,
)


@pytest.mark.parametrize(
    ("width", "height"),
    [
        (MIN_SIDE_PIXELS, MIN_SIDE_PIXELS),
        (MAX_SIDE_PIXELS, 2929),
        (2929, MAX_SIDE_PIXELS),
        (6000, 4000),
        (MIN_SIDE_PIXELS, MIN_SIDE_PIXELS * MAX_ASPECT),
    ],
)
def test_sizes_at_the_bounds_are_taken(width: int, height: int) -> None:
    assert width * height <= MAX_PIXELS
    check_sides(width, height)


@pytest.mark.parametrize(
    ("width", "height", "code"),
    [
        (0, 64, "picture_malformed"),
        (64, 0, "picture_malformed"),
        (MIN_SIDE_PIXELS - 1, 64, "picture_unsupported"),
        (64, MIN_SIDE_PIXELS - 1, "picture_unsupported"),
        (MAX_SIDE_PIXELS + 1, 1000, "picture_too_large"),
        (1000, MAX_SIDE_PIXELS + 1, "picture_too_large"),
        (6000, 4001, "picture_too_large"),
        (20_000, 20_000, "picture_too_large"),
        (64, 64 * MAX_ASPECT + 1, "picture_unsupported"),
        (64 * MAX_ASPECT + 1, 64, "picture_unsupported"),
        (1, 100_000, "picture_too_large"),
    ],
)
def test_sizes_past_the_bounds_are_refused(width: int, height: int, code: str) -> None:
    with pytest.raises(PictureError, match=rf"{width} × {height}") as caught:
        check_sides(width, height)
    assert caught.value.code == code


def test_parts_are_bounded() -> None:
    check_parts(MAX_PARTS)
    with pytest.raises(PictureError) as caught:
        check_parts(MAX_PARTS + 1)
    assert caught.value.code == "picture_too_large"


def test_ranges_that_touch_are_joined() -> None:
    pieces: list[Piece] = []
    append_range(pieces, 2, 4)
    append_range(pieces, 4, 6)
    append_range(pieces, 8, 9)
    pieces.append(b"x")
    append_range(pieces, 9, 10)
    assert pieces == [slice(2, 6), slice(8, 9), b"x", slice(9, 10)]


def test_the_decoder_is_given_the_pieces_in_order() -> None:
    header = PictureHeader(
        format=PictureFormat.PNG,
        width=64,
        height=64,
        pieces=(b"<", slice(1, 3), slice(5, 6), b"", b">"),
    )
    assert header.decoder_file(memoryview(b"abcdefg")) == b"<bcf>"
    assert "pieces" not in repr(header)
