"""The times of a key client: the numbers that are documented, and the bounds of what can be set."""

from __future__ import annotations

from typing import Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.verifier.jwks import file, look, settings, state
from ageassure.verifier.jwks.settings import ClientSettings

LEAST: dict[str, float] = {
    "timeout_seconds": 0.01,
    "min_fresh_seconds": 1,
    "max_fresh_seconds": 1,
    "stale_seconds": 0,
    "cooldown_seconds": 1,
}
MOST: dict[str, float] = {
    "timeout_seconds": 60,
    "min_fresh_seconds": 86_400,
    "max_fresh_seconds": 86_400,
    "stale_seconds": 604_800,
    "cooldown_seconds": 3600,
}


def test_the_numbers() -> None:
    assert settings.DEFAULT_TIMEOUT_SECONDS == 5
    assert settings.DEFAULT_MIN_FRESH_SECONDS == 60
    assert settings.DEFAULT_MAX_FRESH_SECONDS == 3600
    assert settings.DEFAULT_STALE_SECONDS == 86_400
    assert settings.DEFAULT_COOLDOWN_SECONDS == 30
    assert settings.UNTOLD_FRESH_SECONDS == 300
    assert state.UNKNOWN_KID_SECONDS == 300
    assert state.UNKNOWN_KIDS == 1000
    assert look._MAX_AWAITED == 4
    assert file.FILE_FRESH_SECONDS == 10


@pytest.mark.parametrize("values", [LEAST, MOST])
def test_the_ends_are_taken(values: dict[str, float]) -> None:
    assert ClientSettings(**values).stale_seconds == values["stale_seconds"]


@pytest.mark.parametrize("name", LEAST)
def test_what_lies_beyond_is_refused(name: str) -> None:
    beyond: list[Any] = [LEAST | {name: LEAST[name] - 0.001}, MOST | {name: MOST[name] + 0.001}]
    beyond += [MOST | {name: value} for value in (True, None, "60", float("nan"), float("inf"))]
    for values in beyond:
        with pytest.raises(ConfigurationError):
            ClientSettings(**values)


def test_max_fresh_is_no_less_than_min_fresh() -> None:
    with pytest.raises(ConfigurationError, match="max_fresh_seconds, expected a number of 60 to"):
        ClientSettings(**LEAST | {"min_fresh_seconds": 60, "max_fresh_seconds": 59})


def test_how_long_a_set_is_fresh() -> None:
    times = ClientSettings(**LEAST | {"min_fresh_seconds": 60, "max_fresh_seconds": 3600})
    told = {None: 300, 0: 60, 59: 60, 61: 61, 3599: 3599, 10**9: 3600}
    assert {seconds: times.fresh_seconds(seconds) for seconds in told} == told


def test_a_failing_host_is_asked_after_1_2_4_seconds() -> None:
    times = ClientSettings(**MOST)
    assert [times.retry_seconds(n) for n in (1, 2, 3, 11, 12, 13, 5000)] == [
        1,
        2,
        4,
        1024,
        2048,
        3600,
        3600,
    ]
