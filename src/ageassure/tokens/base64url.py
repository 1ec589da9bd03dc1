"""Strict base64url without padding (RFC 4648, 5; RFC 7515, 2).

Every byte string has exactly one accepted spelling: no padding, no character outside the alphabet,
no non-zero trailing bits. Python's own decoders accept several.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import Final

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# "+", "/" and "=" become a character that the C decoder refuses.
_TO_STANDARD: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")

# By length modulo 4: the padding that the C decoder wants, and the last characters whose unused
# trailing bits are zero. Length 1 modulo 4 holds no whole byte and is refused.
_PADDING: Final = (b"", b"", b"==", b"=")
_CANONICAL_LAST: Final = (_ALPHABET, b"", b"AQgw", b"AEIMQUYcgkosw048")


def decode(segment: bytes) -> bytes | None:
    """Decode ASCII bytes; None if they are not the one canonical spelling of their content."""
    if not segment:
        return b""
    remainder = len(segment) & 3
    if segment[-1] not in _CANONICAL_LAST[remainder]:
        return None
    standard = segment.translate(_TO_STANDARD) + _PADDING[remainder]
    try:
        return a2b_base64(standard, strict_mode=True)
    except ValueError:
        return None


def decode_text(text: object) -> bytes | None:
    """Decode a member of a JSON object; None if it is no string, or not canonical."""
    if not isinstance(text, str) or not text.isascii():
        return None
    return decode(text.encode("ascii"))


def encode(data: bytes) -> str:
    """Encode without padding."""
    return b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")
