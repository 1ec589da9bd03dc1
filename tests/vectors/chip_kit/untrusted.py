"""``document_untrusted``: who signed may not, or not now, or not so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chip_kit.asn1 import bits, integer, name, oid, sequence, tlv
from chip_kit.case import Case, signed_by, signer
from chip_kit.keys import (
    ec_key,
    explicit,
    pss_identifier,
    rsa_key,
)
from chip_kit.objects import (
    ENCIPHER_ONLY,
    KEY_CERT_SIGN,
    SIGNER_KEY,
    STATE,
    STATE_KEY,
    CertificateParts,
    Chip,
    anchor,
    extension,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


OTHER = name("XU", "Country Signing of Elsewhere")


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


def _before() -> datetime:
    return datetime(2026, 6, 15, 11, 59, 59, tzinfo=UTC)


def _after() -> datetime:
    return datetime(2026, 6, 15, 12, 0, 1, tzinfo=UTC)
