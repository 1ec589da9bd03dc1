"""The two bars of a policy together: may they stand there, and what do they say?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from ageassure.errors import ConfigurationError
from ageassure.policy.certainty import RequiredCertainty
from ageassure.policy.earned import ChallengeAge, LowerBar
from ageassure.policy.reasons import Reason
from ageassure.policy.strict import finite
from ageassure.results import Direction, Outcome

if TYPE_CHECKING:
    from ageassure.results import AgeDistribution

OverBar: TypeAlias = ChallengeAge | RequiredCertainty
UnderBar: TypeAlias = LowerBar | RequiredCertainty

ROUNDING: Final = 1 + 1e-9
"""Lets three attempts at 0.01 / 3 fit 0.01."""


def check_bars(
    over: OverBar | None, under: UnderBar | None, direction: Direction, limit_years: int
) -> None:
    """Do the bars fit the limit and the direction?

    Raises:
        ConfigurationError: If not, or if one is no bar for its side.
    """
    if over is not None:
        if not isinstance(over, OverBar):
            raise ConfigurationError("got a bar for over that is no ChallengeAge")
        over.check(limit_years, Direction.OVER)
    if under is not None:
        if not isinstance(under, UnderBar):
            raise ConfigurationError("got a bar for under that is no LowerBar")
        if direction is Direction.OVER:
            raise ConfigurationError("got a bar for under in a policy that never says under")
        under.check(limit_years, Direction.UNDER)


def check_session_alpha(
    session_alpha: float | None,
    over: OverBar | None,
    under: UnderBar | None,
    max_attempts: int,
) -> None:
    """Does ``session_alpha`` hold for ``max_attempts`` attempts by each bar?

    A bar earned on as many attempts holds as it is; otherwise the errors of single attempts add up
    (union bound).

    Raises:
        ConfigurationError: If a bar's error exceeds it, it is malformed, missing beside a bar, or
            given without one.
    """
    bars = [bar for bar in (over, under) if bar is not None]
    if session_alpha is None:
        if bars:
            raise ConfigurationError("got a bar without session_alpha")
        return
    alpha = finite(session_alpha, "session_alpha")
    if not bars or not 0 < alpha < 1:
        raise ConfigurationError("got a session_alpha outside (0, 1), or without a bar")
    for bar in bars:
        added = 1 if bar.attempts >= max_attempts else max_attempts
        if bar.alpha * added > alpha * ROUNDING:
            raise ConfigurationError(
                f"got a bar with error {bar.alpha} earned on {bar.attempts} attempts, expected at "
                f"most {alpha} over {max_attempts} attempts"
            )


def judge(
    estimate: AgeDistribution, over: OverBar | None, under: UnderBar | None, limit_years: int
) -> tuple[Outcome, tuple[Reason, ...]]:
    """Outcome of a distribution: that of the one bar that it meets."""
    met: list[tuple[Outcome, Reason]] = []
    missed: list[Reason] = []
    for bar, side, outcome in (
        (under, Direction.UNDER, Outcome.UNDER),
        (over, Direction.OVER, Outcome.OVER),
    ):
        if bar is None:
            continue
        meets, reason = bar.meets(estimate, limit_years, side)
        if meets:
            met.append((outcome, reason))
        else:
            missed.append(reason)
    if len(met) == 1:
        return met[0][0], (met[0][1],)
    if met:
        # A mean under the limit with a heavy tail over it, or the other way round.
        return Outcome.INCONCLUSIVE, (Reason.BARS_DISAGREE,)
    return Outcome.INCONCLUSIVE, tuple(dict.fromkeys(missed)) or (Reason.NO_BAR,)
