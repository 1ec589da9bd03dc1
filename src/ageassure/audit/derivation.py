"""A challenge age from a table of people: one estimate each, by the rule of the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ageassure.policy import calibrate_challenge_age
from ageassure.policy.measured import MAX_ATTEMPTS
from ageassure.policy.strict import whole

if TYPE_CHECKING:
    from ageassure.audit.table import EvaluationTable, Flags
    from ageassure.policy import AgeBand, ChallengeAge


def derive_challenge_age(
    table: EvaluationTable,
    *,
    limit_years: int,
    alpha: float,
    protected_band: AgeBand,
    pipeline_digest: str,
    attempts: int = 1,
) -> ChallengeAge:
    """Earn a challenge age on the people of a table who are in the protected band.

    The table must be a calibration part: people on whom nothing was fitted, and on whom nothing
    will be claimed. Whose age group is not wholly in the band is left out.

    Args:
        table: People; several samples of one are tries, in the order of their ids.
        limit_years: The age limit.
        alpha: The rate to be supported.
        protected_band: Of which ages.
        pipeline_digest: Pipeline that made the estimates.
        attempts: Tries allowed in a session: each person's greatest estimate over so many; people
            with fewer samples are left out.

    Raises:
        InsufficientEvidenceError: If the people are too few.
        ConfigurationError: If an argument is malformed.
    """
    return calibrate_challenge_age(
        estimates_of_people(table, protected_band, attempts=attempts),
        age_limit=limit_years,
        alpha=alpha,
        protected_band=protected_band,
        pipeline_digest=pipeline_digest,
        source=table.statement.name,
        age_proof=table.statement.age_proof,
        attempts=attempts,
    )


def estimates_of_people(
    table: EvaluationTable, band: AgeBand, *, attempts: int, among: Flags | None = None
) -> list[float]:
    """One estimate for each person of a band: the greatest of their first ``attempts`` samples.

    Args:
        table: People; samples that were not processed are left out.
        band: Completed years; an age group counts if it lies wholly inside.
        attempts: How many samples of each; who has fewer is left out.
        among: Rows to look at; None for all.

    Raises:
        ConfigurationError: If ``attempts`` is not 1 … 100.
    """
    whole(attempts, "attempts", 1, MAX_ATTEMPTS)
    kept = (
        table.processed
        & (table.age_low_years >= band.first_years)
        & (table.age_high_years <= band.last_years)
    )
    if among is not None:
        kept &= among
    order = np.lexsort((table.sample_ids[kept], table.subjects[kept]))
    subjects = table.subjects[kept][order]
    estimates = table.estimated_age_years[kept][order]
    starts = np.flatnonzero(np.diff(subjects, prepend=-1))
    lengths = np.diff(np.append(starts, len(subjects)))
    enough = starts[lengths >= attempts]
    greatest = estimates[enough[:, None] + np.arange(attempts)].max(axis=1, initial=0.0)
    return [float(estimate) for estimate in greatest]
