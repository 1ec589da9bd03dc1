"""The machine-readable zone of ICAO Doc 9303 (eighth edition), parts 3 to 7.

==========  ==========  ==================  =======================================
format      lines       document code       composite check digit over
==========  ==========  ==================  =======================================
TD1         3 × 30      A, C, I             number, optional data, birth, expiry
TD2         2 × 36      A, C, I             number, birth, expiry, optional data
TD3         2 × 44      P                   number, birth, expiry, optional data
MRV-A       2 × 44      V                   none
MRV-B       2 × 36      V                   none
==========  ==========  ==================  =======================================

Only the two dates are read. Of everything else nothing but the check digits is looked at, in
place; no name and no number is copied.

NOT checked: states and nationalities, names, sex, and whether the zone belongs to a real document.
Anybody who can count can write a zone with right check digits: they find misreading, not fraud.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from ageassure.errors import DocumentError
from ageassure.estimators.birth_dates import EARLIEST_ZONE, BirthDate
from ageassure.estimators.document.held import check_not_expired, malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

_ALPHABET: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES: Final = {**{byte: value for value, byte in enumerate(_ALPHABET)}, ord("<"): 0}
_WEIGHTS: Final = (7, 3, 1)
_FILLER: Final = ord("<")
_UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where what stands, as slices into all lines without breaks."""

    line_lengths: tuple[int, ...]
    codes: bytes
    number: slice
    number_goes_on: slice | None
    birth: slice
    expiry: slice
    optional: slice | None
    composite: tuple[slice, ...]


_TD1: Final = _Layout(
    line_lengths=(30, 30, 30),
    codes=b"ACI",
    number=slice(5, 14),
    number_goes_on=slice(15, 30),
    birth=slice(30, 36),
    expiry=slice(38, 44),
    optional=None,
    composite=(slice(5, 30), slice(30, 37), slice(38, 45), slice(48, 59)),
)
_TD2: Final = _Layout(
    line_lengths=(36, 36),
    codes=b"ACI",
    number=slice(36, 45),
    number_goes_on=slice(64, 71),
    birth=slice(49, 55),
    expiry=slice(57, 63),
    optional=None,
    composite=(slice(36, 46), slice(49, 56), slice(57, 71)),
)
_TD3: Final = _Layout(
    line_lengths=(44, 44),
    codes=b"P",
    number=slice(44, 53),
    number_goes_on=None,
    birth=slice(57, 63),
    expiry=slice(65, 71),
    optional=slice(72, 86),
    composite=(slice(44, 54), slice(57, 64), slice(65, 87)),
)
_MRV_A: Final = _Layout(
    line_lengths=(44, 44),
    codes=b"V",
    number=slice(44, 53),
    number_goes_on=None,
    birth=slice(57, 63),
    expiry=slice(65, 71),
    optional=None,
    composite=(),
)
_MRV_B: Final = _Layout(
    line_lengths=(36, 36),
    codes=b"V",
    number=slice(36, 45),
    number_goes_on=None,
    birth=slice(49, 55),
    expiry=slice(57, 63),
    optional=None,
    composite=(),
)
_LAYOUTS: Final = (_TD1, _TD2, _TD3, _MRV_A, _MRV_B)
_COMPOSITE_AT: Final = {_TD1.line_lengths: 59, _TD2.line_lengths: 71, _TD3.line_lengths: 87}

MAX_ZONE_BYTES: Final = 90


