"""What a run cost, in a file of its own: these figures are of one machine on one day."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ageassure.audit.report.inputs import Run

FORMAT: Final = "ageassure-resources-1"
NOTE: Final = (
    "Measured while the predictions were made, with whatever else the machine was doing; another "
    "run gives other figures. They are no part of the report."
)
_FIGURES: Final = ("latency_ms_median", "latency_ms_p95", "rss_bytes_greatest")


def annex_bytes(run: Run) -> bytes:
    """The file ``resources.json``: median and p95 latency of a picture, greatest memory.

    A figure that the run's record does not have, or a run without a record, is null.
    """
    measured = (run.record or {}).get("resources")
    resources: dict[str, Any] = measured if isinstance(measured, dict) else {}
    found = {
        "format": FORMAT,
        "predictions_sha256": run.predictions_sha256,
        "n": len(run.table),
        **{name: _number(resources.get(name)) for name in _FIGURES},
        "note": NOTE,
    }
    return (json.dumps(found, indent=1, allow_nan=False) + "\n").encode()


def _number(value: object) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value
