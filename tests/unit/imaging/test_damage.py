"""Damaged files are decoded or refused; nothing is ever written to standard error."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data as pictures

from ageassure.errors import PictureError
from ageassure.imaging import decode, decoding

Pixels = NDArray[Any]

ASTRONAUT: Pixels = pictures.astronaut()[  # type: ignore[no-untyped-call]
    :301, :403
]
SMALL = ASTRONAUT[:64, :64] // 32 * 32
ALPHA = np.dstack([SMALL, SMALL[..., 0]])
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def encode(pixels: Pixels, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def in_palette() -> bytes:
    out = io.BytesIO()
    Image.fromarray(SMALL).quantize(16).save(out, "PNG")
    return out.getvalue()


def wide(pixels: Pixels) -> bytes:
    given = pixels.astype(np.uint16) * 257
    return cv2.imencode(".png", given, [cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes()


FILES = {
    "PNG": encode(SMALL, "PNG"),
    "PNG, stored": encode(SMALL, "PNG", compress_level=0),
    "PNG with alpha": encode(ALPHA, "PNG"),
    "PNG with a palette": in_palette(),
    "PNG of 16 bits, stored": wide(ALPHA),
    "WebP": encode(SMALL, "WEBP"),
    "WebP, lossless": encode(SMALL, "WEBP", lossless=True),
    "WebP with alpha": encode(ALPHA, "WEBP"),
    "JPEG": encode(SMALL, "JPEG"),
    "JPEG, progressive": encode(SMALL, "JPEG", progressive=True),
}
REACHED = {
    "PNG": 0.1,
    "PNG, stored": 0.9,
    "PNG with alpha": 0.1,
    "PNG with a palette": 0.1,
    "PNG of 16 bits, stored": 0.9,
    "WebP": 0.9,
    "WebP, lossless": 0.9,
    "WebP with alpha": 0.9,
    "JPEG": 0.5,
    "JPEG, progressive": 0.5,
}
"""Least share of the damaged files that a decoder is given."""


def mend(data: bytes) -> bytes:
    """Make a PNG's checksums right again, so that damage is not refused because of them alone."""
    kinds: list[tuple[bytes, bytes]] = []
    position = len(PNG_MAGIC)
    while position + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, position)
        kinds.append((data[position + 4 : position + 8], data[position + 8 : position + 8 + size]))
        position += 12 + size
    if len(kinds) < 3:
        return data
    stream = b"".join(body for kind, body in kinds if kind == b"IDAT")
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        rows = inflater.decompress(stream[2:])
    except zlib.error:
        rows = b""
    if inflater.eof:
        stream = stream[: len(stream) - len(inflater.unused_data)]
        stream += struct.pack(">I", zlib.adler32(rows))
    chunks = [kinds[0], *[part for part in kinds[1:-1] if part[0] != b"IDAT"]]
    chunks += [(b"IDAT", stream), kinds[-1]]
    return PNG_MAGIC + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the decoders that are asked, once for every file."""
    asked: list[str] = []

    def spy(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            asked.append(name)
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, call)

    spy(cv2, "imdecode")
    spy(decoding, "decode_jpeg")
    return asked


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_byte_anywhere_is_silent(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    data = FILES[name]
    asked = counted(monkeypatch)
    places = range(len(data)) if len(data) < 6000 else range(0, len(data), 7)
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= 0x11
        try:
            decode(mend(bytes(damaged)) if name.startswith("PNG") else damaged).wipe()
        except PictureError:
            continue
    assert capfd.readouterr() == ("", "")
    assert len(asked) >= REACHED[name] * len(places)


def test_broken_tables_are_malformed_and_silent(capfd: Any) -> None:
    data = encode(ASTRONAUT, "JPEG")
    too_many_codes = bytearray(data)
    too_many_codes[data.index(b"\xff\xc4") + 5] = 0xFF  # 255 codes of one bit
    no_quantisation = data.replace(b"\xff\xdb", b"\xff\xfe")  # all turned into comments
    for broken in (bytes(too_many_codes), no_quantisation):
        with pytest.raises(PictureError) as caught:
            decode(broken)
        assert caught.value.code == "picture_malformed"
    assert capfd.readouterr() == ("", "")


def test_damaged_jpeg_data_is_refused(capfd: Any) -> None:
    data = encode(ASTRONAUT, "JPEG", quality=95)
    start = data.index(b"\xff\xda") + 100
    refused = 0
    places = range(start, len(data) - 2, 97)
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= 0x5A
        try:
            decode(damaged).wipe()
        except PictureError as error:
            refused += error.code == "picture_malformed"
    assert refused > len(places) / 4
    assert capfd.readouterr() == ("", "")
