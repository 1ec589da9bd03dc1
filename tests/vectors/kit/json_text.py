"""Texts that are nearly one JSON object: the same for header, claims and key sets.

A parser that is lenient in one of these reads something that another parser would not, or dies of
it. Each entry is (name, description, bytes).
"""

from __future__ import annotations

import json

Broken = tuple[str, str, bytes]

_DEEP = 2_700
_DIGITS = 5_000


def broken_objects(text: str) -> list[Broken]:
    """Spoil ``text``, which is a compact JSON object whose first member has a string value."""
    return [*_not_an_object(text), *_encodings(text), *_grammar(text), *_members(text)]


def _not_an_object(text: str) -> list[Broken]:
    return [
        ("empty", "no bytes at all", b""),
        ("white_space_only", "a space and nothing else", b" "),
        ("array", "the object inside an array", f"[{text}]".encode()),
        ("string", "the object's text as a JSON string", json.dumps(text).encode()),
        ("number", "a number", b"1"),
        ("null", "null", b"null"),
        ("true", "true", b"true"),
        ("two_objects", "the object twice", (text + text).encode()),
        ("trailing_garbage", "a letter after the object", (text + "x").encode()),
        ("trailing_nul", "a NUL after the object", (text + "\0").encode()),
        ("unterminated", "the closing brace is missing", text[:-1].encode()),
    ]


def _encodings(text: str) -> list[Broken]:
    first = ord(text[2])
    overlong = bytes([0xC0 | first >> 6, 0x80 | first & 0x3F])
    plain = text.encode()
    return [
        ("utf8_bom", "a UTF-8 byte order mark before the object", b"\xef\xbb\xbf" + plain),
        ("utf16_le", "UTF-16, little endian, without a mark", text.encode("utf-16-le")),
        ("utf16_be", "UTF-16, big endian, without a mark", text.encode("utf-16-be")),
        ("utf16_bom", "UTF-16 with a mark", b"\xff\xfe" + text.encode("utf-16-le")),
        ("utf32_le", "UTF-32, little endian, without a mark", text.encode("utf-32-le")),
        ("overlong_utf8", "a letter as an overlong UTF-8 pair", plain[:2] + overlong + plain[3:]),
        ("invalid_utf8", "the byte 0xff in a string", b'{"\xff":1,' + plain[1:]),
        ("latin1", "a string in ISO 8859-1", b'{"\xe9":1,' + plain[1:]),
        ("utf8_surrogate", "a surrogate encoded in UTF-8", b'{"\xed\xa0\x80":1,' + plain[1:]),
        ("truncated_utf8", "half a character after the object", plain + b"\xc3"),
    ]


def _grammar(text: str) -> list[Broken]:
    rest = text[1:]
    quoted_name = text[1 : text.index(":")]
    texts = [
        ("trailing_comma", "a comma before the closing brace", text[:-1] + ",}"),
        ("leading_comma", "a comma after the opening brace", "{," + rest),
        ("block_comment", "a comment inside the object", "{/**/" + rest),
        ("line_comment", "a comment after the object", text + "//"),
        ("single_quotes", "apostrophes in place of quotation marks", text.replace('"', "'")),
        (
            "unquoted_name",
            "a member name without quotation marks",
            text.replace(quoted_name, quoted_name.strip('"'), 1),
        ),
        ("no_break_space", "U+00A0 before the object", "\u00a0" + text),
        ("form_feed", "U+000C before the object", "\u000c" + text),
        ("line_separator", "U+2028 after the object", text + "\u2028"),
        ("raw_newline_in_string", "a control character in a string", '{"a":"\n",' + rest),
        ("bad_escape", r"the escape \x in a string", r'{"a":"\x41",' + rest),
        ("leading_zero", "the number 01", '{"a":01,' + rest),
        ("plus_sign", "the number +1", '{"a":+1,' + rest),
        ("hexadecimal", "the number 0x1", '{"a":0x1,' + rest),
        ("bare_fraction", "the number .5", '{"a":.5,' + rest),
        ("nan", "NaN", '{"a":NaN,' + rest),
        ("infinity", "Infinity", '{"a":Infinity,' + rest),
        ("minus_infinity", "-Infinity", '{"a":-Infinity,' + rest),
        ("capital_true", "True", '{"a":True,' + rest),
    ]
    return [(name, description, spoilt.encode()) for name, description, spoilt in texts]


def _members(text: str) -> list[Broken]:
    rest = text[1:]
    first = rest[: rest.index(",")]
    escaped = f'"\\u{ord(first[1]):04x}{first[2:]}'
    texts = [
        ("duplicate_member", "the first member twice, with the same value", f"{{{first},{rest}"),
        (
            "duplicate_member_escaped",
            "the first member twice, once with its name's first letter escaped",
            f"{{{escaped},{rest}",
        ),
        (
            "duplicate_member_last",
            "the first member again at the end",
            f"{text[:-1]},{first}}}",
        ),
        ("deep_arrays", "brackets nested 2,700 deep", f'{{"a":{"[" * _DEEP}{"]" * _DEEP},{rest}'),
        (
            "deep_objects",
            "objects nested 900 deep",
            '{"a":' * 900 + "1" + "}" * 899 + "," + rest,
        ),
        ("deep_unclosed", "5,000 opening brackets, never closed", '{"a":' + "[" * 5_000),
        ("many_digits", "an integer of 5,000 digits", f'{{"a":{"9" * _DIGITS},{rest}'),
        ("lone_surrogate", "an escaped lone surrogate as a value", r'{"a":"\ud800",' + rest),
        ("lone_surrogate_name", "an escaped lone surrogate as a name", r'{"\udc00":1,' + rest),
    ]
    return [(name, description, spoilt.encode()) for name, description, spoilt in texts]
