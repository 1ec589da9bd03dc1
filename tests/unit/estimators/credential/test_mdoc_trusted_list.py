from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ageassure.errors import ConfigurationError
from ageassure.estimators.credential.mdoc import DocumentAuthorities
from ageassure.estimators.credential.mdoc.trusted_list import MAX_BYTES, listed_certificates

from .mdoc_wallets import DAY, NOW, Authority, pem_of_version_10

TYPE = "http://age.example/Svctype/ProofOfAge"
GRANTED = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted"
AUTHORITY = Authority().certificate()


def _service(kind: str = TYPE, status: str = GRANTED, certificate: str | None = None) -> str:
    if certificate is None:
        certificate = base64.b64encode(AUTHORITY.public_bytes(Encoding.DER)).decode()
    return (
        "<TSPService><ServiceInformation>"
        f"<ServiceTypeIdentifier>{kind}</ServiceTypeIdentifier>"
        f"<ServiceStatus>{status}</ServiceStatus>"
        f"<ServiceDigitalIdentity><DigitalId><X509Certificate>\n{certificate[:40]}\n"
        f"{certificate[40:]}</X509Certificate></DigitalId></ServiceDigitalIdentity>"
        "</ServiceInformation></TSPService>"
    )


def _list(*services: str, next_update: Any = NOW + DAY, before: str = "") -> bytes:
    return (
        f'{before}<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#">'
        f"<SchemeInformation><NextUpdate><dateTime>{next_update}</dateTime></NextUpdate>"
        "</SchemeInformation><TrustServiceProviderList><TrustServiceProvider><TSPServices>"
        f"{''.join(services)}"
        "</TSPServices></TrustServiceProvider></TrustServiceProviderList>"
        "</TrustServiceStatusList>"
    ).encode()


def test_granted_services_of_the_type_are_taken() -> None:
    other = _service(kind="http://age.example/Svctype/Timestamp", certificate="x")
    withdrawn = _service(status=GRANTED.replace("granted", "withdrawn"), certificate="x")
    content = _list(other, _service(), withdrawn)
    assert listed_certificates(content, service_types=[TYPE], at=NOW) == [AUTHORITY]
    DocumentAuthorities.from_trusted_list(content, service_types=[TYPE], at=NOW)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<x/>",
        b"<TrustServiceStatusList/>",
        b"\xff\xfe<\x00",
        bytes(MAX_BYTES + 1),
        bytearray(_list(_service())),
        _list(_service())[:-5],
        _list(_service(), next_update=NOW),
        _list(_service(), next_update="soon"),
        _list(_service(), next_update="2030-01-01T00:00:00"),
        _list(_service(), next_update=""),
        _list(_service(), next_update="0001-01-01T00:00:00+14:00"),
        _list(_service(certificate="".join(pem_of_version_10().decode().split("\n")[1:-2]))),
        _list(_service(certificate="!")),
        _list(_service(certificate="AAAA")),
        _list(_service(), before="<!DOCTYPE x>"),
        _list(_service(), before='<!DOCTYPE x [<!ENTITY e "x">]>'),
        b"<a>" * 200_000,
    ],
)
def test_what_is_no_such_list_is_refused(content: Any) -> None:
    with pytest.raises(ConfigurationError):
        listed_certificates(content, service_types=[TYPE], at=NOW)


def test_another_document_with_such_services_is_no_list() -> None:
    other = _list(_service()).replace(b"TrustServiceStatusList", b"Elsewhere")
    with pytest.raises(ConfigurationError, match="no trusted list"):
        listed_certificates(other, service_types=[TYPE], at=NOW)


def test_a_list_has_at_most_16_mib() -> None:
    content = _list(_service())
    longest = content.ljust(16 * 1024 * 1024)
    assert listed_certificates(longest, service_types=[TYPE], at=NOW) == [AUTHORITY]
    with pytest.raises(ConfigurationError, match="no trusted list"):
        listed_certificates(longest + b" ", service_types=[TYPE], at=NOW)


@pytest.mark.parametrize("name", ["ServiceTypeIdentifier", "ServiceStatus"])
def test_a_service_that_does_not_say_what_it_is_is_passed_over(name: str) -> None:
    nameless = _service().replace(f"<{name}>", "<Other>").replace(f"</{name}>", "</Other>")
    content = _list(nameless, _service())
    assert listed_certificates(content, service_types=[TYPE], at=NOW) == [AUTHORITY]


def test_an_empty_certificate_cannot_be_read() -> None:
    service = _service().replace("X509Certificate>\n", "X509Certificate/><x>", 1)
    content = _list(service.replace("</X509Certificate>", "</x>"))
    with pytest.raises(ConfigurationError, match="a certificate that cannot be read"):
        listed_certificates(content, service_types=[TYPE], at=NOW)


def test_a_list_without_such_a_service_makes_no_authorities() -> None:
    with pytest.raises(ConfigurationError, match="no authorities"):
        DocumentAuthorities.from_trusted_list(_list(), service_types=[TYPE], at=NOW)


@pytest.mark.parametrize("types", [[], "", TYPE])
def test_types_are_named(types: Any) -> None:
    with pytest.raises(ConfigurationError, match="no service types"):
        listed_certificates(_list(_service()), service_types=types, at=NOW)
