"""Certificates, security objects and data groups, each part of which can be made wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chip_kit.asn1 import (
    TRUE,
    bits,
    integer,
    name,
    octets,
    oid,
    sequence,
    set_of,
    time,
    tlv,
)
from chip_kit.keys import Key, digest, ec_key, hash_identifier, sign

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
STATE = name("UT", "Country Signing of Utopia")
SIGNER = name("UT", "Document Signer of Utopia")
ZONE_TD3 = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F3104150ZE184226B<<<<<16"
)

DIGITAL_SIGNATURE = bits(b"\x80", 7)
KEY_CERT_SIGN = bits(b"\x06", 1)
ENCIPHER_ONLY = bits(b"\x01", 0)


def extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    return sequence(oid(dotted), TRUE if critical else b"", octets(value))


@dataclass(frozen=True, kw_only=True)
class CertificateParts:
    """What goes into a certificate; ``extra`` are further extensions."""

    key: Key
    issuer: bytes = STATE
    subject: bytes = SIGNER
    serial: int = 7
    not_before: datetime = datetime(2024, 1, 1, tzinfo=UTC)
    not_after: datetime = datetime(2035, 1, 1, tzinfo=UTC)
    usage: bytes | None = DIGITAL_SIGNATURE
    authority: bool = False
    subject_key: bytes | None = b"signer key"
    authority_key: bytes | None = b"state key"
    extra: bytes = b""

    def made(self, by: Key, scheme: str = "ecdsa-sha256") -> bytes:
        """The certificate, signed by the key ``by``."""
        identifier, _ = sign(by, scheme, b"")
        constraints = extension("2.5.29.19", sequence(TRUE, integer(0)), critical=True)
        extensions = sequence(
            constraints if self.authority else b"",
            b"" if self.usage is None else extension("2.5.29.15", self.usage, critical=True),
            b"" if self.subject_key is None else extension("2.5.29.14", octets(self.subject_key)),
            b""
            if self.authority_key is None
            else extension("2.5.29.35", sequence(tlv(0x80, self.authority_key))),
            self.extra,
        )
        signed = sequence(
            tlv(0xA0, integer(2)),
            integer(self.serial),
            identifier,
            self.issuer,
            sequence(time(self.not_before), time(self.not_after)),
            self.subject,
            self.key.info,
            tlv(0xA3, extensions),
        )
        return sequence(signed, identifier, bits(sign(by, scheme, signed)[1]))


def anchor(key: Key, scheme: str = "ecdsa-sha256", **changed: object) -> bytes:
    """A country signing certificate, self-signed."""
    parts: dict[str, object] = {
        "key": key,
        "subject": STATE,
        "serial": 1,
        "usage": KEY_CERT_SIGN,
        "authority": True,
        "subject_key": b"state key",
        **changed,
    }
    return CertificateParts(**parts).made(key, scheme)  # type: ignore[arg-type]


STATE_KEY = ec_key("p256", 1)
SIGNER_KEY = ec_key("p256", 2)


def group(zone: str = ZONE_TD3) -> bytes:
    """EF.DG1."""
    return tlv(0x61, tlv(0x5F1F, zone.encode()))


def security_content(
    hash_name: str,
    groups: list[tuple[int, bytes]],
    version: int = 0,
    extra: bytes = b"",
    entry_extra: bytes = b"",
) -> bytes:
    """LDSSecurityObject."""
    entries = [sequence(integer(number), octets(value), entry_extra) for number, value in groups]
    return sequence(integer(version), hash_identifier(hash_name), sequence(*entries), extra)


def attribute(dotted: str, *values: bytes) -> bytes:
    return sequence(oid(dotted), set_of(*values))


CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
LDS = "2.23.136.1.1.1"


def _same(value: bytes) -> bytes:
    return value


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A chip's files. Each member can be changed to make one thing wrong."""

    key: Key = SIGNER_KEY
    scheme: str = "ecdsa-sha256"
    hash: str = "sha256"
    certificate: bytes = b""
    certificates: list[bytes] | None = None
    data_group_1: bytes = field(default_factory=group)
    groups: list[tuple[int, bytes]] | None = None
    lds_version: int = 0
    lds_extra: bytes = b""
    lds_entry_extra: bytes = b""
    version: int = 3
    content_type: str = LDS
    attributes: list[bytes] | None = None
    change_content: Callable[[bytes], bytes] = _same
    change_signed: Callable[[bytes], bytes] = _same
    change_signature: Callable[[bytes], bytes] = _same
    identifier: bytes | None = None
    signer_version: int = 1
    signature_identifier: bytes | None = None
    announced: bytes | None = None
    signers: int = 1
    after_attributes: bool = True
    unsigned: bytes = b""
    revocation: bytes = b""
    message_type: str = "1.2.840.113549.1.7.2"
    outer_tag: int = 0x77
    change_whole: Callable[[bytes], bytes] = _same

    def content(self) -> bytes:
        groups = self.groups
        if groups is None:
            hashed = digest(self.hash, self.data_group_1)
            groups = [(1, hashed), (2, digest(self.hash, b"a portrait"))]
        return security_content(
            self.hash, groups, self.lds_version, self.lds_extra, self.lds_entry_extra
        )

    def signer(self, content: bytes) -> bytes:
        attributes = self.attributes
        if attributes is None:
            attributes = [
                attribute(CONTENT_TYPE, oid(LDS)),
                attribute(MESSAGE_DIGEST, octets(digest(self.hash, content))),
            ]
        signed = self.change_signed(set_of(*attributes))
        identifier, signature = sign(self.key, self.scheme, signed)
        named = sequence(STATE, integer(7)) if self.identifier is None else self.identifier
        return sequence(
            integer(self.signer_version),
            named,
            hash_identifier(self.hash),
            b"\xa0" + set_of(*attributes)[1:] if self.after_attributes else b"",
            self.signature_identifier or identifier,
            octets(self.change_signature(signature)),
            self.unsigned,
        )

    def made(self) -> bytes:
        """EF.SOD."""
        content = self.content()
        own = self.certificate or CertificateParts(key=self.key).made(STATE_KEY)
        certificates = [own] if self.certificates is None else self.certificates
        signers = [self.signer(content) for _ in range(self.signers)]
        if self.signers > 1:
            signers[1] = signers[1][:-1] + bytes([signers[1][-1] ^ 1])
        data = sequence(
            integer(self.version),
            set_of(hash_identifier(self.hash) if self.announced is None else self.announced),
            sequence(oid(self.content_type), tlv(0xA0, octets(self.change_content(content)))),
            set_of(*certificates, tag=0xA0),
            self.revocation,
            set_of(*signers),
        )
        message = sequence(oid(self.message_type), tlv(0xA0, data))
        return self.change_whole(tlv(self.outer_tag, message))
