from __future__ import annotations

import math
from typing import Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.policy.strict import data_digest, finite, json_object, members, text, whole


def test_the_digest_does_not_depend_on_the_order_of_members() -> None:
    assert data_digest({"a": 1, "b": 2.5}) == data_digest({"b": 2.5, "a": 1})
    assert data_digest({"a": 1}) != data_digest({"a": 2})
    assert data_digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_a_json_object_is_returned() -> None:
    assert json_object('{"a": {"b": 1.5}}') == {"a": {"b": 1.5}}
    assert json_object("{}".ljust(65_536)) == {}


@pytest.mark.parametrize(
    "junk",
    [
        "{}".ljust(65_537),
        "",
        "null",
        "1",
        "[]",
        '{"a":1,"a":1}',
        '{"a":{"b":1,"b":1}}',
        '{"a":NaN}',
        '{"a":-Infinity}',
    ],
)
def test_other_json_is_refused(junk: str) -> None:
    with pytest.raises(ConfigurationError):
        json_object(junk)


def test_members_are_copied() -> None:
    data = {"a": 1}
    assert members(data, {"a"}) == data
    assert members(data, {"a"}) is not data


def test_messages_name_what_is_missing_but_nothing_foreign() -> None:
    with pytest.raises(ConfigurationError) as caught:
        members({"secret": 1}, {"a"})
    assert "'a'" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "value", [True, None, "1", math.nan, math.inf, -math.inf, 10**400, 1e18, -1e18, 1j]
)
def test_what_is_no_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError):
        finite(value, "number")


def test_large_numbers_are_finite() -> None:
    assert finite(math.nextafter(1e18, 0), "number") < 1e18


@pytest.mark.parametrize(("value", "fits"), [(1, True), (3, True), (0, False), (4, False)])
def test_whole_numbers_have_ends(value: int, *, fits: bool) -> None:
    if fits:
        assert whole(value, "number", 1, 3) == value
    else:
        with pytest.raises(ConfigurationError):
            whole(value, "number", 1, 3)


def test_texts_are_short_and_printable() -> None:
    assert text("a" * 1000, "text") == "a" * 1000
    for junk in ("", "a" * 1001, "a\x00", 1):
        with pytest.raises(ConfigurationError):
            text(junk, "text")
