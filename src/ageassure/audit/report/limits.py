"""What a report cannot support, found out from its own figures and written by the program.

A reader looks for what is in a report; what is not in it is told here, so that nobody has to miss
it: groups too small for the claim, ages that nobody has, questions that were not asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ageassure.audit.intervals import CONFIDENCE
from ageassure.audit.traps import PROOFS
from ageassure.policy.binomial import people_needed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ageassure.audit.evaluation import Evaluation
    from ageassure.audit.metrics.rates import PointResult
    from ageassure.audit.verdict import Claim


class Lacking(StrEnum):
    """Code of a limit."""

    TOO_FEW = "too_few"
    TOO_FEW_IN_GROUP = "too_few_in_group"
    ONLY_ONE_GROUP = "only_one_group"
    YEAR_WITHOUT_PEOPLE = "year_without_people"
    NO_ADULTS = "no_adults"
    AGE_NOT_PROVED = "age_not_proved"
    AGES_IN_GROUPS = "ages_in_groups"
    CHOICE_UNKNOWN = "choice_unknown"
    NO_GROUPS = "no_groups"
    NO_PROBABILITIES = "no_probabilities"
    NO_DISTRIBUTIONS = "no_distributions"
    NO_RETRIES = "no_retries"
    NO_TRANSFER = "no_transfer"
    NO_CONDITIONS = "no_conditions"
    NO_ROBUSTNESS = "no_robustness"
    NO_LIVENESS = "no_liveness"
    ESTIMATOR_UNKNOWN = "estimator_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One thing that the figures do not show.

    Attributes:
        code: Which.
        sentence: The same for people.
        n: People that there are, where it is about a number; else None.
        needed: People of whom none may be let through for the claim to be proved; else None.
    """

    code: Lacking
    sentence: str
    n: int | None = None
    needed: int | None = None


_NOT_ASKED: Final[Mapping[Lacking, str]] = {
    Lacking.NO_PROBABILITIES: "Cannot support a claim about probabilities, their calibration or "
    "the coverage of intervals: the estimator gives none.",
    Lacking.NO_DISTRIBUTIONS: "Cannot support a claim about intervals of single years, nor about "
    "the PIT in single years: the predictions do not hold P(age ≥ a) at every age a, or no age is "
    "known to the year.",
    Lacking.NO_RETRIES: "Cannot support a claim about several tries: nobody in the protected band "
    "has two samples.",
    Lacking.NO_TRANSFER: "Cannot support a claim that the challenge age holds for another capture "
    "domain: the plan names no axis for it.",
    Lacking.NO_CONDITIONS: "Cannot support a claim about turned heads or small faces: the manifest "
    "tells neither yaw_degrees nor inter_ocular_pixels.",
    Lacking.NO_ROBUSTNESS: "Cannot support a claim about bad pictures: no predictions of degraded "
    "ones were given.",
    Lacking.NO_LIVENESS: "Cannot support a claim about attacks with prints, screens or masks: no "
    "labelled attack set was given.",
    Lacking.ESTIMATOR_UNKNOWN: "Does not show which estimator made the predictions: no record of "
    "a run lies beside them.",
}


def limits_of(
    evaluation: Evaluation, *, robustness: bool, liveness: bool, recorded: bool
) -> tuple[Limit, ...]:
    """Write the limits of an evaluation.

    Args:
        evaluation: The figures.
        robustness: Were degraded pictures measured?
        liveness: Was an attack set?
        recorded: Is there a record of the run that made the predictions?
    """
    found = [limit for point in evaluation.points for limit in _of_point(point)]
    found += _of_people(evaluation)
    single = evaluation.coverage_by_year
    by_year = single is not None and bool(single.pit[0].n)
    processed = evaluation.counts.processed
    absent = {
        Lacking.NO_PROBABILITIES: evaluation.coverage is None,
        Lacking.NO_DISTRIBUTIONS: evaluation.coverage is not None and not by_year,
        Lacking.NO_RETRIES: all(tries.fpr_at[1].value is None for tries in evaluation.tries),
        Lacking.NO_TRANSFER: not evaluation.transfers,
        Lacking.NO_CONDITIONS: all(one.unknown == processed for one in evaluation.conditions),
        Lacking.NO_ROBUSTNESS: not robustness,
        Lacking.NO_LIVENESS: not liveness,
        Lacking.ESTIMATOR_UNKNOWN: not recorded,
    }
    found += [Limit(code=code, sentence=_NOT_ASKED[code]) for code, yes in absent.items() if yes]
    # Several points may have the same limit; it is told once.
    return tuple(dict.fromkeys(found))


