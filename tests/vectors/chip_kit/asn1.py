"""A writer of DER, as small as the vectors need."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def tlv(tag: int, *contents: bytes) -> bytes:
    """Tag (one or two bytes), minimal length, contents."""
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        length = bytes([size])
    else:
        octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(octets)]) + octets
    return tag.to_bytes(2 if tag > 0xFF else 1, "big") + length + content


def sequence(*elements: bytes) -> bytes:
    return tlv(0x30, *elements)


def set_of(*elements: bytes, tag: int = 0x31) -> bytes:
    return tlv(tag, *sorted(elements))


def integer(value: int) -> bytes:
    size = value.bit_length() // 8 + 1
    return tlv(0x02, value.to_bytes(size, "big", signed=True))


def octets(content: bytes) -> bytes:
    return tlv(0x04, content)


def bits(content: bytes, unused: int = 0) -> bytes:
    return tlv(0x03, bytes([unused]), content)


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    encoded = b""
    for arc in [first * 40 + second, *rest]:
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        encoded += bytes(reversed(groups))
    return tlv(0x06, encoded)


NULL = tlv(0x05)
TRUE = tlv(0x01, b"\xff")


def time(moment: datetime) -> bytes:
    """UTCTime before 2050, GeneralizedTime from then on (RFC 5280, 4.1.2.5)."""
    if moment.year < 2050:
        return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def name(country: str, common: str) -> bytes:
    def part(attribute: str, text: str) -> bytes:
        return set_of(sequence(oid(attribute), tlv(0x0C, text.encode())))

    return sequence(part("2.5.4.6", country), part("2.5.4.3", common))
