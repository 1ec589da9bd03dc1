from __future__ import annotations

import hashlib
import logging
import pickle
import traceback
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from ageassure.errors import ConfigurationError, CredentialError
from ageassure.estimators.credential.mdoc import (
    EU_PROOF_OF_AGE,
    MOBILE_DRIVING_LICENCE,
    BrowserSession,
    DocumentAuthorities,
    DocumentType,
    IsoSession,
    MdocEstimator,
    MdocPresentation,
    RedirectSession,
)
from ageassure.results import MethodClass, PresentationAttack

from .mdoc_wallets import (
    DAY,
    NOW,
    SESSION,
    Authority,
    Signer,
    Wallet,
    cose_key,
    name,
    pem_of_version_10,
    sign1,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageassure.estimators.credential.mdoc import Session
    from ageassure.results import AgeEstimate

AUTHORITY = Authority()
SIGNER = Signer(AUTHORITY)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"x")
SECRET = "Sentinel-1987-04-05"


def _estimator(
    authority: Authority = AUTHORITY, document_type: DocumentType = EU_PROOF_OF_AGE
) -> MdocEstimator:
    return MdocEstimator(
        document_type=document_type,
        authorities=authority.authorities(),
        status=None,
        now=lambda: NOW,
    )


def _assess(wallet: Wallet, session: Session = SESSION, **kwargs: Any) -> AgeEstimate:
    presented = MdocPresentation(device_response=wallet.present(session), session=session)
    return _estimator(wallet.signer.authority, wallet.document_type, **kwargs).estimate(presented)


def _code_of(response: object, *, session: Session = SESSION) -> str:
    presented = MdocPresentation(device_response=cbor2.dumps(response), session=session)
    with pytest.raises(CredentialError) as caught:
        _estimator().estimate(presented)
    assert caught.value.__context__ is None
    return caught.value.code


def _code(wallet: Wallet, session: Session = SESSION) -> str:
    with pytest.raises(CredentialError) as caught:
        _assess(wallet, session)
    return caught.value.code


class TestAge:
    @pytest.mark.parametrize(
        ("elements", "interval"),
        [
            ({"age_over_18": True}, (18, 121)),
            ({"age_over_13": True, "age_over_18": False}, (13, 18)),
            ({"age_over_18": True, "age_over_65": False}, (18, 65)),
            ({"age_over_18": False}, (0, 18)),
            ({"age_over_18": True, "given_name": SECRET, "portrait": b"\xff" * 90}, (18, 121)),
        ],
    )
    def test_statements_become_an_interval(
        self, elements: dict[str, Any], interval: tuple[int, int]
    ) -> None:
        estimate = _assess(Wallet(SIGNER, elements=elements))
        assert estimate.interval(0.9) == interval
        assert estimate.method_class is MethodClass.VERIFICATION
        assert estimate.bound
        assert estimate.presentation_attack is PresentationAttack.NOT_APPLICABLE
        assert estimate.as_of == NOW

    def test_a_driving_licence_is_another_type_with_signers_of_its_own(self) -> None:
        signer = Signer(AUTHORITY, purposes=(MOBILE_DRIVING_LICENCE.purpose,))
        licence = Wallet(signer, document_type=MOBILE_DRIVING_LICENCE)
        assert _assess(licence).interval(0.9) == (18, 121)
        assert _code_of(licence.response()) == "credential_untrusted"
        assert _code(Wallet(SIGNER, document_type=MOBILE_DRIVING_LICENCE)) == "credential_untrusted"

    @pytest.mark.parametrize(
        ("elements", "code"),
        [
            ({"given_name": SECRET}, "credential_no_age"),
            ({}, "credential_no_age"),
            ({"age_over_18": 1}, "credential_malformed"),
            ({"age_over_18": "true"}, "credential_malformed"),
            ({"age_over_00": True}, "credential_malformed"),
            ({"age_over_18": True, "age_over_16": False}, "credential_contradictory"),
            ({"age_over_118": True}, "credential_no_age"),
            ({"xage_over_18": True}, "credential_no_age"),
        ],
    )
    def test_other_statements_are_refused(self, elements: dict[str, Any], code: str) -> None:
        assert _code(Wallet(SIGNER, elements=elements)) == code

    def test_the_other_name_spaces_elements_count_for_nothing(self) -> None:
        wallet = Wallet(SIGNER)
        foreign = Wallet(
            SIGNER, document_type=DocumentType(doc_type="x", namespace="x", purpose="1.2")
        )
        response = wallet.response()
        spaces = response["documents"][0]["issuerSigned"]["nameSpaces"]
        spaces["x"] = foreign.issuer_signed()["nameSpaces"]["x"]
        assert _code_of(response) == "credential_untrusted"


