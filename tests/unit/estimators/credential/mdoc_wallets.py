"""An issuing authority, its document signers and a wallet, with keys made for one test run."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from ageassure.estimators.credential.mdoc import (
    EU_PROOF_OF_AGE,
    BrowserSession,
    DocumentAuthorities,
    DocumentType,
    Session,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SESSION = BrowserSession(origin="https://age.example", nonce="n" * 22, key_thumbprint=None)

MALFORMED_NAMES = bytes.fromhex("30300603551d1204293027822568747470733a2f2f") + b"example.invalid"
"""An issuer alternative name as the European reference issuer writes it: it nests the extension
once more, and the length does not fit."""

_CURVE_HASHES: dict[str, tuple[int, Any]] = {
    "secp256r1": (-7, hashes.SHA256()),
    "brainpoolP256r1": (-7, hashes.SHA256()),
    "secp384r1": (-35, hashes.SHA384()),
    "secp521r1": (-36, hashes.SHA512()),
}
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def name(common: str, country: str = "UT") -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common),
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, country),
        ]
    )


@dataclass
class Authority:
    """Signs document signers' certificates."""

    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    subject: x509.Name = field(default_factory=lambda: name("Test authority"))
    ca: bool = True
    not_before: datetime = NOW - 365 * DAY
    not_after: datetime = NOW + 3650 * DAY
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    usage: dict[str, bool] = field(default_factory=lambda: {"key_cert_sign": True})

    def certificate(self) -> x509.Certificate:
        public = self.key.public_key()
        constraints = x509.BasicConstraints(ca=self.ca, path_length=0 if self.ca else None)
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(self.subject)
            .public_key(public)
            .serial_number(1)
            .not_valid_before(self.not_before)
            .not_valid_after(self.not_after)
            .add_extension(constraints, critical=True)
            .add_extension(key_usage(**self.usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.UnrecognizedExtension(x509.IssuerAlternativeName.oid, MALFORMED_NAMES),
                critical=False,
            )
        )
        for extension, critical in self.extra:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hashes.SHA256())

    def authorities(self) -> DocumentAuthorities:
        return DocumentAuthorities([self.certificate()])


def pem_of_version_10() -> bytes:
    """An authority's certificate that says that it is of a version that there is not."""
    der = Authority().certificate().public_bytes(Encoding.DER)
    spoilt = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09", 1)
    text = base64.encodebytes(spoilt)
    return b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n"


def key_usage(**set_bits: bool) -> x509.KeyUsage:
    bits = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**bits | set_bits)


@dataclass
class Signer:
    """A document signer; its certificate can be spoilt member by member."""

    authority: Authority
    key: PrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    subject: x509.Name = field(default_factory=lambda: name("Test signer"))
    issuer: x509.Name | None = None
    not_before: datetime = NOW - 100 * DAY
    not_after: datetime = NOW + 100 * DAY
    purposes: tuple[str, ...] = (EU_PROOF_OF_AGE.purpose,)
    purpose_critical: bool = True
    usage: dict[str, bool] = field(default_factory=lambda: {"digital_signature": True})
    ca: bool | None = None
    key_identifier: bytes | None = None
    hash_algorithm: Any = field(default_factory=hashes.SHA256)
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = (
        (x509.UnrecognizedExtension(x509.IssuerAlternativeName.oid, MALFORMED_NAMES), False),
    )

    def certificate(self) -> bytes:
        identifier = self.key_identifier
        if identifier is None:
            public = self.authority.key.public_key()
            identifier = x509.SubjectKeyIdentifier.from_public_key(public).digest
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(self.issuer or self.authority.subject)
            .public_key(self.key.public_key())
            .serial_number(2)
            .not_valid_before(self.not_before)
            .not_valid_after(self.not_after)
            .add_extension(x509.AuthorityKeyIdentifier(identifier, None, None), critical=False)
            .add_extension(key_usage(**self.usage), critical=True)
        )
        if self.purposes:
            purposes = x509.ExtendedKeyUsage([x509.ObjectIdentifier(p) for p in self.purposes])
            builder = builder.add_extension(purposes, critical=self.purpose_critical)
        if self.ca is not None:
            constraints = x509.BasicConstraints(ca=self.ca, path_length=None)
            builder = builder.add_extension(constraints, critical=True)
        for extension, critical in self.extra:
            builder = builder.add_extension(extension, critical=critical)
        signed = builder.sign(self.authority.key, self.hash_algorithm)
        return signed.public_bytes(Encoding.DER)


