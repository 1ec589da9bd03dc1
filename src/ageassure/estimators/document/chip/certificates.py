"""Country signing and document signer certificates (Doc 9303-12, 7.1), and the path between them.

Read here rather than by ``cryptography``: issuers' certificates have extensions that its parser
refuses as a whole (a malformed issuer alternative name, for one) although nothing rests on them,
and explicit curve parameters that it does not know. What a path rests on is read strictly; an
extension that is critical and not known is refused; others are stepped over.

NOT checked: revocation (no CRL is fetched; give the estimator current certificates), the list of
document types, and the order in which a state's own keys follow one another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ageassure.estimators.document.chip import der
from ageassure.estimators.document.chip.signatures import (
    PublicKey,
    SignatureAlgorithm,
    algorithm_of,
    is_signature,
    public_key_of,
    untrusted,
)
from ageassure.estimators.document.held import malformed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ageassure.estimators.document.chip.der import Element, Reader

_KEY_USAGE: Final = "2.5.29.15"
_BASIC_CONSTRAINTS: Final = "2.5.29.19"
_SUBJECT_KEY: Final = "2.5.29.14"
_AUTHORITY_KEY: Final = "2.5.29.35"
_KNOWN: Final = frozenset(
    {
        _KEY_USAGE,
        _BASIC_CONSTRAINTS,
        _SUBJECT_KEY,
        _AUTHORITY_KEY,
        "2.5.29.16",  # private key usage period
        "2.5.29.32",  # certificate policies
        "2.23.136.1.1.6.1",  # name change
        "2.23.136.1.1.6.2",  # document type list
    }
)
"""What may be critical: read below, or (period, policies, names, types) without effect here."""

_DIGITAL_SIGNATURE: Final = 0x80
_KEY_CERT_SIGN: Final = 0x04
_VERSION_3: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Certificate:
    """What of a certificate a path rests on. The views are into the bytes it was read from."""

    issuer: bytes
    serial: int
    subject: bytes
    not_before: datetime
    not_after: datetime
    key: PublicKey
    key_usage: int
    is_authority: bool
    subject_key: bytes | None
    authority_key: bytes | None
    signed: bytes
    algorithm: SignatureAlgorithm
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extensions:
    key_usage: int = 0  # none of them, where the extension is absent
    is_authority: bool = False
    subject_key: bytes | None = None
    authority_key: bytes | None = None


def read_certificate(element: Element) -> Certificate:
    """Read one certificate.

    Raises:
        DocumentError: ``document_malformed`` if it cannot be read, ``document_untrusted`` if its
            key or algorithm is not taken, or it has a critical extension that is not known.
    """
    whole = der.sequence(element)
    tbs, identifier = whole.take(der.SEQUENCE), whole.take(der.SEQUENCE)
    signature = der.bit_string(whole.take(der.BIT_STRING))
    whole.end()
    fields = der.sequence(tbs)
    if der.integer(der.read(fields.take(0xA0).content, der.INTEGER)) != _VERSION_3:
        raise malformed("got a certificate of another version than 3")
    serial = der.integer(fields.take(der.INTEGER))
    if fields.take(der.SEQUENCE).whole != identifier.whole:
        raise malformed("got a certificate with two different signature algorithms")
    issuer = fields.take(der.SEQUENCE)
    validity = der.sequence(fields.take(der.SEQUENCE))
    not_before, not_after = der.time(validity.take_any()), der.time(validity.take_any())
    validity.end()
    subject, info = fields.take(der.SEQUENCE), fields.take(der.SEQUENCE)
    extensions = _extensions(fields.take(0xA3))
    fields.end()
    return Certificate(
        issuer=bytes(issuer.whole),
        serial=serial,
        subject=bytes(subject.whole),
        not_before=not_before,
        not_after=not_after,
        key=public_key_of(info),
        key_usage=extensions.key_usage,
        is_authority=extensions.is_authority,
        subject_key=extensions.subject_key,
        authority_key=extensions.authority_key,
        signed=bytes(tbs.whole),
        algorithm=algorithm_of(identifier),
        signature=bytes(signature),
    )


def _extensions(field: Element) -> _Extensions:
    found = _Extensions()
    seen: set[str] = set()
    for extension in der.sequence(der.read(field.content, der.SEQUENCE)):
        parts = der.sequence(extension)
        name = der.oid(parts.take(der.OID))
        flag = parts.take_if(der.BOOLEAN)
        critical = flag is not None and der.boolean(flag)
        value = der.octet_string(parts.take(der.OCTET_STRING))
        parts.end()
        if name in seen:
            raise malformed("got a certificate with an extension twice")
        seen.add(name)
        if critical and name not in _KNOWN:
            raise untrusted("got a certificate with a critical extension that is not known")
        found = _with(found, name, value)
    return found


def _with(found: _Extensions, name: str, value: memoryview) -> _Extensions:
    if name == _KEY_USAGE:
        return replace(found, key_usage=der.named_bits(der.read(value, der.BIT_STRING)))
    if name == _BASIC_CONSTRAINTS:
        flag = der.sequence(der.read(value, der.SEQUENCE)).take_if(der.BOOLEAN)
        return replace(found, is_authority=flag is not None and der.boolean(flag))
    if name == _SUBJECT_KEY:
        return replace(found, subject_key=bytes(der.read(value, der.OCTET_STRING).content))
    if name == _AUTHORITY_KEY:
        return replace(
            found, authority_key=_key_identifier(der.sequence(der.read(value, der.SEQUENCE)))
        )
    return found


def _key_identifier(fields: Reader) -> bytes | None:
    identifier = fields.take_if(0x80)
    return None if identifier is None else bytes(identifier.content)


def check_document_signer(
    signer: Certificate, anchors: Iterable[Certificate], at: datetime
) -> None:
    """Check a document signer against the country signing certificates that are trusted.

    The signer may sign and is no authority; it is valid at ``at``; a trusted certificate that is
    an authority's, may sign certificates and is valid at ``at`` has the issuer's name (compared
    byte by byte), the key identifier if both name one, and the key that signed it.

    Raises:
        DocumentError: ``document_untrusted``.
    """
    if signer.is_authority or not signer.key_usage & _DIGITAL_SIGNATURE:
        raise untrusted("got a document signer that may not sign documents")
    if not signer.not_before <= at <= signer.not_after:
        raise untrusted("got a document signer that is not valid now")
    function = signer.algorithm.hash
    if function is None:
        raise untrusted("got a certificate whose algorithm names no hash function")
    for anchor in anchors:
        if (
            anchor.subject == signer.issuer
            and anchor.not_before <= at <= anchor.not_after
            and (signer.authority_key or anchor.subject_key)
            == (anchor.subject_key or signer.authority_key)
            and is_signature(
                anchor.key, signer.algorithm, function, memoryview(signer.signature), signer.signed
            )
        ):
            return
    raise untrusted("got a document signer that no trusted country signing certificate vouches for")


def is_country_signing(certificate: Certificate) -> bool:
    """Is it a certificate that may vouch for document signers?"""
    return certificate.is_authority and bool(certificate.key_usage & _KEY_CERT_SIGN)
