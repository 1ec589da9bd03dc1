"""Coverage-guided fuzzing of the picture guards, and of the decoders behind them.

Not part of the test suite. Needs atheris (``pip install atheris``); runs until something other than
a ``PictureError`` comes out, an input takes more CPU time than :func:`most_cpu_seconds` or 2 GB, or
the time is over::

    python benchmarks/fuzz_decoders.py -max_total_time=600

Options are libFuzzer's. What was learnt is thrown away; an input that fails is written to the
working folder. With ``--record SECONDS`` the run's figures are written to
``results/fuzz_decoders.json``.
"""

from __future__ import annotations

import random
import struct
import time
import zlib
from contextlib import suppress

import atheris
import cv2
import numpy as np
from fuzzing import main
from hostile_pictures import PNG_MAGIC, SAMPLES, chunk, exif, many_scans, png

with atheris.instrument_imports(include=["ageassure.imaging"]):
    from ageassure.errors import PictureError
    from ageassure.imaging import decode
    from ageassure.imaging.formats import read_header

MOST_INFLATED_BYTES = 4_000_000
DEPTHS = {0: (1, 4, 16), 2: (8, 16), 3: (1, 2, 8), 4: (8, 16), 6: (8, 16)}


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
    made = [cv2.imencode(name, pixels, list(o))[1].tobytes() for name, pixels, o in kinds]
    made += [with_exif(file) for file in made]
    for colour in SAMPLES:
        clear = b"\0\x80" if colour == 3 else b""
        for depth in DEPTHS[colour]:
            for interlaced in (False, True):
                made.append(
                    png(
                        69,
                        64,
                        depth=depth,
                        colour=colour,
                        interlaced=interlaced,
                        orientation=7,
                        transparency=clear,
                    )
                )
    made += [surplus(made[4]), many_scans(72, 64, 10)]
    return made


def with_exif(file: bytes) -> bytes:
    """The file with an orientation: APP1 in a JPEG, eXIf in a PNG, VP8X and EXIF in a WebP."""
    block = exif(6)
    if file.startswith(b"\xff\xd8"):
        payload = b"Exif\0\0" + block
        return file[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(payload)) + payload + file[2:]
    if file.startswith(PNG_MAGIC):
        return file[:33] + chunk(b"eXIf", block) + file[33:]
    header = read_header(memoryview(file))
    flags = 0x08 | 0x10 * header.alpha
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (header.width, header.height))
    extended = b"VP8X" + struct.pack("<IB3x", 10, flags) + sides
    images = file[12:] if file[12:16] != b"VP8X" else file[30:]
    body = b"WEBP" + extended + images + b"EXIF" + struct.pack("<I", len(block)) + block
    return b"RIFF" + struct.pack("<I", len(body)) + body


def surplus(file: bytes) -> bytes:
    """A PNG whose stream inflates to more than its picture needs."""
    rows = zlib.decompress(b"".join(data for kind, data in chunks_of(file) if kind == b"IDAT"))
    return with_stream(file, zlib.compress(rows + bytes(1_000_000)))


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of each chunk that is whole."""
    found, position = [], len(PNG_MAGIC)
    while position + 12 <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        if position + 12 + size > len(data):
            break
        found.append((data[position + 4 : position + 8], data[position + 8 : position + 8 + size]))
        position += 12 + size
    return found


def with_stream(data: bytes, stream: bytes) -> bytes:
    """A PNG with other image data, in one chunk."""
    parts = chunks_of(data)
    first = next((place for place, part in enumerate(parts) if part[0] == b"IDAT"), len(parts))
    kept = [part for part in parts if part[0] != b"IDAT"]
    kept.insert(first, (b"IDAT", stream))
    return PNG_MAGIC + b"".join(chunk(kind, content) for kind, content in kept)


def mend(data: bytes, *, stream_too: bool) -> bytes:
    """Make a PNG's checksums right again, so that a change reaches what lies behind them."""
    if not data.startswith(PNG_MAGIC):
        return data
    parts = chunks_of(data)
    if not stream_too:
        return PNG_MAGIC + b"".join(chunk(kind, content) for kind, content in parts)
    stream = b"".join(content for kind, content in parts if kind == b"IDAT")
    inflater, rows = zlib.decompressobj(wbits=-zlib.MAX_WBITS), b""
    with suppress(zlib.error):
        rows = inflater.decompress(stream[2:], MOST_INFLATED_BYTES)
    if inflater.eof:
        stream = stream[: len(stream) - len(inflater.unused_data)]
        stream += struct.pack(">I", zlib.adler32(rows))
    return with_stream(data, stream)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    changed = atheris.Mutate(data, max_size)
    drawn = random.Random(seed).random()
    return mend(changed, stream_too=drawn < 0.5) if drawn < 0.8 else changed


def most_cpu_seconds(pixels: int) -> float:
    """Half a second, and 100 ns a pixel of a picture whose header was accepted."""
    return 0.5 + 1e-7 * pixels


def check(data: bytes) -> None:
    held = bytearray(data)
    begun, pixels = time.process_time(), 0
    try:
        header = read_header(memoryview(data))
        pixels = header.width * header.height
        again = header.decoder_file(memoryview(data))
        if read_header(memoryview(again)).decoder_file(memoryview(again)) != again:
            raise AssertionError("the decoder's file is read in another way than the picture's")
        with decode(held, long_side_pixels=40) as frame:
            if frame.pixels.dtype != np.uint8 or frame.pixels.shape[2:] != (3,):
                raise AssertionError("got other pixels than RGB")
    except PictureError:
        pass
    if time.process_time() - begun > most_cpu_seconds(pixels):
        raise AssertionError("the picture took too long")
    if pixels and any(held):
        raise AssertionError("the file was not wiped")


if __name__ == "__main__":
    main(
        "the picture guards and the decoders behind them",
        seeds(),
        check,
        max_bytes=20_000,
        mutate=mutate,
    )
