"""What an estimator costs. Kept apart from all other figures: these depend on the machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ageassure.errors import ConfigurationError
from ageassure.policy.strict import finite, text, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST: int = 1 << 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Latency and size, on one named machine.

    Attributes:
        machine: Which machine, in words.
        threads: Threads that one estimate may use; batch 1.
        n: Estimates timed.
        median_ms: Median latency.
        p95_ms: Latency that 95 % do not exceed (nearest rank).
        model_bytes: Size of the model files.
        install_bytes: Size of everything that is installed for it.
        peak_rss_bytes: Greatest resident memory.

    Raises:
        ConfigurationError: If a member is malformed.
    """

    machine: str
    threads: int
    n: int
    median_ms: float
    p95_ms: float
    model_bytes: int
    install_bytes: int
    peak_rss_bytes: int

    def __post_init__(self) -> None:
        text(self.machine, "machine")
        whole(self.threads, "threads", 1, 1 << 16)
        for name in ("n", "model_bytes", "install_bytes", "peak_rss_bytes"):
            whole(getattr(self, name), name, 1, _MOST)
        if not 0 < finite(self.median_ms, "median_ms") <= finite(self.p95_ms, "p95_ms"):
            raise ConfigurationError("got latencies that are not positive and in order")


def resources(
    latencies_seconds: Sequence[float],
    *,
    machine: str,
    threads: int,
    model_bytes: int,
    install_bytes: int,
    peak_rss_bytes: int,
) -> Resources:
    """Sum up latencies, one an estimate.

    Raises:
        ConfigurationError: If there are none, or one is not positive.
    """
    ordered = sorted(finite(latency, "latency") for latency in latencies_seconds)
    if not ordered or ordered[0] <= 0:
        raise ConfigurationError("got no latencies, or one that is not positive")
    n = len(ordered)
    return Resources(
        machine=machine,
        threads=threads,
        n=n,
        median_ms=(ordered[(n - 1) // 2] + ordered[n // 2]) * 500,
        p95_ms=ordered[math.ceil(n * 19 / 20) - 1] * 1000,
        model_bytes=model_bytes,
        install_bytes=install_bytes,
        peak_rss_bytes=peak_rss_bytes,
    )
