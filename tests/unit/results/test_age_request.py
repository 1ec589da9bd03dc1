from __future__ import annotations

from typing import Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.results import (
    AgeRequest,
    AssuranceLevel,
    AssuranceResult,
    Direction,
    MethodClass,
    Outcome,
    checked_methods,
)

NONCE = "n" * 22


def _request(**changes: Any) -> AgeRequest:
    members: dict[str, Any] = {"audience": "https://a.example", "nonce": NONCE, "age_over": 18}
    return AgeRequest(**members | changes)


def test_over_and_under() -> None:
    assert (_request().age_limit, _request().direction) == (18, Direction.OVER)
    under = _request(age_over=None, age_under=13)
    assert (under.age_limit, under.direction) == (13, Direction.UNDER)


@pytest.mark.parametrize(
    "changes",
    [
        {"age_under": 18},
        {"age_over": None},
        {"age_over": 0},
        {"age_over": 100},
        {"age_over": True},
        {"age_over": 18.0},
        {"age_over": "18"},
        {"age_over": 10**5000},
        {"audience": ""},
        {"audience": "a\nb"},
        {"audience": "a" * 513},
        {"audience": None},
        {"nonce": "n" * 21},
        {"nonce": "n" * 129},
        {"nonce": "n" * 21 + "="},
        {"nonce": "n" * 22 + "\n"},
        {"nonce": "ñ" * 22},
        {"nonce": 1},
        {"methods": frozenset()},
        {"methods": "estimation"},
        {"methods": {"clairvoyance"}},
        {"methods": {1}},
        {"methods": 7},
        {"minimum_level": "standard"},
        {"tell_method": 1},
        {"tell_level": "yes"},
        {"holder_jkt": "short"},
        {"holder_jkt": "a" * 43 + "\n"},
        {"holder_jkt": 1},
        {"return_address": ["https://a.example/token"]},
        {"return_address": 1},
    ],
)
def test_malformed_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        _request(**changes)


def test_well_formed_extremes_are_taken() -> None:
    request = _request(
        nonce="n" * 128,
        age_over=99,
        methods={"estimation", MethodClass.VERIFICATION},
        minimum_level=AssuranceLevel.STRICT,
        holder_jkt="a" * 43,
    )
    assert request.methods == frozenset({MethodClass.ESTIMATION, MethodClass.VERIFICATION})
    assert all(type(method) is MethodClass for method in request.methods or ())


def test_repr_shows_neither_nonce_nor_holder() -> None:
    shown = repr(_request(nonce="secretnonce0123456789ab", holder_jkt="j" * 43))
    assert "secretnonce" not in shown
    assert "jjj" not in shown


@pytest.mark.parametrize("member", ["nonce", "age_over", "holder_jkt", "return_address"])
def test_messages_do_not_show_what_was_sent(member: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _request(**{member: ["secret=" * 10]})
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_result_does_not_show_its_token() -> None:
    result = AssuranceResult(
        outcome=Outcome.OVER, reasons=(), policy_digest="0" * 64, token="aaa.bbb.ccc"
    )
    assert "bbb" not in repr(result)


def test_levels_ascend() -> None:
    ranks = [AssuranceLevel(name).rank for name in ("asserted", "standard", "enhanced", "strict")]
    assert ranks == sorted(ranks) == [0, 1, 2, 3]


def test_methods_are_returned_as_a_frozenset() -> None:
    assert checked_methods(["inference", "inference"]) == frozenset({MethodClass.INFERENCE})
