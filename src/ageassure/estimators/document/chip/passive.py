"""Passive authentication: from the files of a chip to its machine-readable zone.

EF.SOD (Doc 9303-10, 4.6.2, 4.7.12) holds the signed hashes of all data groups; EF.DG1 (4.7.1) the
zone. Checked are the signature, the path to a country signing certificate that is trusted, that the
security object has a hash of data group 1, and that it is the hash of the bytes that were given.

NOT checked: that the chip is the one that was issued. A copy of these files passes; only active or
chip authentication, made where the chip is read, finds a copied chip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ageassure.estimators.document.chip import der
from ageassure.estimators.document.chip.certificates import Certificate, check_document_signer
from ageassure.estimators.document.chip.cms import verify_signed_data
from ageassure.estimators.document.chip.signatures import altered, digest, hash_of
from ageassure.estimators.document.held import malformed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cryptography.hazmat.primitives.hashes import HashAlgorithm

MAX_SECURITY_OBJECT_BYTES: Final = 65_536
MAX_DATA_GROUP_1_BYTES: Final = 128

LDS_SECURITY_OBJECT: Final = "2.23.136.1.1.1"
_EF_SOD_TAG: Final = 0x77
_DG1_TAG: Final = 0x61
_ZONE_TAG: Final = 0x5F1F
_GROUPS: Final = range(1, 17)


def authenticated_zone(
    security_object: memoryview,
    data_group_1: memoryview,
    anchors: Iterable[Certificate],
    at: datetime,
) -> memoryview:
    """Check both files, and return the zone in data group 1: all lines, without breaks.

    Raises:
        DocumentError: ``document_malformed``, ``document_untrusted`` or ``document_altered``.
    """
    message = der.read(der.read(security_object, _EF_SOD_TAG).content, der.SEQUENCE)
    signed = verify_signed_data(message, content_type=LDS_SECURITY_OBJECT)
    check_document_signer(signed.signer, anchors, at)
    function, expected = _hash_of_group_1(signed.content)
    if digest(function, data_group_1) != expected:
        raise altered("got a data group 1 that is not the one whose hash was signed")
    return der.read(der.read(data_group_1, _DG1_TAG).content, _ZONE_TAG).content


def _hash_of_group_1(content: memoryview) -> tuple[HashAlgorithm, bytes]:
    """LDSSecurityObject: version 0, or 1 with the versions of data structure and Unicode."""
    fields = der.sequence(der.read(content, der.SEQUENCE))
    version = der.integer(fields.take(der.INTEGER))
    function = hash_of(fields.take(der.SEQUENCE))
    hashes = der.sequence(fields.take(der.SEQUENCE))
    if version not in {0, 1}:
        raise malformed("got a security object of another version than 0 or 1")
    if version == 1:
        fields.take(der.SEQUENCE)
    fields.end()
    found: dict[int, bytes] = {}
    for entry in hashes:
        parts = der.sequence(entry)
        number = der.integer(parts.take(der.INTEGER))
        octets = bytes(der.octet_string(parts.take(der.OCTET_STRING)))
        parts.end()
        if number in found or number not in _GROUPS or len(octets) != function.digest_size:
            raise malformed("got a data group twice, out of 1 to 16, or a hash of another length")
        found[number] = octets
    if 1 not in found:
        raise malformed("got a security object without a hash of data group 1")
    return function, found[1]
