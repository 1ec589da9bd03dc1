"""Tell the format by its magic number and read the header with the format's own parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ageassure.imaging import jpeg, png, webp
from ageassure.imaging.header import MAX_FILE_BYTES, malformed, too_large, unsupported

if TYPE_CHECKING:
    from ageassure.imaging.header import PictureHeader


def read_header(data: memoryview) -> PictureHeader:
    """Read a picture file's header and structure without decoding it, in bounded time.

    A name or a media type is never asked for: the first bytes decide.

    Args:
        data: The whole file, as a memoryview of bytes.

    Raises:
        PictureError: ``picture_malformed``, ``picture_unsupported`` or ``picture_too_large``.
    """
    if len(data) > MAX_FILE_BYTES:
        raise too_large(f"got {len(data)} bytes, expected at most {MAX_FILE_BYTES}")
    if len(data) == 0:
        raise malformed("got an empty file")
    start = bytes(data[:12])
    if start.startswith(jpeg.MAGIC):
        return jpeg.read_header(data)
    if start.startswith(png.MAGIC):
        return png.read_header(data)
    if start.startswith(webp.MAGIC) and start.endswith(webp.FORM):
        return webp.read_header(data)
    raise unsupported("got a format other than JPEG, PNG and WebP")