class TestKeys:
    @pytest.mark.parametrize(
        "key",
        [
            ec.generate_private_key(ec.SECP384R1()),
            ec.generate_private_key(ec.SECP521R1()),
            ed25519.Ed25519PrivateKey.generate(),
        ],
    )
    def test_kinds_of_device_keys(self, key: Any) -> None:
        assert _assess(Wallet(SIGNER, device_key=key)).bound

    @pytest.mark.parametrize(
        "key",
        [
            ec.generate_private_key(ec.SECP384R1()),
            ec.generate_private_key(ec.BrainpoolP256R1()),
            ed25519.Ed25519PrivateKey.generate(),
        ],
    )
    def test_kinds_of_signers_keys(self, key: Any) -> None:
        assert _assess(Wallet(Signer(AUTHORITY, key=key))).bound

    @pytest.mark.parametrize(
        "spoilt",
        [
            {**cose_key(ec.generate_private_key(ec.SECP256R1())), -4: b"d" * 32},
            {**cose_key(ec.generate_private_key(ec.SECP256R1())), -2: b"\x00" * 32},
            {**cose_key(ec.generate_private_key(ec.SECP256R1())), -1: 2},
            {**cose_key(ec.generate_private_key(ec.SECP256R1())), -3: True},
            {**cose_key(ec.generate_private_key(ec.SECP256R1())), -1: True},
            {**cose_key(ec.generate_private_key(ec.SECP256R1())), -1: "P-256"},
            {**cose_key(ec.generate_private_key(ec.SECP256R1())), -2: "x" * 32},
            {**cose_key(ec.generate_private_key(ec.SECP256R1())), 1: 1},
            {**cose_key(ed25519.Ed25519PrivateKey.generate()), 1: 2},
            {**cose_key(ed25519.Ed25519PrivateKey.generate()), -1: 7},
            cose_key(ec.generate_private_key(ec.BrainpoolP256R1())),
            {1: 2},
            {},
            [],
        ],
    )
    def test_device_keys_that_are_none(self, spoilt: Any) -> None:
        members = {"deviceKeyInfo": {"deviceKey": spoilt}}
        with pytest.raises(CredentialError, match="a key of another kind, or to none") as caught:
            _assess(Wallet(SIGNER, security_object=members))
        assert caught.value.code == "credential_not_bound"

    @pytest.mark.parametrize(
        "key", [ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()]
    )
    @pytest.mark.parametrize("other", [b"", b"\x00" * 64, b"\x01" * 96])
    def test_every_kind_of_key_has_to_have_signed(self, key: Any, other: bytes) -> None:
        response = Wallet(SIGNER, device_key=key).response()
        response["documents"][0]["deviceSigned"]["deviceAuth"]["deviceSignature"][3] = other
        assert _code_of(response) == "credential_not_bound"
        response = Wallet(Signer(AUTHORITY, key=key)).response()
        response["documents"][0]["issuerSigned"]["issuerAuth"][3] = other
        assert _code_of(response) == "credential_untrusted"

    @pytest.mark.parametrize(
        ("key", "algorithm"),
        [
            (ec.generate_private_key(ec.SECP256R1()), -35),
            (ec.generate_private_key(ec.SECP384R1()), -7),
            (ed25519.Ed25519PrivateKey.generate(), -7),
        ],
    )
    def test_a_key_is_for_one_algorithm(self, key: Any, algorithm: int) -> None:
        wallet = Wallet(SIGNER, device_key=key, device_algorithm=algorithm)
        assert _code(wallet) == "credential_not_bound"

    def test_a_device_key_under_which_anybody_can_sign_binds_nobody(self) -> None:
        neutral = b"\x01" + b"\x00" * 31
        members = {"deviceKeyInfo": {"deviceKey": {1: 1, -1: 6, -2: neutral}}}
        response = Wallet(SIGNER, security_object=members).response()
        # [S]B = R + [k]A holds for S = 0 and R = A = the neutral element, whatever was signed.
        protected, signature = cbor2.dumps({1: -8}), neutral + b"\x00" * 32
        device_signed = response["documents"][0]["deviceSigned"]
        device_signed["deviceAuth"]["deviceSignature"] = [protected, {}, None, signature]
        assert _code_of(response) == "credential_not_bound"


