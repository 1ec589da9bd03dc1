"""Strict DER (ITU-T X.690), read in place: as much of it as chips and their certificates use.

An own reader, because a lenient one is a second opinion about what was signed. Elements are views
into the caller's bytes, nothing recurses, and every length is minimal, definite and inside its
parent. Doc 9303-10 demands DER of issuers.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from ageassure.estimators.document.held import malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31

MAX_ELEMENTS: Final = 64
"""In one sequence or set; a certificate has some ten extensions, a chip at most 16 data groups."""

_MAX_OID_BYTES: Final = 32


class Element(NamedTuple):
    """One element; personal data may be in it, so its ``repr`` shows none of it.

    Attributes:
        tag: First byte of the tag, or two bytes where the number is 31 or more.
        content: The contents octets.
        whole: Tag, length and contents.
    """

    tag: int
    content: memoryview
    whole: memoryview

    def __repr__(self) -> str:
        return "<Element (content hidden)>"


def read(data: memoryview, tag: int) -> Element:
    """Read the one element that ``data`` is, to its last byte.

    Raises:
        DocumentError: If it is anything else, or has another tag.
    """
    element, stop = _element(data, 0)
    if stop != len(data):
        raise malformed("got bytes after the end of an element")
    return _expected(element, tag)


def sequence(element: Element, *, tag: int = SEQUENCE) -> Reader:
    """The elements of a SEQUENCE, or of what is implicitly tagged as one."""
    return Reader(_expected(element, tag).content)


def set_of(element: Element, *, tag: int = SET) -> list[Element]:
    """The elements of a SET OF, which DER has in ascending order of their encodings.

    Raises:
        DocumentError: If they are in another order, or twice the same.
    """
    found = list(Reader(_expected(element, tag).content))
    if any(bytes(one.whole) >= bytes(other.whole) for one, other in pairwise(found)):
        raise malformed("got a set whose elements are not in ascending order")
    return found


class Reader:
    """Takes the elements in ``data`` one after the other."""

    __slots__ = ("_data", "_position", "_taken")

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._position = 0
        self._taken = 0

    def take(self, tag: int) -> Element:
        """The next element.

        Raises:
            DocumentError: If there is none, or it has another tag.
        """
        return _expected(self._next(), tag)

    def take_any(self) -> Element:
        """The next element, whatever its tag.

        Raises:
            DocumentError: If there is none.
        """
        return self._next()

    def take_if(self, tag: int) -> Element | None:
        """The next element if it has this tag, else None.

        Raises:
            DocumentError: If what comes next is no element.
        """
        if not self.more:
            return None
        element, stop = _element(self._data, self._position)
        if element.tag != tag:
            return None
        self._moved(stop)
        return element

    @property
    def more(self) -> bool:
        """Is there another element?"""
        return self._position < len(self._data)

    def end(self) -> None:
        """There must be no more.

        Raises:
            DocumentError: If there is.
        """
        if self.more:
            raise malformed("got more elements than expected")

    def __iter__(self) -> Iterator[Element]:
        while self.more:
            yield self._next()

    def _next(self) -> Element:
        element, stop = _element(self._data, self._position)
        self._moved(stop)
        return element

    def _moved(self, stop: int) -> None:
        self._position = stop
        self._taken += 1
        if self._taken > MAX_ELEMENTS:
            raise malformed(f"got more than {MAX_ELEMENTS} elements in one place")


def _expected(element: Element, tag: int) -> Element:
    if element.tag != tag:
        raise malformed(f"got an element with tag {element.tag:#x}, expected {tag:#x}")
    return element


def _element(data: memoryview, start: int) -> tuple[Element, int]:
    """The element at ``start``, and where it stops."""
    if len(data) - start < 2:
        raise malformed("got the end of the data, expected an element")
    tag, position = data[start], start + 1
    if tag & 0x1F == 0x1F:
        if not 0x1F <= data[position] < 0x80:
            raise malformed("got a tag that is not minimal, or beyond 127")
        tag, position = tag << 8 | data[position], position + 1
    length, position = _length(data, position)
    stop = position + length
    if stop > len(data):
        raise malformed("got an element that is longer than what it stands in")
    return Element(tag, data[position:stop], data[start:stop]), stop


def _length(data: memoryview, position: int) -> tuple[int, int]:
    if position >= len(data):
        raise malformed("got the end of the data, expected a length")
    first, position = data[position], position + 1
    if first < 0x80:
        return first, position
    size = first & 0x7F
    octets = data[position : position + size]  # if cut off, the contents will be missing, too
    if not 1 <= size <= 3:
        raise malformed("got a length that is indefinite or too great")
    length = int.from_bytes(octets, "big")
    if length < 0x80 or octets[0] == 0:
        raise malformed("got a length that is not minimal")
    return length, position + size


def integer(element: Element) -> int:
    """The value of an INTEGER.

    Raises:
        DocumentError: If it is none, or not minimal.
    """
    octets = _expected(element, INTEGER).content
    if not octets or (
        len(octets) > 1 and octets[0] in {0x00, 0xFF} and octets[0] >> 7 == octets[1] >> 7
    ):
        raise malformed("got an integer that is empty or not minimal")
    return int.from_bytes(octets, "big", signed=True)


def boolean(element: Element) -> bool:
    """The value of a BOOLEAN.

    Raises:
        DocumentError: If it is none.
    """
    if bytes(_expected(element, BOOLEAN).content) not in {b"\x00", b"\xff"}:
        raise malformed("got a boolean that is neither 00 nor FF")
    return element.content[0] == 0xFF


def octet_string(element: Element) -> memoryview:
    """The contents of an OCTET STRING.

    Raises:
        DocumentError: If it is none.
    """
    return _expected(element, OCTET_STRING).content


def bit_string(element: Element) -> memoryview:
    """The octets of a BIT STRING of whole octets.

    Raises:
        DocumentError: If it is none, or has unused bits.
    """
    octets = _expected(element, BIT_STRING).content
    if not octets or octets[0] != 0:
        raise malformed("got a bit string that is empty or has unused bits")
    return octets[1:]


def named_bits(element: Element) -> int:
    """The first octet of a BIT STRING of named bits, 0 if there is none.

    Raises:
        DocumentError: If it is no such string.
    """
    octets = _expected(element, BIT_STRING).content
    if not octets or (len(octets) == 1 and octets[0]):
        raise malformed("got a malformed bit string")
    # More than 7 unused bits fit no last octet.
    if len(octets) > 1 and octets[-1] & -octets[-1] != 1 << octets[0]:
        raise malformed("got a string of named bits that does not end with a set bit")
    return octets[1] if len(octets) > 1 else 0


def oid(element: Element) -> str:
    """An OBJECT IDENTIFIER in dotted form.

    Raises:
        DocumentError: If it is none, or not minimal.
    """
    octets = _expected(element, OID).content
    if not octets or len(octets) > _MAX_OID_BYTES or octets[-1] & 0x80:
        raise malformed("got a malformed object identifier")
    arcs: list[int] = []
    value, fresh = 0, True
    for octet in octets:
        if fresh and octet == 0x80:
            raise malformed("got an object identifier that is not minimal")
        value = value << 7 | octet & 0x7F
        fresh = not octet & 0x80
        if fresh:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def time(element: Element) -> datetime:
    """A UTCTime or GeneralizedTime, as RFC 5280 (4.1.2.5) has it: with seconds, in UTC.

    Raises:
        DocumentError: If it is none.
    """
    text = bytes(element.content)
    digits = {UTC_TIME: 12, GENERALIZED_TIME: 14}.get(element.tag)
    found: datetime | None = None
    if digits and len(text) == digits + 1 and text[:-1].isdigit() and text.endswith(b"Z"):
        if element.tag == UTC_TIME:
            text = (b"19" if text >= b"50" else b"20") + text
        parts = [int(text[i : i + 2]) for i in range(4, 14, 2)]
        try:
            found = datetime(int(text[:4]), *parts, tzinfo=UTC)  # type: ignore[misc,arg-type]
        except ValueError:
            found = None
    if found is None:
        raise malformed("got a time of another form than RFC 5280's")
    return found
