"""What an estimator costs. Kept apart from all other figures: these are of one machine, one day."""

from __future__ import annotations

import math
import platform
import sys
from contextlib import suppress
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import ageassure
from ageassure.errors import ConfigurationError
from ageassure.policy.strict import finite, text, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MOST: int = 1 << 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Latency and size, on one machine.

    Attributes:
        machine: Which machine, in words.
        at_once: Estimates made at the same time; more of them make each slower.
        network_threads: Threads that a network may use, for one picture; None if it is not known.
            OpenCV may use more, for short.
        n: Estimates and refusals timed.
        median_ms: Median latency.
        p95_ms: Latency that 95 % do not exceed (nearest rank).
        model_bytes: Size of the model files; None if it is not known.
        install_bytes: Size of this library, its models and the libraries whose versions a run's
            record has, without what these need in turn; None likewise.
        peak_rss_bytes: Greatest resident memory of the process that gave out the work; None if the
            system does not tell it.

    Raises:
        ConfigurationError: If a member is malformed.
    """

    machine: str
    at_once: int
    network_threads: int | None
    n: int
    median_ms: float
    p95_ms: float
    model_bytes: int | None
    install_bytes: int | None
    peak_rss_bytes: int | None

    def __post_init__(self) -> None:
        text(self.machine, "machine")
        whole(self.at_once, "at_once", 1, _MOST)
        whole(self.n, "n", 1, _MOST)
        for name in ("network_threads", "model_bytes", "install_bytes", "peak_rss_bytes"):
            if getattr(self, name) is not None:
                whole(getattr(self, name), name, 1, _MOST)
        if not 0 < finite(self.median_ms, "median_ms") <= finite(self.p95_ms, "p95_ms"):
            raise ConfigurationError("got latencies that are not positive and in order")

    @classmethod
    def from_data(cls, found: object) -> Self:
        """Read the members back, out of a record.

        Raises:
            ConfigurationError: If it is anything else.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(found, dict) or found.keys() != names:
            raise ConfigurationError("got resources with other members")
        return cls(**found)


def resources(latencies_ms: Sequence[float], *, machine: str, **members: Any) -> Resources:  # noqa: ANN401 - those of Resources
    """Sum up latencies, one an estimate.

    Args:
        latencies_ms: Milliseconds.
        machine: As in :class:`Resources`.
        **members: The other members of :class:`Resources`.

    Raises:
        ConfigurationError: If there are none, or one is not positive.
    """
    ordered = sorted(finite(latency, "latency") for latency in latencies_ms)
    if not ordered or ordered[0] <= 0:
        raise ConfigurationError("got no latencies, or one that is not positive")
    n = len(ordered)
    return Resources(
        machine=machine,
        n=n,
        median_ms=(ordered[(n - 1) // 2] + ordered[n // 2]) / 2,
        p95_ms=ordered[math.ceil(n * 19 / 20) - 1],
        **members,
    )


def this_machine(processors: int) -> str:
    """The kind of this machine, without a name: system, architecture, processors."""
    return f"{platform.system()} {platform.machine()}, {processors} processors"


def peak_rss_bytes() -> int | None:
    """Greatest resident memory of this process so far; None on Windows."""
    with suppress(ImportError):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return None


def installed_bytes(names: Iterable[str]) -> int:
    """Size of the files of distributions that are installed; of this one, of its package."""
    return sum(_size(name) for name in names)


def _size(name: str) -> int:
    if name == "ageassure":
        folder = Path(ageassure.__file__).parent
        return sum(file.stat().st_size for file in folder.rglob("*") if file.suffix != ".pyc")
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return 0
    paths = [Path(str(file.locate())) for file in files if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())
