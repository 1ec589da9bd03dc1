"""Coverage-guided fuzzing of the picture guards, and of the decoders behind them.

Not part of the test suite. Needs atheris (``pip install atheris``); runs until something other than
a ``PictureError`` comes out, an input takes more than ten seconds or 2 GB, or the time is over::

    python benchmarks/fuzz_decoders.py -max_total_time=600

Options are libFuzzer's. What was learnt is thrown away; an input that fails is written to the
working folder. With ``--record SECONDS`` the run's figures are written to
``results/fuzz_decoders.json``.
"""

from __future__ import annotations

import random
import struct
import zlib

import atheris
import cv2
import numpy as np
from fuzzing import main

with atheris.instrument_imports(include=["ageassure.imaging"]):
    from ageassure.errors import PictureError
    from ageassure.imaging import decode
    from ageassure.imaging.formats import read_header

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def seeds() -> list[bytes]:
    """Make one small file of each kind that is taken."""
    rows, columns = np.mgrid[0:72, 0:88]
    colour = np.dstack([columns * 2, rows * 3, (columns * rows) % 251]).astype(np.uint8)
    alpha = np.dstack([colour, (columns * 2).astype(np.uint8)])
    wide = colour.astype(np.uint16) * 257
    kinds: list[tuple[str, np.ndarray, list[int]]] = [
        (".jpg", colour, []),
        (".jpg", colour, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        (".jpg", colour, [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]),
        (".jpg", colour[..., 0], []),
        (".png", colour, []),
        (".png", alpha, []),
        (".png", wide, []),
        (
            ".png",
            np.where(colour[..., 0] > 99, 255, 0).astype(np.uint8),
            [cv2.IMWRITE_PNG_BILEVEL, 1],
        ),
        (".webp", colour, []),
        (".webp", colour, [cv2.IMWRITE_WEBP_QUALITY, 60]),
        (".webp", alpha, [cv2.IMWRITE_WEBP_QUALITY, 60]),
    ]
    return [cv2.imencode(name, pixels, list(o))[1].tobytes() for name, pixels, o in kinds]


def mend(data: bytes) -> bytes:
    """Make a PNG's checksums right again, so that a change reaches what lies behind them."""
    fixed, position = bytearray(data), len(PNG_MAGIC)
    while data.startswith(PNG_MAGIC) and position + 12 <= len(fixed):
        stop = position + 12 + int.from_bytes(fixed[position : position + 4], "big")
        if stop > len(fixed):
            break
        fixed[stop - 4 : stop] = struct.pack(">I", zlib.crc32(fixed[position + 4 : stop - 4]))
        position = stop
    return bytes(fixed)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    changed = atheris.Mutate(data, max_size)
    return mend(changed) if random.Random(seed).random() < 0.8 else changed


def check(data: bytes) -> None:
    held = bytearray(data)
    try:
        header = read_header(memoryview(data))
        again = header.decoder_file(memoryview(data))
        if read_header(memoryview(again)).decoder_file(memoryview(again)) != again:
            raise AssertionError("the decoder's file is read in another way than the picture's")
        with decode(held, long_side_pixels=40) as frame:
            if frame.pixels.dtype != np.uint8 or frame.pixels.shape[2:] != (3,):
                raise AssertionError("got other pixels than RGB")
    except PictureError:
        return
    if any(held):
        raise AssertionError("the file was not wiped")


if __name__ == "__main__":
    main(
        "the picture guards and the decoders behind them",
        seeds(),
        check,
        max_bytes=20_000,
        mutate=mutate,
    )