class TestIssuer:
    @pytest.mark.parametrize(
        "changes",
        [
            {"not_after": NOW - DAY},
            {"not_before": NOW + DAY},
            {"hash_algorithm": hashes.SHA224()},
            {"purposes": ()},
            {"purposes": (MOBILE_DRIVING_LICENCE.purpose,)},
            {"purposes": (EU_PROOF_OF_AGE.purpose, MOBILE_DRIVING_LICENCE.purpose)},
            {"purpose_critical": False},
            {"usage": {"key_agreement": True}},
            {"usage": {"digital_signature": True, "key_cert_sign": True}},
            {"ca": True},
            {"key_identifier": b"\x01" * 20},
            {"issuer": name("Another authority")},
            {"subject": name("Test signer", "XX")},
            {
                "extra": (
                    (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"x"), True),
                )
            },
            {
                "extra": (
                    (x509.UnrecognizedExtension(x509.IssuerAlternativeName.oid, b"0\x01x"), True),
                )
            },
        ],
    )
    def test_a_certificate_that_is_no_signers_is_refused(self, changes: dict[str, Any]) -> None:
        code = _code(Wallet(Signer(AUTHORITY, **changes)))
        assert code in ("credential_untrusted", "credential_malformed")

    def test_the_first_and_the_last_moment_of_a_signer_and_of_its_authority(self) -> None:
        for authority in (AUTHORITY, Authority(not_before=NOW), Authority(not_after=NOW)):
            assert _assess(Wallet(Signer(authority, not_after=NOW))).bound
        fresh = Signer(AUTHORITY, not_before=NOW)
        assert _assess(Wallet(fresh, signed=NOW, valid_from=NOW)).bound

    def test_an_authority_that_is_not_valid_yet_is_not_trusted(self) -> None:
        assert _code(Wallet(Signer(Authority(not_before=NOW + DAY)))) == "credential_untrusted"

    def test_a_certificate_has_at_most_8_kib(self) -> None:
        def of_length(length: int) -> bytes:
            size, found = length - 500, b""
            while len(found) != length:  # a signature is now a byte longer, now a byte shorter
                size += 1 if len(found) < length else -1
                filler = x509.UnrecognizedExtension(UNKNOWN.oid, bytes(size))
                found = Signer(AUTHORITY, SIGNER.key, extra=((filler, False),)).certificate()
            return found

        response = Wallet(SIGNER).response()
        header = response["documents"][0]["issuerSigned"]["issuerAuth"][1]
        header[33] = of_length(8192)
        presented = MdocPresentation(device_response=cbor2.dumps(response), session=SESSION)
        assert _estimator().estimate(presented).bound
        header[33] = of_length(8193)
        assert _code_of(response) == "credential_malformed"

    def test_a_signer_may_have_unknown_extensions_that_are_not_critical(self) -> None:
        assert _assess(Wallet(Signer(AUTHORITY, ca=False, extra=((UNKNOWN, False),)))).bound

    def test_a_signer_whose_extensions_cannot_be_read_is_malformed(self) -> None:
        names = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"0\x01x")
        wallet = Wallet(Signer(AUTHORITY, extra=((names, False),)))
        assert _code(wallet) == "credential_malformed"

    def test_another_authority_of_the_same_name_is_not_trusted(self) -> None:
        wallet = Wallet(Signer(Authority()))
        assert _code_of(wallet.response()) == "credential_untrusted"

    def test_another_authority_of_the_same_name_and_key_identifier_is_not_trusted(self) -> None:
        public = AUTHORITY.key.public_key()
        identifier = x509.SubjectKeyIdentifier.from_public_key(public).digest
        wallet = Wallet(Signer(Authority(), key_identifier=identifier))
        assert _code_of(wallet.response()) == "credential_untrusted"

    def test_an_expired_authority_is_not_trusted(self) -> None:
        assert _code(Wallet(Signer(Authority(not_after=NOW - DAY)))) == "credential_untrusted"

    def test_a_signature_by_sha_1_or_a_key_of_another_kind_is_refused(self) -> None:
        key = rsa.generate_private_key(65537, 2048)
        signer = Signer(AUTHORITY)
        response = Wallet(signer).response()
        signer.key = key  # type: ignore[assignment]
        response["documents"][0]["issuerSigned"]["issuerAuth"][1][33] = signer.certificate()
        assert _code_of(response) == "credential_untrusted"

    @pytest.mark.parametrize(
        "chain", [[], [b"x", b"y"], b"", b"no certificate", b"0" * 9000, 3, "x"]
    )
    def test_a_chain_is_one_certificate(self, chain: object) -> None:
        response = Wallet(SIGNER).response()
        response["documents"][0]["issuerSigned"]["issuerAuth"][1][33] = chain
        assert _code_of(response) == "credential_malformed"

    @pytest.mark.parametrize("chain", [3, "x", ["x"], [b"x", 3]])
    def test_a_chain_is_bytes(self, chain: object) -> None:
        response = Wallet(SIGNER).response()
        response["documents"][0]["issuerSigned"]["issuerAuth"][1][33] = chain
        presented = MdocPresentation(device_response=cbor2.dumps(response), session=SESSION)
        with pytest.raises(CredentialError, match="no certificate or list of certificates"):
            _estimator().estimate(presented)

    def test_a_chain_may_be_a_list_of_one(self) -> None:
        response = Wallet(SIGNER).response()
        auth = response["documents"][0]["issuerSigned"]["issuerAuth"]
        auth[1][33] = [auth[1][33]]
        presented = MdocPresentation(device_response=cbor2.dumps(response), session=SESSION)
        assert _estimator().estimate(presented).bound

    @pytest.mark.parametrize(
        "changes",
        [
            {"ca": False},
            {"usage": {"digital_signature": True}},
            {"extra": ((UNKNOWN, True),)},
        ],
    )
    def test_an_anchor_is_an_authority(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError, match="no authority"):
            Authority(**changes).authorities()

    @pytest.mark.parametrize(
        "pem", [b"", b"no PEM", b"-----BEGIN CERTIFICATE-----\nAA\n", pem_of_version_10()]
    )
    def test_anchors_that_cannot_be_read_are_refused(self, pem: bytes) -> None:
        with pytest.raises(ConfigurationError):
            DocumentAuthorities.from_pem(pem)

    def test_no_anchors_are_refused(self) -> None:
        with pytest.raises(ConfigurationError):
            DocumentAuthorities([])
        other: Any = b"a certificate"
        with pytest.raises(ConfigurationError, match="no authority"):
            DocumentAuthorities([other])

    def test_so_many_anchors_and_no_more(self) -> None:
        anchor = AUTHORITY.certificate()
        purpose = x509.ObjectIdentifier(EU_PROOF_OF_AGE.purpose)
        most = DocumentAuthorities([anchor] * 1024)
        assert most.signer((SIGNER.certificate(),), purpose=purpose, at=NOW).is_valid(NOW)
        with pytest.raises(ConfigurationError, match="expected 1 to 1024"):
            DocumentAuthorities([anchor] * 1025)


