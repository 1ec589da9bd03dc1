"""The mobile security object: what an issuer has signed (ISO/IEC 18013-5, 9.1.2.4)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ageassure.estimators.credential.mdoc.cbor import content_of, decode, embedded, encode
from ageassure.estimators.credential.mdoc.cose import read_key
from ageassure.estimators.credential.refusal import malformed, refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.estimators.credential.mdoc.cose import Key

VERSION: Final = "1.0"
_HASHES: Final = {"SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
_ITEM: Final = {"digestID", "random", "elementIdentifier", "elementValue"}
_LEAST_RANDOM_BYTES: Final = 16
"""ISO/IEC 18013-5, 9.1.2.5: at least so much, else a digest can be turned back."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SecurityObject:
    """What the issuer has signed about a document.

    Attributes:
        doc_type: The document's type.
        hash_name: As :mod:`hashlib` names it.
        digests: By name space and number.
        device_key: The holder's key.
        signed_at: When it was signed.
        valid_from: From when on it is valid.
        valid_until: The first moment at which it is not.
        others: What else was signed, such as a member ``status``.
    """

    doc_type: str
    hash_name: str
    digests: Mapping[str, Mapping[int, bytes]]
    device_key: Key
    signed_at: datetime
    valid_from: datetime
    valid_until: datetime
    others: Mapping[Any, object]


def read_security_object(payload: bytes) -> SecurityObject:
    """Read the payload of ``issuerAuth``.

    Raises:
        CredentialError: ``credential_malformed``, or ``credential_not_bound`` where the holder's
            key is of a kind that cannot be used.
    """
    match decode(content_of(decode(payload))):
        case {
            "version": "1.0",
            "docType": str(doc_type),
            "digestAlgorithm": str(algorithm),
            "valueDigests": dict(digests),
            "validityInfo": dict(validity),
            "deviceKeyInfo": {"deviceKey": device_key},
            **others,
        } if algorithm in _HASHES:
            pass
        case _:
            raise malformed("got a mobile security object of another form or version")
    key = read_key(device_key)
    if key is None:
        raise refused(
            "got a document bound to a key of another kind, or to none", code="credential_not_bound"
        )
    return SecurityObject(
        doc_type=doc_type,
        hash_name=_HASHES[algorithm],
        digests=_digests(digests),
        device_key=key,
        signed_at=_moment(validity, "signed"),
        valid_from=_moment(validity, "validFrom"),
        valid_until=_moment(validity, "validUntil"),
        others=others,
    )


def _digests(found: dict[object, object]) -> dict[str, dict[int, bytes]]:
    digests: dict[str, dict[int, bytes]] = {}
    for namespace, numbered in found.items():
        if not isinstance(namespace, str) or not isinstance(numbered, dict):
            raise malformed("got digests that are not by name space")
        if not all(type(n) is int and type(d) is bytes for n, d in numbered.items()):
            raise malformed("got digests that are not byte strings by number")
        digests[namespace] = numbered
    return digests


def _moment(validity: Mapping[object, object], name: str) -> datetime:
    moment = validity.get(name)
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise malformed(f"got no date and time {name} with a time zone")
    return moment  # not in UTC, where the first and last days of the calendar have no place


def disclosed(
    name_spaces: object, security_object: SecurityObject, namespace: str
) -> dict[str, object]:
    """Check every disclosed element against its digest; return those of one name space.

    Digests are over the encoded items as they came. Elements of other name spaces are checked as
    well, and dropped.

    Raises:
        CredentialError: ``credential_malformed``, or ``credential_untrusted`` where an element has
            no digest or another one.
    """
    if not isinstance(name_spaces, dict):
        raise malformed("got no name spaces")
    found: dict[str, object] = {}
    for name, items in name_spaces.items():
        if not isinstance(name, str) or not isinstance(items, list):
            raise malformed("got a name space that is no list of elements")
        elements = _elements(items, security_object.digests.get(name, {}), security_object)
        if name == namespace:
            found = elements
    return found


def _elements(
    items: list[object], digests: Mapping[int, bytes], security_object: SecurityObject
) -> dict[str, object]:
    elements: dict[str, object] = {}
    for item in items:
        content = content_of(item)
        read = decode(content)
        if not isinstance(read, dict) or read.keys() != _ITEM:
            raise malformed("got an element of another form")
        number, name, random = read["digestID"], read["elementIdentifier"], read["random"]
        if type(number) is not int or not isinstance(name, str) or type(random) is not bytes:
            raise malformed("got an element of another form")
        # The same number twice would be the same digest, and so the same name.
        if name in elements or len(random) < _LEAST_RANDOM_BYTES:
            raise malformed("got an element twice, or one with too little randomness")
        digest = hashlib.new(security_object.hash_name, encode(embedded(content))).digest()
        if digests.get(number) != digest:
            raise refused(
                "got an element that the issuer has not signed", code="credential_untrusted"
            )
        elements[name] = read["elementValue"]
    return elements
