"""PNG: chunks and checksums (W3C PNG, third edition); the image data is :mod:`.png_data`'s."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ageassure.imaging.exif import UPRIGHT, read_orientation
from ageassure.imaging.header import (
    PictureFormat,
    PictureHeader,
    Piece,
    append_range,
    check_decoded,
    check_parts,
    check_sides,
    malformed,
    unsupported,
)
from ageassure.imaging.png_data import Layout, check_image_data

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC: Final = b"\x89PNG\r\n\x1a\n"

_GREY: Final = 0
_TRUECOLOUR: Final = 2
_PALETTE: Final = 3
_WITH_ALPHA: Final = frozenset({4, 6})
_DEPTHS: Final = {
    _GREY: {1, 2, 4, 8, 16},
    _TRUECOLOUR: {8, 16},
    _PALETTE: {1, 2, 4, 8},
    4: {8, 16},
    6: {8, 16},
}
"""Allowed bit depths by colour type (W3C PNG, table 8 "Allowed combinations")."""

_SAMPLES: Final = {_GREY: 1, _TRUECOLOUR: 3, _PALETTE: 1, 4: 2, 6: 4}

_ANIMATION: Final = frozenset({b"acTL", b"fcTL", b"fdAT"})
_CHECKED: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"})
_ZLIB_HEADER: Final = b"\x78\x9c"
"""Of a stream with a window of 32 KiB, the greatest (RFC 1950, 2.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    kind: bytes
    start: int  # of the length field
    data: memoryview

    @property
    def stop(self) -> int:
        return self.start + 12 + len(self.data)


def read_header(data: memoryview) -> PictureHeader:
    """Read a PNG up to its IEND; what follows it is ignored.

    The image data is inflated once, and nothing else is. Not checked: the checksums of chunks that
    are dropped.

    Raises:
        PictureError: The file is malformed, animated, out of bounds, or makes one colour
            transparent without an alpha channel.
        UnfinishedError: If the work under way is to stop.
    """
    chunks = _chunks(data)
    layout = _read_layout(next(chunks))
    pieces: list[Piece] = [slice(0, len(MAGIC) + 12 + 13)]
    palette_entries = 0
    alpha = layout.colour in _WITH_ALPHA
    orientation = UPRIGHT
    image: list[_Chunk] = []
    for chunk in chunks:
        if chunk.kind == b"IDAT":
            if image and image[-1].stop != chunk.start:
                raise malformed("got image data in two places")
            image.append(chunk)
        elif chunk.kind in {b"PLTE", b"tRNS"}:
            if image:
                raise malformed("got a palette after the image data")
            if chunk.kind == b"PLTE":
                palette_entries = _check_palette(chunk, layout, palette_entries)
            else:
                _check_transparency(chunk, layout, palette_entries, seen=alpha)
                alpha = True
            if layout.colour == _PALETTE:
                append_range(pieces, chunk.start, chunk.stop)
        elif chunk.kind == b"eXIf":
            orientation = read_orientation(chunk.data)
    if layout.colour == _PALETTE and not palette_entries:
        raise malformed("got no palette, expected one")
    check_image_data([part.data for part in image], layout)
    _append_image(pieces, image)
    pieces.append(_made(b"IEND"))
    return PictureHeader(
        format=PictureFormat.PNG,
        width=layout.width,
        height=layout.height,
        orientation=orientation,
        alpha=alpha,
        pieces=tuple(pieces),
    )


def _append_image(pieces: list[Piece], image: list[_Chunk]) -> None:
    """Add the image data, with a zlib header that asks for the greatest window.

    A stream may be declared to need less, and wrongly so: libpng, which then keeps less, would
    find it damaged where the check did not.
    """
    pieces.append(_made(b"IDAT", _ZLIB_HEADER))
    left = len(_ZLIB_HEADER)
    for chunk in image:
        rest = chunk.data[left:]
        left = max(0, left - len(chunk.data))
        if len(rest) == len(chunk.data):
            append_range(pieces, chunk.start, chunk.stop)
        elif rest:
            pieces.append(struct.pack(">I", len(rest)) + b"IDAT")
            pieces.append(slice(chunk.stop - 4 - len(rest), chunk.stop - 4))
            pieces.append(struct.pack(">I", zlib.crc32(rest, zlib.crc32(b"IDAT"))))


def _made(kind: bytes, data: bytes = b"") -> bytes:
    """Make a chunk (clause 5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _chunks(data: memoryview) -> Iterator[_Chunk]:
    """Walk the chunks from IHDR to IEND; both must be there."""
    position, parts = len(MAGIC), 0
    while True:
        parts += 1
        check_parts(parts)
        if position + 12 > len(data):
            raise malformed("got the end of the file, expected a chunk")
        (length,) = struct.unpack_from(">I", data, position)
        kind = bytes(data[position + 4 : position + 8])
        stop = position + 12 + length
        if stop > len(data):
            raise malformed("got a chunk that is longer than the file")
        if (kind == b"IHDR") != (parts == 1):
            raise malformed("got a chunk out of order, expected IHDR first and once")
        if kind in _ANIMATION:
            raise unsupported("got an animated picture, expected one frame")
        if kind in _CHECKED:
            (checksum,) = struct.unpack_from(">I", data, stop - 4)
            if zlib.crc32(data[position + 4 : stop - 4]) != checksum:
                raise malformed(f"got a wrong checksum in chunk {kind.decode()}")
        elif not kind[0] & 0x20:  # bit 5 clear: critical, not to be ignored (clause 5.4)
            raise unsupported("got an unknown critical chunk")
        yield _Chunk(kind=kind, start=position, data=data[position + 8 : stop - 4])
        if kind == b"IEND":
            return
        position = stop


def _read_layout(chunk: _Chunk) -> Layout:
    if len(chunk.data) != 13:
        raise malformed(f"got {len(chunk.data)} bytes in IHDR, expected 13")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(
        ">IIBBBBB", chunk.data
    )
    if depth not in _DEPTHS.get(colour, ()):
        raise malformed(f"got colour type {colour} with {depth} bits a sample")
    if compression or filtering or interlace > 1:
        raise malformed("got an unknown compression, filter or interlace method")
    check_sides(width, height)
    if colour in _WITH_ALPHA:  # OpenCV makes RGBA of grey with alpha as well
        check_decoded(width * height * 4 * depth // 8)
    return Layout(
        width=width,
        height=height,
        depth=depth,
        colour=colour,
        samples=_SAMPLES[colour],
        interlaced=interlace == 1,
    )


def _check_palette(chunk: _Chunk, layout: Layout, seen: int) -> int:
    """Check PLTE and return how many entries it has; in truecolour it is only a suggestion."""
    entries, rest = divmod(len(chunk.data), 3)
    most = 1 << layout.depth if layout.colour == _PALETTE else 256
    if seen or rest or not 1 <= entries <= most or layout.colour in {_GREY, 4}:
        raise malformed(f"got a palette of {len(chunk.data)} bytes that does not fit the picture")
    return entries


def _check_transparency(chunk: _Chunk, layout: Layout, palette_entries: int, *, seen: bool) -> None:
    if layout.colour in {_GREY, _TRUECOLOUR}:
        raise unsupported("got one colour made transparent, expected an alpha channel")
    if seen or not 1 <= len(chunk.data) <= palette_entries:
        raise malformed("got transparency that does not fit the picture")
