"""PNG's image data: no surplus, no damage and no bomb gets as far as libpng."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

from ageassure.deadline import Deadline
from ageassure.errors import CalledOffError, DeadlineError, PictureError
from ageassure.imaging import decode, png, png_data

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = [(c, d) for c, ds in {0: (1, 2, 4, 8, 16), 2: (8, 16), 6: (8, 16)}.items() for d in ds]
DEPTHS += [(3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16)]
SIDE = 64
RANDOM = np.random.default_rng(7).integers(0, 256, 1_000_000, np.uint8).tobytes()
ROWS = b"".join(b"\0" + RANDOM[192 * row : 192 * (row + 1)] for row in range(SIDE))
STREAM = zlib.compress(ROWS)


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_file(
    *streams: bytes, width: int = SIDE, colour: int = 2, depth: int = 8, interlace: int = 0
) -> bytes:
    header = struct.pack(">IIBBBBB", width, SIDE, depth, colour, 0, 0, interlace)
    palette = [chunk(b"PLTE", RANDOM[: 3 << depth])] if colour == 3 else []
    image = [chunk(b"IDAT", stream) for stream in streams]
    chunks = [chunk(b"IHDR", header), *palette, *image, chunk(b"IEND")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def adam7(width: int, bits: int) -> list[tuple[int, int]]:
    """Rows of each pass and bytes of one, counted place by place (W3C PNG, clause 8.1)."""
    pattern = ["16462646", "77777777", "56565656", "77777777"] * 2
    pattern[4] = "36463646"
    where = np.array([[int(n) for n in row] for row in pattern])
    pixels = np.tile(where, (SIDE // 8, -(-width // 8)))[:, :width]
    counts = [(pixels == number).sum(axis=1) for number in range(1, 8)]
    return [(int((c > 0).sum()), 1 + -(-int(c.max()) * bits // 8)) for c in counts]


def passes(width: int, colour: int, depth: int, interlace: int) -> list[tuple[int, int]]:
    bits = depth * SAMPLES[colour]
    return adam7(width, bits) if interlace else [(SIDE, 1 + -(-width * bits // 8))]


def filtered(shape: list[tuple[int, int]]) -> bytearray:
    """Random rows with each of the filter types."""
    rows = [b"%c" % (row % 5) + RANDOM[: size - 1] for count, size in shape for row in range(count)]
    return bytearray(b"".join(rows))


def refusal(data: bytes) -> str:
    with pytest.raises(PictureError) as caught:
        decode(data)
    assert caught.value.code == "picture_malformed"
    return str(caught.value)


@pytest.mark.parametrize("interlace", [0, 1])
@pytest.mark.parametrize("width", [SIDE, 69, 71])
@pytest.mark.parametrize(("colour", "depth"), DEPTHS)
def test_exactly_what_the_layout_needs_is_taken(
    colour: int, depth: int, width: int, interlace: int, capfd: Any
) -> None:
    options = {"width": width, "colour": colour, "depth": depth, "interlace": interlace}
    shape = passes(**options)
    rows = filtered(shape)
    decode(png_file(zlib.compress(rows), **options)).wipe()
    assert "too little" in refusal(png_file(zlib.compress(rows[:-1]), **options))
    assert "more image data" in refusal(png_file(zlib.compress(rows + b"\0"), **options))
    start = 0
    for count, size in shape:
        for row in (0, count - 1):
            changed = bytearray(rows)
            changed[start + row * size] = 5
            assert "filter" in refusal(png_file(zlib.compress(changed), **options))
        start += count * size
    assert capfd.readouterr() == ("", "")


EMPTY_BLOCK = b"\0\0\0\xff\xff"
DAMAGED: dict[str, tuple[list[bytes], str]] = {
    "behind the stream": ([STREAM + b"\0"], "more image data"),
    "a chunk behind the stream": ([STREAM, bytes(20_000)], "more image data"),
    "a stream behind the stream": ([STREAM, STREAM], "more image data"),
    "checksum": ([STREAM[:-1] + bytes([STREAM[-1] ^ 1])], "damaged"),
    "checksum cut": ([STREAM[:-1]], "too little"),
    "no checksum": ([STREAM[:-4]], "too little"),
    "cut": ([STREAM[:5000]], "too little"),
    "nothing": ([b""], "too little"),
    "header alone": ([STREAM[:2]], "too little"),
    "half a header": ([STREAM[:1]], "too little"),
    "header": ([b"\x78\x9d" + STREAM[2:]], "damaged"),
    "method": ([b"\x77\x85" + STREAM[2:]], "damaged"),
    "window of 64 KiB": ([b"\x88\x1c" + STREAM[2:]], "damaged"),
    "dictionary": ([b"\x78\xbb" + STREAM[2:]], "damaged"),
    "bare deflate": ([STREAM[2:-4]], "damaged"),
    "gzip": ([zlib.compressobj(wbits=31).compress(ROWS)], "damaged"),
    "unknown block": ([b"\x78\x9c\x07" + STREAM[2:]], "damaged"),
    "distance before the start": ([b"\x78\x9c\x63\x60\x80\x01\x00\x00"], "too little"),
    "no end": ([STREAM[:2] + EMPTY_BLOCK * 1_000_000], "too little"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_streams_are_refused_in_silence(name: str, capfd: Any) -> None:
    streams, said = DAMAGED[name]
    assert said in refusal(png_file(*streams))
    assert capfd.readouterr() == ("", "")


def wasteful(rows: bytes) -> bytes:
    """A sound stream that begins with two million empty blocks."""
    return STREAM[:2] + EMPTY_BLOCK * 1_900_000 + zlib.compress(rows)[2:]


@pytest.mark.parametrize(
    "streams",
    [
        [STREAM[place : place + 1] for place in range(len(STREAM))],
        [b"", STREAM[:1], b"", STREAM[1:], b""],
        [STREAM[:2], STREAM[2:]],
        [STREAM[:3], STREAM[3:]],
        [zlib.compress(ROWS, 0)],
        [wasteful(ROWS)],
    ],
    ids=["a byte each", "with empty chunks", "header apart", "three", "stored", "empty blocks"],
)
def test_other_ways_to_write_the_same_stream(streams: list[bytes], capfd: Any) -> None:
    with decode(png_file(*streams)) as frame:
        expected = np.frombuffer(ROWS, np.uint8).reshape(SIDE, -1)[:, 1:]
        assert np.array_equal(frame.pixels.reshape(SIDE, -1), expected)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("window", range(8))
def test_a_window_that_is_declared_too_small_is_made_good(window: int, capfd: Any) -> None:
    rows = ROWS[: len(ROWS) // 2] * 2  # the second half is told by a distance of 6 KB
    header = (window << 12 | 8 << 8) + 30
    header -= header % 31
    data = png_file(struct.pack(">H", header) + zlib.compress(rows)[2:])
    with decode(data) as frame:
        assert np.array_equal(frame.pixels[:32], frame.pixels[32:])
    assert capfd.readouterr() == ("", "")


def bomb(zeros: int) -> bytes:
    """A whole picture, and zeros behind it in the same stream."""
    deflater = zlib.compressobj(9)
    parts = [deflater.compress(ROWS)]
    parts += [deflater.compress(bytes(10_000_000)) for _ in range(zeros // 10_000_000)]
    return png_file(b"".join(parts) + deflater.flush())


def test_a_bomb_costs_next_to_nothing(capfd: Any) -> None:
    data = bomb(300_000_000)
    tracemalloc.start()
    begun = time.process_time()
    assert "more image data" in refusal(data)
    spent = time.process_time() - begun
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert spent < 0.1
    assert most < 2_000_000
    assert capfd.readouterr() == ("", "")


def test_a_large_picture_is_inflated_in_little_memory() -> None:
    rows = bytes(4000 * (1 + 4000 * 3))
    layout = png_data.Layout(
        width=4000, height=4000, depth=8, colour=2, samples=3, interlaced=False
    )
    stream = zlib.compress(rows)
    tracemalloc.start()
    png_data.check_image_data([memoryview(stream)], layout)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20_000_000


@pytest.mark.parametrize("call_off", [False, True])
def test_the_check_stops_between_pieces_and_keeps_nothing(
    call_off: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = zlib.compress(RANDOM[:192_000], 0)
    rows = 1000
    header = struct.pack(">IIBBBBB", 64, rows, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", stream) + chunk(b"IEND")
    monkeypatch.setattr(png_data, "_filters_known", lambda *_: True)
    asked = 0
    deadline = Deadline()

    def checkpoint() -> None:
        nonlocal asked
        asked += 1
        if asked == 20:
            if call_off:
                deadline.call_off()
                deadline.check()
            raise DeadlineError("the time for the assessment is over")

    monkeypatch.setattr(png_data, "checkpoint", checkpoint)
    held = bytearray(data)
    with pytest.raises((CalledOffError, DeadlineError)) as caught:
        decode(held)
    assert not any(held)
    assert asked == 20
    error = caught.value
    assert error.__context__ is None
    traceback = error.__traceback__
    names = []
    while traceback:
        names.append(traceback.tb_frame.f_code.co_name)
        traceback = traceback.tb_next
    assert names[1:] == ["decode"]


@pytest.mark.parametrize("stream", [STREAM, STREAM[:-1], STREAM + b"\0"])
def test_the_joined_stream_is_wiped(stream: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[memoryview] = []
    check: Callable[..., None] = png_data._check_stream

    def spy(view: memoryview, layout: png_data.Layout) -> None:
        assert view == stream
        seen.append(view)
        check(view, layout)

    monkeypatch.setattr(png_data, "_check_stream", spy)
    if stream == STREAM:
        decode(png_file(stream)).wipe()
    else:
        refusal(png_file(stream))
    assert len(seen) == 1
    assert not any(seen[0])


@pytest.mark.parametrize("level", [1, 6, 9])
@pytest.mark.parametrize("bytes_a_chunk", [100, 8192, 1_000_000])
def test_no_small_object_is_made_of_the_rows(
    level: int, bytes_a_chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python keeps objects of up to 512 bytes itself, and nothing overwrites them."""
    found: list[int] = []
    known = png_data._filters_known

    def spy(rows: bytes, *rest: Any) -> bool:
        found.append(len(rows))
        return known(rows, *rest)

    monkeypatch.setattr(png_data, "_filters_known", spy)
    pixels = cv2.resize(np.frombuffer(RANDOM, np.uint8)[:2400].reshape(20, 40, 3), (640, 480))
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=level)
    data, position, stream = out.getvalue(), 8, b""
    while position < len(data):
        (size,) = struct.unpack_from(">I", data, position)
        stream += data[position + 8 : position + 8 + size] * (data[position + 4 :][:4] == b"IDAT")
        position += 12 + size
    parts = [stream[at : at + bytes_a_chunk] for at in range(0, len(stream), bytes_a_chunk)]
    file = data[:33] + b"".join(chunk(b"IDAT", part) for part in parts) + chunk(b"IEND")
    png.read_header(memoryview(file))
    assert len(found) > 10
    assert sum(found) == 480 * (1 + 640 * 3)
    assert min(found) > 480
