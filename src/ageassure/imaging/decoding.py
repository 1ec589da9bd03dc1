"""From a picture's file, or an array, to a :class:`Frame`; the one owner of OpenCV's decoders.

JPEG is left to :mod:`.turbo`.

OpenCV is set to work in the thread that calls it, for the whole process: its own threads would see
pixels on stacks that nobody wipes, and take more CPU time to wake than they save here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ageassure.deadline import checkpoint
from ageassure.errors import MissingExtraError, PictureError, UnfinishedError
from ageassure.imaging.formats import read_header
from ageassure.imaging.header import PictureFormat, check_sides, malformed, too_large, unsupported
from ageassure.wiping import wipe_stack

_missing: str | None = None
try:
    import numpy as np

    from ageassure.imaging.frame import Frame
    from ageassure.imaging.turbo import decode_jpeg

    import cv2  # isort: skip - where numpy is missing it prints, so it comes last
except ImportError as error:
    _missing = error.name or "cv2"
if _missing:
    raise MissingExtraError(
        f"got no module {_missing!r}, expected it: pip install 'ageassure[face]'"
    )

cv2.setNumThreads(1)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ageassure.imaging.header import PictureHeader

DEFAULT_LONG_SIDE_PIXELS: Final = 640
"""A face that takes a fifth of a picture's longer side keeps some 130 pixels."""

BACKGROUND: Final = 128
"""What shows through transparency: a grey that is neither dark nor burnt out."""

_UPRIGHT: Final[dict[int, tuple[bool, int | None]]] = {
    1: (False, None),
    2: (False, 1),
    3: (False, -1),
    4: (False, 0),
    5: (True, None),
    6: (True, 1),
    7: (True, -1),
    8: (True, 0),
}
"""EXIF orientation (2.32, 4.6.4 A) → whether to transpose first, and ``cv2.flip``'s code."""

_BAND_ROWS: Final = 64

_NO_MEMORY: Final = -4
"""``cv::Error::StsNoMem``."""


def decode(
    evidence: bytes | bytearray | memoryview | NDArray[np.uint8],
    *,
    long_side_pixels: int = DEFAULT_LONG_SIDE_PIXELS,
) -> Frame:
    """Check a picture, decode it in memory and hand its pixels to a frame.

    A file's header and structure are checked before the decoder sees anything, and it sees only
    what the pixels need: no metadata, profile, thumbnail or trailing data. Grey, palette and 16-bit
    samples become 8-bit RGB, transparency shows :data:`BACKGROUND`, and the EXIF orientation is
    applied, once. JPEG is decoded at 1/2, 1/4 or 1/8 of its size where that keeps
    ``long_side_pixels``.

    Whatever happens, a writable file (``bytearray``, ``memoryview`` of one) is filled with zeros
    before this returns; ``bytes`` cannot be, and live as long as the caller keeps them. An array is
    copied and left as it is: it is the caller's own frame, wiped by the caller.

    Damaged data of a JPEG is refused where libjpeg notices it, of a PNG by its checksums, of a WebP
    where nothing can be decoded. Not checked: that what decodes is what was taken; a flipped bit
    may well be decoded to a broken picture. Colour profiles are not applied, and an orientation in
    XMP is not read.

    Args:
        evidence: A JPEG, PNG or WebP file, or RGB pixels, uint8 [height, width, 3].
        long_side_pixels: What the longer side must keep, at least, when a file is decoded at a
            reduced scale; smaller pictures are never enlarged.

    Returns:
        The frame; wipe it after use.

    Raises:
        PictureError: ``picture_malformed``, ``picture_unsupported`` or ``picture_too_large``. The
            error, its context and its traceback keep nothing of the picture.
        UnfinishedError: If the work under way is to stop; asked while a PNG's image data is
            checked, before and after decoding, and while transparency is laid over the background.
            Of the picture it keeps nothing either.
        ValueError: If ``long_side_pixels`` is less than 1.
    """
    encoded = _open(evidence)
    refusal: PictureError | UnfinishedError
    try:
        checkpoint()
        if long_side_pixels < 1:
            raise ValueError(f"got long_side_pixels {long_side_pixels}, expected at least 1")
        if isinstance(evidence, np.ndarray):
            return _copy_array(evidence)
        if encoded is None:
            raise unsupported(
                f"got a {type(evidence).__name__}, expected a file's contiguous bytes or an array"
            )
        return _decode_file(encoded, long_side_pixels)
    except PictureError as error:
        refusal = PictureError(str(error), code=error.code)
    except UnfinishedError as error:
        refusal = error.with_traceback(None)
    except cv2.error as error:
        refusal = without_memory() if is_out_of_memory(error) else _undecodable()
    except MemoryError:
        refusal = without_memory()
    finally:
        if encoded is not None and not encoded.readonly:
            _wipe(encoded)
        del evidence, encoded
    # Raised outside the except block: an error's context would keep the data alive.
    raise refusal


