"""Small audits as files: a manifest, predictions, a plan; made-up people."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ageassure.audit.prediction.files import COLUMNS, DISTRIBUTION_COLUMNS, write_table
from ageassure.audit.prediction.run import RunFiles
from ageassure.audit.report.document import ReportInputs
from ageassure.audit.report.inputs import read_run

from ..manifests import manifest_file

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "sample_id,age,subject,sex,ethnicity,capture_domain,yaw_degrees,inter_ocular_pixels"
PLAN = """\
seed = 7
axes = ["sex", "ethnicity", "capture_domain"]
pair_with = "sex"
transfer_axis = "capture_domain"

[[points]]
limit_years = 18
challenge_age_years = 25
alpha = 0.05
protected_band = [17, 17]
"""
AGES = (13, 15, *[17] * 8, 18, 19, 20, 22, 25, 30, 35, 40, 50, 60)


def people(
    folder: Path, count: int = 400, *, hostile: str = "a", samples_each: int = 1, **changes: Any
) -> Path:
    """A manifest of ``count`` samples; ``hostile`` is the name of a group."""
    rows = [
        f"s{index},{AGES[index // 4 % len(AGES)]},p{index // samples_each},"
        f"{('female', 'male')[index % 2]},{('b', hostile)[index % 3 == 0]},"
        f"{('phone', 'kiosk')[index // 2 % 2]},{index % 61 - 30},{40 + index % 97}.5"
        for index in range(count)
    ]
    return manifest_file(folder, HEADER, *rows, **changes)


def predicted(
    manifest: Path,
    name: str = "predictions.csv",
    *,
    seed: int = 3,
    with_chances: bool = True,
    distribution: bool = False,
    record: dict[str, Any] | None = None,
) -> Path:
    """Predictions for every row; each twentieth is a failure."""
    rows = [line.split(",") for line in manifest.read_text().splitlines()[1:]]
    rng = np.random.default_rng(seed)
    failed = np.arange(len(rows)) % 20 == 11
    ages = np.array([float(row[1]) for row in rows])
    estimates = np.where(failed, np.nan, np.clip(ages + rng.normal(0, 3, len(rows)), 1, 90))
    columns: dict[str, Any] = {"sample_id": [row[0] for row in rows]}
    columns["estimated_age_years"] = estimates
    for column in (DISTRIBUTION_COLUMNS if distribution else COLUMNS)[2:-1]:
        chance = 1 / (1 + np.exp((int(column[7:]) - estimates) / 2))
        columns[column] = chance if with_chances else np.full(len(rows), np.nan)
    columns["status"] = ["no_face" if bad else "ok" for bad in failed]
    path = manifest.with_name(name)
    write_table(path, columns)
    if record is not None:
        write_record(manifest, path, **record)
    return path


def write_record(manifest: Path, predictions: Path, **changes: Any) -> Path:
    """The record of a run, beside its predictions."""
    record = {
        "journal_revision": 1,
        "manifest_sha256": hashlib.sha256(manifest.read_bytes()).hexdigest(),
        "estimator": "made-up",
        "pipeline_digest": "a" * 64,
        "border_pixels": 0,
        "degradation": None,
        "level": 0.0,
        "versions": {"ageassure": "0.1.0"},
        "predictions_sha256": hashlib.sha256(predictions.read_bytes()).hexdigest(),
        "resources": {
            "machine": "two processors",
            "at_once": 2,
            "network_threads": 1,
            "n": 400,
            "median_ms": 50.0,
            "p95_ms": 90.0,
            "model_bytes": 10**6,
            "install_bytes": None,
            "peak_rss_bytes": 10**8,
        },
    }
    path = RunFiles.beside(predictions).record
    path.write_text(json.dumps(record | changes))
    return path


def plan_file(folder: Path, text: str = PLAN) -> Path:
    path = folder / "plan.toml"
    path.write_text(text)
    return path


def inputs(folder: Path, **changes: Any) -> ReportInputs:
    """The inputs of a report of 400 people."""
    from ageassure.audit.plan_file import read_plan

    manifest = people(folder)
    plan, digest = read_plan(plan_file(folder))
    run = read_run(manifest, predicted(manifest, record={}))
    members: dict[str, Any] = {"run": run, "plan": plan, "plan_sha256": digest}
    return ReportInputs(**members | changes)
