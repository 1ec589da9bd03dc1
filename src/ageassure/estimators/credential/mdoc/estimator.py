"""A mobile document as evidence of an age: EU proof of age, ISO mobile driving licence."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import ConfigurationError
from ageassure.estimators.credential.mdoc.cbor import decode
from ageassure.estimators.credential.mdoc.document import (
    DocumentType,
    authenticated_issuer_data,
    only_document,
    require_device_signature,
)
from ageassure.estimators.credential.mdoc.issuers import DocumentAuthorities
from ageassure.estimators.credential.mdoc.session import Session
from ageassure.estimators.credential.refusal import assess_alone, malformed, refused
from ageassure.estimators.credential.statements import holder_provenance, interval_of_statements
from ageassure.estimators.credential.status import require_valid_status
from ageassure.results import MIN_AGE_LIMIT
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.verifier.status import StatusChecker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.results import AgeEstimate

_AGE_OVER: Final = re.compile(r"age_over_([0-9]{2})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class MdocPresentation:
    """A device response, as a wallet presents it. Its ``repr`` shows nothing of it.

    Attributes:
        device_response: CBOR, at most 256 KiB, decrypted.
        session: What it must be bound to, out of what the caller stored with the request.

    Raises:
        ConfigurationError: If one of them is of another type.
    """

    device_response: bytes = field(repr=False)
    session: Session

    def __post_init__(self) -> None:
        if type(self.device_response) is not bytes or not isinstance(self.session, Session):
            raise ConfigurationError("got a device_response that is no bytes, or no session")


@final
class MdocEstimator:
    """Reads the age statements of a mobile document. Keeps nothing, and is safe for threads.

    ``age_over_NN`` elements are read, by the nearest-value rule; all other elements are dropped. An
    estimate is of the class ``verification`` and bound: the device's signature is always demanded.

    Args:
        document_type: What is taken, such as
            :data:`~ageassure.estimators.credential.mdoc.EU_PROOF_OF_AGE`.
        authorities: Whose document signers are trusted.
        status: Checks the status of documents that have one. None: they are refused.
        now: Clock.

    Raises:
        ConfigurationError: If one of these is of another type.
    """

    __slots__ = ("_authorities", "_document_type", "_now", "_status")

    def __init__(
        self,
        *,
        document_type: DocumentType,
        authorities: DocumentAuthorities,
        status: StatusChecker | None,
        now: Clock = utc_now,
    ) -> None:
        if not isinstance(document_type, DocumentType):
            raise ConfigurationError("got a document_type that is no DocumentType")
        if not isinstance(authorities, DocumentAuthorities):
            raise ConfigurationError("got authorities that are no DocumentAuthorities")
        if status is not None and not isinstance(status, StatusChecker):
            raise ConfigurationError("got a status that is no StatusChecker")
        read_clock(now)
        self._document_type = document_type
        self._authorities = authorities
        self._status = status
        self._now = now

    def estimate(self, evidence: MdocPresentation) -> AgeEstimate:
        """Verify one presentation, and read the age out of it.

        Raises:
            CredentialError: If it is refused; the code says why.
            ConfigurationError: If the evidence is no :class:`MdocPresentation`.
        """
        held: list[object] = [evidence]
        del evidence
        return assess_alone(self._assessed, held, MdocPresentation)

    def _assessed(self, evidence: MdocPresentation) -> AgeEstimate:
        now = datetime.fromtimestamp(read_clock(self._now), UTC)
        document = only_document(decode(evidence.device_response), self._document_type)
        issued = authenticated_issuer_data(
            document.get("issuerSigned"),
            document_type=self._document_type,
            authorities=self._authorities,
            now=now,
        )
        require_device_signature(
            document.get("deviceSigned"), issued=issued, session=evidence.session
        )
        require_valid_status(issued.security_object.others, self._status)
        provenance = holder_provenance(now)
        return interval_of_statements(
            age_statements(issued.elements),
            issued_at_seconds=issued.security_object.signed_at.timestamp(),
            provenance=provenance,
        )


def age_statements(elements: Mapping[str, object]) -> dict[int, bool]:
    """The ``age_over_NN`` among a document's elements (ISO/IEC 18013-5, 7.2.5).

    Raises:
        CredentialError: ``credential_malformed`` if one is no boolean or of no age, or
            ``credential_no_age`` if there is none.
    """
    statements: dict[int, bool] = {}
    for name, value in elements.items():
        if not (found := _AGE_OVER.fullmatch(name)):
            continue
        limit = int(found[1])
        if type(value) is not bool or limit < MIN_AGE_LIMIT:
            raise malformed("got an age statement that is neither true nor false, or of no age")
        statements[limit] = value
    if not statements:
        raise refused("got a document that states nothing about an age", code="credential_no_age")
    return statements
