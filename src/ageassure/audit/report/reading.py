"""A report's JSON read back, and figures in it by name.

===============================  ===================================================================
name                             which figure
===============================  ===================================================================
``mae``, ``rmse``, ``bias``,     errors in years, everybody
``median_ae``, ``within_5``
``ftp``                          failures to process, everybody
``fpr@18``, ``fnr@18``,          at the operating points of the limit 18, everybody: ``fpr``,
``severity@18``, …               ``fpr_band``, ``fpr_operational``, ``fnr``, ``fnr_operational``, …
``fpr_ucb@18``                   one-sided 95 % upper bound of the protected band's error
``worst_fpr_ucb@18``             the same of the worst group
``auc@18``                       separation at the limit, everybody
``ece@18``, ``brier@18``, …      of P(age ≥ 18), everybody
``coverage_90``                  of the central intervals, everybody
``gini(mae)``, ``max_min(mae)``  spread of a figure over groups: the greatest over all axes;
``max_over_min(mae, sex)``       or over the one that is named
===============================  ===================================================================

Where a limit has several operating points, the greatest value counts. A name that finds nothing is
missing; a null is null with its reason. Neither is ever taken for a number.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ageassure.errors import ReportError
from ageassure.files import read_at_most

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FORMAT: Final = "ageassure-report-1"
EVALUATION_FORMAT: Final = "ageassure-evaluation-1"
MAX_REPORT_BYTES: Final = 256 * 1024 * 1024

_NAME: Final = re.compile(
    r"(?P<figure>[a-z][a-z0-9_]*)"
    r"(?:@(?P<limit>[1-9][0-9]?)|\((?P<metric>[a-z][a-z0-9_]*)(?:, ?(?P<axis>[^()]{1,64}))?\))?",
    re.ASCII,
)
_SPREADS: Final = frozenset({"gini", "max_min", "max_over_min"})
INCONCLUSIVE: Final = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a name found.

    Attributes:
        value: The number; None where there is none.
        why: Why there is none: missing, null with its reason, or INCONCLUSIVE.
        cell: The figure or the claim as the report has it, with n and interval; None where there
            is no number.
    """

    value: float | None
    why: str | None
    cell: dict[str, Any] | None = None


def read_report(path: Path) -> dict[str, Any]:
    """Read a report's JSON.

    Raises:
        ReportError: If it cannot be read, is too large, or is no report of this format.
    """
    content: bytearray | None = None
    with suppress(OSError):
        content = read_at_most(path, MAX_REPORT_BYTES + 1)
    if content is None or len(content) > MAX_REPORT_BYTES:
        raise ReportError(f"{path.name}: cannot be read, or is too large")
    return parse_report(bytes(content), path.name)


def parse_report(content: bytes, name: str) -> dict[str, Any]:
    """As :func:`read_report`, from bytes that were read already.

    Raises:
        ReportError: If they are no report of this format.
    """
    report: object = None
    try:
        report = json.loads(content, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        report = None
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise ReportError(f"{name}: is no report in the format {FORMAT}")
    evaluation = report.get("evaluation")
    if not isinstance(evaluation, dict) or evaluation.get("format") != EVALUATION_FORMAT:
        raise ReportError(f"{name}: holds no evaluation in the format {EVALUATION_FORMAT}")
    return report


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _no_constant(_name: str) -> float:
    raise ValueError("not a number")


def figure(report: dict[str, Any], name: str) -> Found:
    """Find a figure by its name, see the module.

    Raises:
        ReportError: If the name has another form.
    """
    parts = _NAME.fullmatch(name)
    if parts is None:
        raise ReportError(f"got {name!r}, expected a figure such as fpr_ucb@18 or gini(mae)")
    evaluation = report["evaluation"]
    try:
        if parts["metric"] is not None:
            return _spread(evaluation, parts["figure"], parts["metric"], parts["axis"])
        if parts["limit"] is not None:
            return _at_limit(evaluation, parts["figure"], int(parts["limit"]))
        return _overall(evaluation, parts["figure"])
    except (KeyError, TypeError, IndexError, AttributeError):
        return Found(value=None, why="missing: the report has another form")


def _overall(evaluation: dict[str, Any], key: str) -> Found:
    coverage = evaluation["coverage"] or {"cells": []}
    places = (evaluation["years"]["cells"], evaluation["failures"], coverage["cells"])
    return _greatest(_of_everybody(cells, key) for cells in places)


def _at_limit(evaluation: dict[str, Any], key: str, limit: int) -> Found:
    points = [p for p in evaluation["points"] if p["point"]["limit_years"] == limit]
    if key == "fpr_ucb":
        return _greatest(_bound(point["claim"]) for point in points)
    if key == "worst_fpr_ucb":
        return _greatest(_bound(point["worst"]) for point in points)
    if key == "auc":
        limits = [found for found in evaluation["limits"] if found["limit_years"] == limit]
        rows = [row for found in limits for row in found["separation"] if not row["where"]]
        return _greatest(_number(row["auc"]) for row in rows)
    calibrated = [r for r in evaluation["reliability"] if r["age_years"] == limit]
    places = [*(point["cells"] for point in points), *(r["cells"] for r in calibrated)]
    return _greatest(_of_everybody(cells, key) for cells in places)


def _spread(evaluation: dict[str, Any], key: str, metric: str, axis: str | None) -> Found:
    if key not in _SPREADS:
        return Found(value=None, why="missing: no such measure of spread")
    rows = [*evaluation["years"]["spreads"]]
    for point in evaluation["points"]:
        rows += point["spreads"]
    return _greatest(
        _number(row["figures"][key])
        for row in rows
        if row["metric"] == metric and axis in (None, row["over"])
    )


def _of_everybody(cells: Iterable[dict[str, Any]], key: str) -> Found | None:
    for cell in cells:
        if not cell["where"] and key in cell["figures"]:
            return _number(cell["figures"][key])
    return None


def _bound(claim: dict[str, Any] | None) -> Found:
    if claim is None or claim["upper"] is None:
        return Found(value=None, why="null: nobody in the protected band")
    if claim["verdict"] == INCONCLUSIVE:
        return Found(value=None, why="INCONCLUSIVE: too few people to decide the claim")
    return Found(value=_finite(claim["upper"]), why=None, cell=claim)


def _number(found: dict[str, Any]) -> Found:
    if found["value"] is None:
        return Found(value=None, why=f"null: {found['reason']}")
    return Found(value=_finite(found["value"]), why=None, cell=found)


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("no number")
    return float(value)


def _greatest(candidates: Iterable[Found | None]) -> Found:
    """The greatest of several; one that is no number decides, since it may hide a greater one."""
    found = [candidate for candidate in candidates if candidate is not None]
    if not found:
        return Found(value=None, why="missing")
    without = [each for each in found if each.value is None]
    return without[0] if without else max(found, key=lambda each: each.value or 0.0)
