"""Certificate chains in a JWS header (``x5c``, RFC 7515, 4.1.6), to anchors that the caller trusts.

The path is built and checked by ``cryptography`` (RFC 5280: signatures, validity at the clock's
moment, basic constraints, key usage, path length, unknown critical extensions, key strength). Not
checked: revocation of certificates, certificate policies, extended key usage.
"""

from __future__ import annotations

import binascii
from contextlib import suppress
from typing import TYPE_CHECKING, Final, final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import verification

from ageassure.errors import ConfigurationError, KeySetError
from ageassure.estimators.credential.refusal import malformed, refused
from ageassure.tokens.keys import PublicJWK

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

MAX_CHAIN: Final = 4
"""Most certificates in a header; the anchor need not be among them."""

_MAX_CERTIFICATE_BYTES: Final = 8 * 1024
_UNREADABLE: Final = (
    TypeError,
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    verification.VerificationError,
)
"""What ``cryptography`` raises for certificates that it does not take."""

_UNTRUSTED: Final = "got a certificate chain that leads to no trusted anchor"


@final
class TrustAnchors:
    """Certificates of authorities that certify issuers of credentials.

    Args:
        certificates: At least one, self-signed or not.

    Raises:
        ConfigurationError: If there is none, or something else among them.
    """

    __slots__ = ("_store",)

    def __init__(self, certificates: Collection[x509.Certificate]) -> None:
        given = list(certificates)
        if not given or not all(isinstance(each, x509.Certificate) for each in given):
            raise ConfigurationError("got no certificates as trust anchors, expected at least one")
        self._store = verification.Store(given)

    @classmethod
    def from_pem(cls, text: bytes) -> TrustAnchors:
        """Read one or more certificates in PEM.

        Raises:
            ConfigurationError: If there is none, or one cannot be read.
        """
        found: list[x509.Certificate] = []
        with suppress(*_UNREADABLE):  # raised below, without its frames
            found = x509.load_pem_x509_certificates(text)
        return cls(found)

    def key(self, header: Mapping[str, object], *, issuer: object, at: datetime) -> PublicJWK:
        """The key of the certificate that a header shows, once its chain was checked.

        Args:
            header: With ``x5c``.
            issuer: ``iss`` of the payload. If it is there, the certificate must name it: as URI in
                its alternative names, or its host as DNS name. SD-JWT VC leaves that open; without
                it one certified issuer could speak in another's name.
            at: The present.

        Raises:
            CredentialError: ``credential_malformed`` or ``credential_untrusted``.
        """
        leaf, *others = _certificates(header.get("x5c"))
        verified: verification.VerifiedClient | None = None
        # Raised below, without the certificates in a traceback.
        with suppress(*_UNREADABLE):
            verifier = (
                verification.PolicyBuilder()
                .store(self._store)
                .time(at)
                .max_chain_depth(MAX_CHAIN)
                .extension_policies(ca_policy=_authorities(), ee_policy=_issuers())
                .build_client_verifier()
            )
            verified = verifier.verify(leaf, others)
        if verified is None:
            raise refused(_UNTRUSTED, code="credential_untrusted")
        if issuer is not None and not _names(verified.subjects or [], issuer):
            raise refused(
                "got a certificate that does not name the credential's issuer",
                code="credential_untrusted",
            )
        key: PublicJWK | None = None
        alg = header.get("alg")
        with suppress(KeySetError, *_UNREADABLE):  # raised below, without its frames
            key = PublicJWK.from_key(leaf.public_key(), alg=str(alg))  # type: ignore[arg-type]
        if key is None:
            raise refused(
                "got a certificate whose key must not be used", code="credential_untrusted"
            )
        return key


def _authorities() -> verification.ExtensionPolicy:
    return verification.ExtensionPolicy.webpki_defaults_ca()


def _issuers() -> verification.ExtensionPolicy:
    # Those of the web, without its demands on names and purposes: an issuer of credentials is no
    # web server. Basic constraints and key usage stay checked where they are there.
    agnostic = verification.Criticality.AGNOSTIC
    return (
        verification.ExtensionPolicy.permit_all()
        .may_be_present(x509.BasicConstraints, agnostic, _no_authority)
        .may_be_present(x509.KeyUsage, agnostic, _may_sign)
    )


def _no_authority(
    _policy: verification.Policy,
    _certificate: x509.Certificate,
    constraints: x509.BasicConstraints | None,
) -> None:
    if constraints is not None and constraints.ca:
        raise ValueError("an authority's certificate signs no credential")


def _may_sign(
    _policy: verification.Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    if usage is not None and not usage.digital_signature:
        raise ValueError("the key is not for signatures")


def _certificates(chain: object) -> list[x509.Certificate]:
    if not isinstance(chain, list) or not 1 <= len(chain) <= MAX_CHAIN:
        raise malformed(f"got an x5c that is no list of 1 to {MAX_CHAIN} certificates")
    found = [_certificate(text) for text in chain]
    certificates = [each for each in found if each is not None]
    if len(certificates) != len(found):
        raise malformed("got an x5c with something else than certificates")
    return certificates


def _certificate(text: object) -> x509.Certificate | None:
    # Standard base64, not base64url (RFC 7515, 4.1.6).
    if not isinstance(text, str) or len(text) > _MAX_CERTIFICATE_BYTES:
        return None
    try:
        return x509.load_der_x509_certificate(binascii.a2b_base64(text, strict_mode=True))
    except _UNREADABLE:
        return None


def _names(subjects: list[x509.GeneralName], issuer: object) -> bool:
    if not isinstance(issuer, str):
        return False
    try:
        host = urlsplit(issuer).hostname
    except ValueError:
        return False
    return any(
        (isinstance(name, x509.UniformResourceIdentifier) and name.value == issuer)
        or (isinstance(name, x509.DNSName) and name.value.lower() == host)
        for name in subjects
    )
