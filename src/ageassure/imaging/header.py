"""What a picture's file says of itself, and the bounds it must keep before anything is decoded.

Sources of the bounds: own measurements on OpenCV 5.0. A 122 KB progressive JPEG with 3,000 empty
scans costs 21 s of processor time; a 30 KB file that says 20000 × 20000 costs 2.3 GB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from ageassure.errors import PictureError

MAX_FILE_BYTES: Final = 10_000_000
"""Several times what a phone's camera writes for 12 megapixels as JPEG."""

MIN_SIDE_PIXELS: Final = 64
"""Below this no face is large enough to be judged."""

MAX_SIDE_PIXELS: Final = 8192
MAX_PIXELS: Final = 24_000_000
"""72 MB once decoded, 96 MB with an alpha channel."""

MAX_DECODED_BYTES: Final = 4 * MAX_PIXELS
"""What a decoder may make before it is 8-bit RGB. With an alpha channel it keeps 16 bits a sample:
8 bytes a pixel, so 12 megapixels. Cameras, scanners and browsers write none that is larger."""

MAX_ASPECT: Final = 20
"""Longer side over shorter side; scaling such a strip to a network's input leaves no face."""

MAX_SCANS: Final = 24
"""JPEG scans, each of which costs a pass over the picture. libjpeg's progressive files have 10; an
encoder that tries out how to split them (mozjpeg) has 16 at most."""

MAX_PARTS: Final = 16_384
"""JPEG segments, and PNG and WebP chunks; 10 MB of PNG in libpng's 8,192-byte chunks are 1,221."""

Piece = slice | bytes


def malformed(message: str) -> PictureError:
    """Make the error for a broken file."""
    return PictureError(message, code="picture_malformed")


def unsupported(message: str) -> PictureError:
    """Make the error for a file that may be sound but is not taken."""
    return PictureError(message, code="picture_unsupported")


def too_large(message: str) -> PictureError:
    """Make the error for a file that asks for more memory or work than is given."""
    return PictureError(message, code="picture_too_large")


class PictureFormat(Enum):
    """The formats that are decoded; everything else is refused."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureHeader:
    """What was read from a file without decoding it.

    Attributes:
        format: Decided by the magic number alone.
        width: Pixels, as stored (before the orientation is applied).
        height: Pixels, as stored.
        orientation: EXIF orientation 1 … 8; 1 where the file gives none, or a broken one.
        alpha: Whether the pixels carry transparency.
        pieces: What the decoder needs, in order: ranges of the file, or constant bytes. Metadata,
            thumbnails, colour profiles and whatever follows the picture are not among them.
    """

    format: PictureFormat
    width: int
    height: int
    orientation: int = 1
    alpha: bool = False
    pieces: tuple[Piece, ...] = field(repr=False)

    def decoder_file(self, data: memoryview) -> bytearray:
        """Copy the pieces out of the file: what the decoder is given instead of it."""
        sizes = [_size(piece) for piece in self.pieces]
        copy = bytearray(sum(sizes))
        # Through a view, since a bytearray's own slices are filled by way of another copy.
        target = memoryview(copy)
        position = 0
        for piece, size in zip(self.pieces, sizes, strict=True):
            target[position : position + size] = data[piece] if isinstance(piece, slice) else piece
            position += size
        return copy


def _size(piece: Piece) -> int:
    return piece.stop - piece.start if isinstance(piece, slice) else len(piece)


def check_sides(width: int, height: int) -> None:
    """Refuse a size outside the bounds; called as soon as a size is known.

    Raises:
        PictureError: ``picture_malformed`` for an empty picture, ``picture_too_large``, or
            ``picture_unsupported`` for one that is too small or too narrow.
    """
    short, long = sorted((width, height))
    if short < 1:
        raise malformed(f"got a picture of {width} × {height} pixels, expected at least one")
    if long > MAX_SIDE_PIXELS or width * height > MAX_PIXELS:
        raise too_large(
            f"got a picture of {width} × {height} pixels, expected at most {MAX_SIDE_PIXELS} "
            f"a side and {MAX_PIXELS} in all"
        )
    if short < MIN_SIDE_PIXELS:
        raise unsupported(
            f"got a picture of {width} × {height} pixels, "
            f"expected at least {MIN_SIDE_PIXELS} a side"
        )
    if long > MAX_ASPECT * short:
        raise unsupported(
            f"got a picture of {width} × {height} pixels, expected sides within 1 : {MAX_ASPECT}"
        )


def check_decoded(decoded_bytes: int) -> None:
    """Refuse a picture for which the decoder would need more memory than any other.

    Raises:
        PictureError: ``picture_too_large``.
    """
    if decoded_bytes > MAX_DECODED_BYTES:
        raise too_large(
            f"got a picture of {decoded_bytes} bytes once decoded, "
            f"expected at most {MAX_DECODED_BYTES}"
        )


def check_parts(count: int) -> None:
    """Refuse a file of more segments or chunks than any encoder writes.

    Raises:
        PictureError: ``picture_too_large``.
    """
    if count > MAX_PARTS:
        raise too_large(f"got a file of more than {MAX_PARTS} parts")


def append_range(pieces: list[Piece], start: int, stop: int) -> None:
    """Add a range of the file to ``pieces``, joined to the last one where they touch."""
    last = pieces[-1] if pieces else None
    if isinstance(last, slice) and last.stop == start:
        pieces[-1] = slice(last.start, stop)
    else:
        pieces.append(slice(start, stop))
