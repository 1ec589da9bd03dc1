"""Age from the text of a machine-readable zone (ICAO Doc 9303)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ageassure.estimators.birth_dates import age_interval
from ageassure.estimators.document.held import (
    Content,
    Hidden,
    malformed,
    opened,
    sealed,
    utc_now,
)
from ageassure.estimators.document.holder import (
    HolderCheck,
    checked_holder_check,
    document_provenance,
)
from ageassure.estimators.document.zone import MAX_ZONE_BYTES, birth_date_of_zone, line_lengths_of
from ageassure.results import AgeInterval

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_MAX_TEXT_BYTES: Final = MAX_ZONE_BYTES + 3 * len("\r\n")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class MachineReadableZone(Hidden):
    """The two or three lines at the foot of a passport, an identity card or a visa, as text.

    Reading them from a picture (OCR) is the caller's, or a provider's.

    Attributes:
        lines: All lines, upper case, each ended by a line feed, a carriage return or both (the
            last one may do without). A ``bytearray`` is filled with zeros; ``str`` and ``bytes``
            cannot be.
        holder_check: Whether the person who is present was held against the document.

    Raises:
        ConfigurationError: If ``holder_check`` is no :class:`HolderCheck`.
    """

    lines: str | Content
    holder_check: HolderCheck

    def __post_init__(self) -> None:
        checked_holder_check(self.holder_check)


class MRZAgeEstimator:
    """Completed years from the birth date of a machine-readable zone; the date is dropped here.

    The rules for two-digit years, unknown parts and the Earth's dates stand in
    ``ageassure.estimators.birth_dates``. A zone carries no signature: it proves as much as the
    way by which it came. What is NOT checked stands in the guide on documents.

    Args:
        now: Clock; it decides on expiry and dates the estimate.
    """

    def __init__(self, *, now: Callable[[], datetime] = utc_now) -> None:
        self._now = now

    def estimate(self, evidence: MachineReadableZone) -> AgeInterval:
        """Read one zone.

        Raises:
            DocumentError: ``document_malformed``, ``check_digit`` or ``document_expired``.
            BirthDateError: If the birth date is impossible.
        """
        held = [evidence]
        del evidence
        return sealed(self._assess, held)

    def _assess(self, evidence: MachineReadableZone) -> AgeInterval:
        if not isinstance(evidence, MachineReadableZone):
            raise malformed("got no MachineReadableZone")
        lines = evidence.lines
        if isinstance(lines, str):
            if len(lines) > _MAX_TEXT_BYTES or not lines.isascii():
                raise malformed(f"got a text that is not ASCII, or over {_MAX_TEXT_BYTES} bytes")
            lines = bytearray(lines, "ascii")
        at = self._now()
        provenance = document_provenance(evidence.holder_check, at)
        zone = bytearray()
        with opened(lines, max_bytes=_MAX_TEXT_BYTES) as text:
            try:
                _join(text, zone)
                birth = birth_date_of_zone(zone, at)
            finally:
                zone[:] = bytes(len(zone))
        if birth is None:
            return AgeInterval(lower_years=0, upper_years=None, provenance=provenance)
        return age_interval(birth, provenance=provenance)


def _join(text: memoryview, zone: bytearray) -> None:
    """Put the lines one after the other into ``zone``, if they have a format's lengths."""
    lengths = []
    start = 0
    while start < len(text):
        stop = start
        while stop < len(text) and text[stop] not in b"\r\n":
            stop += 1
        lengths.append(stop - start)
        zone += text[start:stop]
        if bytes(text[stop : stop + 2]) == b"\r\n":
            stop += 1
        start = stop + 1
    if tuple(lengths) != line_lengths_of(sum(lengths)):
        raise malformed("got lines of other lengths than 3 times 30, 2 times 36 or 2 times 44")
