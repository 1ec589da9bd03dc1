"""The chip's estimator: set-up, an outside maker (OpenSSL), and no byte that may change."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ageassure.errors import BirthDateError, ConfigurationError, DocumentError
from ageassure.estimators.base import Estimator
from ageassure.estimators.document import ChipAgeEstimator, ChipData, HolderCheck
from ageassure.results import AgeInterval, MethodClass

VECTORS = Path(__file__).parents[3] / "vectors" / "chip"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
ZONE = b"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F3104150ZE184226B<<<<<16"
GROUP = b"\x61\x5b\x5f\x1f\x58" + ZONE


def vector(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text("ascii"))
    return found


PLAIN = vector("accepted/plain")
SIGNED = bytes.fromhex(PLAIN["security_object"])
ANCHOR = bytes.fromhex(PLAIN["country_signing_certificates"][0])
VERSION_10 = ANCHOR.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09", 1)
PEM_OF_VERSION_10 = (
    b"-----BEGIN CERTIFICATE-----\n"
    + base64.encodebytes(VERSION_10)
    + b"-----END CERTIFICATE-----\n"
)


def estimate(
    security_object: Any = SIGNED,
    data_group_1: Any = GROUP,
    anchors: Any = (ANCHOR,),
    at: datetime = NOW,
    check: HolderCheck = HolderCheck.NOT_MADE,
) -> AgeInterval:
    evidence = ChipData(
        security_object=security_object, data_group_1=data_group_1, holder_check=check
    )
    return ChipAgeEstimator(country_signing_certificates=anchors, now=lambda: at).estimate(evidence)


def test_a_chip_alone_is_not_bound() -> None:
    known = estimate()
    assert known.interval(0.5) == (51, 52)
    assert (known.method_class, known.bound) == (MethodClass.VERIFICATION, False)
    assert estimate(check=HolderCheck.LIVE_FACE).bound


@given(index=st.integers(0, len(SIGNED) - 1), bit=st.integers(0, 7))
def test_no_bit_of_the_security_object_can_be_changed(index: int, bit: int) -> None:
    changed = bytearray(SIGNED)
    changed[index] ^= 1 << bit
    with pytest.raises(DocumentError):
        estimate(changed)


def test_no_byte_of_data_group_1_can_be_changed() -> None:
    for index in range(len(GROUP)):
        changed = bytearray(GROUP)
        changed[index] ^= 1
        with pytest.raises(DocumentError) as caught:
            estimate(data_group_1=changed)
        assert caught.value.code == "document_altered"


@given(data=st.binary(max_size=300))
def test_junk_raises_document_errors_alone(data: bytes) -> None:
    with pytest.raises(DocumentError):
        estimate(data)
    with pytest.raises(DocumentError):
        estimate(data_group_1=data)


@given(cut=st.integers(0, len(SIGNED) - 1), data=st.binary(max_size=8))
def test_cut_and_spliced_objects_raise_document_errors_alone(cut: int, data: bytes) -> None:
    for changed in (SIGNED[:cut], SIGNED[:cut] + data + SIGNED[cut + len(data) :]):
        if changed != SIGNED:
            with pytest.raises(DocumentError):
                estimate(changed)


@pytest.mark.parametrize("size", [65_537, 1_000_000])
def test_long_files_are_refused_before_they_are_read(size: int) -> None:
    with pytest.raises(DocumentError, match="expected at most"):
        estimate(bytearray(size))
    with pytest.raises(DocumentError, match="expected at most"):
        estimate(data_group_1=bytearray(size))


def test_files_of_the_greatest_size_are_read() -> None:
    with pytest.raises(DocumentError, match="after the end of an element"):
        estimate(bytearray(65_536))
    with pytest.raises(DocumentError, match="not the one whose hash was signed"):
        estimate(data_group_1=bytearray(128))
    with pytest.raises(DocumentError, match="expected at most"):
        estimate(data_group_1=bytearray(129))


@pytest.mark.parametrize("content", [None, "", 7, memoryview(bytes(9))[::2]])
def test_what_is_no_bytes_is_refused(content: Any) -> None:
    for part in ({"security_object": content}, {"data_group_1": content}):
        with pytest.raises(DocumentError) as caught:
            estimate(**part)
        assert caught.value.code == "document_malformed"


def test_both_files_are_wiped_even_if_one_is_refused() -> None:
    signed, group = bytearray(SIGNED), bytearray(GROUP)
    estimate(signed, group)
    assert not any(signed)
    assert not any(group)
    group = bytearray(GROUP)
    with pytest.raises(DocumentError):
        estimate(None, group)
    assert not any(group)


def test_an_unknown_birth_date_says_nothing() -> None:
    zone = (
        b"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO<<<<<<0F3104150ZE184226B<<<<<16"
    )
    row = zone[44:87].decode()
    covered = [int(c, 36) if c.isalnum() else 0 for c in row[:10] + row[13:20] + row[21:43]]
    digit = sum(v * (7, 3, 1)[i % 3] for i, v in enumerate(covered)) % 10
    made = Made(ec.SECP256R1())
    group = GROUP[:5] + zone[:87] + str(digit).encode()
    assert made.estimate(group).interval(0.5) == (0, 121)


def test_the_clock_decides() -> None:
    for at, code in (
        (datetime(2023, 1, 1, tzinfo=UTC), "document_untrusted"),
        (datetime(2031, 4, 17, tzinfo=UTC), "document_expired"),
        (datetime(2036, 1, 1, tzinfo=UTC), "document_untrusted"),
    ):
        with pytest.raises(DocumentError) as caught:
            estimate(at=at)
        assert caught.value.code == code


def test_pem_files_are_taken_with_all_their_certificates() -> None:
    own = x509.load_der_x509_certificate(ANCHOR).public_bytes(Encoding.PEM)
    other = vector("document_untrusted/other_state")["country_signing_certificates"][0]
    bundle = x509.load_der_x509_certificate(bytes.fromhex(other)).public_bytes(Encoding.PEM) + own
    assert estimate(anchors=[bundle]).interval(0.5) == (51, 52)
    assert estimate(anchors=iter([own])).interval(0.5) == (51, 52)


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        ([], "no country signing"),
        (ANCHOR, "one certificate"),
        ("text", "one certificate"),
        (["text"], "expected bytes"),
        ([bytearray(ANCHOR)], "expected bytes"),
        ([b""], "not taken"),
        ([ANCHOR[:-1]], "not taken"),
        ([ANCHOR + b"\x00"], "not taken"),
        ([b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"], "cannot be read"),
        ([PEM_OF_VERSION_10], "cannot be read"),
    ],
)
def test_a_set_up_that_trusts_nobody_or_anybody_is_refused(anchors: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        ChipAgeEstimator(country_signing_certificates=anchors)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("true", "false"),
    [
        pytest.param(b"\x03\x02\x01\x06", b"\x03\x02\x01\x02", id="signs lists only"),
        pytest.param(b"\x03\x02\x01\x06", b"\x03\x02\x00\x01", id="enciphers only"),
        pytest.param(b"\x01\x01\xff\x02", b"\x01\x01\x00\x02", id="is no authority"),
    ],
)
def test_who_may_not_sign_certificates_is_no_anchor(true: bytes, false: bytes) -> None:
    assert ANCHOR.count(true) == 1
    changed = ANCHOR.replace(true, false)  # its own signature is not looked at
    with pytest.raises(ConfigurationError, match="no authority's"):
        ChipAgeEstimator(country_signing_certificates=[changed])


def test_a_document_signer_is_no_anchor() -> None:
    signer = Made(ec.SECP256R1()).signer.public_bytes(Encoding.DER)
    with pytest.raises(ConfigurationError, match="no authority's"):
        ChipAgeEstimator(country_signing_certificates=[ANCHOR, signer])


def test_other_evidence_is_refused() -> None:
    estimator = ChipAgeEstimator(country_signing_certificates=[ANCHOR])
    assert isinstance(estimator, Estimator)
    unknown: Any = SIGNED
    with pytest.raises(DocumentError, match="no ChipData"):
        estimator.estimate(unknown)
    yes: Any = True
    with pytest.raises(ConfigurationError):
        ChipData(security_object=b"", data_group_1=b"", holder_check=yes)


class Made:
    """A state, a document signer and a security object, none of them made by our own kit."""

    def __init__(self, curve: ec.EllipticCurve | None, *, pss: bool = False) -> None:
        self.pss = pss
        self.keys = [
            ec.generate_private_key(curve)
            if curve
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
            for _ in range(2)
        ]
        self.names = [
            x509.Name(
                [
                    x509.NameAttribute(NameOID.COUNTRY_NAME, "UT"),
                    x509.NameAttribute(NameOID.COMMON_NAME, n),
                ]
            )
            for n in ("State", "Signer")
        ]
        self.state, self.signer = self._certificate(0), self._certificate(1)

    def _certificate(self, which: int) -> x509.Certificate:
        ca = which == 0
        usage = dict.fromkeys(
            (
                "digital_signature",
                "key_cert_sign",
                "crl_sign",
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        usage |= {"key_cert_sign": True, "crl_sign": True} if ca else {"digital_signature": True}
        state_key = self.keys[0].public_key()
        builder = (
            x509.CertificateBuilder()
            .issuer_name(self.names[0])
            .subject_name(self.names[which])
            .public_key(self.keys[which].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=9))
            .not_valid_after(NOW + timedelta(days=3650))
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(state_key), critical=False
            )
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self.keys[which].public_key()),
                critical=False,
            )
        )
        if ca:
            builder = builder.add_extension(
                x509.BasicConstraints(ca=True, path_length=0), critical=True
            )
        if self.pss:
            scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
            return builder.sign(self.keys[0], hashes.SHA256(), rsa_padding=scheme)
        return builder.sign(self.keys[0], hashes.SHA256())

    def security_object(self, group: bytes) -> bytes:
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("needs openssl")
        values = b"".join(
            b"\x30\x25\x02\x01" + bytes([n]) + b"\x04\x20" + hashlib.sha256(g).digest()
            for n, g in ((1, group), (2, b"a portrait"))
        )
        sha256 = bytes.fromhex("300b0609608648016503040201")
        body = b"\x02\x01\x00" + sha256 + b"\x30" + bytes([len(values)]) + values
        key = self.keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem = self.signer.public_bytes(Encoding.PEM)
        extra = (
            ["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:32"] if self.pss else []
        )
        with TemporaryDirectory() as folder:
            Path(folder, "signer.pem").write_bytes(pem + key)
            Path(folder, "content").write_bytes(b"\x30" + bytes([len(body)]) + body)
            command = [
                openssl,
                "cms",
                "-sign",
                "-binary",
                "-nodetach",
                "-outform",
                "DER",
                "-econtent_type",
                "2.23.136.1.1.1",
                "-md",
                "sha256",
                "-nosmimecap",
                "-signer",
                f"{folder}/signer.pem",
                *extra,
                "-in",
                f"{folder}/content",
            ]
            message = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
        size = len(message)
        return b"\x77\x82" + size.to_bytes(2, "big") + message

    def estimate(self, group: bytes) -> AgeInterval:
        anchor = self.state.public_bytes(Encoding.DER)
        return estimate(self.security_object(group), group, [anchor])


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: Made(ec.SECP256R1()), id="P-256"),
        pytest.param(lambda: Made(ec.SECP521R1()), id="P-521"),
        pytest.param(lambda: Made(ec.BrainpoolP384R1()), id="brainpoolP384r1"),
        pytest.param(lambda: Made(None), id="RSA"),
        pytest.param(lambda: Made(None, pss=True), id="RSA-PSS"),
    ],
)
def test_what_openssl_signs_is_accepted(made: Any) -> None:
    maker = made()
    assert maker.estimate(GROUP).interval(0.5) == (51, 52)
    other = Made(ec.SECP256R1()).state.public_bytes(Encoding.DER)
    with pytest.raises(DocumentError) as caught:
        estimate(maker.security_object(GROUP), GROUP, [other])
    assert caught.value.code == "document_untrusted"


def test_an_impossible_birth_date_that_a_state_signed_is_refused() -> None:
    zone = ZONE.replace(b"7408122F", b"7413123F")
    row = zone[44:87].decode()
    value = [int(c, 36) if c.isalnum() else 0 for c in "741312"]
    digit = str(sum(v * (7, 3, 1)[i % 3] for i, v in enumerate(value)) % 10)
    row = row[:19] + digit + row[20:]
    covered = [int(c, 36) if c.isalnum() else 0 for c in row[:10] + row[13:20] + row[21:43]]
    last = str(sum(v * (7, 3, 1)[i % 3] for i, v in enumerate(covered)) % 10)
    with pytest.raises(BirthDateError):
        Made(ec.SECP256R1()).estimate(GROUP[:5] + zone[:44] + (row + last).encode())
