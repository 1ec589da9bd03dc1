"""WebP's container and frame headers: every refusal, on files made by hand."""

from __future__ import annotations

import struct
import sys

import pytest

from ageassure.errors import PictureError
from ageassure.imaging import webp
from ageassure.imaging.header import MAX_PARTS, PictureHeader

EXIF = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"


def chunk(kind: bytes, payload: bytes = b"") -> bytes:
    return kind + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)


def webp_file(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def vp8(
    width: int = 64, height: int = 64, *, tag: int = 0x10 | 20 << 5, code: bytes = b"\x9d\x01\x2a"
) -> bytes:
    sizes = struct.pack("<HH", width, height)
    return chunk(b"VP8 ", tag.to_bytes(3, "little") + code + sizes + bytes(21))


def vp8l(width: int = 64, height: int = 64, *, alpha: int = 0, version: int = 0) -> bytes:
    bits = width - 1 | height - 1 << 14 | alpha << 28 | version << 29
    return chunk(b"VP8L", b"\x2f" + struct.pack("<I", bits) + bytes(20))


def vp8x(width: int = 64, height: int = 64, *, flags: int = 0) -> bytes:
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    return chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides)


ALPH = chunk(b"ALPH", b"\0" * 7)


def read(data: bytes) -> PictureHeader:
    return webp.read_header(memoryview(data))


def refused(data: bytes) -> PictureError:
    with pytest.raises(PictureError) as caught:
        read(data)
    return caught.value


@pytest.mark.parametrize("frame", [vp8(100, 80), vp8l(100, 80), vp8(100 | 1 << 14, 80 | 3 << 14)])
def test_simple_and_extended_files_are_read(frame: bytes) -> None:
    for data in (webp_file(frame), webp_file(vp8x(100, 80), frame)):
        header = read(data)
        assert (header.width, header.height) == (100, 80)
        assert (header.orientation, header.alpha) == (1, False)
        assert header.decoder_file(memoryview(data)) == webp_file(frame)


@pytest.mark.parametrize(
    "chunks",
    [
        [vp8(tag=0x10 | 21 << 5)],  # the first partition is all there is
        [chunk(b"VP8L", vp8l()[8:13])],  # a header and nothing else: for the decoder to judge
        [vp8(), chunk(b"junk")],  # an empty chunk at the very end
    ],
)
def test_what_just_fits_is_read(chunks: list[bytes]) -> None:
    assert read(webp_file(*chunks)).width == 64


def test_alpha_is_told() -> None:
    assert read(webp_file(vp8l(alpha=1))).alpha
    assert read(webp_file(vp8x(), vp8l(alpha=1))).alpha
    data = webp_file(vp8x(flags=0x1C), chunk(b"ICCP", b"x"), ALPH, vp8())
    assert read(data).alpha
    assert read(data).decoder_file(memoryview(data)) == webp_file(vp8x(flags=0x10), ALPH, vp8())


@pytest.mark.parametrize(
    "chunks",
    [
        [vp8x(), ALPH, vp8()],  # decoders go by the flag
        [vp8x(flags=0x10), vp8()],
        [vp8x(flags=0x10), ALPH, vp8l()],  # lossless data carries its own
        [vp8(), ALPH],
    ],
)
def test_alpha_that_decoders_ignore_is_dropped(chunks: list[bytes]) -> None:
    header = read(webp_file(*chunks))
    assert not header.alpha
    assert b"ALPH" not in header.decoder_file(memoryview(webp_file(*chunks)))


MALFORMED = {
    "container longer than the file": webp_file(vp8(), size=10_000),
    "no chunk": webp_file(),
    "first chunk is another": webp_file(chunk(b"EXIF", EXIF), vp8()),
    "no image": webp_file(vp8x()),
    "lossy and lossless": webp_file(vp8x(), vp8(), vp8l()),
    "lossy twice": webp_file(vp8x(), vp8(), vp8()),
    "lossless twice": webp_file(vp8l(), vp8l()),
    "chunk header cut": webp_file(vp8(), b"EXIF\0\0\0"),
    "chunk longer than the container": webp_file(vp8(), b"EXIF\xff\0\0\0" + bytes(20)),
    "chunk of 2³² − 1 bytes": webp_file(b"VP8 \xff\xff\xff\xff" + bytes(40)),
    "extension header too short": webp_file(chunk(b"VP8X", bytes(9)), vp8()),
    "extension header too long": webp_file(chunk(b"VP8X", bytes(11)), vp8()),
    "frame smaller than its canvas": webp_file(vp8x(65, 64), vp8()),
    "lossless frame larger than its canvas": webp_file(vp8x(), vp8l(64, 65)),
    "zero width": webp_file(vp8(0)),
    "zero height": webp_file(vp8(64, 0)),
    "frame header cut": webp_file(chunk(b"VP8 ", vp8()[8:17])),
    "frame without start code": webp_file(vp8(code=b"\x9d\x01\x2b")),
    "inter frame": webp_file(vp8(tag=0x11 | 20 << 5)),
    "frame not shown": webp_file(vp8(tag=20 << 5)),
    "first partition cut": webp_file(vp8(tag=0x10 | 22 << 5)),
    "lossless header cut": webp_file(chunk(b"VP8L", b"\x2f\0\0\0")),
    "lossless signature": webp_file(chunk(b"VP8L", b"\x2e" + vp8l()[9:])),
    "lossless version": webp_file(vp8l(version=1)),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_refused(name: str) -> None:
    assert refused(MALFORMED[name]).code == "picture_malformed"


@pytest.mark.parametrize("kind", [b"ANIM", b"ANMF"])
def test_animations_are_unsupported(kind: bytes) -> None:
    assert refused(webp_file(vp8x(flags=2), chunk(kind), vp8())).code == "picture_unsupported"


@pytest.mark.parametrize(
    "data",
    [webp_file(vp8(9000, 64)), webp_file(vp8l(6000, 4001)), webp_file(vp8x(20_000, 20_000))],
)
def test_sizes_past_the_bounds_are_refused(data: bytes) -> None:
    assert refused(data).code == "picture_too_large"


def test_truncated_anywhere() -> None:
    for data in (webp_file(vp8()), webp_file(vp8x(flags=0x10), ALPH, vp8l())):
        for length in range(12, len(data)):
            assert refused(data[:length]).code == "picture_malformed"


def test_what_follows_the_container_is_ignored_and_dropped() -> None:
    data = webp_file(vp8()) + b"trailing garbage"
    assert read(data).decoder_file(memoryview(data)) == webp_file(vp8())


@pytest.mark.parametrize(
    ("chunks", "orientation"),
    [
        ([vp8x(), vp8(), chunk(b"EXIF", EXIF)], 6),
        ([vp8x(), vp8(), chunk(b"EXIF", b"Exif\0\0" + EXIF)], 6),
        ([vp8x(), vp8(), chunk(b"EXIF", b"junk"), chunk(b"EXIF", EXIF)], 1),
        ([vp8x(), vp8(), chunk(b"XMP ", b"tiff:Orientation='6'")], 1),
        ([vp8(), chunk(b"EXIF", EXIF)], 1),  # the simple form knows no metadata
    ],
)
def test_the_orientation_is_read(chunks: list[bytes], orientation: int) -> None:
    assert read(webp_file(*chunks)).orientation == orientation


def test_too_many_chunks_are_refused_early() -> None:
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    data = webp_file(vp8x(), chunk(b"junk") * 1_000_000)
    sys.setprofile(count)
    try:
        error = refused(data)
    finally:
        sys.setprofile(None)
    assert error.code == "picture_too_large"
    assert calls < 40 * MAX_PARTS
