"""Barcodes of driving licences: files made here by the standard's annex D, and what is refused."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import zxingcpp

from ageassure.errors import (
    BirthDateError,
    ConfigurationError,
    DocumentError,
    MissingExtraError,
    PictureError,
)
from ageassure.estimators.base import Estimator
from ageassure.estimators.document.holder import HolderCheck
from ageassure.estimators.document.licence import (
    LicenceAgeEstimator,
    LicenceBarcode,
    LicencePicture,
)
from ageassure.results import AgeInterval, MethodClass

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
USA = {"DAQ": "T64235789", "DCS": "SAMPLE", "DBB": "06141986", "DBA": "12102028", "DCG": "USA"}
CANADA = {**USA, "DBB": "19860614", "DBA": "20281210", "DCG": "CAN"}
# Not ours: a specimen card's barcode that is printed in many places.
SPECIMEN = (
    b"@\n\x1e\rANSI 636000100102DL00410278ZV03190008DLDAQT64235789\nDCSSAMPLE\nDDEN\nDACMICHAEL\n"
    b"DDFN\nDADJOHN\nDDGN\nDCUJR\nDCAD\nDCBK\nDCDPH\nDBD06062019\nDBB06061986\nDBA12102024\nDBC1\n"
    b"DAU068 in\nDAYBRO\nDAG2300 WEST BROAD STREET\nDAIRICHMOND\nDAJVA\nDAK232690000  \n"
    b"DCF2424244747474786102204\nDCGUSA\nDCK123456789\nDDAF\nDDB06062018\nDDC06062020\nDDD1\r"
    b"ZVZVA01\r"
)


def subfile(kind: str, elements: dict[str, str]) -> bytes:
    return (kind + "\n".join(f"{k}{v}" for k, v in elements.items()) + "\r").encode("latin-1")


def file(
    elements: dict[str, str] | None = None,
    version: int = 10,
    kinds: tuple[str, ...] = ("DL", "ZV"),
    head: bytes = b"@\n\x1e\rANSI ",
    own: dict[str, str] | None = None,
) -> bytes:
    """A file as annex D describes it; ``own`` are the elements of the jurisdiction."""
    jurisdiction = {"ZVA": "01"} if own is None else own
    holder = USA if elements is None else elements
    parts = [subfile(kind, holder if kind in {"DL", "ID"} else jurisdiction) for kind in kinds]
    start = head + b"636000" + f"{version:02}".encode() + (b"01" if version > 1 else b"")
    start += f"{len(parts):02}".encode()
    offset = len(start) + 10 * len(parts)
    for kind, part in zip(kinds, parts, strict=True):
        start += f"{kind}{offset:04}{len(part):04}".encode()
        offset += len(part)
    return start + b"".join(parts)


def estimate(content: Any, at: datetime = NOW) -> AgeInterval:
    evidence = LicenceBarcode(content=content, holder_check=HolderCheck.NOT_MADE)
    return LicenceAgeEstimator(now=lambda: at).estimate(evidence)


def refused(content: Any, at: datetime = NOW) -> str:
    with pytest.raises(DocumentError) as caught:
        estimate(content, at)
    return caught.value.code


def picture_of(content: bytes, scale: int = 3) -> bytes:
    symbol = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.PDF417)
    pixels = np.array(zxingcpp.write_barcode_to_image(symbol, scale=scale))
    return cv2.imencode(".png", pixels)[1].tobytes()


def pixels_of(content: bytes, scale: int = 3) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(np.frombuffer(picture_of(content, scale), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(pixels, np.uint8)


def look(picture: Any) -> AgeInterval:
    evidence = LicencePicture(picture=picture, holder_check=HolderCheck.IN_PERSON)
    return LicenceAgeEstimator(now=lambda: NOW).estimate(evidence)


def test_a_specimen_that_is_not_ours() -> None:
    assert estimate(SPECIMEN, datetime(2024, 6, 1, tzinfo=UTC)).interval(0.5) == (37, 38)
    assert refused(SPECIMEN) == "document_expired"


@pytest.mark.parametrize("version", range(1, 11))
@pytest.mark.parametrize("kind", ["DL", "ID"])
def test_every_version(version: int, kind: str) -> None:
    known = estimate(file(version=version, kinds=(kind, "ZV")))
    assert known.interval(0.5) == (40, 41)
    assert (known.method_class, known.bound) == (MethodClass.VERIFICATION, False)


@pytest.mark.parametrize("version", [0, 11, 99])
def test_other_versions_are_refused(version: int) -> None:
    assert refused(file(version=version)) == "document_malformed"


@pytest.mark.parametrize("version", [3, 10])
def test_the_order_of_a_date_is_the_countrys(version: int) -> None:
    assert estimate(file(CANADA, version)).interval(0.5) == (40, 41)
    for elements in ({**CANADA, "DCG": "USA"}, {**USA, "DCG": "CAN"}):
        with pytest.raises((DocumentError, BirthDateError)):
            estimate(file(elements, version))


@pytest.mark.parametrize("version", [1, 2])
def test_before_version_3_a_date_shows_its_order(version: int) -> None:
    for elements in (USA, CANADA):
        bare = {k: v for k, v in elements.items() if k != "DCG"}
        assert estimate(file(bare, version)).interval(0.5) == (40, 41)


@pytest.mark.parametrize("version", [1, 2])
def test_a_date_in_december_shows_its_order_too(version: int) -> None:
    december = {"DBB": "12061986", "DBA": "12102028"}
    assert estimate(file(december, version)).interval(0.5) == (39, 40)


@pytest.mark.parametrize("country", ["", "MEX", "usa", "US"])
def test_other_countries_are_refused(country: str) -> None:
    assert refused(file({**USA, "DCG": country})) == "document_malformed"
    assert refused(file({k: v for k, v in USA.items() if k != "DCG"})) == "document_malformed"


def test_version_1_may_say_aamva() -> None:
    assert estimate(file(version=1, head=b"@\n\x1e\rAAMVA")).interval(0.5) == (40, 41)
    assert refused(file(version=2, head=b"@\n\x1e\rAAMVA")) == "document_malformed"
    assert refused(file(version=1, head=b"@\n\x1e\rISO  ")) == "document_malformed"


@pytest.mark.parametrize(
    "date", ["", "0614198", "061419866", "06X41986", "unavl", "06 41986", "\xb26141986"]
)
def test_a_date_is_eight_digits(date: str) -> None:
    for name in ("DBB", "DBA", "DDH", "DDI", "DDJ"):
        if name[:2] == "DD" and date in {"", "unavl"}:
            continue
        with pytest.raises(DocumentError, match="a date that is not eight digits") as caught:
            estimate(file({**USA, name: date}))
        assert caught.value.code == "document_malformed"


@pytest.mark.parametrize("name", ["DBB", "DBA"])
def test_a_licence_without_its_dates_is_malformed(name: str) -> None:
    missing = {k: v for k, v in USA.items() if k != name}
    assert refused(file(missing)) == "document_malformed"


@pytest.mark.parametrize(
    "birth", ["02301986", "13011986", "00011986", "06001986", "06142031", "06141899"]
)
def test_impossible_birth_dates_are_refused(birth: str) -> None:
    with pytest.raises(BirthDateError):
        estimate(file({**USA, "DBB": birth}))


@pytest.mark.parametrize("name", ["DBA", "DDH"])
def test_other_impossible_dates_are_malformed(name: str) -> None:
    assert refused(file({**USA, name: "02302028"})) == "document_malformed"


def test_a_licence_is_good_until_its_last_day_has_ended_everywhere() -> None:
    last = datetime(2028, 12, 11, 11, 59, tzinfo=UTC)
    assert estimate(file(), last).interval(0.5) == (42, 43)
    assert refused(file(), last + timedelta(minutes=1)) == "document_expired"


YOUNG = {**USA, "DBB": "06142009", "DDH": "06142027", "DDI": "06142028", "DDJ": "06142030"}


@pytest.mark.parametrize("elements", [USA | {"DBA": "12319999"}, CANADA | {"DBA": "99991231"}])
def test_the_last_day_of_the_calendar_is_a_day(elements: dict[str, str]) -> None:
    assert estimate(file(elements)).interval(0.9) == (40, 41)


def test_the_days_of_reaching_18_19_and_21_may_confirm() -> None:
    assert estimate(file(YOUNG)).interval(0.5) == (17, 18)
    assert estimate(file({**YOUNG, "DDH": "", "DDI": "NONE", "DDJ": "unavl"})).interval(0.5) == (
        17,
        18,
    )
    assert estimate(file({**USA, "DDH": "06142004"})).interval(0.5) == (40, 41)


@pytest.mark.parametrize("name", ["DDH", "DDI", "DDJ"])
def test_an_altered_birth_date_is_found_by_the_days_of_reaching(name: str) -> None:
    older = {**USA, "DBB": "06142001", name: YOUNG[name]}
    assert refused(file(older)) == "document_contradictory"
    younger = {**USA, "DBB": "06142009", name: "06142026"}
    assert refused(file(younger)) == "document_contradictory"


def test_on_the_day_itself_nothing_contradicts() -> None:
    # At noon UTC the 16th has begun somewhere, and not everywhere: both ages may be.
    for day in ("14", "15", "16"):
        elements = {**USA, "DBB": "06162008", "DDH": f"06{day}2026"}
        assert estimate(file(elements)).interval(0.5) == (17, 19)
    # Who was born on the 15th is 18 everywhere, and who was born on the 17th nowhere.
    assert estimate(file({**USA, "DBB": "06152008", "DDH": "06162026"})).interval(0.5) == (18, 19)
    assert refused(file({**USA, "DBB": "06152008", "DDH": "06172026"})) == "document_contradictory"
    assert estimate(file({**USA, "DBB": "06172008", "DDH": "06162026"})).interval(0.5) == (17, 18)
    assert refused(file({**USA, "DBB": "06172008", "DDH": "06152026"})) == "document_contradictory"


def edited(old: bytes, new: bytes) -> bytes:
    content = file()
    assert content.count(old) == 1
    return content.replace(old, new)


def nested() -> bytes:
    """The jurisdiction's subfile is a piece of the holder's."""
    content = file({**USA, "DCG": "USA\nDAGZVX"})
    start, stop = content.index(b"ZVX"), content.index(b"\r", 41) + 1
    place = content.index(b"ZV", 31)
    return content[:place] + b"ZV%04d%04d" % (start, stop - start) + content[place + 10 :]


BAD = {
    "empty": b"",
    "no start": file()[1:],
    "other separators": file(head=b"@\n\x1c\rANSI "),
    "other type": file(head=b"@\n\x1e\rISO  "),
    "cut in the header": file()[:18],
    "cut in the designators": file()[:30],
    "cut in the data": file()[:-1],
    "issuer no number": edited(b"ANSI 636000", b"ANSI 63600x"),
    "no entries": edited(b"100102DL", b"100100DL"),
    "more entries": edited(b"100102DL", b"100103DL"),
    "many entries": edited(b"100102DL", b"100199DL"),
    "entries no number": edited(b"10010", b"1001-"),
    "jurisdiction no number": edited(b"100102DL", b"10 102DL"),
    "jurisdiction half a number": edited(b"100102DL", b"100x02DL"),
    "offset into the header": edited(b"DL0041", b"DL0021"),
    "offset off by one": edited(b"DL0041", b"DL0042"),
    "offset off by one, same end": edited(b"DL00410056", b"DL00420055"),
    "offset beyond": edited(b"DL0041", b"DL9999"),
    "offset no number": edited(b"DL0041", b"DL+041"),
    "length zero": edited(b"DL00410056", b"DL00410000"),
    "length zero behind another subfile": edited(b"ZV00970008", b"ZV00970000"),
    "designator as a subfile": (
        b"@\n\x1e\rANSI 636000100102" + b"ZV00210022" + b"DL00430056" + b"X\r" + subfile("DL", USA)
    ),
    "length too great": edited(b"DL00410056", b"DL00419999"),
    "length off by one": edited(b"DL00410056", b"DL00410055"),
    "overlapping": edited(b"DL00410056", b"DL00410058"),
    "one within the other": edited(b"DL00410056", b"DL00410064"),
    "a piece of another": nested(),
    "same twice": file(kinds=("DL", "DL")),
    "licence and card": file(kinds=("DL", "ID")),
    "neither": file(kinds=("ZV",)),
    "other letters": edited(b"DL0041", b"DX0041"),
    "element twice": file().replace(b"DAQT", b"DBBT"),
    "read element twice": file({**USA, "DBB": "06141986\nDBB06142009"}),
    "empty element": file({**USA, "DCS": "A\n"}),
    "short name": file({**USA, "DCS": "A\nDC"}),
    "lower name": file({**USA, "DCS": "A\ndcb1"}),
    "name with a space": file({**USA, "DCS": "A\nD B1"}),
    "empty element at the end": file({**USA, "DCG": "USA\n"}),
    "text": "@\n\x1e\rANSI ",
    "none": None,
    "long": file({**USA, "DCS": "A" * 3000}),
    "gaps": memoryview(file())[::2],
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_file_of_the_standard_is_refused(name: str) -> None:
    assert refused(BAD[name]) == "document_malformed"


def test_a_subfile_may_be_empty_and_a_file_full() -> None:
    assert estimate(file(own={})).interval(0.5) == (40, 41)
    spare = 2710 - len(file({**USA, "DCS": ""}))
    full = file({**USA, "DCS": "A" * spare})
    assert len(full) == 2710
    assert estimate(full).interval(0.5) == (40, 41)
    assert refused(file({**USA, "DCS": "A" * (spare + 1)})) == "document_malformed"


def test_writable_bytes_hold_zeros_afterwards() -> None:
    for content in (file(), file()[:-1]):
        held = bytearray(content)
        if content == file():
            estimate(held)
        else:
            refused(held)
        assert held == bytes(len(content))


@pytest.mark.parametrize("elements", [USA, CANADA, YOUNG])
def test_a_picture_of_the_barcode_is_read(elements: dict[str, str]) -> None:
    content = file(elements)
    known = look(picture_of(content))
    assert known.interval(0.5) == estimate(content).interval(0.5)
    assert known.bound


@pytest.mark.parametrize("turn", range(4))
def test_a_picture_may_be_turned_small_and_lossy(turn: int) -> None:
    pixels = pixels_of(file(), 4)
    card = np.full((1000, 1500, 3), 200, np.uint8)
    height, width, _ = pixels.shape
    card[300 : 300 + height, 200 : 200 + width] = pixels
    turned = np.rot90(card, turn)
    jpeg = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()
    held = bytearray(jpeg)
    assert look(held).interval(0.5) == (40, 41)
    assert held == bytes(len(jpeg))


def test_pixels_are_read_too_and_left_to_the_caller() -> None:
    pixels = pixels_of(file())
    assert look(pixels).interval(0.5) == (40, 41)
    assert pixels.any()


@pytest.mark.parametrize(("width", "looked_at"), [(5200, 2600), (5198, 5198)])
def test_a_large_jpeg_keeps_pixels_enough_for_the_bars(
    width: int, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    view = zxingcpp.ImageView

    def look_at(pixels: Any, width: int, height: int, form: Any) -> Any:
        seen.append(width)
        return view(pixels, width, height, form)

    monkeypatch.setattr(zxingcpp, "ImageView", look_at)
    blank = np.full((400, width, 3), 255, np.uint8)
    with pytest.raises(DocumentError):
        look(cv2.imencode(".jpg", blank)[1].tobytes())
    assert seen == [looked_at]


def test_a_picture_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zxingcpp", None)
    monkeypatch.delitem(sys.modules, "ageassure.estimators.document.barcode")
    with pytest.raises(MissingExtraError, match=r"pip install 'ageassure\[documents\]'"):
        import_module("ageassure.estimators.document.barcode")


def test_no_barcode_and_two_of_them_are_refused() -> None:
    empty = cv2.imencode(".png", np.full((300, 400, 3), 255, np.uint8))[1].tobytes()
    one, other = pixels_of(file()), pixels_of(file(YOUNG))
    both = np.full((one.shape[0] + other.shape[0] + 60, 900, 3), 255, np.uint8)
    both[: one.shape[0], : one.shape[1]] = one
    both[-other.shape[0] :, : other.shape[1]] = other
    two = cv2.imencode(".png", both)[1].tobytes()
    code = zxingcpp.create_barcode(b"@ANSI", zxingcpp.BarcodeFormat.QRCode)
    square = cv2.imencode(".png", np.array(zxingcpp.write_barcode_to_image(code, scale=9)))[1]
    for picture, count in ((empty, 0), (two, 2), (square.tobytes(), 0)):
        with pytest.raises(DocumentError, match=f"got {count} readable") as caught:
            look(picture)
        assert caught.value.code == "barcode_unreadable"


def test_a_barcode_of_something_else_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        look(picture_of(b"a boarding pass"))
    assert caught.value.code == "document_malformed"


def test_a_picture_that_is_none_is_refused_by_the_imaging_room() -> None:
    with pytest.raises(PictureError) as caught:
        look(b"GIF89a")
    assert caught.value.code == "picture_unsupported"
    assert caught.value.__context__ is None


def test_other_evidence_and_a_boolean_holder_check_are_refused() -> None:
    estimator = LicenceAgeEstimator()
    assert isinstance(estimator, Estimator)
    unknown: Any = file()
    with pytest.raises(DocumentError, match="neither"):
        estimator.estimate(unknown)
    yes: Any = True
    for kind in (LicenceBarcode, LicencePicture):
        with pytest.raises(ConfigurationError):
            kind(**{"content" if kind is LicenceBarcode else "picture": b""}, holder_check=yes)
