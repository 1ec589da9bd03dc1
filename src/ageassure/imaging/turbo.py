"""The one owner of simplejpeg: libjpeg-turbo, which here says nothing and stops at damage.

OpenCV's own libjpeg gives the same pixels to the last bit, but goes on past damaged data, and
writes a line about it to the process's standard error.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ageassure.errors import MissingExtraError

_missing: str | None = None
try:
    import numpy as np
    import simplejpeg
except ImportError as error:
    _missing = error.name or "simplejpeg"
if _missing:
    raise MissingExtraError(
        f"got no module {_missing!r}, expected it: pip install 'ageassure[face]'"
    )

if TYPE_CHECKING:
    from numpy.typing import NDArray


def decode_jpeg(file: bytearray, *, height: int, width: int) -> NDArray[np.uint8] | None:
    """RGB pixels ``[height, width, 3]``, or None where the data is damaged.

    Args:
        file: A JPEG file whose structure was checked.
        height: Rows to decode to: the picture's own, or 1/2, 1/4 or 1/8 of it, rounded up.
        width: Columns likewise.
    """
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    shape: tuple[int, ...] = ()
    with suppress(ValueError):
        shape = simplejpeg.decode_jpeg(
            file,
            colorspace="RGB",
            fastdct=False,
            fastupsample=False,
            min_height=height,
            min_width=width,
            min_factor=1,
            buffer=pixels,
            strict=True,
        ).shape
    if shape == pixels.shape:
        return pixels
    pixels.fill(0)
    return None
