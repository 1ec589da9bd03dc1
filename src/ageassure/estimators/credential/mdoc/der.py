"""Leaving one extension out of a certificate, so that the others can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.x509 import ObjectIdentifier

_SEQUENCE: Final = 0x30
_EXTENSIONS: Final = 0xA3
_OBJECT_IDENTIFIER: Final = 0x06


def without_extension(certificate: bytes, oid: ObjectIdentifier) -> bytes:
    """Return a certificate as it was, less the extension ``oid`` where it is not critical.

    What comes back has no valid signature. It is for reading extensions only.

    Args:
        certificate: DER that has been parsed as a certificate.
        oid: The extension.

    Raises:
        ValueError: If the DER is not as X.509 has it (RFC 5280, 4.1).
    """
    outer = _only(certificate, _SEQUENCE)
    tbs, *rest = _elements(outer)
    fields = b"".join(
        _element(_EXTENSIONS, _kept(content, oid)) if tag == _EXTENSIONS else _element(tag, content)
        for tag, content in _elements(tbs[1])
    )
    body = _element(_SEQUENCE, fields) + b"".join(_element(*each) for each in rest)
    return _element(_SEQUENCE, body)


def _kept(content: bytes, oid: ObjectIdentifier) -> bytes:
    wanted = _encoded(oid)
    listed = _elements(_only(content, _SEQUENCE))
    kept = [each for each in listed if not _is_extension(each[1], wanted)]
    return _element(_SEQUENCE, b"".join(_element(*each) for each in kept))


def _is_extension(content: bytes, wanted: bytes) -> bool:
    """Is it ``wanted``, and not critical? Only a critical one has a boolean in the middle."""
    parts = list(_elements(content))
    return len(parts) == 2 and parts[0] == (_OBJECT_IDENTIFIER, wanted)


def _encoded(oid: ObjectIdentifier) -> bytes:
    first, second, *others = (int(arc) for arc in oid.dotted_string.split("."))
    encoded = bytearray()
    for arc in (40 * first + second, *others):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(0x80 | (arc & 0x7F))
        encoded += bytes(reversed(septets))
    return bytes(encoded)


def _only(data: bytes, tag: int) -> bytes:
    elements = list(_elements(data))
    if len(elements) != 1 or elements[0][0] != tag:
        raise ValueError("another element than expected")
    return elements[0][1]


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("truncated")
        tag, length = data[at], data[at + 1]
        at += 2
        if length >= 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise ValueError("truncated")
        yield tag, data[at : at + length]
        at += length


def _element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content
