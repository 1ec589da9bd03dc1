"""JPEG: every marker of a file, read without decoding a coefficient (ITU-T T.81)."""

from __future__ import annotations

import re
import struct
from typing import Final

from ageassure.imaging.exif import UPRIGHT, read_orientation
from ageassure.imaging.header import (
    MAX_SCANS,
    PictureFormat,
    PictureHeader,
    Piece,
    append_range,
    check_parts,
    malformed,
    too_large,
    unsupported,
)
from ageassure.imaging.jpeg_frame import JPEGFrame, ScanSize

MAGIC: Final = b"\xff\xd8\xff"

MAX_RESTARTS: Final = 65_536
"""Restart markers in a file; a 24-megapixel picture has 93,750 units of 16 × 16 pixels."""

# Marker codes (T.81, table B.1).
_DHT, _RST0, _RST7, _SOI, _EOI, _SOS, _DQT, _DRI = 0xC4, 0xD0, 0xD7, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD
_APP0, _APP1, _APP14, _APP15, _COM = 0xE0, 0xE1, 0xEE, 0xEF, 0xFE
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2

_SEGMENT: Final = re.compile(rb"\xff++([^\x00\xff])")
_MARKER_IN_DATA: Final = re.compile(rb"\xff[^\x00\xff]")
"""Among entropy-coded data FF 00 is a byte of it and FF FF is fill (T.81, B.1.1.2, B.1.1.5)."""


def read_header(data: memoryview) -> PictureHeader:
    """Read a JPEG file from SOI to EOI; what follows (gain maps, films) is ignored.

    Taken are baseline, extended and progressive Huffman-coded files of 8 bits with one component
    (grey) or three. Refused are CMYK and YCCK, which no camera writes and which have no right
    colours without their profile, and arithmetic, lossless, hierarchical and 12-bit files. Every
    bit of every coefficient must come, each once.

    Not checked: Huffman and quantisation tables, and the entropy-coded data beyond its markers
    and its least possible length.

    Raises:
        PictureError: The file is malformed, of another kind, or out of bounds.
    """
    return _Reader(data).read()


class _Reader:
    """Walks the markers of one file and keeps what they say."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._pieces: list[Piece] = []
        self._frame: JPEGFrame | None = None
        self._orientation: int | None = None
        self._jfif = False
        self._adobe_transform: int | None = None
        self._restart_interval = 0
        self._restarts = 0
        self._scans = 0

    def read(self) -> PictureHeader:
        position, parts = 2, 0
        while True:
            parts += 1
            check_parts(parts)
            match = _SEGMENT.match(self._data, position)
            if match is None:
                raise malformed("got no marker, expected one until the end of the picture")
            start = match.end()
            marker = self._data[start - 1]
            if marker == _EOI:
                break
            position = self._segment_stop(marker, start)
            payload = self._data[start + 2 : position]
            if marker == _SOS:
                position = self._read_scan(payload, position)
            elif not self._read_tables(marker, payload):
                continue
            append_range(self._pieces, start - 2, position)
        return self._finish()

    def _segment_stop(self, marker: int, start: int) -> int:
        if _RST0 <= marker <= _SOI:
            raise malformed(f"got marker {marker:#04x} out of place")
        if start + 2 > len(self._data):
            raise malformed("got the end of the file, expected a segment")
        (length,) = struct.unpack_from(">H", self._data, start)
        if length < 2 or start + length > len(self._data):
            raise malformed("got a segment that is longer than the file")
        return int(start + length)

    def _read_tables(self, marker: int, payload: memoryview) -> bool:
        """Read a segment other than a scan; return whether the decoder needs it."""
        if marker in {_BASELINE, _EXTENDED, _PROGRESSIVE}:
            if self._frame:
                raise malformed("got two frame headers, expected one")
            self._frame = JPEGFrame.read(payload, progressive=marker == _PROGRESSIVE)
        elif marker == _DRI:
            if len(payload) != 2:
                raise malformed("got a restart interval of the wrong length")
            (self._restart_interval,) = struct.unpack(">H", payload)
        elif _APP0 <= marker <= _APP15 or marker == _COM:
            if not self._scans:  # later ones come too late for any decoder
                self._read_application_data(marker, payload)
            return False
        elif marker not in {_DHT, _DQT}:
            raise unsupported(f"got a JPEG with marker {marker:#04x}")
        return True

    def _read_application_data(self, marker: int, payload: memoryview) -> None:
        if marker == _APP0 and bytes(payload[:5]) == b"JFIF\0":
            self._jfif = True
        elif marker == _APP1 and bytes(payload[:6]) == b"Exif\0\0" and self._orientation is None:
            self._orientation = read_orientation(payload[6:])
        elif marker == _APP14 and bytes(payload[:5]) == b"Adobe" and len(payload) >= 12:
            self._adobe_transform = payload[11]

    def _read_scan(self, payload: memoryview, start: int) -> int:
        """Read a scan's header, skip its data from ``start`` on, return where that ends."""
        self._scans += 1
        if self._scans > MAX_SCANS:
            raise too_large(f"got more than {MAX_SCANS} scans")
        if self._frame is None:
            raise malformed("got a scan before the frame header")
        return self._skip_data(self._frame.add_scan(payload), start)

    def _skip_data(self, size: ScanSize, start: int) -> int:
        """Find the marker that ends a scan; count and order restart markers (T.81, E.1.4)."""
        interval = self._restart_interval
        expected = (size.units - 1) // interval if interval else 0
        found, position = 0, start
        while match := _MARKER_IN_DATA.search(self._data, position):
            position = match.end()
            marker = self._data[position - 1]
            if not _RST0 <= marker <= _RST7:
                break
            if found == expected or marker != _RST0 + found % 8:
                raise malformed("got a restart marker out of order")
            found += 1
        if match is None:
            raise malformed("got the end of the file, expected the end of a scan")
        self._restarts += found
        if self._restarts > MAX_RESTARTS:
            raise too_large(f"got more than {MAX_RESTARTS} restart markers")
        if found < expected or (match.start() - start) * 8 < size.least_bits:
            raise malformed("got too little data for a scan")
        return match.start()

    def _finish(self) -> PictureHeader:
        if self._frame is None or not self._frame.complete:
            raise malformed("got the end of the picture before its last scan")
        return PictureHeader(
            format=PictureFormat.JPEG,
            width=self._frame.width,
            height=self._frame.height,
            orientation=self._orientation or UPRIGHT,
            pieces=(b"\xff\xd8", self._colour_marker(self._frame), *self._pieces, b"\xff\xd9"),
        )

    def _colour_marker(self, frame: JPEGFrame) -> bytes:
        """Write one Adobe marker that says in which colours the components are.

        The rule is the one that decoders share: JFIF means YCbCr (JFIF 1.02), else Adobe's marker
        counts (T.872, 6.5.3), else components named R, G and B are that.
        """
        if len(frame.components) == 1:
            return b""
        transform = self._adobe_transform
        if self._jfif:
            transform = 1
        elif transform is None:
            transform = 0 if frame.names == b"RGB" else 1
        if transform not in {0, 1}:
            raise malformed(f"got Adobe colour transform {transform}, expected 0 or 1")
        return b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])
