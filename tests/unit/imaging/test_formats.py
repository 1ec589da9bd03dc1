"""The magic number decides, whatever a file is called."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ageassure.errors import PictureError
from ageassure.imaging.formats import read_header
from ageassure.imaging.header import MAX_FILE_BYTES, PictureFormat

GRADIENT = np.linspace(0, 255, 64 * 80 * 3).astype(np.uint8).reshape(64, 80, 3)

FOREIGN = {
    "gif": b"GIF89a" + bytes(40),
    "bmp": b"BM" + bytes(60),
    "tiff, little": b"II*\0" + bytes(60),
    "tiff, big": b"MM\0*" + bytes(60),
    "heic": b"\0\0\0\x18ftypheic" + bytes(60),
    "avif": b"\0\0\0\x1cftypavif" + bytes(60),
    "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(60),
    "jpeg 2000 stream": b"\xff\x4f\xff\x51" + bytes(60),
    "jpeg xl": b"\xff\x0a" + bytes(60),
    "exr": b"\x76\x2f\x31\x01" + bytes(60),
    "hdr": b"#?RADIANCE\n" + bytes(60),
    "pfm": b"PF\n64 64\n-1.0\n" + bytes(60),
    "ppm": b"P6\n64 64\n255\n" + bytes(64 * 64 * 3),
    "sun raster": b"\x59\xa6\x6a\x95" + bytes(60),
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "pdf": b"%PDF-1.7\n" + bytes(60),
    "wave": b"RIFF\x24\0\0\0WAVEfmt " + bytes(60),
    "not quite webp": b"RIFX\x24\0\0\0WEBPVP8L" + bytes(60),
    "mng": b"\x8aMNG\r\n\x1a\n" + bytes(60),
    "png without its first byte": b"PNG\r\n\x1a\n" + bytes(60),
    "start of a jpeg only": b"\xff\xd8",
    "text": b"hello",
    "zeros": bytes(100),
}


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        (".jpg", PictureFormat.JPEG),
        (".png", PictureFormat.PNG),
        (".webp", PictureFormat.WEBP),
    ],
)
def test_the_three_formats_are_told_apart(extension: str, expected: PictureFormat) -> None:
    header = read_header(memoryview(cv2.imencode(extension, GRADIENT)[1].tobytes()))
    assert (header.format, header.width, header.height) == (expected, 80, 64)
    assert (header.orientation, header.alpha) == (1, False)


@pytest.mark.parametrize("name", FOREIGN)
def test_every_other_format_is_unsupported(name: str) -> None:
    with pytest.raises(PictureError) as caught:
        read_header(memoryview(FOREIGN[name]))
    assert caught.value.code == "picture_unsupported"


def test_an_empty_file_is_malformed() -> None:
    with pytest.raises(PictureError) as caught:
        read_header(memoryview(b""))
    assert caught.value.code == "picture_malformed"


def test_a_file_over_the_cap_is_too_large_whatever_it_is() -> None:
    for start in (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a"):
        with pytest.raises(PictureError) as caught:
            read_header(memoryview(start.ljust(MAX_FILE_BYTES + 1, b"\0")))
        assert caught.value.code == "picture_too_large"
    with pytest.raises(PictureError) as caught:
        read_header(memoryview(b"GIF89a".ljust(MAX_FILE_BYTES, b"\0")))
    assert caught.value.code == "picture_unsupported"
