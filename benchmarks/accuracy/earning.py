"""A challenge age that an estimator earns on other people than those it is tested on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ageassure.audit.report.inputs import read_run
from ageassure.errors import ConfigurationError, InsufficientEvidenceError
from ageassure.policy import calibrate_challenge_age

if TYPE_CHECKING:
    from pathlib import Path

    from ageassure.audit.plan import OperatingPoint

Json = dict[str, Any]


def earn(
    point: OperatingPoint, manifest: Path, predictions: Path, digest: str
) -> tuple[OperatingPoint | None, Json]:
    """Earn a point's challenge age; None if too few people were measured."""
    run = read_run(manifest, predictions)
    if run.table.clustered:
        raise ConfigurationError("a challenge age is earned on one picture of each person")
    table, band = run.table, point.protected_band
    members = table.processed & (table.age_low_years >= band.first_years)
    members &= table.age_high_years <= band.last_years
    told = {
        "limit_years": point.limit_years,
        "alpha": point.alpha,
        "manifest_sha256": run.manifest_sha256,
        "predictions_sha256": run.predictions_sha256,
        "n": int(members.sum()),
    }
    try:
        bar = calibrate_challenge_age(
            table.estimated_age_years[members].tolist(),
            age_limit=point.limit_years,
            alpha=point.alpha,
            protected_band=band,
            pipeline_digest=digest,
            source=table.statement.name,
            age_proof=table.statement.age_proof,
        )
    except InsufficientEvidenceError as error:
        return None, {**told, "challenge_age_years": None, "reason": str(error)}
    earned = replace(point, challenge_age_years=bar.age_years, chosen_on=run.manifest_sha256)
    return earned, {**told, "k": bar.k, "challenge_age_years": bar.age_years}
