"""Pictures that cost a decoder as much as their bounds allow, made by hand; for the benchmarks."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
PAETH: Final = 4
SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7: Final = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def exif(orientation: int) -> bytes:
    """A TIFF block that holds nothing but the orientation."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int,
    height: int,
    *,
    depth: int,
    colour: int,
    interlaced: bool = False,
    orientation: int = 1,
    noise_every: int = 7,
    transparency: bytes = b"",
) -> bytes:
    """Rows of zeros with noise in every so many bytes, filtered as is slowest to undo."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    rng = np.random.default_rng(width)
    deflater = zlib.compressobj(1)
    stream = []
    for left, top, across, down in ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        band = np.zeros((64, 1 + -(-columns * depth * SAMPLES[colour] // 8)), np.uint8)
        band[:, 1::noise_every] = rng.integers(0, 256, band[:, 1::noise_every].shape)
        band[:, 0] = PAETH
        bands = (band[: rows - first].tobytes() for first in range(0, rows, 64))
        stream += [deflater.compress(rows_of_band) for rows_of_band in bands]
    chunks = [chunk(b"IHDR", header)]
    if colour == 3:
        chunks.append(chunk(b"PLTE", rng.integers(0, 256, 3 << depth, np.uint8).tobytes()))
    if transparency:
        chunks.append(chunk(b"tRNS", transparency))
    chunks += [
        chunk(b"eXIf", exif(orientation)),
        chunk(b"IDAT", b"".join(stream) + deflater.flush()),
    ]
    return PNG_MAGIC + b"".join(chunks) + chunk(b"IEND")


def many_scans(width: int, height: int, scans: int, dc_scans: int = 1) -> bytes:
    """A progressive JPEG of three components, not subsampled, whose scans hold next to nothing.

    Every bit of every coefficient comes once, as the guard wants it (ITU-T T.81, G.1.1.1): the
    means in the first scans, the others by component, from the highest bit down.
    """
    blocks = -(-width // 8) * -(-height // 8)
    parts = [
        _segment(0xDB, b"\0" + b"\1" * 64),
        _segment(0xC2, struct.pack(">BHHB", 8, height, width, 3) + b"\1\x11\0\2\x11\0\3\x11\0"),
        _segment(0xC4, b"\0" + _lengths(1) + b"\0"),
        _segment(0xC4, b"\x10" + _lengths(1, 1) + b"\xe0\0"),
    ]
    for high, low in _bits(dc_scans):
        parts.append(_segment(0xDA, bytes([3, 1, 0, 2, 0, 3, 0, 0, 0, high << 4 | low])))
        parts.append(_packed("0" * 3 * blocks))
    nothing = _packed(_end_of_blocks(blocks))
    left = scans - dc_scans
    for component in range(3):
        for high, low in _bits(left // 3 + (component < left % 3)):
            band = bytes([1, component + 1, 0, 1, 63, high << 4 | low])
            parts += [_segment(0xDA, band), nothing]
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xd9"


def _segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", 2 + len(payload)) + payload


def _lengths(*counts: int) -> bytes:
    """How many Huffman codes there are of 1, 2 … 16 bits."""
    return bytes(counts) + bytes(16 - len(counts))


def _bits(scans: int) -> Iterator[tuple[int, int]]:
    """Bit positions before and after each of some scans; the first brings all the higher bits."""
    for low in range(scans - 1, -1, -1):
        yield (0 if low == scans - 1 else low + 1), low


def _end_of_blocks(blocks: int) -> str:
    """Codes by which that many blocks end at once (T.81, G.1.2.2): 0 for a run, 10 for one."""
    runs, rest = divmod(blocks, (1 << 15) - 1)
    return ("0" + "1" * 14) * runs + "10" * rest


def _packed(bits: str) -> bytes:
    """Entropy-coded bits, filled up with ones; a zero byte follows each 0xFF (T.81, F.1.2.3)."""
    filled = bits + "1" * (-len(bits) % 8)
    return int(filled, 2).to_bytes(len(filled) // 8, "big").replace(b"\xff", b"\xff\0")


def noisy(width: int, height: int, channels: int, noise: int) -> NDArray[np.uint8]:
    """Soft colours with noise of some strength."""
    rng = np.random.default_rng(channels)
    soft = np.linspace(0, 200, width, dtype=np.uint8)[None, :, None]
    grain = rng.integers(0, noise + 1, (height, width, channels), np.uint8)
    return soft + grain
