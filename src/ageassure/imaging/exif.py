"""The orientation out of an EXIF block; nothing else of it is read."""

from __future__ import annotations

import struct
from typing import Final

UPRIGHT: Final = 1

_ORIENTATION_TAG: Final = 0x0112
_SHORT: Final = 3
_ENTRY_BYTES: Final = 12
_MAX_ENTRIES: Final = 512
"""Cameras write some ten to forty entries into the first directory."""


def read_orientation(tiff: memoryview) -> int:
    """Read the orientation from the first directory (EXIF 2.32, 4.6.2 and 4.6.4 A; TIFF 6.0).

    Other directories are not followed, so nothing can loop. Metadata that is broken or says
    nothing sensible does not spoil the picture: it counts as upright, as in common viewers.

    Args:
        tiff: The block from its byte-order mark on.

    Returns:
        1 … 8.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(tiff[:4]))
    if order is None or len(tiff) < 8:
        return UPRIGHT
    (directory,) = struct.unpack_from(order + "I", tiff, 4)
    if directory + 2 > len(tiff):
        return UPRIGHT
    (count,) = struct.unpack_from(order + "H", tiff, directory)
    first = directory + 2
    held = (len(tiff) - first) // _ENTRY_BYTES
    for index in range(min(count, held, _MAX_ENTRIES)):
        tag, kind, values, value = struct.unpack_from(
            order + "HHIH", tiff, first + index * _ENTRY_BYTES
        )
        if tag == _ORIENTATION_TAG:
            sound = kind == _SHORT and values == 1 and 1 <= value <= 8
            return int(value) if sound else UPRIGHT
    return UPRIGHT
