"""Age from the barcode of a North American driving licence or identity card (AAMVA)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ageassure.estimators.birth_dates import age_interval
from ageassure.estimators.document.aamva import (
    MAX_FILE_BYTES,
    check_not_contradicted,
    read_licence,
)
from ageassure.estimators.document.held import (
    Content,
    Hidden,
    check_not_expired,
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

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from ageassure.results import AgeInterval


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class LicenceBarcode(Hidden):
    """What a scanner read from the PDF417 barcode, from ``@`` on.

    Attributes:
        content: The bytes. A ``bytearray`` is filled with zeros; ``bytes`` cannot be.
        holder_check: Whether the person who is present was held against the document.

    Raises:
        ConfigurationError: If ``holder_check`` is no :class:`HolderCheck`.
    """

    content: Content
    holder_check: HolderCheck

    def __post_init__(self) -> None:
        checked_holder_check(self.holder_check)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class LicencePicture(Hidden):
    """A picture of the side of the card that has the PDF417 barcode; needs the extra ``documents``.

    Attributes:
        picture: A JPEG, PNG or WebP file, or RGB pixels, as :func:`ageassure.imaging.decode` takes
            them and wipes them.
        holder_check: Whether the person who is present was held against the document.

    Raises:
        ConfigurationError: If ``holder_check`` is no :class:`HolderCheck`.
    """

    picture: Content | NDArray[np.uint8]
    holder_check: HolderCheck

    def __post_init__(self) -> None:
        checked_holder_check(self.holder_check)


class LicenceAgeEstimator:
    """Completed years from the birth date in a licence's barcode; the date is dropped here.

    The barcode carries no signature: it proves as much as the way by which it came. What is NOT
    checked stands in the guide on documents.

    Args:
        now: Clock; it decides on expiry and dates the estimate.
    """

    def __init__(self, *, now: Callable[[], datetime] = utc_now) -> None:
        self._now = now

    def estimate(self, evidence: LicenceBarcode | LicencePicture) -> AgeInterval:
        """Read one barcode.

        Raises:
            DocumentError: ``document_malformed``, ``document_expired``,
                ``document_contradictory`` or ``barcode_unreadable``.
            BirthDateError: If the birth date is impossible.
            PictureError: If the picture is refused.
            MissingExtraError: For a picture, if the extra ``documents`` is not installed.
        """
        held = [evidence]
        del evidence
        return sealed(self._assess, held)

    def _assess(self, evidence: LicenceBarcode | LicencePicture) -> AgeInterval:
        if isinstance(evidence, LicencePicture):
            from ageassure.estimators.document.barcode import read_pdf417

            content: Content = read_pdf417(evidence.picture)
        elif isinstance(evidence, LicenceBarcode):
            content = evidence.content
        else:
            raise malformed("got neither a LicenceBarcode nor a LicencePicture")
        at = self._now()
        provenance = document_provenance(evidence.holder_check, at)
        with opened(content, max_bytes=MAX_FILE_BYTES) as file:
            dates = read_licence(file)
        check_not_expired(dates.expiry, at)
        interval = age_interval(dates.birth, provenance=provenance)
        check_not_contradicted(interval, dates.under_until, at)
        return interval
