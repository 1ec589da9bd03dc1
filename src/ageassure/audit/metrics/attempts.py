"""What happens when people try again: P(pass in at most r tries), from people with several samples.

For somebody with m samples of which h pass, the chance that r of them, picked without putting back,
hold at least one that passes is 1 − C(m − h, r) / C(m, r). A sample that was not processed is a try
that did not pass. Tries made by degrading one picture are no repeated frames and are said to be
simulated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import Figure, Why
from ageassure.audit.metrics.bootstrap import Units, ends

if TYPE_CHECKING:
    from ageassure.audit.metrics.cells import Grid
    from ageassure.audit.plan import EvaluationPlan, OperatingPoint
    from ageassure.audit.table import EvaluationTable

MOST_TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """FPR@r of the protected band.

    Attributes:
        point: The operating point.
        simulated: Are the tries degradations of one picture, rather than repeated frames?
        fpr_at: For r = 1 … 5; ``subjects`` are people with at least r samples.
    """

    point: OperatingPoint
    simulated: bool
    fpr_at: tuple[Figure, ...]


def several_tries(
    table: EvaluationTable,
    grid: Grid,
    plan: EvaluationPlan,
    point: OperatingPoint,
    *,
    simulated: bool = False,
) -> Tries:
    """Measure FPR@r; people with fewer than r samples say nothing of r tries."""
    band = point.protected_band
    rows = grid.within(band.first_years, band.last_years)[grid.of_row]
    passed = table.processed & (table.estimated_age_years >= point.challenge_age_years)
    _, person = np.unique(table.subjects[rows], return_inverse=True)
    samples = np.bincount(person)
    hits = np.bincount(person[passed[rows]], minlength=len(samples))
    profiles, people = np.unique(np.stack([samples, hits], axis=1), axis=0, return_counts=True)
    figures = []
    for tries in range(1, MOST_TRIES + 1):
        kept = profiles[:, 0] >= tries
        chances = [
            1 - math.comb(m - h, tries) / math.comb(m, tries) for m, h in profiles[kept].tolist()
        ]
        figures.append(_figure(chances, profiles[kept], people[kept], plan))
    return Tries(point=point, simulated=simulated, fpr_at=tuple(figures))


def _figure(
    chances: list[float],
    profiles: np.ndarray[tuple[int, int], np.dtype[np.int64]],
    people: np.ndarray[tuple[int], np.dtype[np.int64]],
    plan: EvaluationPlan,
) -> Figure:
    subjects = int(people.sum())
    n = int(profiles[:, 0] @ people)
    if not subjects:
        return Figure(value=None, n=0, subjects=0, reason=Why.NOT_SO_MANY_TRIES)
    value = math.fsum(c * int(p) for c, p in zip(chances, people, strict=True)) / subjects
    units = Units(
        stratum=np.zeros(len(people), dtype=np.int64),
        people=people,
        sums=np.stack([np.ones(len(people)), np.array(chances)], axis=1),
    )
    drawn = units.replicates(np.random.default_rng((plan.seed, 10)), plan.resamples)
    members = ends(drawn[:, 1] / drawn[:, 0], value, subjects, acceleration=units.acceleration(1))
    return Figure(value=value, n=n, subjects=subjects, **members)