def birth_date_of_zone(zone: Sequence[int], at: datetime) -> BirthDate | None:
    """Check a zone and read its birth date.

    A year of two digits is resolved by :meth:`BirthDate.of_two_digit_year`; that of the expiry is
    the one within 50 years before and 49 years after ``at``. A document is expired once its last
    day has ended everywhere on Earth. Where the month is unknown, the day is not used.

    Args:
        zone: The bytes of all lines, without line breaks, as data group 1 of a chip has them.
        at: The moment of the assessment.

    Returns:
        What is known of the birth date; None if not even the year is.

    Raises:
        DocumentError: ``document_malformed``, ``check_digit`` or ``document_expired``.
        BirthDateError: If the birth date is impossible.
    """
    layout = _layout_of(zone)
    _check_digits(zone, layout)
    _check_expiry(_two_digits(zone[layout.expiry]), at)
    year, month, day = _two_digits(zone[layout.birth])
    if year == _UNKNOWN:
        return None
    known_month = None if month == _UNKNOWN else month
    known_day = None if _UNKNOWN in (month, day) else day
    return BirthDate.of_two_digit_year(year, month=known_month, day=known_day, at=at)


def _layout_of(zone: Sequence[int]) -> _Layout:
    if any(byte not in _VALUES for byte in zone):
        raise malformed("got a zone with a character that is not one of A to Z, 0 to 9 and <")
    for layout in _LAYOUTS:
        if len(zone) == sum(layout.line_lengths) and zone[0] in layout.codes:
            return layout
    raise malformed("got a zone that has the length and document code of no format of Doc 9303")


def line_lengths_of(total: int) -> tuple[int, ...] | None:
    """Lengths of the lines of a zone of ``total`` characters; None if there is no such format."""
    return next((each.line_lengths for each in _LAYOUTS if sum(each.line_lengths) == total), None)


def _check_digits(zone: Sequence[int], layout: _Layout) -> None:
    _check_number(zone, layout)
    for field in (layout.birth, layout.expiry):
        _check(zone[field], zone[field.stop])
    if layout.optional is not None:
        optional, digit = zone[layout.optional], zone[layout.optional.stop]
        # Doc 9303-4, 4.2.2.2: where there is no optional data the digit may be a filler.
        if digit != _FILLER or any(byte != _FILLER for byte in optional):
            _check(optional, digit)
    if layout.composite:
        covered = [byte for part in layout.composite for byte in zone[part]]
        _check(covered, zone[_COMPOSITE_AT[layout.line_lengths]])


def _check_number(zone: Sequence[int], layout: _Layout) -> None:
    number, digit = list(zone[layout.number]), zone[layout.number.stop]
    if digit == _FILLER and layout.number_goes_on is not None:
        # Doc 9303-5, 4.2.2 note j, and 9303-6: a number of more than nine characters goes on in
        # the optional data, then comes its check digit, then a filler.
        rest = list(takewhile(_FILLER.__ne__, zone[layout.number_goes_on]))
        number, digit = number + rest[:-1], rest[-1] if len(rest) > 1 else _FILLER
    _check(number, digit)


def _check(field: Sequence[int], digit: int) -> None:
    total = sum(_VALUES[byte] * _WEIGHTS[i % 3] for i, byte in enumerate(field))
    if digit != ord("0") + total % 10:
        raise DocumentError("got a wrong check digit", code="check_digit")


def _two_digits(field: Sequence[int]) -> tuple[int, int, int]:
    """Year, month and day, each of two digits or, where two fillers stand, unknown."""
    parts = []
    for high, low in (field[0:2], field[2:4], field[4:6]):
        if high == low == _FILLER:
            parts.append(_UNKNOWN)
        elif _is_digit(high) and _is_digit(low):
            parts.append((high - ord("0")) * 10 + low - ord("0"))
        else:
            raise malformed("got a date that is neither digits nor fillers")
    year, month, day = parts
    return year, month, day


def _is_digit(byte: int) -> bool:
    return ord("0") <= byte <= ord("9")


def _check_expiry(parts: tuple[int, int, int], at: datetime) -> None:
    today = at.astimezone(EARLIEST_ZONE).date()
    first = today.year - 50
    year = first + (parts[0] - first) % 100
    last_day: date | None = None
    if _UNKNOWN not in parts:
        try:
            last_day = date(year, parts[1], parts[2])
        except ValueError:
            last_day = None
    if last_day is None:
        raise malformed("got a date of expiry that no calendar has")
    check_not_expired(last_day, at)
