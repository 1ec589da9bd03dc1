"""The EXIF orientation: read where it is sound, upright where it is not."""

from __future__ import annotations

import struct

import pytest

from ageassure.imaging.exif import read_orientation

ENTRY = (0x0112, 3, 1, 6)
OTHER = (0x0100, 4, 1, 0)


def tiff(
    *entries: tuple[int, int, int, int], order: str = "<", directory: int = 8, count: int = -1
) -> bytes:
    mark = {"<": b"II*\0", ">": b"MM\0*"}[order]
    head = mark + struct.pack(order + "I", directory) + bytes(directory - 8)
    body = b"".join(struct.pack(order + "HHIHxx", *entry) for entry in entries)
    return head + struct.pack(order + "H", len(entries) if count < 0 else count) + body + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_in_both_byte_orders(order: str, orientation: int) -> None:
    block = tiff(OTHER, (0x0112, 3, 1, orientation), OTHER, order=order, directory=20)
    assert read_orientation(memoryview(block)) == orientation


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\0",
        b"II+\0" + tiff(ENTRY)[4:],  # BigTIFF, or nothing at all
        b"JFIF" + tiff(ENTRY)[4:],
        tiff(),
        tiff(OTHER),
        tiff((0x0112, 3, 1, 0)),
        tiff((0x0112, 3, 1, 9)),
        tiff((0x0112, 4, 1, 6)),  # a LONG
        tiff((0x0112, 3, 2, 6)),  # two values
        tiff((0x0112, 3, 1, 9), ENTRY),  # the first one counts
        b"II*\0\xf0\xff\xff\xff" + tiff(ENTRY)[8:],  # the directory lies past the end
        tiff(ENTRY)[:9],
    ],
)
def test_anything_else_is_upright(block: bytes) -> None:
    assert read_orientation(memoryview(block)) == 1


def test_a_count_past_the_end_is_read_to_the_end() -> None:
    assert read_orientation(memoryview(tiff(OTHER, ENTRY, count=65_535))) == 6


def test_a_directory_inside_the_header_does_not_loop() -> None:
    looped = b"II*\0" + struct.pack("<I", 0) + bytes(40)  # the directory is the header itself
    assert read_orientation(memoryview(looped)) == 1


def test_only_so_many_entries_are_read() -> None:
    assert read_orientation(memoryview(tiff(*[OTHER] * 511, ENTRY))) == 6
    assert read_orientation(memoryview(tiff(*[OTHER] * 512, ENTRY))) == 1


def test_truncated_anywhere() -> None:
    block = tiff(OTHER, ENTRY)
    found = [read_orientation(memoryview(block[:length])) for length in range(len(block))]
    whole = 8 + 2 + 2 * 12
    assert found == [1] * whole + [6] * (len(block) - whole)
