"""What a run cost, in a file of its own: these figures are of one machine on one day."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.resources import Resources
from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from ageassure.audit.report.inputs import Run

FORMAT: Final = "ageassure-resources-1"
NOTE: Final = (
    "Measured while the predictions were made, with whatever else the machine was doing; another "
    "run gives other figures. They are no part of the report."
)


def annex_bytes(run: Run) -> bytes:
    """The file ``resources.json``: the run's :class:`~ageassure.audit.resources.Resources`.

    They are null if there is no record, or it holds none.
    """
    measured: dict[str, Any] | None = None
    with suppress(ConfigurationError):
        measured = asdict(Resources.from_data((run.record or {}).get("resources")))
    found = {
        "format": FORMAT,
        "predictions_sha256": run.predictions_sha256,
        "resources": measured,
        "note": NOTE,
    }
    return (json.dumps(found, indent=1, allow_nan=False) + "\n").encode()
