"""The file in the barcode of a North American driving licence or identity card.

AAMVA DL/ID Card Design Standard, annex D (2020 and its predecessors), versions 01 to 10:
a header, designators (type, offset, length), subfiles of elements. Read are the birth date
``DBB``, the expiry ``DBA``, the country ``DCG`` and, where there are any, the dates until which the
holder is under 18, 19 and 21 (``DDH``, ``DDI``, ``DDJ``); those must not contradict the birth date.

Dates are MMDDCCYY in the United States and CCYYMMDD in Canada from version 03 on, which names the
country; before that cards are found with either, and no date can be read as both.

Nothing but these elements is copied. NOT checked: who issued it (there is no signature; whoever has
a printer can make such a barcode), numbers, names and everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ageassure.errors import DocumentError
from ageassure.estimators.birth_dates import EARLIEST_ZONE, LATEST_ZONE, BirthDate
from ageassure.estimators.document.held import malformed

if TYPE_CHECKING:
    from datetime import datetime

    from ageassure.results import AgeInterval

MAX_FILE_BYTES: Final = 2710
"""A PDF417 symbol holds no more digits, and fewer bytes (ISO/IEC 15438)."""

_START: Final = b"@\n\x1e\r"
_VERSIONS: Final = range(1, 11)
_FIRST_VERSION_WITH_COUNTRY: Final = 3
_DESIGNATOR_BYTES: Final = 10
_HOLDER_FILES: Final = frozenset({b"DL", b"ID"})
_UNDER: Final = {b"DDH": 18, b"DDI": 19, b"DDJ": 21}
_READ: Final = frozenset({b"DBB", b"DBA", b"DCG", *_UNDER})
_NOTHING: Final = frozenset({b"", b"NONE", b"unavl"})
_MONTH_FIRST: Final = {b"USA": True, b"CAN": False}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class LicenceDates:
    """What a licence says about time; personal data.

    Attributes:
        birth: Birth date.
        expiry: Last day of the licence.
        under_until: Limit in years → date on which the holder reaches it.
    """

    birth: BirthDate
    expiry: date
    under_until: dict[int, date]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (content hidden)>"


def read_licence(file: memoryview) -> LicenceDates:
    """Take the file of a barcode apart.

    Raises:
        DocumentError: ``document_malformed``.
        BirthDateError: If no calendar has the birth date.
    """
    version, first_designator, entries = _header(file)
    start, stop = _holder_file(file, first_designator, entries)
    elements = _elements(file, start, stop)
    month_first: bool | None = None
    if version >= _FIRST_VERSION_WITH_COUNTRY:
        month_first = _MONTH_FIRST.get(elements.get(b"DCG", b""))
        if month_first is None:
            raise malformed("got an issuing country that is neither USA nor CAN")
    year, month, day = _date(elements.get(b"DBB", b""), month_first)
    return LicenceDates(
        birth=BirthDate(year=year, month=month, day=day),
        expiry=_calendar_date(elements.get(b"DBA", b""), month_first),
        under_until={
            limit: _calendar_date(elements[name], month_first)
            for name, limit in _UNDER.items()
            if elements.get(name, b"") not in _NOTHING
        },
    )


def check_not_contradicted(
    interval: AgeInterval, under_until: dict[int, date], at: datetime
) -> None:
    """Refuse an age that a date "under N until" of the same licence excludes.

    Raises:
        DocumentError: ``document_contradictory``.
    """
    first_today, last_today = at.astimezone(EARLIEST_ZONE).date(), at.astimezone(LATEST_ZONE).date()
    for limit, reached_on in under_until.items():
        low, high = interval.bounds_at_or_over(limit)
        if (last_today < reached_on and low == 1) or (first_today >= reached_on and high == 0):
            raise DocumentError(
                f"got a birth date that the date of reaching {limit} excludes",
                code="document_contradictory",
            )


def _header(file: memoryview) -> tuple[int, int, int]:
    """Return version, where the designators begin, and their number."""
    if bytes(file[:4]) != _START:
        raise malformed("got no barcode file of the AAMVA: it begins with other separators")
    kind = bytes(file[4:9])
    version = _number(file, 15, 2)
    _number(file, 9, 6)  # the issuer's number
    if version not in _VERSIONS:
        raise malformed(f"got AAMVA version {version}, expected 1 to 10")
    if kind != b"ANSI " and not (version == 1 and kind == b"AAMVA"):
        raise malformed("got a barcode file of another type than ANSI")
    after = 17 if version == 1 else 19  # version 01 has no version of the jurisdiction
    _number(file, 17, 2)
    return version, after + 2, _number(file, after, 2)


def _holder_file(file: memoryview, first: int, entries: int) -> tuple[int, int]:
    """Check all subfiles, and return where the elements of the holder's begin and end."""
    data_start = first + entries * _DESIGNATOR_BYTES
    found: dict[bytes, tuple[int, int]] = {}
    for position in range(first, data_start, _DESIGNATOR_BYTES):
        kind = bytes(file[position : position + 2])
        start, length = _number(file, position + 2, 4), _number(file, position + 6, 4)
        stop = start + length
        if kind in found:
            raise malformed("got two subfiles of the same type")
        if length < 3 or start < data_start:
            raise malformed("got a subfile that does not lie within the barcode's data")
        # Where it would reach beyond the end, there is no last byte.
        if bytes(file[start : start + 2]) != kind or bytes(file[stop - 1 : stop]) != b"\r":
            raise malformed("got a subfile that does not stand where its designator says")
        found[kind] = start, stop
    spans = sorted(found.values())
    if any(later < earlier for (_, earlier), (later, _) in pairwise(spans)):
        raise malformed("got subfiles that overlap")
    mine = [found[kind] for kind in _HOLDER_FILES & found.keys()]
    if len(mine) != 1:
        raise malformed(f"got {len(mine)} subfiles of a licence or card, expected one")
    return mine[0][0] + 2, mine[0][1] - 1


def _elements(file: memoryview, start: int, stop: int) -> dict[bytes, bytes]:
    """The elements that are read, by name; of the others only the names are looked at."""
    seen: set[bytes] = set()
    values: dict[bytes, bytes] = {}
    while start <= stop:
        end = next((i for i in range(start, stop) if file[i] == ord("\n")), stop)
        name = bytes(file[start : min(start + 3, end)])
        if len(name) != 3 or not name.isalnum() or not name.isupper():
            raise malformed("got an element without a name of three letters")
        if name in seen:
            raise malformed("got an element twice")
        seen.add(name)
        if name in _READ:
            values[name] = bytes(file[start + 3 : end])
        start = end + 1
    return values


def _date(field: bytes, month_first: bool | None) -> tuple[int, int, int]:
    if len(field) != 8 or not field.isdigit():
        raise malformed("got a date that is not eight digits")
    if month_first is None:
        month_first = field[:2] <= b"12"  # no century that anybody lives in
    if month_first:
        return int(field[4:]), int(field[:2]), int(field[2:4])
    return int(field[:4]), int(field[4:6]), int(field[6:])


def _calendar_date(field: bytes, month_first: bool | None) -> date:
    year, month, day = _date(field, month_first)
    found: date | None = None
    try:
        found = date(year, month, day)
    except ValueError:
        found = None
    if found is None:
        raise malformed("got a date that no calendar has")
    return found


def _number(file: memoryview, start: int, length: int) -> int:
    digits = bytes(file[start : start + length])
    if len(digits) != length or not digits.isdigit():
        raise malformed("got a header or designator without its digits")
    return int(digits)
