"""The one owner of zxing-cpp: a PDF417 symbol in a picture becomes its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ageassure.errors import DocumentError
from ageassure.extras import require_extra

require_extra("documents", "cv2", "numpy", "simplejpeg", "zxingcpp")

import zxingcpp  # noqa: E402

from ageassure.imaging import decode  # noqa: E402

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PDF417: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.PDF417])

LONG_SIDE_PIXELS: Final = 2600
"""A licence's symbol is some 100 modules wide per 25 mm; a card of 86 mm keeps 7 pixels each."""


def read_pdf417(picture: bytes | bytearray | memoryview | NDArray[np.uint8]) -> bytearray:
    """Read the one PDF417 symbol in a picture.

    The picture is decoded and wiped as :func:`ageassure.imaging.decode` says. The bytes that are
    returned are the caller's to wipe; copies inside zxing-cpp are freed, not wiped.

    Raises:
        PictureError: If the picture is refused.
        DocumentError: ``barcode_unreadable`` if it shows no readable symbol, or several.
    """
    with decode(picture, long_side_pixels=LONG_SIDE_PIXELS) as frame:
        height, width, _ = frame.pixels.shape
        view = zxingcpp.ImageView(frame.pixels, width, height, zxingcpp.ImageFormat.RGB)
        found = zxingcpp.read_barcodes(view, formats=_PDF417)
        del view
    if len(found) != 1:
        raise DocumentError(
            f"got {len(found)} readable PDF417 barcodes, expected one", code="barcode_unreadable"
        )
    return bytearray(found[0].bytes)
