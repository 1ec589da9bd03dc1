"""Every form of a picture that an assessment passes through, so that it can be searched for."""

from __future__ import annotations

import base64
import re
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from ageassure.audit.retention.pictures import Encoding
from ageassure.errors import EvidenceError
from ageassure.estimators.facial.pipeline import LONG_SIDE_PIXELS, FacialPipeline
from ageassure.imaging import Frame, decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ageassure.audit.retention.pictures import Picture

_FORM_BYTES: Final = 256 * 1024
_BLOCK: Final = 1024
_BASE64_START: Final = 2048
"""Header and tables, encoded; they are alike in all files."""

_FLOAT_ROWS: Final = 6
_CHANNEL_MEAN: Final = np.array([0.485, 0.456, 0.406], np.float32)
_CHANNEL_SD: Final = np.array([0.229, 0.224, 0.225], np.float32)
"""Of ImageNet, with which many networks are fed."""


class _RecordingFrame(Frame):
    """Lets what the pipeline makes be read before it is wiped."""

    def contents(self) -> list[NDArray[Any]]:
        return [array.copy() for array in self._owned or ()]


def picture_forms(picture: Picture, pipeline: FacialPipeline) -> dict[str, bytes]:
    """Name → bytes of the picture in that form.

    Long forms are thinned out: blocks of 1 KiB at even distances, 256 KiB together. What is kept of
    a whole buffer, or of a few rows, is found by them.

    * the file: without headers and Huffman tables; in base64; PNG's rows before they are unfiltered
    * the pixels, at full size and at the decoder's reduced one: RGB, BGR, with alpha, by channels,
      grey; as float32 of 0 … 255, 0 … 1, −1 … 1 and with ImageNet's mean and deviation
    * everything that the shipped facial pipeline makes of them: reduced pictures, crops, the chip,
      the networks' inputs
    """
    forms = {"file": _payload(picture), "file in base64": _base64(picture.file)}
    if picture.encoding is Encoding.PNG:
        forms["filtered rows"] = zlib.decompress(_image_data(picture.file))
    full = _decoded(picture.file, cv2.IMREAD_COLOR_RGB)
    grey = _decoded(picture.file, cv2.IMREAD_GRAYSCALE)
    forms |= {"luma": grey.tobytes()} | _pixel_forms("full", full)
    with decode(picture.file, long_side_pixels=LONG_SIDE_PIXELS) as frame:
        if frame.pixels.shape != full.shape:
            forms |= _pixel_forms("reduced", frame.pixels)
        recording = _RecordingFrame(frame.pixels.copy())
    with recording:
        with suppress(EvidenceError):
            pipeline.raw(recording)
        for number, array in enumerate(recording.contents()):
            forms[f"step {number}: {array.dtype} {array.shape}"] = array.tobytes()
    return {name: _thinned(form) for name, form in forms.items()}


def _payload(picture: Picture) -> bytes:
    if picture.encoding is Encoding.PNG:
        return _image_data(picture.file)
    if picture.encoding is Encoding.WEBP:
        return picture.file[64:]
    # In scans 0xFF is followed by 0x00: a marker of a table is nothing else (T.81, B.1.1.5).
    first_scan = picture.file.index(b"\xff\xda")
    parts = re.split(rb"\xff\xc4", picture.file[first_scan:])
    return parts[0] + b"".join(part[int.from_bytes(part[:2], "big") :] for part in parts[1:])


def _image_data(file: bytes) -> bytes:
    """PNG's IDAT chunks, joined (PNG, third edition, 11.2.3)."""
    position, data = 8, b""
    while position < len(file):
        size = int.from_bytes(file[position : position + 4], "big")
        if file[position + 4 : position + 8] == b"IDAT":
            data += file[position + 8 : position + 8 + size]
        position += 12 + size
    return data


def _base64(file: bytes) -> bytes:
    return base64.b64encode(file)[_BASE64_START:]


def _decoded(file: bytes, flags: int) -> NDArray[Any]:
    pixels: Any = cv2.imdecode(np.frombuffer(file, np.uint8), flags)
    return np.asarray(pixels)


def _pixel_forms(size: str, rgb: NDArray[np.uint8]) -> dict[str, bytes]:
    alpha = np.full_like(rgb[..., :1], 255)
    forms: dict[str, NDArray[Any]] = {
        "rgb": rgb,
        "bgr": rgb[..., ::-1],
        "rgba": np.concatenate([rgb, alpha], axis=2),
        "bgra": np.concatenate([rgb[..., ::-1], alpha], axis=2),
        "channels": rgb.transpose(2, 0, 1),
        "grey": cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY),
    }
    some = rgb[:: -(-len(rgb) // _FLOAT_ROWS)].astype(np.float32)
    ranges = {
        "0…255": some,
        "0…1": some / np.float32(255),
        "-1…1": some / np.float32(127.5) - np.float32(1),
        "imagenet": (some / np.float32(255) - _CHANNEL_MEAN) / _CHANNEL_SD,
    }
    for name, values in ranges.items():
        forms[f"float {name} rgb"] = values
        forms[f"float {name} bgr"] = values[..., ::-1]
        forms[f"float {name} channels"] = values.transpose(2, 0, 1)
    return {f"{size} {name}": np.ascontiguousarray(form).tobytes() for name, form in forms.items()}


def _thinned(form: bytes) -> bytes:
    if len(form) <= _FORM_BYTES:
        return form
    starts = np.linspace(0, len(form) - _BLOCK, _FORM_BYTES // _BLOCK).astype(int)
    return b"".join(form[start : start + _BLOCK] for start in starts)
