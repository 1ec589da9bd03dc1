"""What a report is made of, read and checked: the files that an auditor hands in.

A run of this library leaves a record beside its predictions; a foreign system has none, and the
report then says that its estimator is not known. A record that is not of these predictions is
refused, never ignored.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.datasets.manifest import file_sha256, read_manifest
from ageassure.audit.datasets.statement import MAX_TEXT_CHARACTERS
from ageassure.audit.joining import join
from ageassure.audit.liveness import LivenessAnswer, Presentation
from ageassure.audit.prediction.files import read_predictions
from ageassure.audit.prediction.run import RunFiles
from ageassure.audit.problems import Problems
from ageassure.audit.rows import read_rows
from ageassure.errors import ConfigurationError, DataSetError, PredictionsError
from ageassure.files import read_at_most

if TYPE_CHECKING:
    from pathlib import Path

    from ageassure.audit.table import EvaluationTable

MAX_RECORD_BYTES: Final = 1 << 20
ATTACK_COLUMNS: Final = ("species", "instrument", "answer", "let_through")
_DIGESTS: Final = ("manifest_sha256", "predictions_sha256")
_PERHAPS: Final = ("pipeline_digest", "degradation")
_ANSWERS: Final = {str(answer): answer for answer in LivenessAnswer}
_TRUTHS: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Run:
    """Predictions joined to their people.

    Attributes:
        table: Labels and estimates.
        manifest_sha256: Of the manifest's bytes.
        predictions_sha256: Of the predictions' bytes.
        pictures_pinned: Does the manifest name the digest of every picture?
        record: The record of the run that made the predictions; None if there is none.
    """

    table: EvaluationTable
    manifest_sha256: str
    predictions_sha256: str
    pictures_pinned: bool
    record: dict[str, Any] | None

    def __repr__(self) -> str:
        return f"<Run of {len(self.table)} rows (content hidden)>"


def read_run(manifest: Path, predictions: Path) -> Run:
    """Read a manifest and predictions, join them, and read the record beside the predictions.

    Raises:
        DataSetError: If the manifest cannot be used.
        PredictionsError: If the predictions cannot, or the record is of another run.
        ConfigurationError: If the columns break what a table demands.
    """
    people, estimates = read_manifest(manifest), read_predictions(predictions)
    record = _record(RunFiles.beside(predictions).record)
    manifest_sha256 = people.statement.manifest_sha256
    digests = (manifest_sha256, estimates.sha256)
    if record is not None and digests != tuple(record[name] for name in _DIGESTS):
        raise PredictionsError(
            f"{predictions.name}: the record beside it is of another manifest or predictions"
        )
    return Run(
        table=join(people, estimates),
        manifest_sha256=manifest_sha256,
        predictions_sha256=estimates.sha256,
        pictures_pinned=people.sha256 is not None and all(people.sha256),
        record=record,
    )


def _record(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    record: object = None
    with suppress(OSError, ValueError, RecursionError):
        content = read_at_most(path, MAX_RECORD_BYTES + 1)
        if len(content) <= MAX_RECORD_BYTES:
            record = json.loads(content)
    if not isinstance(record, dict) or not _is_record(record):
        raise PredictionsError(f"{path.name}: is no record of a run")
    return record


def _is_record(record: dict[str, Any]) -> bool:
    """Is everything in it of the type that a report takes over? Other members do not matter."""
    level, versions = record.get("level"), record.get("versions")
    return (
        all(_is_line(record.get(name)) for name in ("estimator", *_DIGESTS))
        and all(record.get(name) is None or _is_line(record[name]) for name in _PERHAPS)
        and type(record.get("border_pixels")) is int
        and isinstance(level, int | float)
        and math.isfinite(level)
        and isinstance(versions, dict)
        and all(_is_line(text) for pair in versions.items() for text in pair)
    )


def _is_line(text: object) -> bool:
    return isinstance(text, str) and 0 < len(text) <= MAX_TEXT_CHARACTERS and text.isprintable()


def read_attacks(path: Path) -> tuple[list[Presentation], str]:
    """Read a labelled attack set: CSV or Parquet with exactly :data:`ATTACK_COLUMNS`.

    ``species`` is empty for a living person; ``answer`` is ``bona_fide``, ``attack`` or
    ``no_response``; ``let_through`` is ``yes`` or ``no``.

    Returns:
        The presentations, and the SHA-256 of the file's bytes.

    Raises:
        DataSetError: If the file breaks that; the message lists up to 20 lines.
    """
    rows = read_rows(path, DataSetError)
    if rows.header != ATTACK_COLUMNS:
        raise DataSetError(f"{path.name}: expected exactly the columns {', '.join(ATTACK_COLUMNS)}")
    found: list[Presentation] = []
    problems = Problems(DataSetError, path, unit=rows.unit)
    for line, cells in rows.rows:
        problem = _take(cells, found)
        if problem is not None:
            problems.add(line, problem)
    if not found and not problems.count:
        problems.add(None, "has no rows")
    problems.raise_if_any()
    return found, file_sha256(path)


def _take(cells: list[str], found: list[Presentation]) -> str | None:
    """Take the presentation of one row, or say what is wrong with it."""
    if len(cells) != len(ATTACK_COLUMNS):
        return f"got {len(cells)} cells, expected {len(ATTACK_COLUMNS)}"
    species, instrument, answer, let_through = cells
    if answer not in _ANSWERS or let_through not in _TRUTHS:
        return f"answer is none of {', '.join(_ANSWERS)}, or let_through is not yes or no"
    try:
        presentation = Presentation(
            species=species or None,
            instrument=instrument,
            answer=_ANSWERS[answer],
            let_through=_TRUTHS[let_through],
        )
    except ConfigurationError as error:
        return str(error)
    found.append(presentation)
    return None
