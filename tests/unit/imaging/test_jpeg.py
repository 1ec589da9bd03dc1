"""JPEG's markers: every refusal, on files made by hand."""

from __future__ import annotations

import struct
import sys

import pytest

from ageassure.errors import PictureError
from ageassure.imaging import jpeg
from ageassure.imaging.header import MAX_PARTS, MAX_SCANS, PictureHeader
from ageassure.imaging.jpeg_frame import JPEGFrame, ScanSize

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
YCC = ((1, 0x22), (2, 0x11), (3, 0x11))
DATA = b"\x55" * 200
"""Stands for the coded data of a scan; the header's reader looks at its markers and length only."""


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def sof(
    width: int = 64,
    height: int = 64,
    *,
    marker: int = 0xC0,
    components: tuple[tuple[int, int], ...] = YCC,
    precision: int = 8,
) -> bytes:
    head = struct.pack(">BHHB", precision, height, width, len(components))
    return segment(marker, head + b"".join(bytes([*part, 0]) for part in components))


def sos(names: bytes = b"\x01\x02\x03", first: int = 0, last: int = 63, shifts: int = 0) -> bytes:
    tables = b"".join(bytes([name, 0]) for name in names)
    return segment(0xDA, bytes([len(names)]) + tables + bytes([first, last, shifts]))


def dri(interval: int) -> bytes:
    return segment(0xDD, struct.pack(">H", interval))


def exif(orientation: int) -> bytes:
    entry = struct.pack("<HHIHxx", 0x0112, 3, 1, orientation)
    return segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4))


def adobe(transform: int) -> bytes:
    return segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))


JFIF = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
DQT = segment(0xDB, bytes(65))
DHT = segment(0xC4, bytes(17))
GREY = ((1, 0x11),)
RGB = ((82, 0x11), (71, 0x11), (66, 0x11))


def jpeg_file(*parts: bytes) -> bytes:
    return SOI + b"".join(parts) + EOI


def read(data: bytes) -> PictureHeader:
    return jpeg.read_header(memoryview(data))


def refused(data: bytes) -> PictureError:
    with pytest.raises(PictureError) as caught:
        read(data)
    return caught.value


BASELINE = jpeg_file(DQT, sof(), DHT, sos(), DATA)


@pytest.mark.parametrize("marker", [0xC0, 0xC1])
def test_a_sequential_file_is_read(marker: int) -> None:
    header = read(jpeg_file(DQT, sof(100, 80, marker=marker), DHT, sos(), DATA))
    assert (header.width, header.height, header.orientation, header.alpha) == (100, 80, 1, False)


def test_segments_may_end_with_the_file_or_be_empty() -> None:
    assert refused(SOI + sof() + segment(0xEF, b"")).code == "picture_malformed"
    assert "no marker" in str(refused(SOI + segment(0xEF, b"")))


@pytest.mark.parametrize("sampling", [0x41, 0x14, 0x44])
def test_sampling_factors_go_up_to_four(sampling: int) -> None:
    data = jpeg_file(sof(components=((1, sampling), *YCC[1:])), sos(), DATA)
    assert read(data).width == 64


def test_grey_is_read() -> None:
    assert read(jpeg_file(sof(components=GREY), sos(b"\x01"), DATA)).width == 64


def test_components_may_come_in_scans_of_their_own() -> None:
    scans = [part for name in (b"\x01", b"\x02", b"\x03") for part in (sos(name), DATA)]
    assert read(jpeg_file(sof(), *scans)).height == 64


DC = [sos(last=0, shifts=0x01), DATA, sos(last=0, shifts=0x10), DATA]
AC = [part for name in b"\x01\x02\x03" for part in (sos(bytes([name]), 1), b"")]


def progressive(*scans: bytes) -> bytes:
    return jpeg_file(sof(marker=0xC2), *scans)


def test_a_progressive_file_is_read() -> None:
    assert read(progressive(*DC, *AC)).width == 64


