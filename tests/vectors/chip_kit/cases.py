"""The cases: what is special about each, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chip_kit.asn1 import bits, integer, name, octets, oid, sequence, set_of, tlv
from chip_kit.keys import (
    CURVES,
    Key,
    digest,
    ec_key,
    explicit,
    hash_identifier,
    pss_identifier,
    rsa_key,
)
from chip_kit.objects import (
    CONTENT_TYPE,
    DIGITAL_SIGNATURE,
    ENCIPHER_ONLY,
    KEY_CERT_SIGN,
    MESSAGE_DIGEST,
    SIGNER_KEY,
    STATE,
    STATE_KEY,
    ZONE_TD3,
    CertificateParts,
    Chip,
    anchor,
    attribute,
    extension,
    group,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ZONE_TD1 = (
    "I<UTOD231458907<<<<<<<<<<<<<<<7408122F3104150UTO<<<<<<<<<<<2ERIKSSON<<ANNA<MARIA<<<<<<<<<<"
)
ZONE_EXPIRED = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F2504155ZE184226B<<<<<18"
)
ZONE_WRONG_DIGIT = ZONE_TD3[:-1] + "7"
OTHER = name("XU", "Country Signing of Elsewhere")


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


def algorithms() -> Iterator[Case]:
    rsa = rsa_key("signer-2048")
    for hash_name in ("sha224", "sha256", "sha384", "sha512"):
        for kind in ("pkcs1", "bare", "pss"):
            yield Case(
                name=f"rsa_{kind}_{hash_name}",
                description=f"document signer RSA, {kind}, {hash_name}",
                result="accepted",
                chip=signed_by(rsa, f"{kind}-{hash_name}", hash_name),
            )
    for curve in CURVES.keys() - {"k256"}:
        hash_name = {"p224": "sha224", "p384": "sha384", "bp384": "sha384"}.get(curve, "sha256")
        hash_name = "sha512" if curve in {"p521", "bp512"} else hash_name
        yield Case(
            name=f"ecdsa_{curve}",
            description=f"document signer ECDSA on {curve}, named, {hash_name}",
            result="accepted",
            chip=signed_by(ec_key(curve, 5), f"ecdsa-{hash_name}", hash_name),
        )
        for compressed in (False, True):
            key = ec_key(curve, 6, explicit(curve, compressed=compressed))
            yield Case(
                name=f"ecdsa_{curve}_explicit{'_compressed' * compressed}",
                description=f"the same, spelt out; base point compressed: {compressed}",
                result="accepted",
                chip=signed_by(key, f"ecdsa-{hash_name}", hash_name),
            )
    state = rsa_key("state-3072")
    for scheme in ("pkcs1-sha256", "pss-sha256", "pss-sha512"):
        yield Case(
            name=f"state_rsa_{scheme.replace('-', '_')}",
            description=f"the state signs its document signers with RSA, {scheme}",
            result="accepted",
            chip=Chip(certificate=CertificateParts(key=SIGNER_KEY).made(state, scheme)),
            anchors=(anchor(state, scheme),),
        )
    seed = bits(bytes.fromhex("c49d360886e704936a6678e1139d26b7819f7e90"))  # SEC 2, 2.4.2
    yield Case(
        name="ecdsa_p256_explicit_seed",
        description="a curve spelt out with the seed of its coefficients",
        result="accepted",
        chip=signed_by(ec_key("p256", 6, explicit("p256", seed=seed)), "ecdsa-sha256", "sha256"),
    )
    explicit_state = ec_key("bp384", 8, explicit("bp384", cofactor=None))
    yield Case(
        name="state_brainpool_explicit",
        description="the state's key is on a brainpool curve spelt out, without cofactor",
        result="accepted",
        chip=Chip(
            certificate=CertificateParts(key=SIGNER_KEY).made(explicit_state, "ecdsa-sha384")
        ),
        anchors=(anchor(explicit_state, "ecdsa-sha384"),),
    )


def accepted() -> Iterator[Case]:
    def case(name: str, description: str, **parts: object) -> Case:
        return Case(name=name, description=description, result="accepted", **parts)  # type: ignore[arg-type]

    yield case("plain", "ECDSA on P-256 throughout, a passport")
    yield case("identity_card", "a card of format TD1", chip=Chip(data_group_1=group(ZONE_TD1)))
    yield case(
        "lds_version_1",
        "security object of version 1, with the versions of data structure and Unicode",
        chip=Chip(lds_version=1, lds_extra=sequence(tlv(0x13, b"0108"), tlv(0x13, b"040000"))),
    )
    yield case(
        "signer_by_key_identifier",
        "signer named by its key identifier (version 3)",
        chip=Chip(signer_version=3, identifier=tlv(0x80, b"signer key")),
    )
    yield case(
        "signing_time",
        "a signed attribute that is not looked at",
        chip=_with_attributes(attribute("1.2.840.113549.1.9.5", tlv(0x17, b"250101000000Z"))),
    )
    yield case(
        "two_keys_of_a_state",
        "two trusted certificates of one name; the second one vouches",
        anchors=(anchor(ec_key("p256", 9), subject_key=None), anchor(STATE_KEY)),
    )
    yield case(
        "no_key_identifiers",
        "neither certificate names keys",
        chip=signer(authority_key=None, subject_key=None),
        anchors=(anchor(STATE_KEY, subject_key=None),),
    )
    yield case(
        "malformed_alternative_name",
        "an issuer alternative name that no parser can read, not critical",
        chip=signer(extra=extension("2.5.29.18", b"\x30\x03\x82\x05a")),
    )
    yield case(
        "document_types",
        "a critical list of document types",
        chip=signer(extra=extension("2.23.136.1.1.6.2", b"\x30\x00", critical=True)),
    )
    yield case(
        "two_certificates",
        "a certificate of somebody else beside the signer's",
        chip=Chip(
            certificates=[
                CertificateParts(key=SIGNER_KEY).made(STATE_KEY),
                CertificateParts(key=ec_key("p256", 3), serial=8).made(STATE_KEY),
            ]
        ),
    )
    many = [CertificateParts(key=SIGNER_KEY, serial=n).made(STATE_KEY) for n in range(7, 15)]
    yield case("eight_certificates", "as many as are taken", chip=Chip(certificates=many))
    yield case(
        "signer_constraints_empty",
        "basic constraints that leave it at the default: no authority",
        chip=signer(extra=extension("2.5.29.19", sequence(), critical=True)),
    )
    yield case(
        "signer_constraints_false",
        "basic constraints that say that it is no authority",
        chip=signer(extra=extension("2.5.29.19", sequence(tlv(1, b"\x00")), critical=True)),
    )
    yield case(
        "valid_beyond_2050",
        "a certificate whose end is a GeneralizedTime",
        chip=signer(not_after=datetime(2051, 1, 1, tzinfo=UTC)),
    )
    yield case(
        "pss_trailer_1",
        "PSS parameters with the trailer field that is the default",
        chip=replace(
            signed_by(rsa_key("signer-2048"), "pss-sha256", "sha256"),
            signature_identifier=pss_identifier("sha256", trailer=1),
        ),
    )
    yield case("last_second", "a signer valid until now", chip=signer(not_after=_NOW))
    yield case("first_second", "a signer valid from now on", chip=signer(not_before=_NOW))
    yield case(
        "last_second_of_state",
        "a country signing certificate valid until now",
        anchors=(anchor(STATE_KEY, not_after=_NOW),),
    )
    yield case(
        "first_second_of_state",
        "a country signing certificate valid from now on",
        anchors=(anchor(STATE_KEY, not_before=_NOW),),
    )


_NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def _with_attributes(
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


def untrusted() -> Iterator[Case]:
    def case(name: str, description: str, **parts: object) -> Case:
        return Case(name=name, description=description, result="document_untrusted", **parts)  # type: ignore[arg-type]

    yield case(
        "wrong_state_key",
        "the trusted certificate has the issuer's name and key identifier, and another key",
        anchors=(anchor(ec_key("p256", 9)),),
    )
    yield case(
        "other_state", "only another state is trusted", anchors=(anchor(STATE_KEY, subject=OTHER),)
    )
    yield case(
        "other_key_identifier",
        "the signer names another key of the state",
        chip=signer(authority_key=b"another key"),
    )
    yield case(
        "signer_expired", "the document signer has expired", chip=signer(not_after=_before())
    )
    yield case(
        "signer_not_yet", "the document signer is not valid yet", chip=signer(not_before=_after())
    )
    yield case(
        "state_expired",
        "the country signing certificate has expired",
        anchors=(anchor(STATE_KEY, not_after=_before()),),
    )
    yield case(
        "state_not_yet",
        "the country signing certificate is not valid yet",
        anchors=(anchor(STATE_KEY, not_before=_after()),),
    )
    yield case(
        "signer_is_authority", "an authority signed the document", chip=signer(authority=True)
    )
    yield case(
        "signer_may_not_sign",
        "the signer's key is for certificates",
        chip=signer(usage=KEY_CERT_SIGN),
    )
    yield case(
        "signer_may_encipher",
        "the signer's key is for enciphering",
        chip=signer(usage=ENCIPHER_ONLY),
    )
    yield case(
        "signer_without_usage", "the signer's certificate names no use", chip=signer(usage=None)
    )
    yield case(
        "state_signed_the_document",
        "the country signing key itself signed the document",
        chip=Chip(
            key=STATE_KEY, certificate=anchor(STATE_KEY), identifier=sequence(STATE, integer(1))
        ),
    )
    yield case(
        "self_signed_signer",
        "a signer that vouches for itself",
        chip=Chip(certificate=CertificateParts(key=SIGNER_KEY).made(SIGNER_KEY)),
    )
    yield case(
        "unknown_critical_extension",
        "a critical extension that is not known",
        chip=signer(extra=extension("1.2.3.4", b"\x05\x00", critical=True)),
    )
    yield from _weak(case)


def _weak(case) -> Iterator[Case]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    yield case("sha1_hashes", "hashes are SHA-1", chip=replace(Chip(), hash="sha1"))
    rsa = rsa_key("signer-2048")
    yield case(
        "sha1_signature", "the signature is over SHA-1", chip=signed_by(rsa, "pkcs1-sha1", "sha256")
    )
    state = rsa_key("state-3072")
    yield case(
        "sha1_certificate",
        "the signer's certificate is signed over SHA-1",
        chip=Chip(certificate=CertificateParts(key=SIGNER_KEY).made(state, "pkcs1-sha1")),
        anchors=(anchor(state, "pkcs1-sha256"),),
    )
    yield case(
        "hash_left_open_in_certificate",
        "a certificate signed with rsaEncryption, which names no hash function",
        chip=Chip(certificate=CertificateParts(key=SIGNER_KEY).made(state, "bare-sha256")),
        anchors=(anchor(state, "pkcs1-sha256"),),
    )
    yield case(
        "two_hash_functions",
        "the signature is over another hash function than the attributes name",
        chip=Chip(scheme="ecdsa-sha384"),
    )
    weak = rsa_key("weak-1024")
    yield case(
        "rsa_1024", "an RSA key of 1024 bits", chip=signed_by(weak, "pkcs1-sha256", "sha256")
    )
    for what, key in {
        "negative_modulus": rsa_key("signer-2048", sign=-1),
        "negative_exponent": rsa_key("signer-2048", exponent=-65537),
        "exponent_1": rsa_key("signer-2048", exponent=1),
        "exponent_even": rsa_key("signer-2048", exponent=65536),
    }.items():
        yield case(
            f"rsa_{what}",
            f"an RSA key with {what.replace('_', ' ')}",
            chip=signed_by(key, "pkcs1-sha256", "sha256"),
        )
    yield case(
        "other_curve",
        "a key on secp256k1",
        chip=signed_by(ec_key("k256", 5), "ecdsa-sha256", "sha256"),
    )
    changed = {
        "other_base_point": explicit("p256", x=1),
        "other_prime": explicit("p256", p=2**256 - 189),
        "other_coefficient": explicit("p256", b=7),
        "other_order": explicit("p256", n=2**256 - 188),
        "other_cofactor": explicit("p256", cofactor=2),
        "brainpool_320": explicit("bp320"),
        "characteristic_two": sequence(integer(1), sequence(oid("1.2.840.10045.1.2"), sequence())),
        "hybrid_base_point": explicit("p256", change_base=lambda base: b"\x06" + base[1:]),
        "padded_base_point": explicit("p256", change_base=lambda base: b"\x04\x00" + base[1:]),
        "no_base_point": explicit("p256", change_base=lambda _: b""),
        "base_point_of_one_byte": explicit("p256", change_base=lambda base: base[:1]),
        "compressed_base_point_of_another_form": explicit(
            "p256", compressed=True, change_base=lambda base: b"\x05" + base[1:]
        ),
        "other_compressed_base_point": explicit(
            "p256", compressed=True, change_base=lambda base: b"\x02" + base[1:]
        ),
    }
    for what, parameters in changed.items():
        yield case(
            f"curve_{what}",
            f"a curve spelt out: {what.replace('_', ' ')}",
            chip=signed_by(ec_key("p256", 2, parameters), "ecdsa-sha256", "sha256"),
        )
    off = replace(SIGNER_KEY, info=SIGNER_KEY.info[:-1] + bytes([SIGNER_KEY.info[-1] ^ 1]))
    yield case("point_off_curve", "a public key that is no point", chip=signer(key=off))
    for what, identifier in {
        "two_hashes": pss_identifier("sha256", "sha384"),
        "short_salt": pss_identifier("sha256", salt=8),
        "long_salt": pss_identifier("sha256", salt=65),
        "sha1": pss_identifier("sha1"),
        "other_mask": pss_identifier("sha256", mgf_type="1.2.840.113549.1.1.9"),
        "other_trailer": pss_identifier("sha256", trailer=2),
    }.items():
        yield case(
            f"pss_{what}",
            f"RSA-PSS parameters: {what.replace('_', ' ')}",
            chip=replace(signed_by(rsa, "pss-sha256", "sha256"), signature_identifier=identifier),
        )
    yield case(
        "parameters_of_ecdsa",
        "parameters where there should be none",
        chip=Chip(signature_identifier=sequence(oid("1.2.840.10045.4.3.2"), tlv(5, b"0"))),
    )
    yield case(
        "plain_ecdsa",
        "a signature algorithm that is not taken (BSI TR-03111 plain ECDSA)",
        chip=Chip(signature_identifier=sequence(oid("0.4.0.127.0.7.1.1.4.1.3"))),
    )
    yield case(
        "ed25519",
        "a key of a kind that Doc 9303 does not have",
        chip=signer(
            key=replace(SIGNER_KEY, info=sequence(sequence(oid("1.3.101.112")), bits(bytes(32))))
        ),
    )


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
        chip=_with_attributes(digested=digest("sha256", b"something else")),
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


def _before() -> datetime:
    return datetime(2026, 6, 15, 11, 59, 59, tzinfo=UTC)


def _after() -> datetime:
    return datetime(2026, 6, 15, 12, 0, 1, tzinfo=UTC)


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
    yield case("attribute_type_other", "another content type", _with_attributes(typed=oid("1.2.3")))
    yield case(
        "attribute_type_text", "a content type that is none", _with_attributes(typed=octets(b"x"))
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


def others() -> Iterator[Case]:
    yield Case(
        name="zone",
        description="a zone with a wrong check digit, properly signed",
        result="check_digit",
        chip=Chip(data_group_1=group(ZONE_WRONG_DIGIT)),
    )
    yield Case(
        name="document",
        description="a document that has expired, properly signed",
        result="document_expired",
        chip=Chip(data_group_1=group(ZONE_EXPIRED)),
    )


def all_cases() -> Iterator[Case]:
    for kind in (algorithms, accepted, untrusted, altered, malformed, others):
        yield from kind()
