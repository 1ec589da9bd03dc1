"""Long forms of a picture are looked for by parts of them; and how much that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.retention.search import RUN_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

FORM_BYTES: Final = 256 * 1024
"""Of a form of a picture as it was decoded, or of its file."""

BLOCK_BYTES: Final = 2 * RUN_BYTES
"""A piece of a form that reaches from one block to the next covers a whole run of one of them."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sample:
    """What is looked for of a form.

    Attributes:
        parts: Blocks at even distances, joined; or all of it.
        whole_bytes: Length of the form.
        distance_bytes: From where a block begins to where the next one does, at most.
    """

    parts: bytes
    whole_bytes: int
    distance_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledShare:
    """How much of all forms is looked for.

    Attributes:
        least_share: Of the form of which the smallest share is.
        found_from_bytes: Whatever is kept of at least as many bytes of a form in a row is found.
    """

    least_share: float
    found_from_bytes: int

    @property
    def text(self) -> str:
        """In words."""
        return (
            f"a picture is looked for by blocks of each of its forms, {self.least_share:.1%} of it "
            f"or more: whatever keeps {self.found_from_bytes:,} bytes of a form in a row is found, "
            "a smaller piece perhaps not"
        )


def coverage(samples: Iterable[Sample]) -> SampledShare:
    """Of some forms."""
    return of_all(
        SampledShare(
            least_share=len(one.parts) / one.whole_bytes,
            found_from_bytes=one.distance_bytes,
        )
        for one in samples
    )


def of_all(coverages: Iterable[SampledShare]) -> SampledShare:
    """The least of all; nothing where there is none."""
    every = list(coverages)
    return SampledShare(
        least_share=min((one.least_share for one in every), default=0.0),
        found_from_bytes=max((one.found_from_bytes for one in every), default=0),
    )


def sample(form: bytes, most_bytes: int) -> Sample:
    """Blocks of 128 bytes at even distances; all of it, if it is no longer than ``most_bytes``."""
    if len(form) <= most_bytes:
        return Sample(parts=form, whole_bytes=len(form), distance_bytes=RUN_BYTES)
    starts = np.linspace(0, len(form) - BLOCK_BYTES, most_bytes // BLOCK_BYTES).astype(int)
    parts = b"".join(form[start : start + BLOCK_BYTES] for start in starts)
    distance = int(np.diff(starts).max())
    return Sample(parts=parts, whole_bytes=len(form), distance_bytes=distance)
