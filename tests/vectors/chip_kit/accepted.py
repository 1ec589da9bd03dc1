"""What must be accepted: every algorithm, and what a chip may do otherwise than most."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chip_kit.asn1 import bits, sequence, tlv
from chip_kit.case import Case, signed_by, signer, with_attributes
from chip_kit.keys import (
    CURVES,
    ec_key,
    explicit,
    pss_identifier,
    rsa_key,
)
from chip_kit.objects import (
    NOW,
    SIGNER_KEY,
    STATE_KEY,
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
        chip=with_attributes(attribute("1.2.840.113549.1.9.5", tlv(0x17, b"250101000000Z"))),
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
    yield case("last_second", "a signer valid until now", chip=signer(not_after=NOW))
    yield case("first_second", "a signer valid from now on", chip=signer(not_before=NOW))
    yield case(
        "last_second_of_state",
        "a country signing certificate valid until now",
        anchors=(anchor(STATE_KEY, not_after=NOW),),
    )
    yield case(
        "first_second_of_state",
        "a country signing certificate valid from now on",
        anchors=(anchor(STATE_KEY, not_before=NOW),),
    )