def _of_point(result: PointResult) -> Iterator[Limit]:
    point = result.point
    needed = people_needed(point.alpha, CONFIDENCE)
    about = f"a claim of at most {point.alpha * 100:g} % about {_band(result)}"
    if result.claim.subjects < needed:
        yield Limit(
            code=Lacking.TOO_FEW,
            sentence=f"Cannot support {about}: n = {result.claim.subjects}; {needed} people, none "
            "of them let through, are the fewest that could.",
            n=result.claim.subjects,
            needed=needed,
        )
    yield from _of_groups(result, about, needed)
    yield from _of_ages(result)
    if point.chosen_on is None:
        yield Limit(
            code=Lacking.CHOICE_UNKNOWN,
            sentence=f"Does not show where the challenge age {point.challenge_age_years:g} comes "
            "from: the plan names no data set. Were it chosen on these people, the verdict would "
            "prove nothing.",
        )


def _of_groups(result: PointResult, about: str, needed: int) -> Iterator[Limit]:
    by_axis: dict[str, list[Claim]] = {}
    for claim in result.claims:
        by_axis.setdefault(" and ".join(claim.where), []).append(claim)
    for axis, claims in by_axis.items():
        few = sorted((c for c in claims if c.subjects < needed), key=lambda claim: claim.subjects)
        if few:
            named = ", ".join(few[0].where.values())
            groups = "1 group has" if len(few) == 1 else f"{len(few)} groups have"
            yield Limit(
                code=Lacking.TOO_FEW_IN_GROUP,
                sentence=f"Cannot support {about} by {axis}: n = {few[0].subjects} ({named}); "
                f"{groups} fewer than the {needed} people that it takes, none of them let through.",
                n=few[0].subjects,
                needed=needed,
            )
        if len(claims) == 1:
            yield Limit(
                code=Lacking.ONLY_ONE_GROUP,
                sentence=f"Cannot support a claim about differences by {axis}: there is one "
                "group only.",
            )


def _band(result: PointResult) -> str:
    band = result.point.protected_band
    if band.first_years == band.last_years:
        return f"people of {band.first_years}"
    return f"people of {band}"


def _of_ages(result: PointResult) -> Iterator[Limit]:
    point = result.point
    seen = {cell.where["age"] for cell in result.by_age}
    years = range(point.protected_band.first_years, point.limit_years)
    missing = [str(year) for year in years if str(year) not in seen]
    if missing and not result.band_across_limit:
        yield Limit(
            code=Lacking.YEAR_WITHOUT_PEOPLE,
            sentence=f"Cannot support a claim about the single age {' or '.join(missing)}: nobody "
            "of whom it is known.",
            n=0,
        )
    if not any("fnr" in cell.figures for cell in result.by_age):
        yield Limit(
            code=Lacking.NO_ADULTS,
            sentence=f"Cannot support a claim about people of {point.limit_years} or older who "
            "are turned away: there are none.",
            n=0,
        )


def _of_people(evaluation: Evaluation) -> Iterator[Limit]:
    proof = evaluation.statement.age_proof
    if not any(known in proof.lower() for known in PROOFS):
        yield Limit(
            code=Lacking.AGE_NOT_PROVED,
            sentence=f"Cannot support a claim about proven ages: ages are {proof}.",
        )
    counts = evaluation.counts
    if counts.exact_ages < counts.rows:
        in_groups = counts.rows - counts.exact_ages
        yield Limit(
            code=Lacking.AGES_IN_GROUPS,
            sentence=f"Cannot support a claim about errors in years of {in_groups} of "
            f"{counts.rows} samples: their age is known as a group only.",
            n=in_groups,
        )
    if not evaluation.plan.axes:
        yield Limit(
            code=Lacking.NO_GROUPS,
            sentence="Cannot support a claim about any group of people: the plan names no axis.",
        )
