from __future__ import annotations

import sys
from importlib import import_module

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.errors import CredentialError, MissingExtraError
from ageassure.estimators.credential.mdoc.cbor import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_ITEMS,
    content_of,
    decode,
    embedded,
    encode,
)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.integers(-9, 9), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_plain_values_come_back(value: object) -> None:
    assert decode(encode(value)) == value


@given(st.binary(max_size=64))
def test_junk_raises_only_the_one_error(data: bytes) -> None:
    refusal = None
    try:
        decode(data)
    except CredentialError as error:
        refusal = error
    assert refusal is None or refusal.code == "credential_malformed"
    assert refusal is None or refusal.__context__ is None


@given(PLAIN, st.data())
def test_what_is_read_has_one_encoding(value: object, data: st.DataObject) -> None:
    encoded = bytearray(encode(value))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read = decode(bytes(encoded))
    except CredentialError:
        return
    if _is_plain(read):
        assert encode(read) == bytes(encoded)


def _is_plain(value: object) -> bool:
    """Without numbers that are no integers, and without dates, which have several spellings."""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return value is None or isinstance(value, bool | int | str | bytes)


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "1801",  # one byte more than needed
        "190001",
        "1a00000001",
        "1b0000000000000001",
        "5801ff",
        "5f41ff41ffff",  # indefinite lengths
        "9f01ff",
        "bf6161f5ff",
        "7f6161ff",
        "a2616101616102",  # a key twice
        "a201f501f4",
        "a1f501",  # keys that are no text and no integer
        "a1f90000f5",
        "a18001",
        "a1410101",
        "f7",  # undefined
        "e0",
        "f820",
        "ff",
        "1c",
        "0000",  # something after the end
        "61",  # truncated
        "6161"[:2],
        "82 01".replace(" ", ""),
        "a101",
        "19 01".replace(" ", ""),
        "fb00",
        "61ff",  # no UTF-8
        "c06161",  # no date
        "c001",
        "c249010000000000000000",  # a bignum
        "c48219ffff01",  # a decimal fraction
        "c5821b7fffffffffffffff01",  # a bigfloat that fills any memory
        "d81c80",  # sharing
        "d81d00",
        "d90100820101",  # references to texts
        "d9010282f5f5",  # a set
        "d9d9f700",  # self-described
        "5b7fffffffffffffff",  # lengths beyond the end
        "9b7fffffffffffffff",
        "bb7fffffffffffffff",
        "7a7fffffff",
    ],
)
def test_what_is_not_such_cbor_is_refused(encoded: str) -> None:
    with pytest.raises(CredentialError, match="CBOR") as caught:
        decode(bytes.fromhex(encoded))
    assert caught.value.code == "credential_malformed"


@pytest.mark.parametrize("encoded", ["61", "19", "1901", "1b00000000000000", "5b7fffffffffffffff"])
def test_what_is_cut_short_is_found_before_it_is_decoded(encoded: str) -> None:
    with pytest.raises(CredentialError, match="truncated"):
        decode(bytes.fromhex(encoded))


@pytest.mark.parametrize("encoded", ["1c", "1f", "1c" + "ff" * 16, "5f41ffff", "9f01ff"])
def test_what_has_no_length_is_found_before_it_is_decoded(encoded: str) -> None:
    with pytest.raises(CredentialError, match="indefinite"):
        decode(bytes.fromhex(encoded))


@pytest.mark.parametrize("encoded", ["1817", "1900ff", "1a0000ffff", "1b00000000ffffffff"])
def test_the_greatest_number_that_takes_a_byte_too_many(encoded: str) -> None:
    with pytest.raises(CredentialError, match="fewest"):
        decode(bytes.fromhex(encoded))


@pytest.mark.parametrize("encoded", ["f93c00", "fa3fc00000", "fb3ff199999999999a"])
def test_floating_point_is_read(encoded: str) -> None:
    assert decode(bytes.fromhex(encoded)) in (1.0, 1.5, 1.1)


def test_nothing_is_no_cbor() -> None:
    with pytest.raises(CredentialError, match="1 to 262144 bytes"):
        decode(b"")


def test_it_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cbor2", None)
    monkeypatch.delitem(sys.modules, "ageassure.estimators.credential.mdoc.cbor")
    with pytest.raises(MissingExtraError, match=r"pip install 'ageassure\[mdoc\]'"):
        import_module("ageassure.estimators.credential.mdoc.cbor")


def test_bounds() -> None:
    assert (MAX_BYTES, MAX_DEPTH, MAX_ITEMS) == (262_144, 16, 20_000)  # which the documents need
    decode(b"\x81" * MAX_DEPTH + b"\x00")
    with pytest.raises(CredentialError, match="nested"):
        decode(b"\x81" * (MAX_DEPTH + 1) + b"\x00")
    with pytest.raises(CredentialError, match="nested"):
        decode(b"\x81" * 100_000 + b"\x00")
    decode(encode([0] * (MAX_ITEMS - 1)))
    with pytest.raises(CredentialError, match="too many"):
        decode(encode([0] * MAX_ITEMS))
    decode(encode(bytes(MAX_BYTES - 5)))
    with pytest.raises(CredentialError, match="bytes"):
        decode(encode(bytes(MAX_BYTES)))
    with pytest.raises(CredentialError, match="bytes"):
        decode(bytearray(b"\x00"))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [b"\xa0", cbor2.CBORTag(24, "a"), cbor2.CBORTag(25, b"a"), None])
def test_encoded_cbor_is_a_tagged_byte_string(value: object) -> None:
    assert content_of(embedded(b"\xa0")) == b"\xa0"
    with pytest.raises(CredentialError):
        content_of(value)