def test_bits_may_come_one_by_one_from_the_fourteenth_on() -> None:
    def one_by_one(names: bytes, first: int, last: int) -> list[bytes]:
        shifts = [13, *[(low + 1) << 4 | low for low in range(12, -1, -1)]]
        return [part for s in shifts for part in (sos(names, first, last, s), DATA)]

    grey = sof(marker=0xC2, components=GREY)
    means, details = [sos(b"\x01", 0, 0, 0), DATA], [sos(b"\x01", 1, 63, 0), b""]
    for scans in (
        [*one_by_one(b"\x01", 0, 0), *details],
        [*means, *one_by_one(b"\x01", 1, 63)],
    ):
        assert read(jpeg_file(grey, *scans)).width == 64


PROGRESSIVE_ERRORS = {
    "no scan": [],
    "means only": DC,
    "means not refined": [*DC[:2], *AC],
    "details not refined": [*DC, *AC[:-2], sos(b"\x03", 1, 63, 0x01), b""],
    "details of one component missing": [*DC, *AC[:-2]],
    "means twice": [*DC[:2], *DC[:2], *DC[2:], *AC],
    "refinement twice": [*DC, *DC[2:], *AC],
    "details twice": [*DC, *AC, *AC[:2]],
    "details before means": [*AC[:2], *DC, *AC[2:]],
    "refinement first": [*DC[2:], *AC],
    "refinement of two bits": [sos(last=0, shifts=0x02), DATA, sos(last=0, shifts=0x20), DATA, *AC],
    "means and details in one": [sos(), DATA],
    "details of two components": [*DC, sos(b"\x01\x02", 1), b"", *AC[4:]],
    "spectrum backwards": [*DC, sos(b"\x01", 5, 4), b"", *AC],
    "spectrum past its end": [*DC, sos(b"\x01", 1, 64), b"", *AC],
}


@pytest.mark.parametrize(
    "scan", [sos(last=0, shifts=0x0E), sos(last=1), sos(b"\x01", 1, 64), sos(b"\x01", 1, 63, 0x0E)]
)
def test_scans_that_no_progressive_file_allows(scan: bytes) -> None:
    assert "does not allow" in str(refused(progressive(scan, DATA)))


@pytest.mark.parametrize("name", PROGRESSIVE_ERRORS)
def test_scans_must_bring_each_bit_once_and_in_order(name: str) -> None:
    assert refused(progressive(*PROGRESSIVE_ERRORS[name])).code == "picture_malformed"


def test_three_thousand_scans_are_refused_and_not_all_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    add_scan = JPEGFrame.add_scan

    def counting(frame: JPEGFrame, payload: memoryview) -> ScanSize:
        nonlocal asked
        asked += 1
        return add_scan(frame, payload)

    monkeypatch.setattr(JPEGFrame, "add_scan", counting)
    empty = [sos(b"\x01", 1, 63, 0x00), b""] * 3000
    assert refused(progressive(*DC, *empty)).code == "picture_malformed"
    assert asked == 4


def test_scans_are_capped_even_if_each_brings_something() -> None:
    def bands(count: int) -> list[bytes]:
        firsts = range(1, 1 + count)
        lasts = [*firsts[1:], 64]
        return [
            part
            for first, last in zip(firsts, lasts, strict=True)
            for part in (sos(b"\x01", first, last - 1), b"")
        ]

    at_most = MAX_SCANS - 4
    assert read(progressive(*DC, *bands(at_most), *AC[2:])).width == 64
    error = refused(progressive(*DC, *bands(at_most + 1), *AC[2:]))
    assert (error.code, str(MAX_SCANS) in str(error)) == ("picture_too_large", True)