def is_out_of_memory(error: cv2.error) -> bool:
    """Whether OpenCV says that it got no memory, rather than that the picture is at fault."""
    return getattr(error, "code", None) == _NO_MEMORY


def without_memory() -> PictureError:
    """Make the error for a picture that this process has no memory for."""
    return too_large("got a picture for which there is not enough memory")


def _undecodable() -> PictureError:
    return malformed("got a picture that cannot be decoded")


def _open(evidence: object) -> memoryview | None:
    if not isinstance(evidence, bytes | bytearray | memoryview):
        return None
    try:
        return memoryview(evidence).cast("B")
    except (TypeError, ValueError):  # a view with gaps, of odd items, or released
        return None


def _wipe(buffer: bytearray | memoryview) -> None:
    np.frombuffer(buffer, np.uint8).fill(0)


def _copy_array(array: NDArray[Any]) -> Frame:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise unsupported(
            f"got an array of {array.dtype.str} {array.shape}, expected uint8 [height, width, 3]"
        )
    height, width, _ = array.shape
    check_sides(width, height)
    return Frame(np.array(array, order="C"))


def _decode_file(encoded: memoryview, long_side_pixels: int) -> Frame:
    header = read_header(encoded)
    scale = _scale(header, long_side_pixels)
    size = -(-header.height // scale), -(-header.width // scale)
    made: list[NDArray[Any]] = []  # one out of the other
    frame: Frame | None = None
    try:
        pixels = _decoded(header, header.decoder_file(encoded), size)
        if pixels is None:
            raise _undecodable()
        made.append(pixels)
        checkpoint()
        if pixels.shape != (*size, 4 if header.alpha else 3):
            raise malformed("got other pixels than the picture's header says")
        del pixels
        if header.alpha:
            made.append(np.empty((*size, 3), np.uint8))
            _flatten(made[0], made[1])
            _wipe_first(made)
        transposed, flip = _UPRIGHT[header.orientation]
        if transposed:
            made.append(cv2.transpose(made[0]))
            _wipe_first(made)
        if flip is not None:
            made.append(cv2.flip(made[0], flip))
            _wipe_first(made)
        frame = Frame(made.pop())
        return frame
    finally:
        for array in made:
            array.fill(0)
        if frame is None:  # refused or stopped, and the decoder may have run
            wipe_stack()


def _wipe_first(made: list[NDArray[Any]]) -> None:
    """Wipe what is not needed any more at once, so that no more than two are held."""
    made.pop(0).fill(0)


def _decoded(header: PictureHeader, file: bytearray, size: tuple[int, int]) -> NDArray[Any] | None:
    """Decode and wipe the file; the orientation is left alone, None stands for a failure."""
    try:
        if header.format is PictureFormat.JPEG:
            return decode_jpeg(file, height=size[0], width=size[1])
        flags = cv2.IMREAD_UNCHANGED if header.alpha else cv2.IMREAD_COLOR_RGB
        return cv2.imdecode(np.frombuffer(file, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    finally:
        _wipe(file)


def _scale(header: PictureHeader, long_side_pixels: int) -> int:
    """Choose by how much to reduce; only libjpeg gains by it."""
    if header.format is not PictureFormat.JPEG:
        return 1
    long_side = max(header.width, header.height)
    return next(
        scale for scale in (8, 4, 2, 1) if scale == 1 or long_side >= scale * long_side_pixels
    )


def _flatten(pixels: NDArray[Any], flat: NDArray[np.uint8]) -> None:
    """Lay BGRA pixels of 8 or 16 bits over the background, into an RGB array.

    Dropping the alpha channel instead would show colours that no viewer of the picture sees.
    """
    if pixels.dtype == np.uint16:
        np.right_shift(pixels, 8, out=pixels)
    work = np.empty((_BAND_ROWS, flat.shape[1], 3), np.uint16)
    try:
        for top in range(0, len(flat), _BAND_ROWS):
            checkpoint()
            band = pixels[top : top + _BAND_ROWS]
            alpha = band[..., 3:].astype(np.uint16)
            mixed = work[: len(band)]
            np.multiply(band[..., 2::-1], alpha, out=mixed)
            mixed += (255 - alpha) * BACKGROUND + 127  # 127: // below rounds
            mixed //= 255
            flat[top : top + _BAND_ROWS] = mixed
    finally:
        work.fill(0)
