"""PNG's chunks: every refusal, on files made by hand."""

from __future__ import annotations

import struct
import sys
import zlib

import pytest

from ageassure.errors import PictureError
from ageassure.imaging import png
from ageassure.imaging.header import MAX_PARTS, PictureHeader

MAGIC = b"\x89PNG\r\n\x1a\n"
EXIF = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
PALETTE = bytes(range(12))


def chunk(kind: bytes, data: bytes = b"", *, checksum: int | None = None) -> bytes:
    found = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", found)


def ihdr(
    width: int = 64,
    height: int = 64,
    *,
    depth: int = 8,
    colour: int = 2,
    compression: int = 0,
    filtering: int = 0,
    interlace: int = 0,
) -> bytes:
    fields = (width, height, depth, colour, compression, filtering, interlace)
    return chunk(b"IHDR", struct.pack(">IIBBBBB", *fields))


def idat(row_bytes: int = 64 * 3, rows: int = 64) -> bytes:
    """Image data of black rows."""
    return chunk(b"IDAT", zlib.compress(bytes(rows * (1 + row_bytes))))


IDAT = idat()
IEND = chunk(b"IEND")


def png_file(*chunks: bytes) -> bytes:
    return MAGIC + b"".join(chunks)


def read(data: bytes) -> PictureHeader:
    return png.read_header(memoryview(data))


def refused(data: bytes) -> PictureError:
    with pytest.raises(PictureError) as caught:
        read(data)
    return caught.value


WHOLE = png_file(ihdr(), IDAT, IEND)


def test_a_file_is_read() -> None:
    header = read(png_file(ihdr(100, 80), idat(300, 80), IEND))
    assert (header.width, header.height, header.orientation, header.alpha) == (100, 80, 1, False)


