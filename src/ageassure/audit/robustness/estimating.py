"""Pictures degraded one by one and estimated; no pixel is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ageassure.audit.degradation import LEVELS, Degradation, degrade
from ageassure.audit.table import OK
from ageassure.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from ageassure.audit.degradation import Region

    Estimate = Callable[[NDArray[np.uint8]], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class DegradedEstimate:
    """What an estimator made of one degraded picture.

    Attributes:
        sample_id: Which picture.
        degradation: In which way it was made worse.
        level: How much.
        estimated_age_years: The estimate, or None if it was refused.
        status: ``ok`` or the refusal's code.
    """

    sample_id: str
    degradation: Degradation
    level: float
    estimated_age_years: float | None
    status: str


def estimate_degraded(
    pictures: Iterable[tuple[str, NDArray[np.uint8], Region | None]],
    estimate: Estimate,
    *,
    levels: Mapping[Degradation, tuple[float, ...]] = LEVELS,
) -> Iterator[DegradedEstimate]:
    """Degrade pictures one by one, estimate each, and keep no pixel.

    Args:
        pictures: Sample id, RGB pixels and the face's box if it is known; the pixels are the
            caller's, degraded ones are filled with zeros after use.
        estimate: From RGB pixels to a mean in years; a refusal is an ``EvidenceError``.
        levels: Which degradations, at which levels.

    Raises:
        ConfigurationError: If a level or a region is out of range.
    """
    for sample_id, pixels, region in pictures:
        for degradation, steps in levels.items():
            for level in steps:
                worse = degrade(pixels, degradation, level, region=region)
                try:
                    years, status = _estimated(estimate, worse)
                finally:
                    worse.fill(0)
                yield DegradedEstimate(
                    sample_id=sample_id,
                    degradation=degradation,
                    level=level,
                    estimated_age_years=years,
                    status=status,
                )


def _estimated(estimate: Estimate, pixels: NDArray[np.uint8]) -> tuple[float | None, str]:
    try:
        return estimate(pixels), OK
    except EvidenceError as error:
        return None, error.code