class TestSecurityObject:
    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"valid_until": NOW}, "credential_expired"),
            ({"valid_from": NOW + timedelta(seconds=1)}, "credential_not_yet_valid"),
            ({"signed": NOW + timedelta(seconds=1)}, "credential_not_yet_valid"),
            ({"signed": NOW - 101 * DAY}, "credential_untrusted"),
            ({"random_bytes": 15}, "credential_malformed"),
            (
                {"status": {"status_list": {"idx": 1, "uri": "https://x.example/1"}}},
                "credential_unverifiable",
            ),
            ({"security_object": {"version": "2.0"}}, "credential_malformed"),
            ({"security_object": {"docType": "x"}}, "credential_untrusted"),
            ({"security_object": {"digestAlgorithm": "MD5"}}, "credential_malformed"),
            ({"security_object": {"valueDigests": []}}, "credential_malformed"),
            ({"security_object": {"valueDigests": {}}}, "credential_untrusted"),
            (
                {"security_object": {"valueDigests": {"eu.europa.ec.av.1": []}}},
                "credential_malformed",
            ),
            (
                {"security_object": {"valueDigests": {"eu.europa.ec.av.1": {"0": b""}}}},
                "credential_malformed",
            ),
            (
                {"security_object": {"valueDigests": {"eu.europa.ec.av.1": {0: "digest"}}}},
                "credential_malformed",
            ),
            ({"security_object": {"valueDigests": {1: {}}}}, "credential_malformed"),
            ({"security_object": {"validityInfo": {}}}, "credential_malformed"),
            ({"security_object": {"validityInfo": {"signed": "2026"}}}, "credential_malformed"),
        ],
    )
    def test_refusals(self, changes: dict[str, Any], code: str) -> None:
        assert _code(Wallet(SIGNER, **changes)) == code

    @pytest.mark.parametrize(
        ("signed", "until", "code"),
        [
            ("0001-01-01T00:00:00+14:00", "2027-01-01T00:00:00Z", "credential_untrusted"),
            ("2026-05-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "credential_expired"),
        ],
    )
    def test_moments_that_utc_cannot_express(self, signed: str, until: str, code: str) -> None:
        moments = {"signed": signed, "validFrom": signed, "validUntil": until}
        validity = {name: cbor2.CBORTag(0, text) for name, text in moments.items()}
        assert _code(Wallet(SIGNER, security_object={"validityInfo": validity})) == code

    def test_the_first_moment_and_the_least_randomness(self) -> None:
        assert _assess(Wallet(SIGNER, signed=NOW)).bound
        assert _assess(Wallet(SIGNER, valid_from=NOW)).bound
        assert _assess(Wallet(SIGNER, random_bytes=16)).bound

    def test_an_element_has_one_value(self) -> None:
        items = [
            cbor2.dumps(
                {
                    "random": bytes(32),
                    "digestID": number,
                    "elementValue": value,
                    "elementIdentifier": "age_over_18",
                }
            )
            for number, value in enumerate((False, True))
        ]
        tagged = [cbor2.CBORTag(24, item) for item in items]
        digests = {
            number: hashlib.sha256(cbor2.dumps(item)).digest() for number, item in enumerate(tagged)
        }
        namespace = EU_PROOF_OF_AGE.namespace
        response = Wallet(SIGNER, security_object={"valueDigests": {namespace: digests}}).response()
        response["documents"][0]["issuerSigned"]["nameSpaces"] = {namespace: tagged[1:]}
        presented = MdocPresentation(device_response=cbor2.dumps(response), session=SESSION)
        assert _estimator().estimate(presented).interval(0.5) == (18, 121)
        response["documents"][0]["issuerSigned"]["nameSpaces"] = {namespace: tagged}
        assert _code_of(response) == "credential_malformed"

    @pytest.mark.parametrize(
        "member", [{"digestID": "9"}, {"elementIdentifier": 9}, {"random": "r" * 32}]
    )
    def test_the_members_of_an_element(self, member: dict[str, Any]) -> None:
        response = Wallet(SIGNER).response()
        element = {
            "random": bytes(32),
            "digestID": 9,
            "elementValue": True,
            "elementIdentifier": "age_over_21",
        }
        elements = response["documents"][0]["issuerSigned"]["nameSpaces"]["eu.europa.ec.av.1"]
        elements.append(cbor2.CBORTag(24, cbor2.dumps(element)))
        assert _code_of(response) == "credential_untrusted"
        elements[-1] = cbor2.CBORTag(24, cbor2.dumps(element | member))
        assert _code_of(response) == "credential_malformed"

    def test_a_document_without_end(self) -> None:
        moments = {
            "signed": "2026-05-01T00:00:00Z",
            "validFrom": "2026-05-01T00:00:00Z",
            "validUntil": "9999-12-31T23:59:59-12:00",
        }
        validity = {name: cbor2.CBORTag(0, text) for name, text in moments.items()}
        assert _assess(Wallet(SIGNER, security_object={"validityInfo": validity})).bound

    @pytest.mark.parametrize("hash_name", ["SHA-256", "SHA-384", "SHA-512"])
    def test_digests(self, hash_name: str) -> None:
        assert _assess(Wallet(SIGNER, hash_name=hash_name)).bound

    @pytest.mark.parametrize(
        ("spoil", "code"),
        [
            (lambda items: items.append(items[0]), "credential_malformed"),
            (lambda items: items.append(b"\xa0"), "credential_malformed"),
            (lambda items: items.append(cbor2.CBORTag(24, b"\xa0")), "credential_malformed"),
            (lambda items: items.append(cbor2.CBORTag(24, b"")), "credential_malformed"),
            (lambda items: items.append(cbor2.CBORTag(24, b"\x80")), "credential_malformed"),
            (
                lambda items: items.__setitem__(
                    0, cbor2.CBORTag(24, items[0].value.replace(b"\xf4", b"\xf5"))
                ),
                "credential_untrusted",
            ),
            (
                lambda items: items.__setitem__(
                    0,
                    cbor2.CBORTag(24, items[0].value.replace(b"digestID\x00", b"digestID\x07")),
                ),
                "credential_untrusted",
            ),
            (
                lambda items: items.__setitem__(
                    0,
                    cbor2.CBORTag(24, items[0].value.replace(b"digestID\x00", b"digestID\x60")),
                ),
                "credential_malformed",
            ),
        ],
    )
    def test_elements_are_the_issuers(self, spoil: Callable[[Any], Any], code: str) -> None:
        response = Wallet(SIGNER, elements={"age_over_18": False}).response()
        spaces = response["documents"][0]["issuerSigned"]["nameSpaces"]
        spoil(spaces["eu.europa.ec.av.1"])
        assert _code_of(response) == code

    @pytest.mark.parametrize("spaces", [[], {1: []}, {"eu.europa.ec.av.1": {}}])
    def test_name_spaces_are_lists_of_elements(self, spaces: object) -> None:
        response = Wallet(SIGNER).response()
        response["documents"][0]["issuerSigned"]["nameSpaces"] = spaces
        assert _code_of(response) == "credential_malformed"


class TestSignatures:
    @pytest.mark.parametrize("place", ["issuerSigned", "deviceSigned"])
    @pytest.mark.parametrize(
        "spoil",
        [
            lambda parts: parts.__setitem__(3, parts[3][:-1]),
            lambda parts: parts.__setitem__(3, parts[3] + b"\x00"),
            lambda parts: parts.__setitem__(3, bytes([parts[3][0] ^ 1]) + parts[3][1:]),
            lambda parts: parts.__setitem__(3, bytes(64)),
            lambda parts: parts.__setitem__(3, b""),
            lambda parts: parts.__setitem__(0, cbor2.dumps({1: -35})),
            lambda parts: parts.__setitem__(0, cbor2.dumps({1: -8})),
            lambda parts: parts.__setitem__(0, cbor2.dumps({1: 5})),
        ],
    )
    def test_a_signature_that_is_not_the_keys_is_refused(
        self, place: str, spoil: Callable[[Any], Any]
    ) -> None:
        response = Wallet(SIGNER).response()
        document = response["documents"][0]
        if place == "issuerSigned":
            spoil(document[place]["issuerAuth"])
            assert _code_of(response) == "credential_untrusted"
        else:
            spoil(document[place]["deviceAuth"]["deviceSignature"])
            assert _code_of(response) == "credential_not_bound"

    @pytest.mark.parametrize("place", ["issuerSigned", "deviceSigned"])
    @pytest.mark.parametrize(
        "spoil",
        [
            lambda parts: parts.pop(),
            lambda parts: parts.append(b""),
            lambda parts: parts.__setitem__(0, {}),
            lambda parts: parts.__setitem__(0, b""),
            lambda parts: parts.__setitem__(0, cbor2.dumps({})),
            lambda parts: parts.__setitem__(0, cbor2.dumps([])),
            lambda parts: parts.__setitem__(0, cbor2.dumps({1: "ES256"})),
            lambda parts: parts.__setitem__(0, cbor2.dumps({1: -7, 2: [3]})),
            lambda parts: parts.__setitem__(0, cbor2.dumps({1: -7, 4: b"kid"})),
            lambda parts: parts.__setitem__(1, []),
            lambda parts: parts[1].__setitem__(1, -7),
            lambda parts: parts[1].__setitem__(2, [1]),
            lambda parts: parts.__setitem__(2, "payload"),
            lambda parts: parts.__setitem__(3, "signature"),
        ],
    )
    def test_a_cose_sign1_of_another_form_is_refused(
        self, place: str, spoil: Callable[[Any], Any]
    ) -> None:
        response = Wallet(SIGNER).response()
        document = response["documents"][0]
        if place == "issuerSigned":
            spoil(document[place]["issuerAuth"])
        else:
            spoil(document[place]["deviceAuth"]["deviceSignature"])
        assert _code_of(response) == "credential_malformed"

    def test_the_issuers_payload_is_not_detached_and_the_devices_is(self) -> None:
        response = Wallet(SIGNER).response()
        response["documents"][0]["issuerSigned"]["issuerAuth"][2] = None
        assert _code_of(response) == "credential_untrusted"
        response = Wallet(SIGNER).response()
        response["documents"][0]["deviceSigned"]["deviceAuth"]["deviceSignature"][2] = b""
        assert _code_of(response) == "credential_malformed"

    def test_an_issuer_that_signs_nothing_signs_no_document(self) -> None:
        response, nothing = Wallet(SIGNER).response(), cast("bytes", None)
        auth = response["documents"][0]["issuerSigned"]["issuerAuth"]
        auth[2:] = [None, sign1(SIGNER.key, nothing)[1]]
        assert _code_of(response) == "credential_untrusted"

    def test_a_device_signs_one_request(self) -> None:
        other = Wallet(SIGNER).response(
            RedirectSession(
                client_id="x509_san_dns:age.example",
                nonce="n" * 22,
                response_uri="https://age.example/answer",
                key_thumbprint=b"t" * 32,
            )
        )
        assert _code_of(other) == "credential_not_bound"

    def test_another_documents_device_signature_does_not_fit(self) -> None:
        response, other = Wallet(SIGNER).response(), Wallet(SIGNER).response()
        response["documents"][0]["deviceSigned"] = other["documents"][0]["deviceSigned"]
        assert _code_of(response) == "credential_not_bound"

    def test_what_the_device_adds_is_a_map(self) -> None:
        assert _assess(Wallet(SIGNER, device_content=b"\xa1\x61x\xa0")).bound
        assert _code(Wallet(SIGNER, device_content=b"\x80")) == "credential_malformed"

    def test_what_the_device_adds_changes_its_signature(self) -> None:
        response = Wallet(SIGNER).response()
        added = cbor2.CBORTag(24, cbor2.dumps({"eu.europa.ec.av.1": {"age_over_21": True}}))
        response["documents"][0]["deviceSigned"]["nameSpaces"] = added
        assert _code_of(response) == "credential_not_bound"

    @pytest.mark.parametrize(
        ("device_signed", "code"),
        [
            ({}, "credential_malformed"),
            (None, "credential_malformed"),
            ({"nameSpaces": cbor2.CBORTag(24, b"\xa0"), "deviceAuth": {}}, "credential_malformed"),
            ({"nameSpaces": {}, "deviceAuth": {"deviceMac": []}}, "credential_unverifiable"),
            ({"nameSpaces": {}, "deviceAuth": {"deviceSignature": []}}, "credential_malformed"),
            (
                {"nameSpaces": cbor2.CBORTag(24, b"\x80"), "deviceAuth": {"deviceSignature": []}},
                "credential_malformed",
            ),
        ],
    )
    def test_a_device_signature_is_demanded(self, device_signed: object, code: str) -> None:
        response = Wallet(SIGNER).response()
        response["documents"][0]["deviceSigned"] = device_signed
        assert _code_of(response) == code


class TestResponse:
    @pytest.mark.parametrize(
        ("spoil", "code"),
        [
            (lambda r: r.update(status=10), "credential_declined"),
            (lambda r: r.update(documents=[]), "credential_declined"),
            (lambda r: r.pop("documents"), "credential_declined"),
            (lambda r: r.update(version="2.0"), "credential_malformed"),
            (lambda r: r.pop("version"), "credential_malformed"),
            (lambda r: r.update(status="0"), "credential_malformed"),
            (lambda r: r.update(documents=r["documents"] * 2), "credential_malformed"),
            (lambda r: r.update(documents={}), "credential_malformed"),
            (lambda r: r["documents"][0].update(docType="x"), "credential_untrusted"),
            (lambda r: r["documents"][0].pop("docType"), "credential_malformed"),
            (lambda r: r["documents"][0].pop("issuerSigned"), "credential_malformed"),
            (lambda r: r["documents"][0].pop("deviceSigned"), "credential_malformed"),
        ],
    )
    def test_refusals(self, spoil: Callable[[Any], Any], code: str) -> None:
        response = Wallet(SIGNER).response()
        spoil(response)
        assert _code_of(response) == code

    @pytest.mark.parametrize("response", [None, [], 3, "x", b"x", {}])
    def test_something_else_is_malformed(self, response: object) -> None:
        assert _code_of(response) == "credential_malformed"

    def test_a_large_answer_is_refused(self) -> None:
        presented = MdocPresentation(device_response=bytes(300_000), session=SESSION)
        with pytest.raises(CredentialError) as caught:
            _estimator().estimate(presented)
        assert caught.value.code == "credential_malformed"

    def test_every_byte_counts(self) -> None:
        presented = Wallet(SIGNER).present()
        estimator = _estimator()
        for at in range(0, len(presented), 7):
            spoilt = bytearray(presented)
            spoilt[at] ^= 0x04
            evidence = MdocPresentation(device_response=bytes(spoilt), session=SESSION)
            try:
                estimate = estimator.estimate(evidence)
            except CredentialError:
                continue
            assert estimate.interval(0.9) == (18, 121)
            assert presented[at - 40 : at + 40].count(b"deviceAuth") or at < 40, at


class TestHygiene:
    def test_evidence_is_of_its_type(self) -> None:
        with pytest.raises(ConfigurationError):
            _estimator().estimate(b"x")  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError):
            MdocPresentation(device_response="x", session=SESSION)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError):
            MdocPresentation(device_response=b"x", session=None)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "changes",
        [{"document_type": "eu"}, {"authorities": None}, {"status": True}, {"now": lambda: 3}],
    )
    def test_a_set_up_that_is_wrong_is_refused(self, changes: dict[str, Any]) -> None:
        members: dict[str, Any] = {
            "document_type": EU_PROOF_OF_AGE,
            "authorities": AUTHORITY.authorities(),
            "status": None,
            "now": lambda: NOW,
        }
        with pytest.raises(ConfigurationError):
            MdocEstimator(**members | changes)

    @pytest.mark.parametrize("purpose", ["", "x", 3])
    def test_a_purpose_is_an_object_identifier(self, purpose: Any) -> None:
        with pytest.raises(ConfigurationError):
            DocumentType(doc_type="x", namespace="x", purpose=purpose)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: RedirectSession(
                client_id="c", nonce="short", response_uri="u", key_thumbprint=None
            ),
            lambda: RedirectSession(
                client_id="c", nonce="n" * 22, response_uri="u", key_thumbprint=b"x"
            ),
            lambda: RedirectSession(
                client_id="c", nonce="n" * 22, response_uri="", key_thumbprint=None
            ),
            lambda: RedirectSession(
                client_id="", nonce="n" * 22, response_uri="u", key_thumbprint=None
            ),
            lambda: RedirectSession(
                client_id="c",
                nonce="n" * 22,
                response_uri="u",
                key_thumbprint="t" * 32,  # type: ignore[arg-type]
            ),
            lambda: BrowserSession(origin="", nonce="n" * 22, key_thumbprint=None),
            lambda: BrowserSession(origin="o", nonce="short", key_thumbprint=None),
            lambda: BrowserSession(origin="o", nonce="n" * 22, key_thumbprint=bytes(31)),
            lambda: IsoSession(origin="", encryption_info="x"),
            lambda: IsoSession(origin="o", encryption_info=""),
            lambda: IsoSession(origin="o", encryption_info="x" * 4096),
            lambda: IsoSession(origin="o", encryption_info=b"x"),  # type: ignore[arg-type]
        ],
    )
    def test_sessions_are_checked(self, make: Callable[[], Session]) -> None:
        with pytest.raises(ConfigurationError):
            make()

    def test_the_longest_and_the_shortest_encryption_info(self) -> None:
        for size in (1, 4095):
            assert IsoSession(origin="o", encryption_info="x" * size).transcript()

    def test_what_a_document_says_beside_the_age_is_nowhere(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        elements = {"birth_date": SECRET, "family_name": SECRET, "age_over_18": 3}
        wallet = Wallet(SIGNER, elements=elements)
        presented = MdocPresentation(device_response=wallet.present(), session=SESSION)
        assert SECRET not in repr(presented)
        with pytest.raises(CredentialError) as caught:
            _estimator().estimate(presented)
        frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
        own = [frame for frame in frames if "ageassure" in frame.f_globals.get("__name__", "")]
        assert own
        assert not any(SECRET in repr(frame.f_locals) for frame in own)
        assert SECRET not in str(caught.value)
        assert SECRET not in caplog.text
        estimate = _assess(Wallet(SIGNER, elements={**elements, "age_over_18": True}))
        assert SECRET not in repr(estimate)
        with pytest.raises(TypeError):
            pickle.dumps(estimate)
