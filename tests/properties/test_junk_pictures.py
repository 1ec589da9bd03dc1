"""Whatever bytes come as a picture: a frame or a :class:`PictureError`, and wiped bytes."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ageassure.errors import PictureError
from ageassure.imaging import decode
from ageassure.imaging.formats import read_header
from ageassure.imaging.header import MAX_ASPECT, MAX_PIXELS, MAX_SIDE_PIXELS, MIN_SIDE_PIXELS

_Y, _X = np.mgrid[0:72, 0:88]
PICTURE = np.dstack([_X * 2, _Y * 3, (_X * _Y) % 251]).astype(np.uint8)
ALPHA = np.dstack([PICTURE, (_X * 2).astype(np.uint8)])


def encode(extension: str, pixels: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(extension, pixels, list(options))[1].tobytes()


SEEDS = [
    encode(".jpg", PICTURE),
    encode(".jpg", PICTURE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    encode(".jpg", PICTURE, cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    encode(".jpg", PICTURE[..., 0]),
    encode(".png", PICTURE),
    encode(".png", ALPHA),
    encode(".png", PICTURE.astype(np.uint16) * 257),
    encode(
        ".png", np.where(PICTURE[..., 0] > 99, 255, 0).astype(np.uint8), cv2.IMWRITE_PNG_BILEVEL, 1
    ),
    encode(".webp", PICTURE),
    encode(".webp", PICTURE, cv2.IMWRITE_WEBP_QUALITY, 60),
    encode(".webp", ALPHA, cv2.IMWRITE_WEBP_QUALITY, 60),
]

MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["set", "flip", "cut", "drop", "double", "insert", "number"]),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 0xFFFF_FFFF),
    ),
    min_size=1,
    max_size=6,
)


def mutate(seed: bytes, mutations: list[tuple[str, float, int]]) -> bytes:
    data = bytearray(seed)
    for kind, place, value in mutations:
        # Squared: half of all changes hit the first quarter, where the structure is.
        at, size = int(place**2 * len(data)), 1 + value % 40
        if not data:
            break
        if kind == "set":
            data[at] = value & 0xFF
        elif kind == "flip":
            data[at] ^= 1 << value % 8
        elif kind == "cut":
            del data[at:]
        elif kind == "drop":
            del data[at : at + size]
        elif kind == "double":
            data[at:at] = data[at : at + size]
        elif kind == "insert":
            data[at:at] = bytes([value & 0xFF]) * size
        else:
            data[at : at + 4] = struct.pack(">I", value)
    return bytes(data)


def mend(data: bytes) -> bytes:
    """Make the checksums of a PNG right again, so that a change reaches what lies behind them."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    fixed, position = bytearray(data), 8
    while position + 12 <= len(fixed):
        stop = position + 12 + int.from_bytes(fixed[position : position + 4], "big")
        if stop > len(fixed):
            break
        fixed[stop - 4 : stop] = struct.pack(">I", zlib.crc32(fixed[position + 4 : stop - 4]))
        position = stop
    return bytes(fixed)


def check(data: bytes) -> None:
    held = bytearray(data)
    try:
        with decode(held, long_side_pixels=40) as frame:
            assert frame.pixels.dtype == np.uint8
            assert frame.pixels.shape[2] == 3
    except PictureError:
        pass
    assert not any(held)


def check_header(data: bytes) -> None:
    try:
        header = read_header(memoryview(data))
    except PictureError:
        return
    short, long = sorted((header.width, header.height))
    assert MIN_SIDE_PIXELS <= short <= long <= min(MAX_SIDE_PIXELS, short * MAX_ASPECT)
    assert short * long <= MAX_PIXELS
    assert header.orientation in range(1, 9)
    given = header.decoder_file(memoryview(data))
    assert len(given) <= len(data) + 64
    again = read_header(memoryview(given))
    assert (again.width, again.height, again.alpha) == (header.width, header.height, header.alpha)
    assert again.decoder_file(memoryview(given)) == given


@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    check(data)


@given(st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\0\0\0WEBP"]), st.binary())
def test_random_bytes_after_a_magic_number(magic: bytes, rest: bytes) -> None:
    check(magic + rest)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(SEEDS), MUTATIONS)
def test_mutated_files(seed: bytes, mutations: list[tuple[str, float, int]]) -> None:
    data = mend(mutate(seed, mutations))
    check_header(data)
    check(data)


@given(st.sampled_from(SEEDS), st.floats(0, 1, exclude_max=True))
def test_truncated_files_are_always_refused(seed: bytes, share: float) -> None:
    data = seed[: int(share * len(seed))]
    try:
        decode(data).wipe()
    except PictureError:
        return
    raise AssertionError(f"{len(data)} of {len(seed)} bytes were decoded")


def test_the_seeds_themselves_are_sound() -> None:
    for seed in SEEDS:
        assert mend(seed) == seed
        check_header(seed)
        decode(seed).wipe()
