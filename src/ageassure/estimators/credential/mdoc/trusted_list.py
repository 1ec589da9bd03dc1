"""Authorities out of a trusted list (ETSI TS 119 612, version 2).

The list's own signature is NOT verified here: it is handed over as a file that the caller has
verified, as the text around European trusted lists demands. What is checked: its form, that it is
not past its next update, and that services are of the wanted type and granted.
"""

from __future__ import annotations

import binascii
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from cryptography import x509

from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MAX_BYTES: Final = 16 * 1024 * 1024

GRANTED: Final = frozenset(
    {
        "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted",
        "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/recognisedatnationallevel",
    }
)
"""Statuses that count (TS 119 612, 5.5.4 and annex D.5.6)."""

_NS: Final = "{http://uri.etsi.org/02231/v2#}"


def listed_certificates(
    content: bytes, *, service_types: Collection[str], at: datetime
) -> list[x509.Certificate]:
    """The certificates of granted services of some types.

    Args:
        content: The list, XML in UTF-8, whose signature the caller has verified.
        service_types: ``ServiceTypeIdentifier`` of the services that are wanted, at least one.
        at: The present, aware.

    Raises:
        ConfigurationError: If the list is malformed, past its next update, declares a document type
            or entities, or holds a certificate that cannot be read; if no type is named.
    """
    if isinstance(service_types, str) or not service_types:
        raise ConfigurationError("got no service types, expected at least one")
    root = _parsed(content)
    next_update = root.findtext(f"{_NS}SchemeInformation/{_NS}NextUpdate/{_NS}dateTime")
    if _moment(next_update) <= at:
        raise ConfigurationError("got a trusted list that is past its next update")
    found = [
        _certificate(text)
        for service in root.iter(f"{_NS}ServiceInformation")
        for text in _identities(service, service_types)
    ]
    certificates = [each for each in found if each is not None]
    if len(certificates) != len(found):
        raise ConfigurationError("got a trusted list with a certificate that cannot be read")
    return certificates


def _parsed(content: bytes) -> ElementTree.Element:
    root: ElementTree.Element | None = None
    if type(content) is bytes and len(content) <= MAX_BYTES:
        with suppress(ValueError, ElementTree.ParseError, RecursionError):
            text = content.decode("utf-8")
            # Without a document type there are no entities, within or without.
            if "<!DOCTYPE" not in text and "<!ENTITY" not in text:
                root = ElementTree.fromstring(text)  # noqa: S314
    if root is None or root.tag != f"{_NS}TrustServiceStatusList":
        raise ConfigurationError("got something that is no trusted list")
    return root


def _moment(text: str | None) -> datetime:
    moment: datetime | None = None
    with suppress(ValueError, TypeError):
        moment = datetime.fromisoformat((text or "").strip())
    if moment is None or moment.tzinfo is None:
        raise ConfigurationError("got a trusted list without a next update")
    return moment


def _identities(service: ElementTree.Element, types: Collection[str]) -> Iterator[str]:
    kind = (service.findtext(f"{_NS}ServiceTypeIdentifier") or "").strip()
    status = (service.findtext(f"{_NS}ServiceStatus") or "").strip()
    if kind in types and status in GRANTED:
        path = f"{_NS}ServiceDigitalIdentity/{_NS}DigitalId/{_NS}X509Certificate"
        for certificate in service.findall(path):
            yield "".join((certificate.text or "").split())


def _certificate(text: str) -> x509.Certificate | None:
    with suppress(ValueError, x509.InvalidVersion):
        return x509.load_der_x509_certificate(binascii.a2b_base64(text, strict_mode=True))
    return None
