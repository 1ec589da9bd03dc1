"""Earn an age network's challenge ages and lower bars, for ``operating_points.json``.

The bars come from the calibration part, by the rule of :mod:`ageassure.policy.earned`, on the mean
of the calibrated distribution. What they do is counted on the test part. No bar is chosen by what
the test part shows.

The labels are apparent age groups, so a limit inside a group has the whole group as its protected
band, and 13, 16 and 18 share one bar:

======  ==============  ==================================================================
limit   protected band  what that says
======  ==============  ==================================================================
13      10–19           OVER: those of 10–12 look younger than the group. UNDER: those of 13–19
                        look older than the group, and are called UNDER more rarely.
16, 18  10–19           OVER: bounds the error of the whole group in its mix; NOT that of 17 or
                        of 10–17 alone, who look older than some others of the group. UNDER: as 13.
21      20–29           OVER: protects everybody of 20–29, most of whom are over the limit; it says
                        little of the 20-year-olds alone. UNDER: as above.
======  ==============  ==================================================================

``operating_points.json`` has these members::

    {"format": "ageassure-operating-points-1", "pipeline_digest": "…", "data": {…},
     "challenge_ages": [{"age_limit": 18, "alpha": 0.01, "bar": {…}, "test": {…}}, …],
     "lower_bars":     [{"age_limit": 18, "alpha": 0.01, "bar": {…}, "test": {…}}, …],
     "failures_to_process": {…}}

``bar`` is what ``ChallengeAge.from_dict`` and ``LowerBar.from_dict`` take; where the evidence is
too thin it is null, and ``insufficient_evidence`` says why. ``test`` gives shares of people as
``[count, n, share, low, high]`` with a 95 % Clopper–Pearson interval, among those processed.

``refit.py`` writes the file.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))

from fairface_outputs import AGE_GROUPS, FIRST_YEARS, REFUSALS
from fairface_split import Part

from ageassure.errors import InsufficientEvidenceError
from ageassure.policy import (
    AgeBand,
    ChallengeAge,
    LowerBar,
    calibrate_challenge_age,
    calibrate_lower_bar,
)
from ageassure.policy.measured import CONFIDENCE

if TYPE_CHECKING:
    from fairface_outputs import Outputs
    from numpy.typing import NDArray

    from ageassure.estimators.facial.calibrations import AnyCalibration

FORMAT: Final = "ageassure-operating-points-1"
LIMITS_YEARS: Final = (13, 16, 18, 21)
ALPHAS: Final = (0.05, 0.01, 0.005)

SOURCE: Final = "FairFace (Karkkainen and Joo, WACV 2021), calibration part"
AGE_PROOF: Final = "apparent age groups, judged by crowd workers"

NOTE: Final = (
    "A limit inside an age group has the whole group as its protected band, so 13, 16 and 18 share "
    "one bar. It bounds the error of the group in its mix of ages, not that of 17-year-olds. Some "
    "labels are plainly wrong, and none was changed. The calibration was fitted on the same part."
)

Share = list[int | float]


def protected_group(age_limit: int, *, over: bool) -> int:
    """Index of the age group that holds the year next to the limit, on the protected side."""
    year = age_limit - 1 if over else age_limit
    return int(np.searchsorted(FIRST_YEARS, year, side="right")) - 1


def band(group: int) -> AgeBand:
    """An age group as a protected band."""
    return AgeBand(first_years=FIRST_YEARS[group], last_years=FIRST_YEARS[group + 1] - 1)


def share(hits: NDArray[np.bool_]) -> Share:
    """``[count, n, share, low, high]`` with the 95 % Clopper–Pearson interval."""
    count, n = int(hits.sum()), len(hits)
    if n == 0:
        return [0, 0]
    interval = binomtest(count, n).proportion_ci(confidence_level=0.95, method="exact")
    return [count, n, *(round(float(x), 5) for x in (count / n, interval.low, interval.high))]


def shares_by_group(hits: NDArray[np.bool_], groups: NDArray[np.intp]) -> dict[str, Share]:
    """The share in every age group, and in those of 30 and over together."""
    found = {name: share(hits[groups == index]) for index, name in enumerate(AGE_GROUPS)}
    adults = FIRST_YEARS.index(30)
    return (
        {"0–9": share(hits[groups < FIRST_YEARS.index(10)])}
        | {name: found[name] for name in ("10–19", "20–29")}
        | {"30+": share(hits[groups >= adults])}
    )


def entry(
    age_limit: int,
    alpha: float,
    *,
    over: bool,
    calibration: tuple[NDArray[np.float64], NDArray[np.intp]],
    test: tuple[NDArray[np.float64], NDArray[np.intp]],
    digest: str,
) -> dict[str, Any]:
    """One operating point; ``calibration`` and ``test`` are estimated ages and age groups."""
    group = protected_group(age_limit, over=over)
    means, groups = calibration
    found: dict[str, Any] = {"age_limit": age_limit, "alpha": alpha, "group": AGE_GROUPS[group]}
    earn = calibrate_challenge_age if over else calibrate_lower_bar
    try:
        bar: ChallengeAge | LowerBar = earn(
            means[groups == group].tolist(),
            age_limit=age_limit,
            alpha=alpha,
            protected_band=band(group),
            pipeline_digest=digest,
            source=SOURCE,
            age_proof=AGE_PROOF,
        )
    except InsufficientEvidenceError as error:
        return found | {"bar": None, "insufficient_evidence": str(error)}
    tested, tested_groups = test
    hits = tested >= bar.age_years if over else tested < bar.age_years
    return found | {
        "bar": bar.to_dict(),
        "shown": bar.age_years_shown,
        "upper_bound": round(bar.upper_bound, 6),
        "test": {
            "called": "over" if over else "under",
            "protected": share(hits[tested_groups == group]),
            "by_group": shares_by_group(hits, tested_groups),
        },
    }


def means_and_groups(
    measured: Outputs, calibration: AnyCalibration
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Estimated ages and age groups of the pictures that were processed."""
    kept = measured.processed()
    return kept.mean_years(calibration), kept.groups


def failures(measured: Outputs) -> dict[str, Any]:
    """How many pictures of every age group were not processed, and why."""
    refused = measured.refusals > 0
    reasons = Counter(REFUSALS[code] for code in measured.refusals[refused])
    by_group = {
        name: share(refused[measured.groups == index]) for index, name in enumerate(AGE_GROUPS)
    }
    return {"all": share(refused), "reasons": dict(sorted(reasons.items())), "by_group": by_group}


def document(
    calibration: AnyCalibration, digest: str, parts: dict[Part, Outputs], labels_digest: str
) -> dict[str, Any]:
    """The contents of ``operating_points.json``."""
    fitted, tested = (
        means_and_groups(parts[part], calibration) for part in (Part.CALIBRATION, Part.TEST)
    )
    points = {
        name: [
            entry(limit, alpha, over=over, calibration=fitted, test=tested, digest=digest)
            for limit in LIMITS_YEARS
            for alpha in ALPHAS
        ]
        for name, over in (("challenge_ages", True), ("lower_bars", False))
    }
    return {
        "format": FORMAT,
        "pipeline_digest": digest,
        "data": {
            "bars_from": SOURCE,
            "tested_on": SOURCE.replace("calibration", "test"),
            "age_proof": AGE_PROOF,
            "split": labels_digest,
            "confidence": CONFIDENCE,
            "note": NOTE,
        },
        **points,
        "failures_to_process": {part: failures(measured) for part, measured in parts.items()},
    }
