"""One mobile document: its issuer's word, and the proof of its holder's key (ISO/IEC 18013-5, 9).

The order of the checks: the issuer's certificate and signature, the security object's type and
validity, the elements' digests, then the device's signature over this very request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.x509 import ObjectIdentifier

from ageassure.errors import ConfigurationError
from ageassure.estimators.credential.mdoc.cbor import content_of, decode, embedded, encode
from ageassure.estimators.credential.mdoc.cose import is_signed_by, parse_sign1
from ageassure.estimators.credential.mdoc.security_object import (
    disclosed,
    read_security_object,
)
from ageassure.estimators.credential.refusal import malformed, refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ageassure.estimators.credential.mdoc.issuers import DocumentAuthorities
    from ageassure.estimators.credential.mdoc.security_object import SecurityObject
    from ageassure.estimators.credential.mdoc.session import Session

VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """A kind of mobile document, and what its signers are certified for.

    Attributes:
        doc_type: Its type.
        namespace: Name space of its age statements.
        purpose: Extended key usage that its signers' certificates must have, dotted.

    Raises:
        ConfigurationError: If the purpose is no object identifier.
    """

    doc_type: str
    namespace: str
    purpose: str

    def __post_init__(self) -> None:
        try:
            ObjectIdentifier(self.purpose)
        except (ValueError, TypeError):
            malformed_purpose = True
        else:
            malformed_purpose = False
        if malformed_purpose:
            raise ConfigurationError("got a purpose that is no object identifier")


EU_PROOF_OF_AGE: Final = DocumentType(
    doc_type="eu.europa.ec.av.1",
    namespace="eu.europa.ec.av.1",
    purpose="1.3.130.2.0.0.1.2",
)
"""European Union, age verification: technical specification 1.0.8, annex A. The purpose is the one
that the reference issuer's certificates name."""

MOBILE_DRIVING_LICENCE: Final = DocumentType(
    doc_type="org.iso.18013.5.1.mDL",
    namespace="org.iso.18013.5.1",
    purpose="1.0.18013.5.1.2",
)
"""ISO/IEC 18013-5, 7.1 and B.1.4."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class IssuedDocument:
    """What an issuer has said, once its signature and the digests were checked.

    Attributes:
        elements: Disclosed elements of the type's name space.
        security_object: What was signed.
    """

    elements: Mapping[str, object]
    security_object: SecurityObject


def authenticated_issuer_data(
    issuer_signed: object,
    *,
    document_type: DocumentType,
    authorities: DocumentAuthorities,
    now: datetime,
) -> IssuedDocument:
    """Check a decoded ``IssuerSigned`` (9.3.1): certificate, signature, type, validity, digests.

    NOT checked: its status, and who presents it.

    Raises:
        CredentialError: ``credential_malformed``, ``credential_untrusted``,
            ``credential_not_yet_valid``, ``credential_expired`` or ``credential_not_bound``.
    """
    match issuer_signed:
        case {"issuerAuth": auth, **others}:
            pass
        case _:
            raise malformed("got a document without the issuer's signature")
    signed = parse_sign1(auth)
    signer = authorities.signer(
        signed.certificates, purpose=ObjectIdentifier(document_type.purpose), at=now
    )
    if signed.payload is None or not is_signed_by(signer.key, signed, signed.payload):
        raise refused(
            "got a document that its issuer's key has not signed", code="credential_untrusted"
        )
    security_object = read_security_object(signed.payload)
    if security_object.doc_type != document_type.doc_type:
        raise refused(
            "got a document of another type than its issuer signed", code="credential_untrusted"
        )
    if not signer.is_valid(security_object.signed_at):
        raise refused(
            "got a document signed outside its signer's validity", code="credential_untrusted"
        )
    if now < max(security_object.valid_from, security_object.signed_at):
        raise refused("got a document of the future", code="credential_not_yet_valid")
    if now >= security_object.valid_until:
        raise refused("got a document that has expired", code="credential_expired")
    return IssuedDocument(
        elements=disclosed(others.get("nameSpaces", {}), security_object, document_type.namespace),
        security_object=security_object,
    )


def require_device_signature(
    device_signed: object, *, issued: IssuedDocument, session: Session
) -> None:
    """Check a decoded ``DeviceSigned`` (9.1.3): the holder's key has signed this very request.

    Elements that the device signs itself are not looked at: nobody vouches for them.

    Raises:
        CredentialError: ``credential_malformed``; ``credential_unverifiable`` for a message
            authentication code, which needs a key of the reader that this exchange does not have;
            ``credential_not_bound`` if the signature is not the key's over this request.
    """
    match device_signed:
        case {"nameSpaces": name_spaces, "deviceAuth": {"deviceSignature": signature}}:
            pass
        case {"deviceAuth": {"deviceMac": _}}:
            raise refused(
                "got a device MAC, expected a device signature", code="credential_unverifiable"
            )
        case _:
            raise malformed("got a document without its device's signature")
    content = content_of(name_spaces)
    if not isinstance(decode(content), dict):
        raise malformed("got device name spaces that are no map")
    signed = parse_sign1(signature)
    if signed.payload is not None:
        raise malformed("got a device signature with a payload, expected a detached one")
    key, doc_type = issued.security_object.device_key, issued.security_object.doc_type
    authentication = encode(
        ["DeviceAuthentication", session.transcript(), doc_type, embedded(content)]
    )
    if not is_signed_by(key, signed, encode(embedded(authentication))):
        raise refused(
            "got a document whose holder did not sign this request", code="credential_not_bound"
        )


def only_document(response: object, document_type: DocumentType) -> Mapping[object, object]:
    """The one document of a decoded ``DeviceResponse`` (8.3.2.1.2.2).

    Raises:
        CredentialError: ``credential_malformed``; ``credential_declined`` if the wallet reports an
            error or gives no document; ``credential_untrusted`` for another type of document.
    """
    match response:
        case {"version": str(version), "status": int(status), **others}:
            pass
        case _:
            raise malformed("got something that is no device response")
    if version != VERSION:
        raise malformed(f"got a device response of another version, expected {VERSION}")
    documents = others.get("documents", [])
    if status != 0 or documents == []:
        raise refused("got no document from the wallet", code="credential_declined")
    match documents:
        case [{"docType": str(doc_type), **members}]:
            pass
        case _:
            raise malformed("got more than the one document that was asked for")
    if doc_type != document_type.doc_type:
        raise refused(
            "got a document of another type than was asked for", code="credential_untrusted"
        )
    return members
