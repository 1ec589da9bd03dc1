"""PNG's image data: inflated once, so that libpng meets no stream that it would complain of.

libpng inflates whatever a stream holds, however little the picture needs, and writes lines about
damage to the process's standard error (W3C PNG, third edition, clauses 7, 9.2 and 10; RFC 1950).
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ageassure.deadline import checkpoint
from ageassure.imaging.header import malformed
from ageassure.wiping import Wiping

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ONE_PASS: Final = ((0, 0, 1, 1),)
_ADAM7: Final = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""First column, first row, columns and rows to the next, by pass (clause 8.1)."""

_FILTERS: Final = bytes(range(5))
"""The types of filter method 0 (clause 9.2)."""

_PIECE_BYTES: Final = 4096
"""Of the stream, inflated at a time, or up to twice as many. From so many bytes any encoder makes
more than the 512 up to which an object is Python's own small one, which hardening does not
overwrite; 8 MB can come out of them at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What IHDR says of the picture.

    Attributes:
        width: Pixels.
        height: Pixels.
        depth: Bits a sample.
        colour: Colour type.
        samples: Samples a pixel.
        interlaced: Whether the rows come in Adam7's seven passes.
    """

    width: int
    height: int
    depth: int
    colour: int
    samples: int
    interlaced: bool

    def passes(self) -> Iterator[tuple[int, int]]:
        """Rows of each pass, and bytes of one with its filter byte; none is empty from 5 × 5 on."""
        for left, top, across, down in _ADAM7 if self.interlaced else _ONE_PASS:
            columns = -(-(self.width - left) // across)
            rows = -(-(self.height - top) // down)
            yield rows, 1 + -(-columns * self.depth * self.samples // 8)


def check_image_data(chunks: Sequence[memoryview], layout: Layout) -> None:
    """Inflate the stream that IDAT chunks hold, look at it, and keep nothing of it.

    Taken is one sound zlib stream of exactly the bytes that the layout needs, with known filter
    types and nothing behind it. No more than these bytes is inflated, 8 MB at a time at most.

    The joined stream is wiped. What zlib gives out is immutable: like its window it is overwritten
    when it is freed, by the hardened allocator.

    Raises:
        PictureError: ``picture_malformed``.
        UnfinishedError: If the work under way is to stop; asked between the pieces.
    """
    stream = bytearray(sum(map(len, chunks)))
    with Wiping(stream):
        view = memoryview(stream)
        position = 0
        for chunk in chunks:
            view[position : position + len(chunk)] = chunk
            position += len(chunk)
        _check_stream(view, layout)


def _check_stream(stream: memoryview, layout: Layout) -> None:
    passes = list(layout.passes())
    expected = sum(rows * row_bytes for rows, row_bytes in passes)
    inflater = zlib.decompressobj()
    position = 0
    pieces = max(1, len(stream) // _PIECE_BYTES)
    for number in range(pieces):
        checkpoint()
        piece = stream[len(stream) * number // pieces : len(stream) * (number + 1) // pieces]
        found: bytes | None = None
        with suppress(zlib.error):  # left first: a chained error would keep the data alive
            found = inflater.decompress(piece, expected - position + 1)
        if found is None:
            raise malformed("got damaged image data")
        if not _filters_known(found, position, passes):
            raise malformed("got an unknown filter type")
        position += len(found)
        del found
        ended_early = inflater.eof and number + 1 < pieces
        if position > expected or inflater.unused_data or ended_early:
            raise malformed("got more image data than the picture's size needs")
    if position < expected or not inflater.eof:
        raise malformed("got too little image data for the picture's size")


def _filters_known(found: bytes, position: int, passes: list[tuple[int, int]]) -> bool:
    """Look at the first byte of every row that begins in a part of the inflated stream."""
    start, stop = 0, position + len(found)
    for rows, row_bytes in passes:
        end = start + rows * row_bytes
        first = max(start, position + (start - position) % row_bytes)
        types = found[first - position : max(0, min(end, stop) - position) : row_bytes]
        if types.translate(None, _FILTERS):
            return False
        start = end
    return True
