"""Who may sign a mobile document: a document signer's certificate, issued by a trusted anchor.

ISO/IEC 18013-5, annex B: an issuing authority's certificate (IACA) signs a document signer's, and
there is nothing in between. Checked: names and signature of that one step, both validities, that
the anchor is an authority that may sign certificates, that the signer is none and may sign, its key
identifiers, its purpose, its country, and that no critical extension is unknown. NOT checked:
revocation lists; whoever needs them removes the anchor, or asks for credentials with a status.

The certificates of the European reference issuer carry an issuer alternative name that breaks its
ASN.1. It is not critical, says nothing that is needed, and is left out before extensions are read;
the signature is checked over the certificate as it is.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding

from ageassure.errors import ConfigurationError
from ageassure.estimators.credential.mdoc.der import without_extension
from ageassure.estimators.credential.mdoc.trusted_list import listed_certificates
from ageassure.estimators.credential.refusal import malformed, refused

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from ageassure.estimators.credential.mdoc.cose import Key

MAX_CERTIFICATE_BYTES: Final = 8 * 1024
MAX_ANCHORS: Final = 1024

_HASHES: Final = (SHA256, SHA384, SHA512)
_UNDERSTOOD: Final = frozenset(
    {
        x509.BasicConstraints.oid,
        x509.KeyUsage.oid,
        x509.ExtendedKeyUsage.oid,
    }
)
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    InvalidSignature,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.UnsupportedGeneralNameType,
)
"""What ``cryptography`` raises for certificates that are malformed, or do not verify. Parts of one
are read only when they are asked for."""

_UNTRUSTED: Final = "got a document signer that no trusted authority has certified"


@final
class DocumentAuthorities:
    """Certificates of authorities whose document signers are trusted.

    Args:
        certificates: At least one authority's certificate.

    Raises:
        ConfigurationError: If there is none, or one is no authority's that may sign certificates.
    """

    __slots__ = ("_anchors",)

    def __init__(self, certificates: Collection[x509.Certificate]) -> None:
        anchors = tuple(certificates)
        if not 0 < len(anchors) <= MAX_ANCHORS:
            raise ConfigurationError(f"got no authorities, expected 1 to {MAX_ANCHORS}")
        if not all(_is_authority(anchor) for anchor in anchors):
            raise ConfigurationError("got a certificate that is no authority's")
        self._anchors = anchors

    @classmethod
    def from_pem(cls, text: bytes) -> DocumentAuthorities:
        """Read one or more certificates in PEM.

        Raises:
            ConfigurationError: If there is none, or one cannot be read or is no authority's.
        """
        found: list[x509.Certificate] = []
        with suppress(*_UNREADABLE):  # raised below, without its frames
            found = x509.load_pem_x509_certificates(text)
        return cls(found)

    @classmethod
    def from_trusted_list(
        cls, content: bytes, *, service_types: Collection[str], at: datetime
    ) -> DocumentAuthorities:
        """Take the granted services of some types from a trusted list (ETSI TS 119 612).

        Args:
            content: The list, XML. **Verify its signature first**: that is not done here.
            service_types: ``ServiceTypeIdentifier`` of the services that are wanted.
            at: The present, aware. A list that is past its next update is refused.

        Raises:
            ConfigurationError: If the list cannot be used, or has no such service.
        """
        return cls(listed_certificates(content, service_types=service_types, at=at))

    def signer(
        self, chain: tuple[bytes, ...], *, purpose: x509.ObjectIdentifier, at: datetime
    ) -> DocumentSigner:
        """The document signer that a chain of one certificate names, once it was checked.

        Args:
            chain: DER. A second certificate is refused: authorities sign signers themselves.
            purpose: Extended key usage that it must have, and critically.
            at: The present.

        Raises:
            CredentialError: ``credential_malformed`` or ``credential_untrusted``.
        """
        if len(chain) != 1 or len(chain[0]) > MAX_CERTIFICATE_BYTES:
            raise malformed("got no document signer's certificate, or more than one")
        certificate: x509.Certificate | None = None
        extensions: x509.Extensions | None = None
        key: object = None
        with suppress(*_UNREADABLE):
            certificate = x509.load_der_x509_certificate(chain[0])
            extensions = _extensions(certificate)
            key = certificate.public_key()
        if certificate is None or extensions is None:
            raise malformed("got a document signer's certificate that cannot be read")
        if not isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
            raise refused(
                "got a document signer's key of another kind", code="credential_untrusted"
            )
        if not _may_sign_documents(extensions, purpose) or not any(
            _has_issued(anchor, certificate, extensions, at) for anchor in self._anchors
        ):
            raise refused(_UNTRUSTED, code="credential_untrusted")
        return DocumentSigner(certificate, key)


@final
class DocumentSigner:
    """A document signer that a trusted authority has certified."""

    __slots__ = ("_certificate", "key")

    def __init__(self, certificate: x509.Certificate, key: Key) -> None:
        self._certificate = certificate
        self.key = key

    def is_valid(self, moment: datetime) -> bool:
        """Does ``moment`` lie in the certificate's validity?"""
        return _is_valid(self._certificate, moment)


def _extensions(certificate: x509.Certificate) -> x509.Extensions:
    der = certificate.public_bytes(Encoding.DER)
    bare = without_extension(der, x509.IssuerAlternativeName.oid)
    return x509.load_der_x509_certificate(bare).extensions


def _is_valid(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _is_authority(anchor: object) -> bool:
    if not isinstance(anchor, x509.Certificate):
        return False
    with suppress(*_UNREADABLE):
        extensions = _extensions(anchor)
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        return constraints.ca and usage.key_cert_sign and _all_understood(extensions)
    return False


def _all_understood(extensions: x509.Extensions) -> bool:
    return all(each.oid in _UNDERSTOOD for each in extensions if each.critical)


def _may_sign_documents(extensions: x509.Extensions, purpose: x509.ObjectIdentifier) -> bool:
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    ca = any(isinstance(each.value, x509.BasicConstraints) and each.value.ca for each in extensions)
    return (
        usage.digital_signature
        and not usage.key_cert_sign
        and not ca
        and purposes.critical
        and list(purposes.value) == [purpose]
        and _all_understood(extensions)
    )


def _has_issued(
    anchor: x509.Certificate,
    certificate: x509.Certificate,
    extensions: x509.Extensions,
    at: datetime,
) -> bool:
    with suppress(*_UNREADABLE):
        named = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        own = _extensions(anchor).get_extension_for_class(x509.SubjectKeyIdentifier).value
        if (
            _is_valid(anchor, at)
            and _is_valid(certificate, at)
            and isinstance(certificate.signature_hash_algorithm, _HASHES)
            and _country(anchor) == _country(certificate)
            and named.key_identifier == own.digest
        ):
            certificate.verify_directly_issued_by(anchor)
            return True
    return False


def _country(certificate: x509.Certificate) -> list[str | bytes]:
    found = certificate.subject.get_attributes_for_oid(x509.NameOID.COUNTRY_NAME)
    return [attribute.value for attribute in found]
