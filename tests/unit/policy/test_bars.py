"""The error of a session is a share, and holds its bars' errors, rounding aside."""

from __future__ import annotations

import math

import pytest

from ageassure.errors import ConfigurationError
from ageassure.policy.bars import ROUNDING, check_session_alpha
from ageassure.testing import challenge_age_for_tests


@pytest.mark.parametrize("alpha", [-0.5, 0, 1, 1.5])
def test_a_session_alpha_is_a_share(alpha: float) -> None:
    with pytest.raises(ConfigurationError, match="outside"):
        check_session_alpha(alpha, over=challenge_age_for_tests(), under=None, max_attempts=1)


def test_an_error_may_exceed_it_by_the_rounding_and_no_further() -> None:
    for alpha, fits in ((0.25 * ROUNDING, True), (math.nextafter(0.25 * ROUNDING, 1), False)):
        bar = challenge_age_for_tests(alpha=alpha)
        if fits:
            check_session_alpha(0.25, over=bar, under=None, max_attempts=1)
            continue
        with pytest.raises(ConfigurationError, match="earned on"):
            check_session_alpha(0.25, over=bar, under=None, max_attempts=1)