UNSUPPORTED = {
    "four components": sof(components=(*YCC, (4, 0x11))),
    "two components": sof(components=YCC[:2]),
    "no components": sof(components=()),
    "twelve bits": sof(marker=0xC1, precision=12),
    "lossless": sof(marker=0xC3),
    "hierarchical": sof(marker=0xC5),
    "arithmetic": sof(marker=0xC9),
    "arithmetic, progressive": sof(marker=0xCA),
    "lossless, arithmetic": sof(marker=0xCB),
    "arithmetic tables": segment(0xCC, b"\0\0"),
    "height given later": sof() + sos() + DATA + segment(0xDC, b"\0\x40"),
    "hierarchical progression": segment(0xDE, bytes(11)),
    "reserved marker": segment(0x02, b""),
    "extension": segment(0xF7, bytes(4)),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_other_kinds_of_jpeg_are_unsupported(name: str) -> None:
    error = refused(jpeg_file(UNSUPPORTED[name], sof(), sos(), DATA))
    assert error.code == "picture_unsupported"


MALFORMED = {
    "nothing but magic": (b"\xff\xd8\xff", "no marker"),
    "no frame": (jpeg_file(), "before its last scan"),
    "scan before the frame": (jpeg_file(sos(), DATA), "before the frame header"),
    "two frames": (jpeg_file(sof(), sof(), sos(), DATA), "two frame headers"),
    "frame header cut": (
        jpeg_file(segment(0xC0, b"\x08\0\x40\0\x40"), sos(), DATA),
        "frame header of the wrong length",
    ),
    "frame header longer": (
        jpeg_file(segment(0xC0, sof()[4:] + b"\0"), sos(), DATA),
        "frame header of the wrong length",
    ),
    "sampling of 0 across": (
        jpeg_file(sof(components=((1, 0x01),)), sos(b"\x01"), DATA),
        "sampling",
    ),
    "sampling of 0 down": (jpeg_file(sof(components=((1, 0x10),)), sos(b"\x01"), DATA), "sampling"),
    "sampling of 5 across": (
        jpeg_file(sof(components=((1, 0x51),)), sos(b"\x01"), DATA),
        "sampling",
    ),
    "sampling of 5 down": (jpeg_file(sof(components=((1, 0x15),)), sos(b"\x01"), DATA), "sampling"),
    "components of one name": (
        jpeg_file(sof(components=(*YCC[:2], YCC[1])), sos(), DATA),
        "one name",
    ),
    "empty scan header": (
        jpeg_file(sof(), segment(0xDA, b""), DATA),
        "scan header of the wrong length",
    ),
    "scan header longer": (
        jpeg_file(sof(), segment(0xDA, sos()[4:] + b"\0"), DATA),
        "scan header of the wrong length",
    ),
    "scan of nothing": (jpeg_file(sof(), sos(b""), DATA), "does not have"),
    "scan of an unknown component": (jpeg_file(sof(), sos(b"\x01\x02\x04"), DATA), "does not have"),
    "scan of a component twice": (jpeg_file(sof(), sos(b"\x01\x02\x02"), DATA), "does not have"),
    "a component without scan": (jpeg_file(sof(), sos(b"\x01\x02"), DATA), "before its last scan"),
    "a component with two scans": (
        jpeg_file(sof(), sos(), DATA, sos(b"\x01"), DATA),
        "repeats another",
    ),
    "spectrum of a sequential scan": (jpeg_file(sof(), sos(last=62), DATA), "does not allow"),
    "shifts of a sequential scan": (jpeg_file(sof(), sos(shifts=0x01), DATA), "does not allow"),
    "restart interval cut": (
        jpeg_file(segment(0xDD, b"\0"), sof(), sos(), DATA),
        "restart interval",
    ),
    "last restart outside data": (jpeg_file(b"\xff\xd7\0\2", sof(), sos(), DATA), "out of place"),
    "segment of length 0": (SOI + b"\xff\xe0\0\0" + sof(), "longer than the file"),
    "restart outside data": (jpeg_file(b"\xff\xd0", sof(), sos(), DATA), "out of place"),
    "second start": (jpeg_file(SOI, sof(), sos(), DATA), "out of place"),
    "segment of length 1": (
        jpeg_file(b"\xff\xe0\0\x01", sof(), sos(), DATA),
        "longer than the file",
    ),
    "segment past the end": (SOI + b"\xff\xe0\xff\xff" + bytes(100), "longer than the file"),
    "segment without length": (SOI + b"\xff\xe0\0", "expected a segment"),
    "bytes between segments": (jpeg_file(b"\0", sof(), sos(), DATA), "no marker"),
    "stuffing between segments": (jpeg_file(b"\xff\0", sof(), sos(), DATA), "no marker"),
    "fill to the end": (SOI + b"\xff" * 1000, "no marker"),
    "no end": (SOI + sof() + sos() + DATA, "end of a scan"),
    "end without scans": (jpeg_file(sof()), "before its last scan"),
    "scan without data": (jpeg_file(sof(), sos()), "too little data"),
    "unknown colour transform": (jpeg_file(adobe(2), sof(), sos(), DATA), "colour transform 2"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_refused(name: str) -> None:
    data, reason = MALFORMED[name]
    error = refused(data)
    assert error.code == "picture_malformed"
    assert reason in str(error)


def test_sizes_are_checked_before_the_rest_is_read() -> None:
    assert refused(SOI + sof(20_000, 20_000)).code == "picture_too_large"
    assert refused(SOI + sof(64, 0)).code == "picture_malformed"


def test_truncated_anywhere() -> None:
    for length in range(3, len(BASELINE)):
        assert refused(BASELINE[:length]).code == "picture_malformed"


@pytest.mark.parametrize(
    ("parts", "least_bytes"),
    [
        # 64 × 64: 16 units of 4 + 1 + 1 blocks, two bits each.
        ([sof(), sos()], 24),
        ([sof(components=GREY), sos(b"\x01")], 16),
        # 65 columns make nine blocks of grey, but five units of 16.
        ([sof(65, 64, components=GREY), sos(b"\x01")], 18),
        ([sof(65, 64), sos()], 30),
        ([sof(64, 65), sos()], 30),
        # A scan of its own counts blocks that cover the component: 8 × 8, then 4 × 4.
        ([sof(), sos(b"\x02"), DATA, sos(b"\x03"), DATA, sos(b"\x01")], 16),
        ([sof(), sos(b"\x01"), DATA, sos(b"\x03"), DATA, sos(b"\x02")], 4),
        ([sof(65, 64), sos(b"\x02"), DATA, sos(b"\x03"), DATA, sos(b"\x01")], 18),
        ([sof(65, 64), sos(b"\x01"), DATA, sos(b"\x03"), DATA, sos(b"\x02")], 5),
        ([sof(64, 65), sos(b"\x01"), DATA, sos(b"\x03"), DATA, sos(b"\x02")], 5),
        ([sof(marker=0xC2), sos(last=0)], 12),
    ],
)
def test_data_too_short_for_the_size_is_refused(parts: list[bytes], least_bytes: int) -> None:
    rest = b"".join(AC) if parts[0][1] == 0xC2 else b""
    assert read(jpeg_file(*parts, bytes(least_bytes), rest)).width >= 64
    error = refused(jpeg_file(*parts, bytes(least_bytes - 1), rest))
    assert (error.code, str(error)) == ("picture_malformed", "got too little data for a scan")


def restarts(count: int, *, first: int = 0) -> bytes:
    return b"".join(DATA + bytes([0xFF, 0xD0 + (first + i) % 8]) for i in range(count)) + DATA


def test_restart_markers_are_counted_and_ordered() -> None:
    # 16 units: with an interval of 5 there are 4 intervals, with 4 there are 4 as well.
    for interval, count in ((5, 3), (4, 3), (1, 15), (16, 0), (60_000, 0)):
        sound = read(jpeg_file(dri(interval), sof(), sos(), restarts(count)))
        assert sound.width == 64
        for wrong in {count - 1, count + 1} - {-1}:
            error = refused(jpeg_file(dri(interval), sof(), sos(), restarts(wrong)))
            assert error.code == "picture_malformed"
    assert refused(jpeg_file(dri(4), sof(), sos(), restarts(3, first=1))).code == (
        "picture_malformed"
    )
    assert refused(jpeg_file(sof(), sos(), restarts(1))).code == "picture_malformed"


def test_restart_markers_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    scans = [part for name in (b"\x01", b"\x02", b"\x03") for part in (sos(name), restarts(15))]
    thirds = ((1, 0x11), (2, 0x11), (3, 0x11))
    data = jpeg_file(dri(4), sof(components=thirds), *scans)
    monkeypatch.setattr(jpeg, "MAX_RESTARTS", 45)
    assert read(data).width == 64
    monkeypatch.setattr(jpeg, "MAX_RESTARTS", 44)
    assert refused(data).code == "picture_too_large"


def test_stuffed_bytes_and_fill_are_no_markers() -> None:
    data = DATA + b"\xff\0\xff\0" + b"\xff\xff\0" + b"\xff" * 5
    header = read(jpeg_file(b"\xff" * 3, sof(), b"\xff", sos(), data, b"\xff\xff"))
    assert header.width == 64


def test_what_follows_the_end_is_ignored_and_dropped() -> None:
    data = BASELINE + b"MotionPhoto" + BASELINE
    assert read(data).decoder_file(memoryview(data)) == read(BASELINE).decoder_file(
        memoryview(BASELINE)
    )


def test_the_decoder_is_given_neither_metadata_nor_comments() -> None:
    extra = [exif(6), segment(0xE2, b"ICC_PROFILE\0" + bytes(60_000)), segment(0xFE, b"secret")]
    data = jpeg_file(JFIF, *extra, DQT, segment(0xEF, b"secret"), sof(), DHT, sos(), DATA)
    assert read(data).decoder_file(memoryview(data)) == jpeg_file(
        adobe(1), DQT, sof(), DHT, sos(), DATA
    )


@pytest.mark.parametrize(
    ("parts", "transform"),
    [
        ([sof()], 1),
        ([adobe(0), sof()], 0),
        ([adobe(1), sof()], 1),
        ([JFIF, adobe(0), sof()], 1),
        ([sof(components=RGB)], 0),
        ([JFIF, sof(components=RGB)], 1),
        ([adobe(1), sof(components=RGB)], 1),
        ([segment(0xEE, b"Adobe\0\x64\0\0\0\0"), sof()], 1),  # cut before its transform
        ([segment(0xEE, b"Adope\0\x64\0\0\0\0\0"), sof()], 1),
        ([segment(0xE0, b"JFXX\0" + bytes(9)), sof(components=RGB)], 0),
        ([segment(0xE2, JFIF[4:]), sof(components=RGB)], 0),
        ([segment(0xED, adobe(0)[4:]), sof()], 1),
    ],
)
def test_the_colours_follow_the_rule_of_decoders(parts: list[bytes], transform: int) -> None:
    names = b"RGB" if b"R" in parts[-1] else b"\x01\x02\x03"
    data = jpeg_file(*parts, sos(names), DATA)
    assert read(data).decoder_file(memoryview(data)).startswith(SOI + adobe(transform))


def test_grey_needs_no_colour_marker() -> None:
    data = jpeg_file(adobe(2), sof(components=GREY), sos(b"\x01"), DATA)
    assert read(data).decoder_file(memoryview(data)).startswith(SOI + b"\xff\xc0")


def test_the_first_exif_block_before_the_scan_gives_the_orientation() -> None:
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>")
    assert read(jpeg_file(xmp, exif(6), exif(3), sof(), sos(), DATA)).orientation == 6
    assert read(jpeg_file(exif(9), exif(3), sof(), sos(), DATA)).orientation == 1
    assert read(jpeg_file(sof(), sos(), DATA, exif(6))).orientation == 1
    assert read(jpeg_file(segment(0xE2, exif(6)[4:]), sof(), sos(), DATA)).orientation == 1
    assert read(jpeg_file(segment(0xE1, b"Exif\0\0"), sof(), sos(), DATA)).orientation == 1


def test_too_many_segments_are_refused_early() -> None:
    data = jpeg_file(*[segment(0xFE, b"")] * (MAX_PARTS + 10), sof(), sos(), DATA)
    assert refused(data).code == "picture_too_large"


@pytest.mark.parametrize(
    "body",
    [
        b"\xff" * 2_000_000,
        segment(0xFE, b"") * 500_000,
        sof() + sos() + b"\xff\0" * 1_000_000,
        sof() + sos() + b"\xff\xd0" * 1_000_000,
        dri(1) + sof(4096, 4096, components=GREY) + sos(b"\x01") + b"\xff\xd0" * 1_000_000,
    ],
)
def test_the_work_is_bounded_by_the_structure(body: bytes) -> None:
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        refused(SOI + body)
    finally:
        sys.setprofile(None)
    assert calls < 20 * MAX_PARTS
