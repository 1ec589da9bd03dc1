from __future__ import annotations

import math
from typing import Any

import pytest

from ageassure.errors import ConfigurationError
from ageassure.policy import Reason, RequiredCertainty
from ageassure.results import Direction
from ageassure.testing import estimated_age


@pytest.mark.parametrize("certainty", [0.5, 1, 1.0, 0, -1, 99, math.nan, True, "0.9", None])
def test_outside_is_refused(certainty: Any) -> None:
    with pytest.raises(ConfigurationError):
        RequiredCertainty(certainty=certainty)


def test_each_side_needs_the_certainty() -> None:
    bar = RequiredCertainty(certainty=0.75)
    half = estimated_age(18.0, spread_years=5)  # half at 13, half at 23
    for side in Direction:
        bar.check(18, side)
        assert bar.meets(half, 18, side) == (False, Reason.CERTAINTY_NOT_REACHED)
    assert bar.meets(half, 13, Direction.OVER) == (True, Reason.CERTAINTY_REACHED)
    assert bar.meets(half, 13, Direction.UNDER) == (False, Reason.CERTAINTY_NOT_REACHED)
    assert bar.meets(half, 24, Direction.UNDER) == (True, Reason.CERTAINTY_REACHED)
    assert bar.meets(half, 24, Direction.OVER) == (False, Reason.CERTAINTY_NOT_REACHED)


def test_the_certainty_itself_is_enough() -> None:
    quarter = estimated_age(17.75)  # a quarter at 17, three at 18
    assert RequiredCertainty(certainty=0.75).meets(quarter, 18, Direction.OVER)[0]
    assert not RequiredCertainty(certainty=0.76).meets(quarter, 18, Direction.OVER)[0]


def test_its_error_is_the_rest_and_for_one_attempt() -> None:
    bar = RequiredCertainty(certainty=0.75)
    assert (bar.alpha, bar.attempts) == (0.25, 1)
    assert bar.to_dict() == {"kind": "required_certainty", "certainty": 0.75}
