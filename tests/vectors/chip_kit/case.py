"""A case, and the chips that most cases change one part of."""

from __future__ import annotations

from dataclasses import dataclass, field

from chip_kit.asn1 import octets, oid
from chip_kit.keys import (
    Key,
    digest,
)
from chip_kit.objects import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNER_KEY,
    STATE_KEY,
    CertificateParts,
    Chip,
    anchor,
    attribute,
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Files of a chip, the anchors that are trusted, and the result: ``accepted`` or a code."""

    name: str
    description: str
    result: str
    chip: Chip = field(default_factory=Chip)
    anchors: tuple[bytes, ...] = (anchor(STATE_KEY),)
    given_group: bytes | None = None

    def document(self) -> dict[str, object]:
        given = self.chip.data_group_1 if self.given_group is None else self.given_group
        return {
            "description": self.description,
            "at": "2026-06-15T12:00:00Z",
            "country_signing_certificates": [each.hex() for each in self.anchors],
            "security_object": self.chip.made().hex(),
            "data_group_1": given.hex(),
        }


def signed_by(key: Key, scheme: str, hash_name: str, **parts: object) -> Chip:
    """A chip whose document signer has ``key``."""
    certificate = CertificateParts(key=key, **parts).made(STATE_KEY)  # type: ignore[arg-type]
    return Chip(key=key, scheme=scheme, hash=hash_name, certificate=certificate)


def signer(**parts: object) -> Chip:
    """A chip whose document signer certificate is changed."""
    made = CertificateParts(**{"key": SIGNER_KEY, **parts}).made(STATE_KEY)  # type: ignore[arg-type]
    return Chip(certificate=made)


def with_attributes(
    *more: bytes, digested: bytes | None = None, typed: bytes | None = None
) -> Chip:
    content = Chip().content()
    return Chip(
        attributes=[
            attribute(CONTENT_TYPE, oid("2.23.136.1.1.1") if typed is None else typed),
            attribute(MESSAGE_DIGEST, octets(digested or digest("sha256", content))),
            *more,
        ]
    )
