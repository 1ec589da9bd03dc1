"""A report as data: the evaluation, what belongs to it, what it cannot support, where it is from.

It is a function of the files that it is made of and of the versions that it names: it holds no
time, no name of a machine, no latency. Pages are made from it and from nothing else.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.evaluation import evaluate
from ageassure.audit.figure import as_data
from ageassure.audit.liveness import liveness
from ageassure.audit.report.degraded import degraded_estimates
from ageassure.audit.report.limits import limits_of
from ageassure.audit.report.reading import FORMAT
from ageassure.audit.robustness import robustness, simulated_tries
from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from ageassure.audit.liveness import Presentation
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.report.inputs import Run

_VERSIONS: Final = ("ageassure", "numpy", "scipy", "matplotlib", "jinja2")
"""Distributions whose version may change the last digits, or a page."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportInputs:
    """Everything that a report is made of.

    Attributes:
        run: The test part, and what was predicted.
        plan: What is asked.
        plan_sha256: Of the plan's file.
        calibration: Other people with their predictions, for conformal bounds; None for none.
        degraded: The same people's degraded pictures, one run for each level.
        attacks: A labelled attack set; None for none.
        attacks_sha256: Of its file; None for none.
    """

    run: Run
    plan: EvaluationPlan
    plan_sha256: str
    calibration: Run | None = None
    degraded: tuple[Run, ...] = ()
    attacks: tuple[Presentation, ...] | None = None
    attacks_sha256: str | None = None

    def __post_init__(self) -> None:
        if (self.attacks is None) != (self.attacks_sha256 is None):
            raise ConfigurationError("got an attack set without its digest, or the reverse")


def build_report(inputs: ReportInputs) -> dict[str, Any]:
    """Measure, and put everything together.

    Returns:
        JSON-able data, as ``report.schema.json`` describes it.

    Raises:
        ConfigurationError: If the plan does not fit the data, see
            :func:`~ageassure.audit.evaluation.evaluate`.
        PredictionsError: If a run of degraded pictures has no record, or is of other pictures or
            another estimator.
    """
    run, plan = inputs.run, inputs.plan
    calibration = None if inputs.calibration is None else inputs.calibration.table
    evaluation = evaluate(run.table, plan, calibration=calibration)
    degraded = degraded_estimates(run, inputs.degraded)
    curves = robustness(run.table, degraded, plan.points[0], plan) if degraded else None
    tries = None
    if degraded and not run.table.clustered:
        tries = simulated_tries(run.table, degraded, plan.points[0], plan)
    attacks = None if inputs.attacks is None else liveness(inputs.attacks)
    limits = limits_of(
        evaluation,
        robustness=curves is not None,
        liveness=attacks is not None,
        recorded=run.record is not None,
    )
    return {
        "format": FORMAT,
        "limits": as_data(limits),
        "evaluation": evaluation.to_dict(),
        "robustness": as_data(curves),
        "simulated_tries": as_data(tries),
        "liveness": as_data(attacks),
        "provenance": _provenance(inputs),
    }


def report_bytes(report: dict[str, Any]) -> bytes:
    """The file ``report.json``: the same report, the same bytes.

    Raises:
        ValueError: If a number in it is not finite.
    """
    return (json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def _provenance(inputs: ReportInputs) -> dict[str, Any]:
    record = inputs.run.record or {}
    return {
        "manifest_sha256": inputs.run.manifest_sha256,
        "pictures_pinned": inputs.run.pictures_pinned,
        "predictions_sha256": inputs.run.predictions_sha256,
        "plan_sha256": inputs.plan_sha256,
        "estimator": record.get("estimator"),
        "pipeline_digest": record.get("pipeline_digest"),
        "border_pixels": record.get("border_pixels"),
        "predicted_with": record.get("versions"),
        "calibration": None
        if inputs.calibration is None
        else {
            "manifest_sha256": inputs.calibration.manifest_sha256,
            "predictions_sha256": inputs.calibration.predictions_sha256,
        },
        "degraded": [
            {
                "degradation": (run.record or {}).get("degradation"),
                "level": (run.record or {}).get("level"),
                "predictions_sha256": run.predictions_sha256,
            }
            for run in inputs.degraded
        ],
        "attacks_sha256": inputs.attacks_sha256,
        "seed": inputs.plan.seed,
        "resamples": inputs.plan.resamples,
        "code_sha256": code_digest(),
        "versions": {name: _version(name) for name in _VERSIONS},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@cache
def code_digest() -> str:
    """SHA-256 over names and contents of the files that make figures and pages."""
    found = hashlib.sha256()
    for name, file in sorted(_files(files("ageassure.audit"), "audit")):
        found.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def _files(folder: Traversable, name: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            found += _files(entry, f"{name}/{entry.name}")
        elif entry.is_file() and not entry.name.endswith(".pyc"):
            found.append((f"{name}/{entry.name}", entry))
    return found