def sign1(key: PrivateKey, payload: bytes, *, algorithm: int | None = None) -> tuple[bytes, bytes]:
    """The protected header and the signature over ``payload``."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        protected = cbor2.dumps({1: -8 if algorithm is None else algorithm})
        return protected, key.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
    own, hash_algorithm = _CURVE_HASHES[key.curve.name]
    if algorithm is not None:
        own, hash_algorithm = next(each for each in _CURVE_HASHES.values() if each[0] == algorithm)
    protected = cbor2.dumps({1: own})
    to_sign = cbor2.dumps(["Signature1", protected, b"", payload])
    r, s = decode_dss_signature(key.sign(to_sign, ec.ECDSA(hash_algorithm)))
    half = (key.curve.key_size + 7) // 8
    return protected, r.to_bytes(half, "big") + s.to_bytes(half, "big")


def cose_key(key: PrivateKey) -> dict[int, Any]:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {1: 1, -1: 6, -2: key.public_key().public_bytes_raw()}
    numbers = key.public_key().public_numbers()
    half = (key.curve.key_size + 7) // 8
    curve = {"secp256r1": 1, "secp384r1": 2, "secp521r1": 3}.get(key.curve.name, 256)
    return {
        1: 2,
        -1: curve,
        -2: numbers.x.to_bytes(half, "big"),
        -3: numbers.y.to_bytes(half, "big"),
    }


@dataclass
class Wallet:
    """Holds one document and presents it; every part can be spoilt before it is signed."""

    signer: Signer
    elements: dict[str, Any] = field(default_factory=lambda: {"age_over_18": True})
    document_type: DocumentType = EU_PROOF_OF_AGE
    device_key: PrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    signed: datetime = NOW - 10 * DAY
    valid_from: datetime = NOW - 10 * DAY
    valid_until: datetime = NOW + 80 * DAY
    hash_name: str = "SHA-256"
    status: Any = None
    security_object: dict[str, Any] = field(default_factory=dict)
    random_bytes: int = 32
    device_algorithm: int | None = None
    device_content: bytes = b"\xa0"

    def items(self) -> list[bytes]:
        return [
            cbor2.dumps(
                {
                    "random": bytes(range(self.random_bytes)),
                    "digestID": number,
                    "elementValue": value,
                    "elementIdentifier": identifier,
                }
            )
            for number, (identifier, value) in enumerate(self.elements.items())
        ]

    def issuer_signed(self) -> dict[str, Any]:
        namespace = self.document_type.namespace
        hash_name = self.hash_name.replace("-", "").lower()
        digests = {
            number: hashlib.new(hash_name, cbor2.dumps(cbor2.CBORTag(24, item))).digest()
            for number, item in enumerate(self.items())
        }
        security_object: dict[str, Any] = {
            "version": "1.0",
            "docType": self.document_type.doc_type,
            "digestAlgorithm": self.hash_name,
            "valueDigests": {namespace: digests},
            "deviceKeyInfo": {"deviceKey": cose_key(self.device_key)},
            "validityInfo": {
                "signed": self.signed,
                "validFrom": self.valid_from,
                "validUntil": self.valid_until,
            },
        }
        if self.status is not None:
            security_object["status"] = self.status
        security_object |= self.security_object
        payload = cbor2.dumps(cbor2.CBORTag(24, cbor2.dumps(security_object)))
        protected, signature = sign1(self.signer.key, payload)
        return {
            "nameSpaces": {namespace: [cbor2.CBORTag(24, item) for item in self.items()]},
            "issuerAuth": [protected, {33: self.signer.certificate()}, payload, signature],
        }

    def device_signed(self, session: Session) -> dict[str, Any]:
        authentication = cbor2.dumps(
            [
                "DeviceAuthentication",
                session.transcript(),
                self.document_type.doc_type,
                cbor2.CBORTag(24, self.device_content),
            ]
        )
        payload = cbor2.dumps(cbor2.CBORTag(24, authentication))
        protected, signature = sign1(self.device_key, payload, algorithm=self.device_algorithm)
        return {
            "nameSpaces": cbor2.CBORTag(24, self.device_content),
            "deviceAuth": {"deviceSignature": [protected, {}, None, signature]},
        }

    def response(self, session: Session = SESSION) -> dict[str, Any]:
        return {
            "version": "1.0",
            "documents": [
                {
                    "docType": self.document_type.doc_type,
                    "issuerSigned": self.issuer_signed(),
                    "deviceSigned": self.device_signed(session),
                }
            ],
            "status": 0,
        }

    def present(self, session: Session = SESSION) -> bytes:
        return cbor2.dumps(self.response(session))
