"""Every form of a picture that an assessment passes through, so that it can be searched for."""

from __future__ import annotations

import base64
import re
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from ageassure.audit.retention.layouts import pixel_samples
from ageassure.audit.retention.pictures import VARIANTS, Encoding
from ageassure.audit.retention.sampling import FORM_BYTES, SampledShare, coverage, sample
from ageassure.errors import EvidenceError
from ageassure.estimators.facial.pipeline import LONG_SIDE_PIXELS, FacialPipeline
from ageassure.imaging import Frame, decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ageassure.audit.retention.pictures import Picture

_PNG: Final = b"\x89PNG"
_BASE64_START: Final = 2048
"""Header and tables, encoded; they are alike in all files."""


class _RecordingFrame(Frame):
    """Lets what the pipeline makes be read before it is wiped."""

    def contents(self) -> list[NDArray[Any]]:
        return [array.copy() for array in self._owned or ()]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Forms:
    """What a picture is looked for by.

    Attributes:
        texts: Name of a form → parts of it.
        coverage: How much of the forms they are.
    """

    texts: dict[str, bytes]
    coverage: SampledShare


def picture_forms(picture: Picture, pipeline: FacialPipeline) -> Forms:
    """The picture in every form.

    * the file: without headers and Huffman tables; in base64; as Python shows bytes, in a log for
      one; PNG's rows before they are unfiltered
    * the pixels: as they are stored; at full size; as the library's decoder gives them, reduced or
      blended. RGB, BGR, with alpha, by channels, grey; as float32 of 0 … 255, 0 … 1, −1 … 1 and
      with ImageNet's mean and deviation
    * everything that the shipped facial pipeline makes of them: reduced pictures, crops, the chip,
      the networks' inputs

    Long forms are looked for by blocks, 256 KiB of each, see
    :mod:`~ageassure.audit.retention.sampling`.
    """
    forms = {"file": _payload(picture), "file in base64": _base64(picture.file)}
    forms["file as Python shows it"] = repr(forms["file"])[2:-1].encode()
    if picture.file.startswith(_PNG):
        forms["filtered rows"] = zlib.decompress(forms["file"])
    stored = _decoded(picture.file, cv2.IMREAD_UNCHANGED)
    full = _decoded(picture.file, cv2.IMREAD_COLOR_RGB)
    forms["luma"] = _decoded(picture.file, cv2.IMREAD_GRAYSCALE).tobytes()
    samples = pixel_samples("full", full, FORM_BYTES)
    if picture.encoding in VARIANTS:
        forms["stored bgr"] = stored.tobytes()
        forms["stored rgb"] = stored[..., [2, 1, 0, 3][: stored.shape[2]]].tobytes()
    with decode(picture.file, long_side_pixels=LONG_SIDE_PIXELS) as frame:
        if not np.array_equal(frame.pixels, full):
            samples |= pixel_samples("decoded", frame.pixels, FORM_BYTES)
        recording = _RecordingFrame(frame.pixels.copy())
    with recording:
        with suppress(EvidenceError):
            pipeline.raw(recording)
        for number, array in enumerate(recording.contents()):
            forms[f"step {number}: {array.dtype} {array.shape}"] = array.tobytes()
    samples |= {name: sample(form, FORM_BYTES) for name, form in forms.items()}
    texts = {name: one.parts for name, one in samples.items()}
    return Forms(texts=texts, coverage=coverage(samples.values()))


def _payload(picture: Picture) -> bytes:
    if picture.file.startswith(_PNG):
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
