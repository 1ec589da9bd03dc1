from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ageassure.estimators.credential.mdoc.der import without_extension

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
