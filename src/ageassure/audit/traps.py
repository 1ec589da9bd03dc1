"""What makes figures look better than they are, looked for in every table.

Each trap that is found becomes a note, which is printed with the figures. What cannot be seen in a
table: decimal ages that were rounded to whole ones before they came here, and failures that were
dropped on the way. Where nothing can be proved, the note says what to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from ageassure.audit.metrics.cells import Grid
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import EvaluationTable


class Trap(StrEnum):
    """Code of a note."""

    ESTIMATES_ROUNDED = "estimates_rounded"
    ESTIMATES_HALF_A_YEAR_OFF = "estimates_half_a_year_off"
    NO_FAILURES = "no_failures"
    SEVERAL_SAMPLES = "several_samples"
    SUBJECTS_UNKNOWN = "subjects_unknown"
    GROUP_ACROSS_LIMIT = "group_across_limit"
    BAND_ACROSS_LIMIT = "band_across_limit"
    AGE_MIX = "age_mix"
    AGE_NOT_PROVED = "age_not_proved"
    VALUE_UNKNOWN = "value_unknown"


SENTENCES = {
    Trap.ESTIMATES_ROUNDED: "All estimates are whole numbers. If they were rounded before they "
    "came here, every rate at a threshold is of another system.",
    Trap.ESTIMATES_HALF_A_YEAR_OFF: "All estimates end in .5, as if half a year had been added to "
    "completed years. The challenge age must have been chosen on the same scale.",
    Trap.NO_FAILURES: "Every sample was processed. Ask whether failures were dropped before: then "
    "the operational rates are not those of the service.",
    Trap.SEVERAL_SAMPLES: "Some people have several samples. They are not independent: n counts "
    "samples, subjects counts people, and intervals are made from people.",
    Trap.SUBJECTS_UNKNOWN: "The data do not say which samples show one person, so each counts as a "
    "person of its own; intervals may be too narrow.",
    Trap.GROUP_ACROSS_LIMIT: "An age group lies across the limit. Its people are neither minors "
    "nor adults and are told apart.",
    Trap.BAND_ACROSS_LIMIT: "The protected band is an age group that lies across the limit. Its "
    "rate bounds that of the group in its mix of ages; not that of the minors in it, and not that "
    "of the year next to the limit, since easy ages dilute it.",
    Trap.AGE_MIX: "The rate over all minors depends on how old they are; compare the protected "
    "band, the single ages or the standardised rate.",
    Trap.AGE_NOT_PROVED: "Ages were not proved by a document: errors of the labels are part of "
    "every figure.",
    Trap.VALUE_UNKNOWN: "Some samples lack a value of an axis; they count overall and in no group "
    "of that axis.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A trap that was found.

    Attributes:
        code: Which.
        sentence: What it means.
        n: Samples that it concerns.
        about: The limit or the axis, if it is about one.
    """

    code: Trap
    sentence: str
    n: int
    about: str | None


PROOFS = ("document", "passport", "identity card", "birth certificate", "civil register")


def refuse_tuned(table: EvaluationTable, plan: EvaluationPlan) -> None:
    """Refuse a threshold that was chosen on the data it is to be tested on.

    Raises:
        ConfigurationError: If it was.
    """
    for point in plan.points:
        if point.chosen_on == table.statement.digest:
            raise ConfigurationError(
                "got a challenge age that was chosen on this data set, not elsewhere"
            )


def notes(table: EvaluationTable, grid: Grid, plan: EvaluationPlan) -> tuple[Note, ...]:
    """Look for every trap."""
    found = [*_of_estimates(table), *_of_people(table, plan)]
    rows = grid.of_row
    for limit in plan.limits_years:
        across = int(np.count_nonzero(grid.across(limit)[rows]))
        if across:
            found.append((Trap.GROUP_ACROSS_LIMIT, across, str(limit)))
        minors = grid.within(0, limit - 1)
        if len(set(grid.age_low_years[minors].tolist())) > 1:
            n = int(np.count_nonzero(minors[rows]))
            found.append((Trap.AGE_MIX, n, str(limit)))
    for point in plan.points:
        band = grid.within(point.protected_band.first_years, point.protected_band.last_years)
        n = int(np.count_nonzero((band & grid.across(point.limit_years))[rows]))
        about = f"{point.protected_band} at {point.limit_years}"
        if n and (Trap.BAND_ACROSS_LIMIT, n, about) not in found:
            found.append((Trap.BAND_ACROSS_LIMIT, n, about))
    return tuple(
        Note(code=code, sentence=SENTENCES[code], n=n, about=about) for code, n, about in found
    )


Found = tuple[Trap, int, str | None]


def _of_estimates(table: EvaluationTable) -> list[Found]:
    estimates = table.estimated_age_years[table.processed]
    found: list[Found] = []
    fraction = np.modf(estimates)[0]
    if len(estimates) and not fraction.any():
        found.append((Trap.ESTIMATES_ROUNDED, len(estimates), None))
    if len(estimates) and (fraction == 0.5).all():
        found.append((Trap.ESTIMATES_HALF_A_YEAR_OFF, len(estimates), None))
    if table.processed.all():
        found.append((Trap.NO_FAILURES, len(table), None))
    return found


def _of_people(table: EvaluationTable, plan: EvaluationPlan) -> list[Found]:
    found: list[Found] = []
    if table.clustered:
        found.append((Trap.SEVERAL_SAMPLES, len(table), None))
    if not table.statement.subjects_known:
        found.append((Trap.SUBJECTS_UNKNOWN, len(table), None))
    if not any(proof in table.statement.age_proof.lower() for proof in PROOFS):
        found.append((Trap.AGE_NOT_PROVED, len(table), table.statement.age_proof))
    for axis in plan.axes:
        unknown = int(np.count_nonzero(table.groups[axis].codes < 0))
        if unknown:
            found.append((Trap.VALUE_UNKNOWN, unknown, axis))
    return found
