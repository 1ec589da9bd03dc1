"""WebP: the RIFF container and the frame headers (RFC 9649; VP8's frame header: RFC 6386, 9.1)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from ageassure.imaging.exif import UPRIGHT, read_orientation
from ageassure.imaging.header import (
    PictureFormat,
    PictureHeader,
    Piece,
    check_parts,
    check_sides,
    malformed,
    unsupported,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC: Final = b"RIFF"
FORM: Final = b"WEBP"

_IMAGES: Final = frozenset({b"VP8 ", b"VP8L"})
_ALPHA_FLAG: Final = 0x10
_EXIF_PREFIX: Final = b"Exif\0\0"
_VP8_START_CODE: Final = b"\x9d\x01\x2a"
_VP8L_SIGNATURE: Final = 0x2F


def read_header(data: memoryview) -> PictureHeader:
    """Read a WebP file up to the length that its RIFF header gives; what follows is ignored.

    Not checked: the compressed pixels themselves.

    Raises:
        PictureError: The file is malformed, animated or out of bounds.
    """
    chunks = _read_chunks(data)
    canvas, flags = None, 0
    if b"VP8X" in chunks:
        canvas, flags = _read_extended(data[chunks[b"VP8X"]])
    kinds = _IMAGES & chunks.keys()
    if len(kinds) != 1:
        raise malformed(f"got image data of {len(kinds)} kinds, expected one")
    (kind,) = kinds
    lossless = kind == b"VP8L"
    size, alpha = (_read_lossless if lossless else _read_lossy)(data[chunks[kind]])
    if canvas not in {None, size}:
        raise malformed("got a frame that does not fill its canvas")
    check_sides(*size)
    kept: list[tuple[bytes, Piece]] = [(kind, chunks[kind])]
    if not lossless and b"ALPH" in chunks and flags & _ALPHA_FLAG:
        alpha = True
        extended = struct.pack("<B3x", _ALPHA_FLAG) + b"".join(
            (side - 1).to_bytes(3, "little") for side in size
        )
        kept = [(b"VP8X", extended), (b"ALPH", chunks[b"ALPH"]), *kept]
    orientation = UPRIGHT
    if canvas and b"EXIF" in chunks:
        exif = data[chunks[b"EXIF"]]
        # RFC 9649 wants the bare TIFF block, but encoders copy JPEG's prefix along.
        prefixed = bytes(exif[: len(_EXIF_PREFIX)]) == _EXIF_PREFIX
        orientation = read_orientation(exif[len(_EXIF_PREFIX) :] if prefixed else exif)
    return PictureHeader(
        format=PictureFormat.WEBP,
        width=size[0],
        height=size[1],
        orientation=orientation,
        alpha=alpha,
        pieces=_container(kept),
    )


def _read_chunks(data: memoryview) -> dict[bytes, slice]:
    """Find each chunk's payload; of a kind that comes twice the first counts, but for images."""
    (size,) = struct.unpack_from("<I", data, 4)
    end = 8 + size
    if end > len(data):
        raise malformed(f"got {len(data)} bytes, expected {end} by the file's own header")
    chunks: dict[bytes, slice] = {}
    for count, (kind, payload) in enumerate(_walk(data, 12, end)):
        check_parts(count)
        if kind in {b"ANIM", b"ANMF"}:
            raise unsupported("got an animated picture, expected one frame")
        if count == 0 and kind not in {b"VP8X", *_IMAGES}:
            raise malformed("got a first chunk that is not an image's")
        if kind in _IMAGES and kind in chunks:
            raise malformed("got image data twice")
        chunks.setdefault(kind, payload)
    return chunks


def _walk(data: memoryview, position: int, end: int) -> Iterator[tuple[bytes, slice]]:
    while position < end:
        if position + 8 > end:
            raise malformed("got the end of the file, expected a chunk")
        kind = bytes(data[position : position + 4])
        (length,) = struct.unpack_from("<I", data, position + 4)
        payload = slice(position + 8, position + 8 + length)
        if payload.stop > end:
            raise malformed("got a chunk that is longer than the file")
        yield kind, payload
        position = payload.stop + length % 2


def _read_extended(payload: memoryview) -> tuple[tuple[int, int], int]:
    """Read VP8X: the canvas's size and the flags (RFC 9649, 2.7)."""
    if len(payload) != 10:
        raise malformed(f"got {len(payload)} bytes in VP8X, expected 10")
    width = 1 + int.from_bytes(payload[4:7], "little")
    height = 1 + int.from_bytes(payload[7:10], "little")
    check_sides(width, height)
    return (width, height), payload[0]


def _read_lossy(payload: memoryview) -> tuple[tuple[int, int], bool]:
    """Read VP8's key frame header: the frame's size; lossy data carries no alpha itself."""
    if bytes(payload[3:6]) != _VP8_START_CODE:
        raise malformed("got no VP8 key frame")
    tag = int.from_bytes(payload[:3], "little")
    inter_frame, shown, first_partition = tag & 1, tag >> 4 & 1, tag >> 5
    if inter_frame or not shown or 10 + first_partition > len(payload):
        raise malformed("got a VP8 frame that is cut, not shown or not a key frame")
    width, height = struct.unpack_from("<HH", payload, 6)
    return (width & 0x3FFF, height & 0x3FFF), False


def _read_lossless(payload: memoryview) -> tuple[tuple[int, int], bool]:
    """Read VP8L's header: the frame's size, and whether alpha is used (RFC 9649, 3.4)."""
    if len(payload) < 5 or payload[0] != _VP8L_SIGNATURE:
        raise malformed("got no VP8L frame")
    (bits,) = struct.unpack_from("<I", payload, 1)
    if bits >> 29:
        raise malformed(f"got VP8L version {bits >> 29}, expected 0")
    return (1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)), bool(bits >> 28 & 1)


def _container(chunks: list[tuple[bytes, Piece]]) -> tuple[Piece, ...]:
    """Put chunks into a RIFF container of their own."""
    pieces: list[Piece] = []
    total = len(FORM)
    for kind, payload in chunks:
        size = payload.stop - payload.start if isinstance(payload, slice) else len(payload)
        pieces += [kind + struct.pack("<I", size), payload, b"\0" * (size % 2)]
        total += 8 + size + size % 2
    return (MAGIC + struct.pack("<I", total) + FORM, *pieces)
