"""Strict JSON: the only reader of headers, claims, disclosures, holder proofs and key sets.

Stricter than RFC 8259 asks, in the way RFC 7493 (I-JSON) and RFC 8725 recommend: UTF-8 without a
byte order mark, no duplicate members at any depth, bounded depth, integers within 64 bits, no other
number, no NaN or Infinity, no lone surrogates.
"""

from __future__ import annotations

import json
import re
from typing import Final, Never

MAX_DEPTH: Final = 8
"""Deepest nesting accepted; ours is 2 (a claim's object), a JWK Set's 4."""

_MAX_INTEGER_CHARACTERS: Final = 20  # "-9223372036854775808"

# Strings are consumed whole, closed or not, so that the scan stays linear on any input. Compiled,
# and kept by re, on first use: few texts need it.
_STRING_OR_BRACKET: Final = rb'(?s:"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}])'

_WHITESPACE: Final = " \t\n\r"  # RFC 8259, 2


class _NotStrictError(ValueError):
    """Raised by the hooks below, never leaves this module."""


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NotStrictError
    return members


def _bounded_integer(text: str) -> int:
    # The length first: Python's own int() of 5,000 digits raises, of 4,000 is slow.
    if len(text) > _MAX_INTEGER_CHARACTERS:
        raise _NotStrictError
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise _NotStrictError
    return value


def _refused(_text: str) -> Never:
    raise _NotStrictError


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique_members,
    parse_int=_bounded_integer,
    parse_float=_refused,
    parse_constant=_refused,
)


def _too_deep(data: bytes) -> bool:
    depth = 0
    for match in re.finditer(_STRING_OR_BRACKET, data):
        token = match[0]
        if token in (b"{", b"["):
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token in (b"}", b"]"):
            depth -= 1
    return False


def parse_object(data: bytes) -> dict[str, object] | None:
    """Parse one JSON object; None for anything else.

    The caller bounds the size, and raises the error that fits what was read. None rather than an
    exception, so that no foreign exception with the text in it is anywhere in a traceback.
    """
    value = _parse(data)
    return value if isinstance(value, dict) else None


def parse_array(data: bytes) -> list[object] | None:
    """Parse one JSON array, as :func:`parse_object` does an object."""
    value = _parse(data)
    return value if isinstance(value, list) else None


def _parse(data: bytes) -> object:
    # Few brackets cannot nest deeply; only a suspicious text pays for the exact count.
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _too_deep(data):
        return None
    try:
        text = data.decode("utf-8").strip(_WHITESPACE)
        value, end = _DECODER.raw_decode(text)
        if end != len(text):
            return None
        if "\\" in text:
            # An escaped lone surrogate passes Python's reader, and fails here.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        # RecursionError: a caller near the interpreter's own limit.
        return None
    return value


def dump_object(members: dict[str, object]) -> bytes:
    """Write one JSON object as compact UTF-8, members in the order given."""
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
