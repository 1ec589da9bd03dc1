"""Strict DER: what each kind of element must not be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.errors import DocumentError
from ageassure.estimators.document.chip import der


def element(text: str) -> der.Element:
    data = memoryview(bytes.fromhex(text))
    return der.read(data, data[0] if data[0] & 0x1F != 0x1F else data[0] << 8 | data[1])


def test_elements_are_views_and_show_nothing() -> None:
    data = memoryview(b"\x04\x02ab")
    found = der.read(data, der.OCTET_STRING)
    assert bytes(found.content) == b"ab"
    assert found.whole == data
    assert found.content.obj is data.obj
    assert repr(found) == "<Element (content hidden)>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected an element"),
        ("04", "expected an element"),
        ("0401", "longer than what it stands in"),
        ("0480", "indefinite"),
        ("048000", "indefinite"),
        ("0480" + "00" * 128, "indefinite"),
        ("048101ff", "not minimal"),
        ("04820001ff", "not minimal"),
        ("0484000000", "too great"),
        ("048401000000", "too great"),
        ("0485", "too great"),
        ("0482", "not minimal"),
        ("0482ff", "longer than what it stands in"),
        ("0482ffff", "longer than what it stands in"),
        ("04817f", "not minimal"),
        ("1f", "expected an element"),
        ("1f00", "a tag that is not minimal"),
        ("1f1e00", "a tag that is not minimal"),
        ("1f8000", "beyond 127"),
        ("1f1f", "expected a length"),
        ("1f8100", "beyond 127"),
        ("040100ff", "bytes after the end"),
    ],
)
def test_what_is_no_element_is_refused(text: str, message: str) -> None:
    data = memoryview(bytes.fromhex(text))
    with pytest.raises(DocumentError, match=message):
        der.read(data, data[0] if data else 4)


@pytest.mark.parametrize("text", ["5f1f00", "5f7f00"])
def test_tags_of_two_bytes(text: str) -> None:
    assert element(text).tag == int(text[:4], 16)


def test_no_element_reaches_out_of_what_it_stands_in() -> None:
    data = memoryview(bytes.fromhex("3003040261" + "62"))
    reader = der.sequence(der.read(data[:5], der.SEQUENCE))
    with pytest.raises(DocumentError, match="longer than what it stands in"):
        reader.take(der.OCTET_STRING)


def test_lengths_of_every_form() -> None:
    for size in (0, 1, 127, 128, 255, 256, 65_535, 65_536):
        if size < 128:
            length = bytes([size])
        else:
            octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
            length = bytes([0x80 | len(octets)]) + octets
        data = memoryview(b"\x04" + length + bytes(size))
        assert len(der.read(data, 4).content) == size


@pytest.mark.parametrize(
    ("text", "value"),
    [("020100", 0), ("02017f", 127), ("02020080", 128), ("020180", -128), ("0201ff", -1)],
)
def test_integers(text: str, value: int) -> None:
    assert der.integer(element(text)) == value


@pytest.mark.parametrize("text", ["0200", "02020000", "0202007f", "0202ff80", "0202ffff", "040100"])
def test_integers_are_minimal(text: str) -> None:
    with pytest.raises(DocumentError):
        der.integer(element(text))


@given(value=st.integers(-(2**200), 2**200))
def test_every_integer_is_read_back(value: int) -> None:
    octets = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
    if value < 0 and len(octets) > 1 and octets[0] == 0xFF and octets[1] & 0x80:
        octets = octets[1:]
    assert der.integer(der.read(memoryview(b"\x02" + bytes([len(octets)]) + octets), 2)) == value


@pytest.mark.parametrize(
    ("text", "dotted"),
    [
        ("06032a0304", "1.2.3.4"),
        ("0603550403", "2.5.4.3"),
        ("0603883703", "2.999.3"),
        ("06092a864886f70d010702", "1.2.840.113549.1.7.2"),
        ("060100", "0.0"),
        ("060127", "0.39"),
        ("06042a818000", "1.2.16384"),
        ("0620" + "2a" * 32, "1.2" + ".42" * 31),
    ],
)
def test_object_identifiers(text: str, dotted: str) -> None:
    assert der.oid(element(text)) == dotted


@pytest.mark.parametrize(
    "text", ["0600", "06022a80", "06022a81", "06032a8001", "0621" + "2a" * 33, "04012a"]
)
def test_other_object_identifiers_are_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        der.oid(element(text))


def test_booleans_and_bit_strings() -> None:
    assert der.boolean(element("0101ff")) is True
    assert der.boolean(element("010100")) is False
    assert bytes(der.bit_string(element("030200ab"))) == b"\xab"
    assert der.named_bits(element("03020780")) == 0x80
    assert der.named_bits(element("030100")) == 0
    assert der.named_bits(element("0303070680")) == 6
    for read, text in (
        (der.boolean, "010101"),
        (der.boolean, "0100"),
        (der.boolean, "0102ffff"),
        (der.bit_string, "0300"),
        (der.bit_string, "030201aa"),
        (der.bit_string, "0402aaaa"),
        (der.named_bits, "0300"),
        (der.named_bits, "03020880"),
        (der.named_bits, "0302ff80"),
        (der.named_bits, "030101"),
        (der.named_bits, "03020680"),
        (der.named_bits, "03020000"),
        (der.named_bits, "03020781"),
    ):
        with pytest.raises(DocumentError):
            read(element(text))


def test_times() -> None:
    for text, year in ((b"\x17\r491231235959Z", 2049), (b"\x17\r500101000000Z", 1950)):
        assert der.time(element(text.hex())).year == year
    text = b"\x18\x0f20510101000000Z"
    assert der.time(element(text.hex())) == datetime(2051, 1, 1, tzinfo=UTC)
    for bad in (
        b"\x17\x0b4912312359Z",
        b"\x17\r4912312359599",
        b"\x17\r491331235959Z",
        b"\x17\r49123123595 Z",
        b"\x17\x114912312359+0100Z",
        b"\x18\x1120510101000000.5Z",
        b"\x18\x0f20510101000060Z",
        b"\x16\r491231235959Z",
        b"\x18\x0e20510101000000",
    ):
        with pytest.raises(DocumentError):
            der.time(element(bad.hex()))


def test_sets_are_sorted_and_sequences_end() -> None:
    assert len(der.set_of(element("3106020101020102"))) == 2
    for text in ("3106020102020101", "3106020101020101"):
        with pytest.raises(DocumentError):
            der.set_of(element(text))
    reader = der.sequence(element("3006020101040100"))
    assert reader.take_if(der.OCTET_STRING) is None
    assert der.integer(reader.take_any()) == 1
    with pytest.raises(DocumentError):
        reader.end()
    assert reader.take_if(der.OCTET_STRING) is not None
    assert reader.take_if(der.OCTET_STRING) is None
    reader.end()
    with pytest.raises(DocumentError):
        reader.take_any()
    with pytest.raises(DocumentError, match="expected 0x4"):
        der.sequence(element("3003020101")).take(der.OCTET_STRING)


def test_a_place_holds_so_many_elements_and_no_more() -> None:
    many = 64
    assert many == der.MAX_ELEMENTS
    data = b"\x30\x81" + bytes([2 * many]) + b"\x05\x00" * many
    assert len(list(der.sequence(der.read(memoryview(data), 0x30)))) == many
    more = b"\x30\x81" + bytes([2 * many + 2]) + b"\x05\x00" * (many + 1)
    with pytest.raises(DocumentError, match="more than"):
        list(der.sequence(der.read(memoryview(more), 0x30)))
