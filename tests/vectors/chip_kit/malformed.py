"""``document_malformed``: structures and encodings that are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chip_kit.asn1 import bits, integer, octets, oid, sequence, set_of, tlv
from chip_kit.case import Case, signed_by, signer, with_attributes
from chip_kit.keys import (
    digest,
    ec_key,
    hash_identifier,
    rsa_key,
)
from chip_kit.objects import (
    CONTENT_TYPE,
    DIGITAL_SIGNATURE,
    MESSAGE_DIGEST,
    SIGNER_KEY,
    STATE_KEY,
    ZONE_TD3,
    CertificateParts,
    Chip,
    attribute,
    extension,
    group,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def malformed() -> Iterator[Case]:
    def case(name: str, description: str, chip: Chip) -> Case:
        return Case(name=name, description=description, result="document_malformed", chip=chip)

    one, two = digest("sha256", group()), digest("sha256", b"a portrait")
    yield case("group_1_missing", "no hash of data group 1", Chip(groups=[(2, two), (3, one)]))
    yield case("group_twice", "two hashes of data group 1", Chip(groups=[(1, one), (1, two)]))
    yield case("group_17", "a hash of data group 17", Chip(groups=[(1, one), (17, two)]))
    yield case("group_0", "a hash of data group 0", Chip(groups=[(0, two), (1, one)]))
    yield case("hash_cut", "a hash of another length", Chip(groups=[(1, one[:20]), (2, two)]))
    yield case("groups_too_many", "more entries than there can be", Chip(groups=[(1, one)] * 65))
    yield case("lds_version_2", "a security object of version 2", Chip(lds_version=2))
    yield case("lds_version_1_bare", "version 1 without its versions", Chip(lds_version=1))
    yield case("lds_more", "something after the hashes", Chip(lds_extra=sequence()))
    yield case("group_more", "something after a hash", Chip(lds_entry_extra=sequence()))
    yield from _attributes(case)
    yield from _messages(case)
    yield from _encodings(case)
    yield from _certificates(case)
    zone = tlv(0x61, tlv(0x5F1F, ZONE_TD3[:-1].encode()))
    yield case("zone_short", "a zone of 87 characters", Chip(data_group_1=zone))
    lower = tlv(0x61, tlv(0x5F1F, ZONE_TD3.lower().encode()))
    yield case("zone_lower", "a zone in lower case", Chip(data_group_1=lower))
    bare = tlv(0x61, ZONE_TD3.encode())
    yield case("zone_without_tag", "no tag 5F1F", Chip(data_group_1=bare))
    wrong = tlv(0x75, tlv(0x5F1F, ZONE_TD3.encode()))
    yield case("group_of_another_tag", "data group 2's tag", Chip(data_group_1=wrong))


def _attributes(case) -> Iterator[Case]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    content = Chip().content()
    typed = attribute(CONTENT_TYPE, oid("2.23.136.1.1.1"))
    digested = attribute(MESSAGE_DIGEST, octets(digest("sha256", content)))
    yield case("attributes_none", "no signed attributes", Chip(after_attributes=False))
    yield case("attributes_empty", "signed attributes, none of them", Chip(attributes=[]))
    yield case("attribute_type_missing", "no content type", Chip(attributes=[digested]))
    yield case("attribute_digest_missing", "no message digest", Chip(attributes=[typed]))
    yield case("attribute_type_other", "another content type", with_attributes(typed=oid("1.2.3")))
    yield case(
        "attribute_type_text", "a content type that is none", with_attributes(typed=octets(b"x"))
    )
    other = attribute(MESSAGE_DIGEST, octets(digest("sha256", b"other")))
    yield case("attribute_twice", "two message digests", Chip(attributes=[typed, digested, other]))
    values = (octets(digest("sha256", content)), octets(digest("sha256", b"other")))
    two = attribute(MESSAGE_DIGEST, *values)
    yield case(
        "attribute_two_values", "a message digest of two values", Chip(attributes=[typed, two])
    )
    none = attribute(MESSAGE_DIGEST)
    yield case("attribute_no_value", "a message digest of no value", Chip(attributes=[typed, none]))
    text = attribute(MESSAGE_DIGEST, tlv(0x0C, b"digest"))
    yield case("attribute_digest_text", "a digest that is a text", Chip(attributes=[typed, text]))
    yield case("attributes_unsorted", "signed attributes out of order", Chip(change_whole=_unsort))


def _unsort(whole: bytes) -> bytes:
    content = Chip().content()
    parts = sorted(
        [
            attribute(CONTENT_TYPE, oid("2.23.136.1.1.1")),
            attribute(MESSAGE_DIGEST, octets(digest("sha256", content))),
        ]
    )
    return whole.replace(b"".join(parts), b"".join(reversed(parts)))


def _messages(case) -> Iterator[Case]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    own = CertificateParts(key=SIGNER_KEY).made(STATE_KEY)
    yield case("two_signers", "two signers", Chip(signers=2))
    yield case("no_signer", "no signer", Chip(signers=0))
    yield case("no_certificate", "no certificate inside", Chip(certificates=[]))
    foreign = CertificateParts(key=SIGNER_KEY, serial=8).made(STATE_KEY)
    yield case("certificate_of_another", "the signer's is not inside", Chip(certificates=[foreign]))
    twin = CertificateParts(key=ec_key("p256", 3)).made(STATE_KEY)
    yield case("certificate_ambiguous", "two of issuer and number", Chip(certificates=[own, twin]))
    many = [CertificateParts(key=SIGNER_KEY, serial=n).made(STATE_KEY) for n in range(7, 16)]
    yield case("certificates_too_many", "nine certificates", Chip(certificates=many))
    yield case(
        "content_type", "signed content of another type", Chip(content_type="1.2.840.113549.1.7.1")
    )
    yield case("message_type", "not signed data", Chip(message_type="1.2.840.113549.1.7.1"))
    yield case(
        "unsigned_attributes",
        "unsigned attributes",
        Chip(unsigned=set_of(attribute("1.2.3", integer(1)), tag=0xA1)),
    )
    yield case("version_1", "signed data of version 1", Chip(version=1))
    yield case(
        "revocation_list", "a revocation list inside", Chip(revocation=set_of(sequence(), tag=0xA1))
    )
    yield case(
        "hash_not_announced",
        "the signer's hash function is not announced",
        Chip(announced=hash_identifier("sha512")),
    )
    key_named = tlv(0x80, b"signer key")
    yield case(
        "signer_version_1_by_key", "version 1 with a key identifier", Chip(identifier=key_named)
    )
    yield case(
        "signer_version_3_by_octets",
        "version 3 with a key identifier of another tag",
        Chip(signer_version=3, identifier=octets(b"signer key")),
    )
    yield case("signer_version_3_by_name", "version 3 with a name", Chip(signer_version=3))
    yield case("signer_version_2", "a signer of version 2", Chip(signer_version=2))
    unknown = tlv(0x80, b"another key")
    yield case(
        "signer_unknown_key",
        "an unknown key identifier",
        Chip(signer_version=3, identifier=unknown),
    )


def _encodings(case) -> Iterator[Case]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    yield case("tag", "EF.COM's tag", Chip(outer_tag=0x60))
    yield case("empty", "nothing", Chip(change_whole=lambda _: b""))
    yield case("cut", "the last byte is missing", Chip(change_whole=lambda w: w[:-1]))
    yield case("longer", "a byte too many", Chip(change_whole=lambda w: w + b"\x00"))
    yield case("without_wrapper", "the message without tag 77", Chip(change_whole=lambda w: w[4:]))
    yield case("indefinite_length", "an indefinite length", Chip(change_whole=_indefinite))
    yield case(
        "length_not_minimal", "a length with a leading zero", Chip(change_whole=_not_minimal)
    )
    yield case("length_of_four_bytes", "a length of four bytes", Chip(change_whole=_four_bytes))
    yield case(
        "high_tag_not_minimal",
        "a long tag for a small number",
        Chip(change_whole=lambda w: b"\x7f\x17" + w[1:]),
    )
    yield case("zeros", "zeros", Chip(change_whole=lambda w: bytes(len(w))))
    yield case("nested", "nothing but nesting", Chip(change_whole=lambda _: b"\x77\x80" * 20_000))


def _indefinite(whole: bytes) -> bytes:
    return whole[:1] + b"\x80" + whole[4:] + b"\x00\x00"


def _not_minimal(whole: bytes) -> bytes:
    return whole[:1] + b"\x83\x00" + whole[2:]


def _four_bytes(whole: bytes) -> bytes:
    return whole[:1] + b"\x84\x00\x00" + whole[2:4] + whole[4:]


def _certificates(case) -> Iterator[Case]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    again = extension("2.5.29.15", DIGITAL_SIGNATURE, critical=True)
    yield case("extension_twice", "an extension twice", signer(extra=again))
    own = CertificateParts(key=SIGNER_KEY).made(STATE_KEY)
    for part, old, new, what in (
        ("version_2", tlv(0xA0, integer(2)), tlv(0xA0, integer(1)), "a certificate of version 2"),
        ("time", b"240101000000Z", b"2401010000+0Z", "a time with an offset"),
        ("time_impossible", b"240101000000Z", b"241301000000Z", "a month 13"),
        ("critical_flag", b"\x01\x01\xff", b"\x01\x01\x01", "a boolean of 01"),
        ("unused_bits", DIGITAL_SIGNATURE, bits(b"\x80", 6), "named bits that end with a zero"),
        ("serial", integer(7), b"\x02\x01\x87", "another number than the signer's identifier"),
    ):
        broken = own.replace(old, new, 1)
        yield case(f"certificate_{part}", what, Chip(certificate=broken))
    longer = rsa_key("signer-2048", more=integer(1))
    yield case(
        "rsa_key_more",
        "a third number in an RSA key",
        signed_by(longer, "pkcs1-sha256", "sha256"),
    )
    inner, outer = oid("1.2.840.10045.4.3.2"), oid("1.2.840.10045.4.3.3")
    head, _, tail = own.rpartition(inner)
    yield case(
        "certificate_two_algorithms",
        "the algorithm inside is not the one outside",
        Chip(certificate=head + outer + tail),
    )
