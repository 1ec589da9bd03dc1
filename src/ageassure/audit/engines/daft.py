"""Daft as an engine: the only module that imports Daft.

Daft reports its import and every run to two hosts unless it is told not to BEFORE it is imported;
so that is done here, and stays so for its workers.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.engines.remote import (
    ANSWER_COLUMNS,
    BATCH,
    FIGURES,
    JOB_COLUMNS,
    MAX_WORKERS,
    Worker,
    answers_of,
    job_columns,
)
from ageassure.errors import ConfigurationError, EngineError, MissingExtraError

_SWITCHES: Final = {"DAFT_ANALYTICS_ENABLED": "0", "DO_NOT_TRACK": "true"}

reports_were_off_in_time: Final = "daft" not in sys.modules or any(
    os.environ.get(name) == value for name, value in _SWITCHES.items()
)
"""False if somebody else had imported Daft before: it has reported then."""

os.environ.update(_SWITCHES)

try:
    import daft
    from daft import DataType
except ImportError:
    _missing = True
else:
    _missing = False
if _missing:
    raise MissingExtraError("the engine daft needs: pip install 'ageassure[daft]'")

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ageassure.audit.engines.base import Task
    from ageassure.audit.prediction.assessing import Answer, Job

_TYPES: Final = {
    "index": DataType.int64(),
    "status": DataType.string(),
    **dict.fromkeys(FIGURES, DataType.float64()),
    "p_over": DataType.string(),
    "failure": DataType.string(),
}


class _DaftWorker:
    def __init__(self, task: Task) -> None:
        self._worker = Worker(task)

    def _answer(self, *series: Any) -> list[dict[str, Any] | None]:  # noqa: ANN401 - Daft's own type
        columns = dict(zip(JOB_COLUMNS, (one.to_pylist() for one in series), strict=True))
        found = self._worker(columns)
        rows = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
        # A column has as many rows as it was made from, even if the worker could not go on.
        return [*rows, *[None] * (len(columns["index"]) - len(rows))]

    answer = daft.method.batch(_answer, return_dtype=DataType.struct(_TYPES), batch_size=BATCH)


class DaftEngine:
    """Worker processes of Daft, on this machine or where its runner is set up.

    A worker that dies ends the run with an error; the same command goes on from there.

    Args:
        workers: How many processes.

    Raises:
        ConfigurationError: If ``workers`` is not 1 to 100,000.
        EngineError: If somebody had imported Daft before its reports were off.
    """

    def __init__(self, *, workers: int) -> None:
        if not 1 <= workers <= MAX_WORKERS:
            raise ConfigurationError(f"got {workers} workers, expected 1 to {MAX_WORKERS}")
        if not reports_were_off_in_time:
            raise EngineError("Daft was imported, and has reported that, before this engine was")
        self.at_once = workers

    def answers(self, task: Task, jobs: Sequence[Job]) -> Iterator[list[Answer]]:
        """Answer all jobs; see :class:`~ageassure.audit.engines.base.Engine`.

        Raises:
            EngineError: If Daft fails.
            PredictionsError: If the estimator cannot go on.
        """
        made = daft.cls(_DaftWorker, use_process=True, max_concurrency=self.at_once)(task)
        columns = [daft.col(name) for name in JOB_COLUMNS]
        frame = daft.from_pydict(job_columns(jobs)).select(made.answer(*columns).alias("answer"))
        parts = frame.iter_partitions()
        while True:
            rows: list[dict[str, Any] | None] | None = None
            problem: str | None = None
            try:
                part = next(parts, None)
                rows = None if part is None else part.to_pydict()["answer"]
            except Exception as error:  # noqa: BLE001 - Daft's errors have no common base
                problem = type(error).__name__
            if problem is not None:
                raise EngineError(f"Daft failed: {problem}")
            if rows is None:
                return
            kept = [row for row in rows if row is not None]
            yield answers_of({name: [row[name] for row in kept] for name in ANSWER_COLUMNS})
