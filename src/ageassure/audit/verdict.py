"""PASS, FAIL or INCONCLUSIVE: what the numbers prove of a claim "at most α of these people pass".

"All cells ≤ α" is proved if each cell proves it on its own, without a correction
(intersection–union test: R. Berger, Technometrics 24, 1982). "Some cell fails" is said of cells
that Holm's procedure finds above α, at 5 % for all of them together.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ageassure.audit.intervals import (
    CONFIDENCE,
    chance_of_at_least,
    holm,
    lower_bound,
    min_provable,
    upper_bound,
)
from ageassure.policy.binomial import MAX_PEOPLE, supports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ageassure.audit.metrics.shares import Counted


class Verdict(StrEnum):
    """What is proved of a claim, at one-sided 95 % confidence."""

    PASS = "PASS"  # noqa: S105 - no password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim about one group, and what is proved.

    Attributes:
        where: The group; empty for everybody of the protected band.
        verdict: PASS if ``upper`` ≤ α, FAIL if ``lower`` > α, else INCONCLUSIVE.
        n: Samples of the protected band that were processed.
        k: How many of them passed.
        subjects: People.
        subjects_passed: People who passed with any sample; the upper bound counts these.
        upper: One-sided 95 % upper bound (``fpr_ucb``); None if there is nobody.
        lower: One-sided 95 % lower bound.
        upper_together: Upper bound that holds for all groups of the family together (δ/m).
        min_provable: The least that so many people without any error would prove.
        p_above: P-value of "the rate is above α".
        above_by_holm: Does Holm's procedure find it above α?
    """

    where: Mapping[str, str]
    verdict: Verdict
    n: int
    k: int
    subjects: int
    subjects_passed: int
    upper: float | None
    lower: float | None
    upper_together: float | None
    min_provable: float | None
    p_above: float
    above_by_holm: bool


def judged(family: Sequence[tuple[Mapping[str, str], Counted]], alpha: float) -> tuple[Claim, ...]:
    """Judge the claim "at most ``alpha``" for each group of a family.

    Args:
        family: Groups, with what was counted of them.
        alpha: The rate claimed.
    """
    p_above = [chance_of_at_least(found.people_all, found.people, alpha) for _, found in family]
    above = holm(p_above)
    together = 1 - (1 - CONFIDENCE) / max(1, sum(found.people > 0 for _, found in family))
    return tuple(
        _claim(where, found, alpha, together, p, is_above)
        for (where, found), p, is_above in zip(family, p_above, above, strict=True)
    )


def _claim(
    where: Mapping[str, str],
    found: Counted,
    alpha: float,
    together: float,
    p_above: float,
    above: bool,
) -> Claim:
    nobody = not found.people
    return Claim(
        where=where,
        verdict=verdict_of(found.people_any, found.people_all, found.people, alpha),
        n=found.n,
        k=found.k,
        subjects=found.people,
        subjects_passed=found.people_any,
        upper=None if nobody else found.upper(),
        lower=None if nobody else found.lower(),
        upper_together=None if nobody else found.upper(together),
        min_provable=None if nobody else min_provable(found.people),
        p_above=p_above,
        above_by_holm=above,
    )


def verdict_of(most: int, least: int, people: int, alpha: float) -> Verdict:
    """The verdict on ``people`` of whom at least ``least`` and at most ``most`` are errors.

    Both numbers are the same where each person has one sample. Whether the evidence is enough is
    decided in exact integers, up to 100,000 people.
    """
    if people == 0:
        return Verdict.INCONCLUSIVE
    if people <= MAX_PEOPLE:
        proved = most <= alpha * people and supports(most, people, alpha, CONFIDENCE)
    else:
        proved = upper_bound(most, people) <= alpha
    if proved:
        return Verdict.PASS
    if lower_bound(least, people) > alpha:
        return Verdict.FAIL
    return Verdict.INCONCLUSIVE


def all_of(claims: Sequence[Claim]) -> Verdict:
    """The verdict on "every group": PASS if each passes, FAIL if Holm finds one above α.

    A family without a group, or with a group of nobody, is INCONCLUSIVE.
    """
    if any(claim.above_by_holm for claim in claims):
        return Verdict.FAIL
    if claims and all(claim.verdict is Verdict.PASS for claim in claims):
        return Verdict.PASS
    return Verdict.INCONCLUSIVE


def worst_of(claims: Sequence[Claim]) -> Claim | None:
    """The group with the greatest upper bound; None if there is nobody in any."""
    known = [claim for claim in claims if claim.upper is not None]
    return max(known, key=lambda claim: claim.upper or 0.0, default=None)
