"""What a run cost: its latencies summed up, with what is known of the estimator's size."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ageassure.audit.engines.threads import available_processors
from ageassure.audit.resources import installed_bytes, peak_rss_bytes, resources, this_machine
from ageassure.estimators import FacialAgeEstimator
from ageassure.inference.session import THREADS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from ageassure.estimators.base import Estimator


def cost(
    latency_ms: NDArray[np.float64],
    estimator: Estimator[Any],
    at_once: int,
    distributions: Iterable[str],
) -> dict[str, Any] | None:
    """The members of :class:`~ageassure.audit.resources.Resources`.

    Args:
        latency_ms: One for each picture; NaN if the estimator never saw it.
        estimator: Of a plug-in sizes and threads are not known.
        at_once: Pictures that were assessed at the same time.
        distributions: What to count as installed for the shipped estimator.

    Returns:
        None if no picture reached the estimator.
    """
    seen = latency_ms[latency_ms > 0].tolist()
    if not seen:
        return None
    shipped = estimator if isinstance(estimator, FacialAgeEstimator) else None
    return asdict(
        resources(
            seen,
            machine=this_machine(available_processors()),
            at_once=at_once,
            network_threads=THREADS if shipped else None,
            model_bytes=shipped.model_bytes if shipped else None,
            install_bytes=installed_bytes(distributions) if shipped else None,
            peak_rss_bytes=peak_rss_bytes(),
        )
    )
