"""Step 6: claims that are malformed (``malformed_claims``), under a right signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.build import (
    AUDIENCE,
    DROP,
    ISSUED,
    ISSUER,
    JTI,
    NONCE,
    Json,
    Vector,
    claims,
    compact,
    token,
)
from kit.build import refused as refused_with
from kit.crypto import KEYS
from kit.json_text import broken_objects

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = "malformed_claims"
_THUMBPRINT = KEYS["holder"].kid

_REQUIRED = ("iss", "aud", "nonce", "jti", "iat", "exp", "age_equal_or_over")

_UNKNOWN: list[tuple[str, Json]] = [
    ("sub", {"sub": "person-1"}),
    ("nbf", {"nbf": ISSUED}),
    ("status", {"status": {"status_list": {"idx": 1, "uri": "https://age.example/status"}}}),
    ("birthdate", {"birthdate": "2000-01-01"}),
    ("age_in_years", {"age_in_years": 27}),
    ("confidence", {"confidence": 0.98}),
    ("vct", {"vct": "https://age.example/type"}),
    ("capital_aud", {"Aud": AUDIENCE}),
    ("space_in_name", {"aud ": AUDIENCE}),
    ("empty_name", {"": 1}),
    ("proto", {"__proto__": {"exp": 9_999_999_999}}),
    ("null", {"sub": None}),
]

_NOT_TEXT: list[tuple[str, object]] = [
    ("null", None),
    ("true", True),
    ("number", 1),
    ("object", {}),
]

_NOT_TIME: list[tuple[str, str]] = [
    ("string", f'"{ISSUED}"'),
    ("float", f"{ISSUED}.0"),
    ("fraction", f"{ISSUED}.5"),
    ("exponent", f"{ISSUED // 1000}e3"),
    ("true", "true"),
    ("false", "false"),
    ("null", "null"),
    ("array", f"[{ISSUED}]"),
    ("object", "{}"),
    ("leading_zero", f"0{ISSUED}"),
    ("beyond_64_bits", str(2**64)),
    ("far_beyond_64_bits", "9" * 400),
    ("digits_5000", "9" * 5_000),
    ("infinity", "Infinity"),
    ("nan", "NaN"),
    ("overflowing_float", "1e400"),
    ("empty_string", '""'),
]

_AGES: list[tuple[str, str]] = [
    ("null", "null"),
    ("true", "true"),
    ("number", "18"),
    ("string", '"18"'),
    ("array", '["18"]'),
    ("empty", "{}"),
    ("two_entries", '{"18":true,"21":true}'),
    ("two_entries_consistent", '{"18":true,"21":false}'),
    ("two_entries_contradicting", '{"18":false,"21":true}'),
    ("duplicate_entry", '{"18":true,"18":true}'),
    ("duplicate_entry_other_value", '{"18":false,"18":true}'),
    ("duplicate_entry_escaped", '{"18":false,"\\u00318":true}'),
    ("key_leading_zero", '{"018":true}'),
    ("key_zero", '{"0":true}'),
    ("key_double_zero", '{"00":true}'),
    ("key_three_digits", '{"100":true}'),
    ("key_decimal", '{"18.0":true}'),
    ("key_plus", '{"+18":true}'),
    ("key_minus", '{"-18":true}'),
    ("key_space_before", '{" 18":true}'),
    ("key_space_after", '{"18 ":true}'),
    ("key_newline_after", '{"18\\n":true}'),
    ("key_nul_after", '{"18\\u0000":true}'),
    ("key_arabic_digits", '{"\\u0661\\u0668":true}'),
    ("key_fullwidth_digits", '{"\\uff11\\uff18":true}'),
    ("key_superscript", '{"1\\u2078":true}'),
    ("key_underscore", '{"1_8":true}'),
    ("key_exponent", '{"1e1":true}'),
    ("key_hexadecimal", '{"0x12":true}'),
    ("key_word", '{"eighteen":true}'),
    ("key_empty", '{"":true}'),
    ("value_one", '{"18":1}'),
    ("value_zero", '{"18":0}'),
    ("value_float", '{"18":1.0}'),
    ("value_string", '{"18":"true"}'),
    ("value_null", '{"18":null}'),
    ("value_array", '{"18":[true]}'),
    ("value_object", '{"18":{"value":true}}'),
]

_TEXTS: list[tuple[str, str, object]] = [
    ("age_method", "unknown", "face"),
    ("age_method", "capital", "Estimation"),
    ("age_method", "space", "estimation "),
    ("age_method", "empty", ""),
    ("age_method", "null", None),
    ("age_method", "number", 1),
    ("age_method", "array", ["estimation"]),
    ("age_assurance", "unknown", "substantial"),
    ("age_assurance", "capital", "Strict"),
    ("age_assurance", "empty", ""),
    ("age_assurance", "null", None),
    ("age_assurance", "number", 2),
    ("age_assurance", "array", ["strict"]),
    ("policy", "null", None),
    ("policy", "number", 1),
    ("policy", "array", ["https://age.example/practice/1"]),
    ("policy", "empty", ""),
    ("policy", "http", "http://age.example/practice/1"),
    ("policy", "javascript", "javascript:alert(1)"),
    ("policy", "relative", "/practice/1"),
    ("policy", "no_host", "https:///practice/1"),
    ("policy", "text", "our practice statement"),
]

_CONFIRMATIONS: list[tuple[str, object]] = [
    ("null", None),
    ("string", _THUMBPRINT),
    ("array", [{"jkt": _THUMBPRINT}]),
    ("empty", {}),
    ("jwk", {"jwk": KEYS["holder"].bare_jwk}),
    ("kid", {"kid": _THUMBPRINT}),
    ("jkt_and_jwk", {"jkt": _THUMBPRINT, "jwk": KEYS["holder"].bare_jwk}),
    ("jkt_and_unknown", {"jkt": _THUMBPRINT, "x": 1}),
    ("capital_jkt", {"JKT": _THUMBPRINT}),
    ("jkt_null", {"jkt": None}),
    ("jkt_number", {"jkt": 1}),
    ("jkt_array", {"jkt": [_THUMBPRINT]}),
    ("jkt_empty", {"jkt": ""}),
    ("jkt_short", {"jkt": _THUMBPRINT[:-1]}),
    ("jkt_long", {"jkt": _THUMBPRINT + "A"}),
    ("jkt_padded", {"jkt": _THUMBPRINT + "="}),
    ("jkt_standard_alphabet", {"jkt": "+" + _THUMBPRINT[1:]}),
    ("jkt_newline", {"jkt": _THUMBPRINT + "\n"}),
]

_IDENTIFIERS: list[tuple[str, str]] = [
    ("empty", ""),
    ("short", JTI[:-1]),
    ("long", JTI + "A"),
    ("padded", JTI + "=="),
    ("newline", JTI + "\n"),
    ("standard_alphabet", "+/" + JTI[2:]),
    ("trailing_bits", JTI[:-1] + chr(ord(JTI[-1]) + 1)),
    ("uuid", "5f0c7a1e-1c1b-4a53-9a2b-7d8e9f0a1b2c"),
]


def vectors() -> Iterator[Vector]:
    for name, description, spoilt in broken_objects(compact(claims()).decode()):
        yield refused(f"json_{name}", f"payload: {description}", spoilt)
    for name in _REQUIRED:
        yield refused(f"missing_{name}", f"no {name}", claims(**{name: DROP}))
    for name, extra in _UNKNOWN:
        yield refused(f"unknown_{name}", f"unknown claim: {name}", claims(**extra))
    yield from _wrong_types()
    for kind, text in _AGES:
        yield refused(f"age_{kind}", f"age_equal_or_over: {text}", raw("age_equal_or_over", text))
    for kind, value in _CONFIRMATIONS:
        yield refused(f"cnf_{kind}", f"cnf: {kind.replace('_', ' ')}", claims(cnf=value))
    duplicate = f'{{"jkt":"{_THUMBPRINT}","jkt":"{_THUMBPRINT}"}}'
    yield refused("cnf_duplicate_jkt", "cnf: jkt twice", raw("cnf", duplicate))
    for text in ('"\\ud800"', '"\\udc00\\ud800"'):
        name = "lone_surrogate" if len(text) == 8 else "reversed_surrogates"
        yield refused(f"aud_{name}", f"aud: {text}", raw("aud", text))


def refused(name: str, description: str, payload: bytes | Json) -> Vector:
    return refused_with(CODE, name, description, token(payload))


def raw(name: str, text: str) -> bytes:
    """The plain claims with one of them written as this JSON text."""
    marker = "\u0001"
    return compact(claims(**{name: marker})).replace(compact(marker), text.encode())


def _wrong_types() -> Iterator[Vector]:
    for name in ("iss", "aud", "nonce", "jti"):
        for kind, value in _NOT_TEXT:
            yield refused(f"{name}_{kind}", f"{name}: {kind}", claims(**{name: value}))
    for name, value in (("iss", ISSUER), ("aud", AUDIENCE), ("nonce", NONCE), ("jti", JTI)):
        yield refused(f"{name}_array", f"{name}: an array of one", claims(**{name: [value]}))
    several = [AUDIENCE, "https://other-shop.example"]
    yield refused("aud_array_of_two", "aud: an array of two", claims(aud=several))
    for kind, text in _IDENTIFIERS:
        yield refused(f"jti_{kind}", f"jti: {kind.replace('_', ' ')}", claims(jti=text))
    for name in ("iat", "exp"):
        for kind, text in _NOT_TIME:
            shown = text if len(text) < 30 else f"an integer of {len(text)} digits"
            yield refused(f"{name}_{kind}", f"{name}: {shown}", raw(name, text))
    for name, kind, value in _TEXTS:
        yield refused(f"{name}_{kind}", f"{name}: {kind}", claims(**{name: value}))
