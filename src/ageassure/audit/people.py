"""How many people an audit needs, before anybody is invited: exact binomial power."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import count

from ageassure.audit.intervals import CONFIDENCE, chance_of_at_most
from ageassure.errors import ConfigurationError, InsufficientEvidenceError
from ageassure.policy.binomial import MAX_PEOPLE, errors_allowed, people_needed
from ageassure.policy.strict import finite
from ageassure.results import checked_age_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleNeeded:
    """How many people under the limit prove a rate, and how likely they are to.

    Attributes:
        limit_years: The age limit; the people are those of the protected band below it.
        alpha: The rate to be proved: one-sided 95 % upper bound ≤ ``alpha``.
        power: The chance of proving it that was asked for.
        true_rate: The rate at which it is really so.
        n: People needed, one sample each. Every larger number, up to twice as many, does as well.
        errors_allowed: At most so many of ``n`` may be let through.
        reached_power: The chance that ``n`` people prove it.
        n_exactly: Fewer people who do, if they are exactly so many: with a few more, the chance
            falls again, until one more error is allowed.
        without_errors: Fewest people who prove it if none is let through.
        power_without_errors: The chance that none of those is.
    """

    limit_years: int
    alpha: float
    power: float
    true_rate: float
    n: int
    errors_allowed: int
    reached_power: float
    n_exactly: int
    without_errors: int
    power_without_errors: float

    def sentences(self) -> list[str]:
        """The same in words."""
        allowed = f"at most {self.errors_allowed}" if self.errors_allowed else "none"
        return [
            f"To be proved: at most {_percent(self.alpha)} of people under {self.limit_years} are "
            "let through (one-sided 95 % Clopper–Pearson bound).",
            f"If really {_percent(self.true_rate)} are, an audit proves it with a chance of "
            f"{_percent(self.power)} or more by measuring {self.n:,} people of the protected band, "
            f"one sample each, of whom {allowed} may be let through (chance: "
            f"{_percent(self.reached_power)}; any larger number does as well, and exactly "
            f"{self.n_exactly:,} do).",
            f"The fewest who can prove it are {self.without_errors:,}, none of them let through; "
            f"the chance of that is {_percent(self.power_without_errors)}.",
            "A claim for every group needs as many in each group. Several samples of one person "
            "count once. Who is not processed counts for nobody: invite more.",
        ]


def people_for_power(
    *, limit_years: int, alpha: float, power: float, true_rate: float
) -> PeopleNeeded:
    """Find how many people are needed.

    With n the chance falls, and jumps up whenever one more error is allowed.

    Args:
        limit_years: The age limit.
        alpha: The rate to be proved, in (0, 0.5).
        power: The chance of proving it, in (0, 1).
        true_rate: The rate that is expected, in [0, ``alpha``).

    Raises:
        ConfigurationError: If an argument is out of range.
        InsufficientEvidenceError: If more than 100,000 people would be needed.
    """
    checked_age_limit(limit_years)
    if not 0 < finite(alpha, "alpha") < 0.5:
        raise ConfigurationError("got alpha outside (0, 0.5)")
    if not 0 < finite(power, "power") < 1:
        raise ConfigurationError("got power outside (0, 1)")
    if not 0 <= finite(true_rate, "true rate") < alpha:
        raise ConfigurationError("got a true rate outside [0, alpha), expected one below alpha")
    n_exactly, n = _searched(alpha, power, true_rate)
    # The search is in floating point; what is told is counted in exact integers.
    allowed = errors_allowed(n, alpha, CONFIDENCE) or 0
    least = people_needed(alpha, CONFIDENCE)
    return PeopleNeeded(
        limit_years=limit_years,
        alpha=alpha,
        power=power,
        true_rate=true_rate,
        n=n,
        errors_allowed=allowed,
        reached_power=chance_of_at_most(allowed, n, true_rate),
        n_exactly=n_exactly,
        without_errors=least,
        power_without_errors=chance_of_at_most(0, least, true_rate),
    )


def _searched(alpha: float, power: float, true_rate: float) -> tuple[int, int]:
    """The first number that does, and the first from which all do, up to twice as many.

    Between two steps of the errors allowed the chance only falls, so both are steps.
    """
    first: int | None = None
    always: int | None = None
    start = _first_to_allow(0, 1, alpha)
    for allowed in count():
        following = _first_to_allow(allowed + 1, start, alpha)
        if first is None and chance_of_at_most(allowed, start, true_rate) >= power:
            first = start
        if chance_of_at_most(allowed, following - 1, true_rate) < power:
            always = None
        elif always is None:
            always = start
        if first is not None and always is not None and following > 2 * always:
            return first, always
        if (always or start) > MAX_PEOPLE:
            break
        start = following
    raise InsufficientEvidenceError(
        f"got a true rate so close to alpha that more than {MAX_PEOPLE:,} people are needed"
    )


def _first_to_allow(errors: int, least: int, alpha: float) -> int:
    """Fewest people among whom ``errors`` still support ``alpha``."""
    return bisect_left(
        range(4 * MAX_PEOPLE),
        True,
        lo=least,
        key=lambda n: n > errors and chance_of_at_most(errors, n, alpha) <= 1 - CONFIDENCE,
    )


def _percent(share: float) -> str:
    """Three figures; what is less than certain is never shown as 100 %."""
    return f"{min(share * 100, 99.9):.3g} %" if share < 1 else "100 %"