@pytest.mark.parametrize(
    ("colour", "depths"),
    [(0, {1, 2, 4, 8, 16}), (2, {8, 16}), (3, {1, 2, 4, 8}), (4, {8, 16}), (6, {8, 16})],
)
def test_depths_that_a_colour_type_allows(colour: int, depths: set[int]) -> None:
    palette = [chunk(b"PLTE", PALETTE[:6])] if colour == 3 else []
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    for depth in range(18):
        image = idat(-(-64 * depth * samples // 8))
        data = png_file(ihdr(depth=depth, colour=colour), *palette, image, IEND)
        if depth in depths:
            assert read(data).alpha == (colour in {4, 6})
        else:
            assert refused(data).code == "picture_malformed"


MALFORMED = {
    "nothing but magic": MAGIC,
    "no chunk but the first": png_file(ihdr()),
    "first chunk is another": png_file(chunk(b"tEXt"), ihdr(), IDAT, IEND),
    "header twice": png_file(ihdr(), ihdr(), IDAT, IEND),
    "header too short": png_file(chunk(b"IHDR", bytes(12)), IDAT, IEND),
    "header too long": png_file(chunk(b"IHDR", ihdr()[8:-4] + b"\0"), IDAT, IEND),
    "colour type 1": png_file(ihdr(colour=1), IDAT, IEND),
    "colour type 5": png_file(ihdr(colour=5), IDAT, IEND),
    "colour type 7": png_file(ihdr(colour=7), IDAT, IEND),
    "compression": png_file(ihdr(compression=1), IDAT, IEND),
    "filter": png_file(ihdr(filtering=1), IDAT, IEND),
    "interlace": png_file(ihdr(interlace=2), IDAT, IEND),
    "zero width": png_file(ihdr(0), IDAT, IEND),
    "zero height": png_file(ihdr(64, 0), IDAT, IEND),
    "no end": png_file(ihdr(), IDAT),
    "end cut": png_file(ihdr(), IDAT, IEND[:-1]),
    "no image data": png_file(ihdr(), IEND),
    "image data in two places": png_file(ihdr(), IDAT, chunk(b"tEXt"), IDAT, IEND),
    "no palette": png_file(ihdr(colour=3), IDAT, IEND),
    "empty palette": png_file(ihdr(colour=3), chunk(b"PLTE"), IDAT, IEND),
    "palette of 3½ entries": png_file(ihdr(colour=3), chunk(b"PLTE", bytes(10)), IDAT, IEND),
    "palette too long": png_file(ihdr(colour=3, depth=1), chunk(b"PLTE", PALETTE[:9]), IDAT, IEND),
    "palette of 257 entries": png_file(ihdr(colour=2), chunk(b"PLTE", bytes(771)), IDAT, IEND),
    "palette twice": png_file(ihdr(colour=3), *[chunk(b"PLTE", PALETTE)] * 2, IDAT, IEND),
    "palette of grey": png_file(ihdr(colour=0), chunk(b"PLTE", PALETTE), IDAT, IEND),
    "palette of grey and alpha": png_file(ihdr(colour=4), chunk(b"PLTE", PALETTE), IDAT, IEND),
    "palette after the image": png_file(ihdr(colour=3), IDAT, chunk(b"PLTE", PALETTE), IEND),
    "transparency before the palette": png_file(
        ihdr(colour=3), chunk(b"tRNS", b"\0"), chunk(b"PLTE", PALETTE), IDAT, IEND
    ),
    "transparency longer than the palette": png_file(
        ihdr(colour=3), chunk(b"PLTE", PALETTE), chunk(b"tRNS", bytes(5)), IDAT, IEND
    ),
    "empty transparency": png_file(
        ihdr(colour=3), chunk(b"PLTE", PALETTE), chunk(b"tRNS"), IDAT, IEND
    ),
    "transparency twice": png_file(
        ihdr(colour=3), chunk(b"PLTE", PALETTE), *[chunk(b"tRNS", b"\0")] * 2, IDAT, IEND
    ),
    "transparency beside alpha": png_file(ihdr(colour=6), chunk(b"tRNS", b"\0"), IDAT, IEND),
    "length past the end": png_file(ihdr(), struct.pack(">I", 5000) + b"IDAT" + bytes(100)),
    "length of 2³² − 1": png_file(ihdr(), b"\xff\xff\xff\xffIDAT" + bytes(100)),
    **{
        f"checksum of {kind.decode()}": png_file(
            ihdr(colour=3), chunk(b"PLTE", PALETTE), IDAT, chunk(kind, b"", checksum=0), IEND
        )
        for kind in (b"PLTE", b"tRNS", b"IDAT", b"eXIf", b"IEND")
    },
    "checksum of IHDR": png_file(ihdr()[:-1] + b"\0", IDAT, IEND),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_refused(name: str) -> None:
    error = refused(MALFORMED[name])
    assert error.code == "picture_malformed"
    assert ("checksum" in str(error)) == name.startswith("checksum")


UNSUPPORTED = {
    "animation control": png_file(ihdr(), chunk(b"acTL", bytes(8)), IDAT, IEND),
    "one frame's control": png_file(ihdr(), chunk(b"fcTL", bytes(26)), IDAT, IEND),
    "one frame's data": png_file(ihdr(), IDAT, chunk(b"fdAT", bytes(8)), IEND),
    "unknown critical chunk": png_file(ihdr(), chunk(b"ABCD"), IDAT, IEND),
    "one grey transparent": png_file(ihdr(colour=0), chunk(b"tRNS", bytes(2)), IDAT, IEND),
    "one colour transparent": png_file(ihdr(), chunk(b"tRNS", bytes(6)), IDAT, IEND),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_other_kinds_of_png_are_unsupported(name: str) -> None:
    assert refused(UNSUPPORTED[name]).code == "picture_unsupported"


def test_sizes_are_checked_before_the_rest_is_read() -> None:
    assert refused(png_file(ihdr(20_000, 20_000))).code == "picture_too_large"


@pytest.mark.parametrize("colour", [4, 6])
def test_sixteen_bits_with_alpha_have_a_bound_of_their_own(colour: int) -> None:
    def code(width: int, height: int, depth: int) -> str:
        return refused(png_file(ihdr(width, height, depth=depth, colour=colour), IDAT, IEND)).code

    assert code(4001, 3000, 16) == "picture_too_large"
    assert code(4000, 3000, 16) == "picture_malformed"  # as far as the data, which is short
    assert code(6000, 4000, 8) == "picture_malformed"
    assert refused(png_file(ihdr(6000, 4000, depth=16), IDAT, IEND)).code == "picture_malformed"


def test_truncated_anywhere() -> None:
    for length in range(8, len(WHOLE)):
        assert refused(WHOLE[:length]).code == "picture_malformed"


def test_the_decoder_is_given_the_pixels_only() -> None:
    palette, transparency = chunk(b"PLTE", PALETTE), chunk(b"tRNS", bytes(4))
    stream = idat(64)[8:-4]
    data = png_file(
        ihdr(colour=3),
        chunk(b"iCCP", bytes(100_000), checksum=0),
        palette,
        chunk(b"tEXt", b"secret"),
        transparency,
        *[chunk(b"IDAT", part) for part in (stream[:1], stream[1:9], b"", stream[9:])],
        chunk(b"eXIf", EXIF),
        IEND,
        b"trailing garbage",
    )
    header = read(data)
    assert (header.alpha, header.orientation) == (True, 6)
    image = [chunk(b"IDAT", part) for part in (stream[:2], stream[2:9], b"", stream[9:])]
    assert header.decoder_file(memoryview(data)) == png_file(
        ihdr(colour=3), palette, transparency, *image, IEND
    )


def test_the_least_palette_and_the_least_transparency() -> None:
    palette, transparency = chunk(b"PLTE", b"\1\2\3"), chunk(b"tRNS", b"\0")
    image = idat(8)
    assert not read(png_file(ihdr(colour=3, depth=1), palette, image, IEND)).alpha
    assert read(png_file(ihdr(colour=3, depth=1), palette, transparency, image, IEND)).alpha


def test_a_suggested_palette_is_dropped() -> None:
    data = png_file(ihdr(), chunk(b"PLTE", PALETTE), IDAT, IEND)
    given = read(data).decoder_file(memoryview(data))
    assert given == read(WHOLE).decoder_file(memoryview(WHOLE))
    assert b"PLTE" not in given


def test_what_an_end_chunk_holds_is_dropped() -> None:
    data = png_file(ihdr(), IDAT, chunk(b"IEND", b"more"))
    assert b"more" not in read(data).decoder_file(memoryview(data))


def test_too_many_chunks_are_refused_early() -> None:
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    data = png_file(ihdr(), chunk(b"tEXt") * 800_000)
    sys.setprofile(count)
    try:
        error = refused(data)
    finally:
        sys.setprofile(None)
    assert error.code == "picture_too_large"
    assert calls < 40 * MAX_PARTS


def test_nothing_but_the_image_data_is_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zlib.compress(bytes(30_000_000), 9)
    data = png_file(
        ihdr(), chunk(b"iCCP", b"x\0\0" + bomb), chunk(b"zTXt", b"x\0\0" + bomb), IDAT, IEND
    )
    monkeypatch.delattr(zlib, "decompress")
    inflater, given = zlib.decompressobj(), []

    class Spy:
        def __getattr__(self, name: str) -> object:
            return getattr(inflater, name)

        def decompress(self, piece: memoryview, most: int) -> bytes:
            given.append(bytes(piece))
            return inflater.decompress(piece, most)

    monkeypatch.setattr(zlib, "decompressobj", Spy)
    assert bomb not in read(data).decoder_file(memoryview(data))
    assert b"".join(given) == IDAT[8:-4]
