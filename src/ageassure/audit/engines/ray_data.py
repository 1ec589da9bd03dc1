"""Ray Data as an engine: the only module that imports Ray.

Ray keeps objects in a store that spills to disk, and reports usage. Both are off in a cluster that
is started here, and a cluster that has either on is refused. Only paths, offsets, numbers and codes
are objects of Ray, no picture.
"""

from __future__ import annotations

import logging
import os
import re
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.engines.remote import BATCH, MAX_WORKERS, Worker, answers_of, job_columns
from ageassure.errors import ConfigurationError, EngineError, MissingExtraError

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read when a cluster starts; inherited by its nodes

try:
    import ray
    import ray.data
except ImportError:
    _missing = True
else:
    _missing = False
if _missing:
    raise MissingExtraError("the engine ray needs: pip install 'ageassure[ray]'")

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ageassure.audit.engines.base import Task
    from ageassure.audit.prediction.assessing import Answer, Job

SYSTEM_CONFIG: Final = {"automatic_object_spilling_enabled": False}
"""What the head of a cluster must be started with."""

CONNECT_SECONDS: Final = 10.0

_ADDRESS: Final = re.compile(r"(?P<host>[A-Za-z0-9._-]{1,253}):(?P<port>[0-9]{1,5})")


class RayEngine:
    """Workers of a Ray cluster, one process each.

    A worker that dies is started anew and its pictures are assessed again; the answers are the
    same. Every machine needs this library, the estimator, and the pictures under the same paths.

    Args:
        workers: How many processes; each takes one processor.
        address: ``host:port`` of a running cluster's head; None starts a cluster on this machine
            and ends it afterwards.

    Raises:
        ConfigurationError: If ``workers`` is not 1 to 100,000, or the address has another form.
    """

    def __init__(self, *, workers: int, address: str | None = None) -> None:
        if not 1 <= workers <= MAX_WORKERS:
            raise ConfigurationError(f"got {workers} workers, expected 1 to {MAX_WORKERS}")
        if address is not None and _ADDRESS.fullmatch(address) is None:
            raise ConfigurationError("got another address of a Ray cluster than host:port")
        self.at_once = workers
        self.address = address

    def answers(self, task: Task, jobs: Sequence[Job]) -> Iterator[list[Answer]]:
        """Answer all jobs; see :class:`~ageassure.audit.engines.base.Engine`.

        Raises:
            EngineError: If Ray fails, or the cluster spills objects or reports usage.
            PredictionsError: If the estimator cannot go on.
        """
        with _connected(self.address, self.at_once):
            batches = _batches(task, jobs, self.at_once)
            while True:
                columns: dict[str, Any] | None = None
                problem: str | None = None
                try:
                    columns = next(batches, None)
                except ray.exceptions.RayError as error:
                    problem = type(error).__name__
                if problem is not None:
                    raise EngineError(f"Ray failed: {problem}")
                if columns is None:
                    return
                yield answers_of(columns)


def _batches(task: Task, jobs: Sequence[Job], workers: int) -> Iterator[dict[str, Any]]:
    ray.data.DataContext.get_current().enable_progress_bars = False
    columns = job_columns(jobs)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    data = ray.data.from_items(rows).map_batches(
        Worker,
        fn_constructor_args=(task,),
        batch_size=BATCH,
        batch_format="numpy",
        concurrency=min(workers, len(rows)),
        num_cpus=1,
    )
    found: Iterator[dict[str, Any]] = iter(data.iter_batches(batch_size=None, batch_format="numpy"))
    return found


@contextmanager
def _connected(address: str | None, workers: int) -> Iterator[None]:
    if ray.is_initialized():
        raise EngineError("Ray is in use in this process already")
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    problem: str | None = None
    try:
        if address is not None:
            _knock(address)  # Ray itself goes on trying for many minutes
            ray.init(address=address, log_to_driver=False)
        else:
            ray.init(
                address="local",
                num_cpus=workers,
                include_dashboard=False,
                log_to_driver=False,
                _system_config=SYSTEM_CONFIG,
            )
    except Exception as error:  # noqa: BLE001 - Ray's start raises anything, bare Exception too
        problem = type(error).__name__
    if problem is not None:
        raise EngineError(f"cannot reach or start a Ray cluster: {problem}")
    try:
        check_cluster()
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS):
        pass


def check_cluster() -> None:
    """Refuse a cluster that writes objects to disk or sends reports.

    Raises:
        EngineError: If it does, or if this cannot be established with this version of Ray.
    """
    spills, reports = _spills(), _reports()
    if spills is None or reports is None:
        raise EngineError("cannot establish whether this Ray cluster spills objects or reports use")
    if spills:
        raise EngineError(
            "this Ray cluster spills objects to disk: start its head with --system-config="
            "'{\"automatic_object_spilling_enabled\": false}'"
        )
    if reports:
        raise EngineError(
            "this Ray cluster reports its use: start its head with RAY_USAGE_STATS_ENABLED=0"
        )


def _spills() -> bool | None:
    # No public interface tells a running cluster's configuration.
    try:
        from ray._private.state import state

        return bool(state.get_system_config()["automatic_object_spilling_enabled"])
    except (ImportError, AttributeError, KeyError, ray.exceptions.RayError):
        return None


def _reports() -> bool | None:
    """A cluster that reports has written when it started; one that does not has left that out."""
    try:
        from ray._common.usage.usage_lib import get_cluster_metadata
        from ray._private.worker import global_worker

        found = get_cluster_metadata(global_worker.gcs_client)
        return "session_start_timestamp_ms" in found if "ray_version" in found else None
    except (ImportError, AttributeError, RuntimeError, ValueError, ray.exceptions.RayError):
        return None
