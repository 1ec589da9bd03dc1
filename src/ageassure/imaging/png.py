"""PNG: chunks and checksums, read without inflating anything (W3C PNG, third edition)."""

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
    check_parts,
    check_sides,
    malformed,
    unsupported,
)

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
_MAX_DEFLATE_RATIO: Final = 1032
"""The most bytes that one byte of a deflate stream can stand for (zlib technical details)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    kind: bytes
    start: int  # of the length field
    data: memoryview

    @property
    def stop(self) -> int:
        return self.start + 12 + len(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    width: int
    height: int
    depth: int
    colour: int

    @property
    def raw_bytes(self) -> int:
        """Bytes of the inflated rows, at least (interlacing adds to them)."""
        row = -(-self.width * self.depth * _SAMPLES[self.colour] // 8)
        return self.height * (1 + row)


def read_header(data: memoryview) -> PictureHeader:
    """Read a PNG up to its IEND; what follows it is ignored.

    Not checked: the compressed pixels themselves, and the checksums of chunks that are dropped.

    Raises:
        PictureError: The file is malformed, animated, out of bounds, or makes one colour
            transparent without an alpha channel.
    """
    chunks = _chunks(data)
    layout = _read_layout(next(chunks))
    pieces: list[Piece] = [slice(0, len(MAGIC) + 12 + 13)]
    palette_entries = 0
    alpha = layout.colour in _WITH_ALPHA
    orientation = UPRIGHT
    image_stop = image_bytes = 0
    for chunk in chunks:
        if chunk.kind == b"IDAT":
            if image_stop not in {0, chunk.start}:
                raise malformed("got image data in two places")
            image_stop = chunk.stop
            image_bytes += len(chunk.data)
            append_range(pieces, chunk.start, chunk.stop)
        elif chunk.kind in {b"PLTE", b"tRNS"}:
            if image_stop:
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
        elif chunk.kind == b"IEND":
            append_range(pieces, chunk.start, chunk.stop)
    if layout.colour == _PALETTE and not palette_entries:
        raise malformed("got no palette, expected one")
    if image_bytes * _MAX_DEFLATE_RATIO < layout.raw_bytes:
        raise malformed(f"got {image_bytes} bytes of image data, too few for the picture's size")
    return PictureHeader(
        format=PictureFormat.PNG,
        width=layout.width,
        height=layout.height,
        orientation=orientation,
        alpha=alpha,
        pieces=tuple(pieces),
    )


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


def _read_layout(chunk: _Chunk) -> _Layout:
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
    return _Layout(width=width, height=height, depth=depth, colour=colour)


def _check_palette(chunk: _Chunk, layout: _Layout, seen: int) -> int:
    """Check PLTE and return how many entries it has; in truecolour it is only a suggestion."""
    entries, rest = divmod(len(chunk.data), 3)
    most = 1 << layout.depth if layout.colour == _PALETTE else 256
    if seen or rest or not 1 <= entries <= most or layout.colour in {_GREY, 4}:
        raise malformed(f"got a palette of {len(chunk.data)} bytes that does not fit the picture")
    return entries


def _check_transparency(
    chunk: _Chunk, layout: _Layout, palette_entries: int, *, seen: bool
) -> None:
    if layout.colour in {_GREY, _TRUECOLOUR}:
        raise unsupported("got one colour made transparent, expected an alpha channel")
    if seen or not 1 <= len(chunk.data) <= palette_entries:
        raise malformed("got transparency that does not fit the picture")
