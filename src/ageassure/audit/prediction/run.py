"""A run: every picture of a manifest through an estimator, into a file of predictions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ageassure.audit.datasets.manifest import file_sha256
from ageassure.audit.datasets.places import find_pictures
from ageassure.audit.prediction.assessing import Job
from ageassure.audit.prediction.cost import cost
from ageassure.audit.prediction.files import LATENCY_COLUMNS, columns_for, write_table
from ageassure.audit.prediction.journal import Journal
from ageassure.errors import DataSetError, PredictionsError
from ageassure.estimators.worker.loading import load_estimator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ageassure.audit.datasets.manifest import Manifest
    from ageassure.audit.engines.base import Engine, Task
    from ageassure.estimators.base import Estimator

JOURNAL_REVISION: Final = 2

VERSIONED: Final = (
    "ageassure",
    "ageassure-models",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "simplejpeg",
)
"""Distributions whose version may change a figure in its last digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """Where a run writes.

    Attributes:
        predictions: The predictions; the same bytes for the same pictures, estimator and version.
        latencies: One latency for every picture, never the same twice.
        record: JSON: what the predictions were made from and with, and what they needed.
        journal: What is answered so far; gone when the run is done.
    """

    predictions: Path
    latencies: Path
    record: Path
    journal: Path

    @classmethod
    def beside(cls, predictions: Path) -> RunFiles:
        """The files of a run that writes ``predictions``."""
        stem, suffix = predictions.stem, predictions.suffix
        return cls(
            predictions=predictions,
            latencies=predictions.with_name(f"{stem}.latencies{suffix}"),
            record=predictions.with_name(f"{stem}.run.json"),
            journal=predictions.with_name(f"{predictions.name}.journal"),
        )


def jobs_of(manifest: Manifest, root: Path) -> list[Job]:
    """The jobs of all pictures, in the manifest's order.

    Raises:
        DataSetError: If the manifest names no pictures, or a shard cannot be used.
    """
    if manifest.paths is None:
        raise DataSetError("the manifest has no column path: there are no pictures to assess")
    digests = manifest.sha256 if manifest.sha256 is not None else [""] * len(manifest)
    places = find_pictures(root, manifest.paths)
    return [
        Job(index=index, place=place, sha256=digest)
        for index, (place, digest) in enumerate(zip(places, digests, strict=True))
    ]


def identity(manifest: Manifest, task: Task, estimator: Estimator[Any]) -> dict[str, Any]:
    """What makes two runs the same run: pictures, estimator, settings, versions."""
    return {
        "journal_revision": JOURNAL_REVISION,
        "manifest_sha256": manifest.statement.manifest_sha256,
        "estimator": task.estimator,
        "pipeline_digest": getattr(estimator, "pipeline_digest", None),
        "border_pixels": task.showing.border_pixels,
        "degradation": task.showing.degradation,
        "level": task.showing.level,
        "p_over_years": list(task.p_over_years),
        "versions": {name: found for name in VERSIONED if (found := _version(name)) is not None},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def predict(
    manifest: Manifest,
    *,
    root: Path,
    task: Task,
    engine: Engine,
    files: RunFiles,
    progress: Callable[[int, int], Callable[[int], object]] | None = None,
) -> dict[str, int]:
    """Assess every picture and write the files; go on where an earlier run was cut off.

    Every row of the manifest gets one row, in its order: a picture that was refused, is not there
    or is not the one meant has a status other than ``ok``. No picture is kept, copied or written.

    Args:
        manifest: The data set.
        root: The folder that its paths start from.
        task: The estimator and how pictures are shown to it.
        engine: Where it runs.
        files: Where the results go.
        progress: Called with the pictures in all and those done; its result is called with the
            number of new ones.

    Returns:
        How many pictures have each status, in alphabetical order.

    Raises:
        ConfigurationError: If there is no such estimator.
        DataSetError: If the manifest names no pictures, or a shard cannot be used.
        PredictionsError: If one of the files exists, the journal belongs to another run, a file
            cannot be written, or the estimator fails in another way than by refusing a picture.
        EngineError: If the engine fails.
    """
    if not files.journal.exists():
        _refuse_to_overwrite(files)
    jobs = jobs_of(manifest, root)
    estimator = load_estimator(task.estimator)
    run = identity(manifest, task, estimator)
    chances = len(task.p_over_years)
    with Journal(files.journal, identity=run, count=len(jobs), chances=chances) as journal:
        left = [job for job in jobs if not journal.done[job.index]]
        update = progress(len(jobs), len(jobs) - len(left)) if progress else None
        for answers in engine.answers(task, left) if left else ():
            journal.append(answers)
            if update is not None:
                update(len(answers))
        if not journal.done.all():
            raise PredictionsError(f"{(~journal.done).sum()} pictures were not answered; run again")
        statuses = journal.statuses
        spent = cost(journal.figures[:, -1], estimator, engine.at_once, VERSIONED)
        _write(files, manifest, journal, statuses, {**run, "resources": spent})
    # The journal goes last: killed before, the run is done again from it; killed after, it is done.
    files.journal.unlink()
    return {name: statuses.count(name) for name in sorted(set(statuses))}


def _refuse_to_overwrite(files: RunFiles) -> None:
    for path in (files.predictions, files.latencies, files.record):
        if path.exists():  # the record also where p.parquet is to stand beside p.csv
            raise PredictionsError(f"{path.name} exists and is not overwritten")


def _write(
    files: RunFiles,
    manifest: Manifest,
    journal: Journal,
    statuses: list[str],
    run: dict[str, Any],
) -> None:
    ids = manifest.sample_ids
    *figures, latency = np.ascontiguousarray(journal.figures.T)
    names = columns_for(run["p_over_years"])[1:-1]
    columns = dict(zip(names, figures, strict=True))
    write_table(files.predictions, {"sample_id": ids, **columns, "status": statuses})
    write_table(files.latencies, dict(zip(LATENCY_COLUMNS, (ids, latency), strict=True)))
    record = {
        **run,
        "predictions_sha256": file_sha256(files.predictions),
        "predictions": len(ids),
    }
    reason: str | None = None
    try:
        files.record.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise PredictionsError(f"cannot write {files.record.name}: {reason}")
