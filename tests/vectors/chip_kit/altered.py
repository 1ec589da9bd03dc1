"""``document_altered``: digests and signatures that are wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chip_kit.asn1 import integer, oid, sequence, tlv
from chip_kit.case import Case, signed_by, with_attributes
from chip_kit.keys import (
    digest,
    ec_key,
    pss_identifier,
    rsa_key,
)
from chip_kit.objects import (
    SIGNER_KEY,
    STATE_KEY,
    ZONE_TD3,
    CertificateParts,
    Chip,
    group,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def altered() -> Iterator[Case]:
    def case(name: str, description: str, **parts: object) -> Case:
        return Case(name=name, description=description, result="document_altered", **parts)  # type: ignore[arg-type]

    younger = group(ZONE_TD3.replace("7408122", "6408121"))
    yield case("birth_date", "data group 1 has another birth date", given_group=younger)
    yield case(
        "name", "data group 1 has another name", given_group=group(ZONE_TD3.replace("ANNA", "ANNE"))
    )
    yield case("group_longer", "a byte after data group 1", given_group=group() + b"\x00")
    yield case("group_empty", "no data group 1", given_group=b"")
    other = digest("sha256", younger)
    mine = digest("sha256", group())
    yield case(
        "hash_replaced",
        "the hash in the security object was replaced after it was signed",
        chip=Chip(change_content=lambda content: content.replace(mine, other)),
        given_group=younger,
    )
    yield case(
        "digest_attribute",
        "the signed attributes have the digest of something else",
        chip=with_attributes(digested=digest("sha256", b"something else")),
    )
    yield case(
        "signature_bit",
        "a bit of the signature was changed",
        chip=Chip(change_signature=lambda s: s[:-1] + bytes([s[-1] ^ 1])),
    )
    yield case("signature_empty", "no signature", chip=Chip(change_signature=lambda _: b""))
    yield case(
        "signature_of_zeros",
        "r and s are zero",
        chip=Chip(change_signature=lambda _: sequence(integer(0), integer(0))),
    )
    yield case(
        "other_key",
        "signed by another key than the certificate's",
        chip=Chip(
            key=ec_key("p256", 3), certificate=CertificateParts(key=SIGNER_KEY).made(STATE_KEY)
        ),
    )
    yield case(
        "implicit_tag_signed",
        "the attributes were signed with their implicit tag",
        chip=Chip(change_signed=lambda signed: b"\xa0" + signed[1:]),
    )
    rsa = rsa_key("signer-2048")
    yield case(
        "algorithm_of_another_kind",
        "an RSA algorithm with an elliptic key",
        chip=Chip(signature_identifier=sequence(oid("1.2.840.113549.1.1.11"), tlv(5))),
    )
    yield case(
        "algorithm_of_ecdsa",
        "an ECDSA algorithm with an RSA key",
        chip=replace(
            signed_by(rsa, "pkcs1-sha256", "sha256"),
            signature_identifier=sequence(oid("1.2.840.10045.4.3.2")),
        ),
    )
    yield case(
        "pss_for_pkcs1",
        "a PKCS #1 signature that is called PSS",
        chip=replace(
            signed_by(rsa, "pkcs1-sha256", "sha256"), signature_identifier=pss_identifier("sha256")
        ),
    )
    yield case(
        "pss_other_salt",
        "a PSS signature with a salt of another length than it says",
        chip=replace(
            signed_by(rsa, "pss-sha256", "sha256"),
            signature_identifier=pss_identifier("sha256", salt=31),
        ),
    )
