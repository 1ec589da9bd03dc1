from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ageassure.estimators.credential.mdoc.der import _element, _elements, without_extension

from .mdoc_wallets import MALFORMED_NAMES, Authority, Signer

IAN = x509.IssuerAlternativeName.oid


def test_one_extension_is_left_out_and_the_others_stay() -> None:
    certificate = Authority().certificate()
    with pytest.raises(ValueError, match="asn1"):
        certificate.extensions  # noqa: B018
    bare = x509.load_der_x509_certificate(
        without_extension(certificate.public_bytes(Encoding.DER), IAN)
    )
    assert [extension.oid for extension in bare.extensions] == [
        x509.BasicConstraints.oid,
        x509.KeyUsage.oid,
        x509.SubjectKeyIdentifier.oid,
    ]
    assert bare.subject == certificate.subject
    assert bare.public_key() == certificate.public_key()


def test_an_identifier_with_large_numbers() -> None:
    oid = x509.ObjectIdentifier("1.2.840.113549.1.9.99")
    unknown = ((x509.UnrecognizedExtension(oid, b"x"), False),)
    bare = without_extension(Signer(Authority(), extra=unknown).certificate(), oid)
    assert oid not in [each.oid for each in x509.load_der_x509_certificate(bare).extensions]


def test_elements_of_no_and_of_128_bytes() -> None:
    assert list(_elements(b"\x05\x00")) == [(5, b"")]
    assert _element(4, bytes(127)) == b"\x04\x7f" + bytes(127)
    assert _element(4, bytes(128)) == b"\x04\x81\x80" + bytes(128)


def test_a_certificate_is_a_sequence() -> None:
    der = Authority().certificate().public_bytes(Encoding.DER)
    with pytest.raises(ValueError, match="another element"):
        without_extension(b"\x31" + der[1:], IAN)


def test_without_it_nothing_changes() -> None:
    der = Signer(Authority(), extra=()).certificate()
    assert without_extension(der, IAN) == der


def test_a_critical_one_stays() -> None:
    extra = ((x509.UnrecognizedExtension(IAN, MALFORMED_NAMES), True),)
    der = Signer(Authority(), extra=extra).certificate()
    assert without_extension(der, IAN) == der


@pytest.mark.parametrize(
    "der", [b"", b"0", b"0\x05", b"0\x82\x01", b"\x31\x00", b"0\x02\x30\x05", b"0\x000\x00"]
)
def test_what_is_no_such_der_is_refused(der: bytes) -> None:
    with pytest.raises(ValueError, match=r"truncated|element|unpack"):
        without_extension(der, IAN)
