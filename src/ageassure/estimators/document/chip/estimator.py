"""Age from the files of a chip, with the signature of the state that issued it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ageassure.errors import ConfigurationError, DocumentError
from ageassure.estimators.birth_dates import age_interval
from ageassure.estimators.document.chip import der
from ageassure.estimators.document.chip.certificates import (
    Certificate,
    is_country_signing,
    read_certificate,
)
from ageassure.estimators.document.chip.passive import (
    MAX_DATA_GROUP_1_BYTES,
    MAX_SECURITY_OBJECT_BYTES,
    authenticated_zone,
)
from ageassure.estimators.document.held import Content, Hidden, malformed, opened, sealed, utc_now
from ageassure.estimators.document.holder import (
    HolderCheck,
    checked_holder_check,
    document_provenance,
)
from ageassure.estimators.document.zone import birth_date_of_zone
from ageassure.results import AgeInterval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

_PEM_START: Final = b"-----BEGIN"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class ChipData(Hidden):
    """The two files of a passport's or identity card's chip that an age needs.

    Whoever reads the chip (with the access key of its zone or number, by PACE or BAC) reads these
    two and no portrait.

    Attributes:
        security_object: EF.SOD, from its tag 77 on.
        data_group_1: EF.DG1, from its tag 61 on. Of both a ``bytearray`` is filled with zeros;
            ``bytes`` cannot be.
        holder_check: Whether the person who is present was held against the document.

    Raises:
        ConfigurationError: If ``holder_check`` is no :class:`HolderCheck`.
    """

    security_object: Content
    data_group_1: Content
    holder_check: HolderCheck

    def __post_init__(self) -> None:
        checked_holder_check(self.holder_check)


class ChipAgeEstimator:
    """Completed years from the birth date on a chip, by passive authentication; nothing is kept.

    What is NOT checked: that the chip is no copy, and that a certificate was not revoked; see the
    guide on documents.

    Args:
        country_signing_certificates: The CSCA certificates that are trusted, each DER or PEM (a
            PEM file may hold several). They come from the states or a master list that the caller
            has verified, never from a document. Their own signatures are not looked at.
        now: Clock; it decides on validity and expiry, and dates the estimate.

    Raises:
        ConfigurationError: If there is none, or one cannot be read, is not taken, or is no
            authority's.
    """

    def __init__(
        self,
        *,
        country_signing_certificates: Iterable[bytes],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        given_all: object = country_signing_certificates
        if isinstance(given_all, bytes | bytearray | str):
            raise ConfigurationError("got one certificate, expected a collection of them")
        self._anchors = tuple(
            _anchor(encoded)
            for given in country_signing_certificates
            for encoded in _encodings(given)
        )
        if not self._anchors:
            raise ConfigurationError("got no country signing certificates, expected at least one")
        self._now = now

    def estimate(self, evidence: ChipData) -> AgeInterval:
        """Check and read one chip's files.

        Raises:
            DocumentError: ``document_malformed``, ``document_untrusted``, ``document_altered``,
                ``document_expired`` or ``check_digit``.
            BirthDateError: If the birth date is impossible.
        """
        held = [evidence]
        del evidence
        return sealed(self._assess, held)

    def _assess(self, evidence: ChipData) -> AgeInterval:
        if not isinstance(evidence, ChipData):
            raise malformed("got no ChipData")
        at = self._now()
        provenance = document_provenance(evidence.holder_check, at)
        with (
            opened(evidence.data_group_1, max_bytes=MAX_DATA_GROUP_1_BYTES) as group,
            opened(evidence.security_object, max_bytes=MAX_SECURITY_OBJECT_BYTES) as signed,
        ):
            birth = birth_date_of_zone(authenticated_zone(signed, group, self._anchors, at), at)
        if birth is None:
            return AgeInterval(lower_years=0, upper_years=None, provenance=provenance)
        return age_interval(birth, provenance=provenance)


def _encodings(given: object) -> list[bytes]:
    """One certificate in DER, or all in a PEM file."""
    if not isinstance(given, bytes):
        raise ConfigurationError(f"got a {type(given).__name__} as certificate, expected bytes")
    if not given.lstrip().startswith(_PEM_START):
        return [given]
    found: list[bytes] | None = None
    try:
        found = [c.public_bytes(Encoding.DER) for c in x509.load_pem_x509_certificates(given)]
    except (ValueError, x509.InvalidVersion):
        found = None
    if found is None:
        raise ConfigurationError("got a PEM file that cannot be read")
    return found


def _anchor(encoded: bytes) -> Certificate:
    reason = "it is no authority's"
    certificate: Certificate | None = None
    try:
        certificate = read_certificate(der.read(memoryview(encoded), der.SEQUENCE))
    except DocumentError as error:
        reason = str(error)
    if certificate is None or not is_country_signing(certificate):
        raise ConfigurationError(f"got a country signing certificate that is not taken: {reason}")
    return certificate
