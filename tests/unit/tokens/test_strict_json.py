"""The one reader of JSON: strict, bounded, and silent about what it read."""

from __future__ import annotations

import pytest

from ageassure.tokens.strict_json import MAX_DEPTH, dump_object, parse_object


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (' \t\r\n{"a" : 1} \n', {"a": 1}),
        ('{"a":[true,false,null,"x"]}', {"a": [True, False, None, "x"]}),
        ('{"\u00e9":"\U0001f382"}', {"\u00e9": "\U0001f382"}),
        (r'{"a":"\ud83c\udf82"}', {"a": "\U0001f382"}),
        (r'{"a":"\\ud800"}', {"a": "\\ud800"}),
        (f'{{"a":{2**63 - 1},"b":{-(2**63)}}}', {"a": 2**63 - 1, "b": -(2**63)}),
        ('{"a":{"a":1}}', {"a": {"a": 1}}),
    ],
)
def test_accepted(text: str, value: object) -> None:
    assert parse_object(text.encode()) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"[]",
        b"1",
        b'"a"',
        b"null",
        b"{",
        b"{}}",
        b"{}{}",
        b"{} x",
        b"\x0b{}",
        b"\xc2\xa0{}",
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-32-le"),
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":1}',
        b'{"x":{"a":1,"a":2}}',
        b'{"x":[{"a":1,"a":2}]}',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":1E400}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":9223372036854775808}',
        b'{"a":-9223372036854775809}',
        b'{"a":' + b"1" * 5000 + b"}",
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":["\\ud800x"]}',
        b'{"a":"\x00"}',
        b'{"a":"\n"}',
        b'{"a":"\\x"}',
        b'{"a":"',
        b"// {}",
    ],
)
def test_refused(data: bytes) -> None:
    assert parse_object(data) is None


def test_depth() -> None:
    assert parse_object(nested(MAX_DEPTH)) is not None
    assert parse_object(nested(MAX_DEPTH + 1)) is None
    assert parse_object(nested(10_000)) is None
    assert parse_object(b'{"a":' + b"[" * 100_000) is None


@pytest.mark.parametrize("text", ["[" * 100, r"\"[{" * 30, r"\\", "]}" * 50 + "[{" * 50])
def test_brackets_in_strings_are_not_depth(text: str) -> None:
    assert parse_object(f'{{"a":"{text}","b":[[[[[[[]]]]]]]}}'.encode()) is not None
    assert parse_object(f'{{"a":"{text}","b":[[[[[[[[]]]]]]]]}}'.encode()) is None


def test_many_brackets_in_width() -> None:
    assert parse_object(b'{"a":[' + b",".join([b"{}"] * 100) + b"]}") is not None


@pytest.mark.parametrize("text", [b'"' * 50_000, b'"\\' * 50_000, b'\\"[' * 50_000])
def test_the_count_of_depth_is_linear(text: bytes) -> None:
    # Quadratic, this would take minutes.
    assert parse_object(b"{[[[[[[[[" + text) is None


def test_a_full_stack_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def raw_decode(self, text: str) -> object:
            raise RecursionError(text)

    monkeypatch.setattr("ageassure.tokens.strict_json._DECODER", Full())
    assert parse_object(b"{}") is None


def test_dump_is_compact_utf8_in_the_order_given() -> None:
    assert dump_object({"b": "\u00e9", "a": [1, True]}) == '{"b":"\u00e9","a":[1,true]}'.encode()
