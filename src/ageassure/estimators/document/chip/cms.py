"""CMS SignedData (RFC 5652) as a chip has it: the only module that checks a CMS signature.

One signer, whose certificate is inside; signed attributes, which are mandatory for content that is
not plain data (5.3): exactly one content type and one message digest, each with one value. Unsigned
attributes, revocation lists and further signers are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ageassure.estimators.document.chip import der
from ageassure.estimators.document.chip.certificates import Certificate, read_certificate
from ageassure.estimators.document.chip.signatures import (
    algorithm_of,
    altered,
    digest,
    hash_of,
    is_signature,
    untrusted,
)
from ageassure.estimators.document.held import malformed

if TYPE_CHECKING:
    from ageassure.estimators.document.chip.der import Element, Reader

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_VERSION: Final = 3  # 5.1: for content that is not plain data
_SET_TAG: Final = b"\x31"
_MAX_CERTIFICATES: Final = 8


class SignedContent(NamedTuple):
    """Content, and the certificate whose key signed it; whether to trust that is another matter.

    Attributes:
        content: What was signed.
        signer: The certificate that was inside. NOT checked here.
    """

    content: memoryview
    signer: Certificate

    def __repr__(self) -> str:
        return "<SignedContent (content hidden)>"


class _Signer(NamedTuple):
    """A SignerInfo taken apart; nothing is verified."""

    version: int
    identifier: Element
    digest_algorithm: Element
    attributes: Element
    algorithm: Element
    signature: memoryview


def verify_signed_data(message: Element, *, content_type: str) -> SignedContent:
    """Check the signature of a ContentInfo with the certificate inside it.

    Args:
        message: The ContentInfo.
        content_type: What must have been signed, as an object identifier.

    Raises:
        DocumentError: ``document_malformed``; ``document_untrusted`` for algorithms and keys that
            are not taken; ``document_altered`` if digest or signature are wrong.
    """
    fields = _signed_data(message)
    if der.integer(fields.take(der.INTEGER)) != _VERSION:
        raise malformed("got signed data of another version than 3")
    digest_algorithms = der.set_of(fields.take(der.SET))
    content = _content(fields.take(der.SEQUENCE), content_type)
    certificates = der.set_of(fields.take(0xA0), tag=0xA0)
    signers = der.set_of(fields.take(der.SET))
    fields.end()
    if len(signers) != 1 or not 1 <= len(certificates) <= _MAX_CERTIFICATES:
        raise malformed("got not one signer, or no certificate of it")
    signer = _signer(der.sequence(signers[0]))
    if signer.digest_algorithm.whole not in [each.whole for each in digest_algorithms]:
        raise malformed("got a signer whose hash function is not announced")
    certificate = _certificate_of(signer, certificates)
    _check_signature(signer, certificate, content, content_type)
    return SignedContent(content, certificate)


def _signed_data(message: Element) -> Reader:
    outer = der.sequence(message)
    if der.oid(outer.take(der.OID)) != _SIGNED_DATA:
        raise malformed("got a message that is no signed data")
    explicit = outer.take(0xA0)
    outer.end()
    return der.sequence(der.read(explicit.content, der.SEQUENCE))


def _content(encapsulated: Element, content_type: str) -> memoryview:
    fields = der.sequence(encapsulated)
    if der.oid(fields.take(der.OID)) != content_type:
        raise malformed("got signed content of another type")
    explicit = fields.take(0xA0)
    fields.end()
    return der.octet_string(der.read(explicit.content, der.OCTET_STRING))


def _signer(fields: Reader) -> _Signer:
    signer = _Signer(
        der.integer(fields.take(der.INTEGER)),
        fields.take_any(),
        fields.take(der.SEQUENCE),
        fields.take(0xA0),
        fields.take(der.SEQUENCE),
        der.octet_string(fields.take(der.OCTET_STRING)),
    )
    fields.end()  # unsigned attributes would stand here
    return signer


def _certificate_of(signer: _Signer, certificates: list[Element]) -> Certificate:
    """The one certificate that the signer's identifier names (RFC 5652, 5.3)."""
    known = [read_certificate(each) for each in certificates]
    if signer.version == 3 and signer.identifier.tag == 0x80:
        key = bytes(signer.identifier.content)
        known = [each for each in known if each.subject_key == key]
    elif signer.version == 1:
        fields = der.sequence(signer.identifier)
        issuer = bytes(fields.take(der.SEQUENCE).whole)
        serial = der.integer(fields.take(der.INTEGER))
        fields.end()
        known = [each for each in known if (each.issuer, each.serial) == (issuer, serial)]
    else:
        raise malformed("got a signer named in a way that its version does not have")
    if len(known) != 1:
        raise malformed("got not one certificate of the signer")
    return known[0]


def _check_signature(
    signer: _Signer, certificate: Certificate, content: memoryview, content_type: str
) -> None:
    function = hash_of(signer.digest_algorithm)
    algorithm = algorithm_of(signer.algorithm)
    if algorithm.hash is not None and algorithm.hash.name != function.name:
        raise untrusted("got a signature with another hash function than the content's")
    attributes = _attributes(signer.attributes)
    named, digested = attributes.get(_CONTENT_TYPE), attributes.get(_MESSAGE_DIGEST)
    if named is None or digested is None:
        raise malformed("got signed attributes without content type or message digest")
    if der.oid(named) != content_type:
        raise malformed("got signed attributes for content of another type")
    if bytes(der.octet_string(digested)) != digest(function, content):
        raise altered("got content that is not what was signed")
    # 5.4: what is signed is the encoding as a SET OF, not with the implicit tag.
    signed = _SET_TAG + bytes(signer.attributes.whole[1:])
    if not is_signature(certificate.key, algorithm, function, signer.signature, signed):
        raise altered("got a signature that is not the document signer's")


def _attributes(element: Element) -> dict[str, Element]:
    """Attributes of one value each, by type."""
    found: dict[str, Element] = {}
    for attribute in der.set_of(element, tag=0xA0):
        fields = der.sequence(attribute)
        name = der.oid(fields.take(der.OID))
        values = der.set_of(fields.take(der.SET))
        fields.end()
        if name in found or len(values) != 1:
            raise malformed("got a signed attribute twice, or with not one value")
        found[name] = values[0]
    return found
