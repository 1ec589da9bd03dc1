"""Whose keys are believed: pinned ones, published metadata, and certificates under anchors."""

from __future__ import annotations

import base64
import itertools
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ageassure.errors import ConfigurationError, KeySetUnavailableError
from ageassure.estimators.credential import TrustAnchors, TrustedIssuers
from ageassure.tokens import JWKSet, SigningKey

from .wallets import ISSUER, KEY, NOW, OTHER, Credential, adult, code_of, interval, refusal

HOST = x509.DNSName("issuer.example")
_serials = itertools.count(1)


def authority_usage(*, certs: bool = True, signs: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certs,
        crl_sign=certs,
        encipher_only=False,
        decipher_only=False,
    )


def certificate(
    key: Any,
    signer: Any,
    *,
    name: str = "leaf",
    by: str = "root",
    authority: bool | None = False,
    names: tuple[x509.GeneralName, ...] = (HOST,),
    days: tuple[int, int] = (-10, 10),
    extensions: tuple[x509.ExtensionType, ...] = (),
    critical: tuple[x509.ExtensionType, ...] = (),
    path_length: int | None = None,
) -> x509.Certificate:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(by))
        .public_key(key.public_key())
        .serial_number(next(_serials))
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
        )
    )
    if authority is not None:
        builder = builder.add_extension(x509.BasicConstraints(authority, path_length), True)
    if names and not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    for extension in extensions:
        builder = builder.add_extension(extension, False)
    for extension in critical:
        builder = builder.add_extension(extension, True)
    return builder.sign(signer, hashes.SHA256())


ROOT_KEY, MIDDLE_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
LEAF = SigningKey.generate()
LEAF_KEY: Any = LEAF._key


def middle(**changes: Any) -> x509.Certificate:
    arguments: dict[str, Any] = {"name": "middle", "authority": True}
    arguments["critical"] = (authority_usage(),)
    return certificate(MIDDLE_KEY, ROOT_KEY, **(arguments | changes))


def leaf(**changes: Any) -> x509.Certificate:
    return certificate(LEAF_KEY, MIDDLE_KEY, **({"by": "middle"} | changes))


ROOT = certificate(ROOT_KEY, ROOT_KEY, name="root", authority=True, critical=(authority_usage(),))
ANCHORED = TrustedIssuers(anchors=TrustAnchors([ROOT]))


def shown(*chain: x509.Certificate, iss: str | None = ISSUER) -> Credential:
    """A credential of the certificates' first, which shows them."""
    credential = adult()
    credential.key = LEAF
    x5c = [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in chain]
    credential.header = {"alg": "ES256", "typ": "dc+sd-jwt", "x5c": x5c}
    if iss is None:
        del credential.payload["iss"]
    else:
        credential.payload["iss"] = iss
    return credential


class TestCertificates:
    @pytest.mark.parametrize(
        ("names", "iss"),
        [
            ((HOST,), ISSUER),
            ((HOST,), "https://issuer.example:8443/x"),
            ((x509.DNSName("ISSUER.example"),), ISSUER),
            ((x509.UniformResourceIdentifier(ISSUER),), ISSUER),
            ((x509.RFC822Name("a@example.com"), HOST), ISSUER),
            ((HOST,), None),
            ((), None),
        ],
    )
    def test_a_certified_issuer(self, names: tuple[x509.GeneralName, ...], iss: str | None) -> None:
        assert interval(shown(leaf(names=names), middle(), iss=iss), issuers=ANCHORED) == (18, 65)

    def test_with_the_anchor_itself_in_the_chain(self) -> None:
        assert interval(shown(leaf(), middle(), ROOT), issuers=ANCHORED) == (18, 65)

    def test_the_anchor_may_be_the_direct_issuer(self) -> None:
        direct = TrustedIssuers(anchors=TrustAnchors([middle()]))
        assert interval(shown(leaf()), issuers=direct) == (18, 65)

    @pytest.mark.parametrize(
        ("names", "iss"),
        [
            ((HOST,), "https://other.example"),
            ((x509.UniformResourceIdentifier("issuer.example"),), ISSUER),
            ((x509.DNSName("example"),), ISSUER),
            ((x509.DNSName("*.example"),), ISSUER),
            ((x509.UniformResourceIdentifier(ISSUER + "/"),), ISSUER),
            ((), ISSUER),
            ((HOST,), "issuer.example"),
            ((HOST,), "https://[issuer.example"),
        ],
    )
    def test_another_name(self, names: tuple[x509.GeneralName, ...], iss: str) -> None:
        credential = shown(leaf(names=names), middle(), iss=iss)
        assert refusal(credential, issuers=ANCHORED) == "untrusted"

    @pytest.mark.parametrize("iss", [1, ["https://issuer.example"], {}])
    def test_a_name_that_is_no_text(self, iss: Any) -> None:
        assert refusal(shown(leaf(), middle(), iss=iss), issuers=ANCHORED) == "untrusted"

    @pytest.mark.parametrize(
        "chain",
        [
            (leaf(),),
            (leaf(), ROOT),
            (middle(),),
            (leaf(days=(-10, -1)), middle()),
            (leaf(days=(1, 10)), middle()),
            (leaf(), middle(days=(-10, -1))),
            (leaf(authority=True), middle()),
            (leaf(extensions=(authority_usage(certs=False),)), middle()),
            (leaf(), middle(critical=(authority_usage(certs=False, signs=True),))),
            (leaf(), middle(authority=False)),
            (
                leaf(
                    critical=(
                        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
                    )
                ),
                middle(),
            ),
            (certificate(LEAF_KEY, ROOT_KEY, by="middle"), middle()),
            (certificate(LEAF_KEY, LEAF_KEY, by="leaf"),),
        ],
        ids=range(13),
    )
    def test_a_chain_that_does_not_hold(self, chain: tuple[x509.Certificate, ...]) -> None:
        assert refusal(shown(*chain), issuers=ANCHORED) == "untrusted"

    def test_an_authority_signs_no_credential(self) -> None:
        both = authority_usage(signs=True)
        signer = leaf(authority=True, critical=(both,))
        assert refusal(shown(signer, middle(), iss=None), issuers=ANCHORED) == "untrusted"
        bare = leaf(authority=None)
        assert interval(shown(bare, middle()), issuers=ANCHORED) == (18, 65)
        signer = leaf(names=(), critical=(authority_usage(certs=False, signs=True),))
        assert interval(shown(signer, middle(), iss=None), issuers=ANCHORED) == (18, 65)

    def test_as_many_and_as_long_certificates_as_are_taken(self) -> None:
        other = certificate(LEAF_KEY, LEAF_KEY)
        assert interval(shown(leaf(), middle(), ROOT, other), issuers=ANCHORED) == (18, 65)
        long, size = shown(leaf(), middle()), 5000
        while len(long.header["x5c"][0]) < 8192:
            filler = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(size))
            long, size = shown(leaf(extensions=(filler,)), middle()), size + 1
        assert len(long.header["x5c"][0]) == 8192
        assert interval(long, issuers=ANCHORED) == (18, 65)
        while len(long.header["x5c"][0]) < 8196:
            filler = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(size))
            long, size = shown(leaf(extensions=(filler,)), middle()), size + 1
        assert refusal(long, issuers=ANCHORED) == "malformed"

    def test_another_anchor(self) -> None:
        other = certificate(
            LEAF_KEY, LEAF_KEY, name="root", authority=True, critical=(authority_usage(),)
        )
        others = TrustedIssuers(anchors=TrustAnchors([other]))
        assert refusal(shown(leaf(), middle()), issuers=others) == "untrusted"

    def test_the_key_must_have_signed(self) -> None:
        credential = shown(leaf(), middle())
        credential.key = OTHER
        assert refusal(credential, issuers=ANCHORED) == "untrusted"

    @pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "EdDSA", None, 1])
    def test_another_algorithm(self, alg: Any) -> None:
        credential = shown(leaf(), middle())
        credential.header["alg"] = alg
        assert refusal(credential, issuers=ANCHORED) == "untrusted"

    def test_a_key_of_another_curve(self) -> None:
        key = ec.generate_private_key(ec.SECP384R1())
        chain = (certificate(key, MIDDLE_KEY, by="middle"), middle())
        assert refusal(shown(*chain), issuers=ANCHORED) == "untrusted"

    @pytest.mark.parametrize(
        "x5c",
        [
            None,
            [],
            "AAAA",
            [1],
            ["!"],
            ["AAAA"],
            ["AA-_"],
            ["\u00e9"],
            ["A" * 9000],
            ["AAAA"] * 5,
            [["AAAA"]],
        ],
    )
    def test_no_certificates(self, x5c: Any) -> None:
        credential = shown()
        credential.header["x5c"] = x5c
        assert refusal(credential, issuers=ANCHORED) == "malformed"

    @pytest.mark.parametrize("place", range(0, 760, 3))
    def test_whatever_byte_of_a_certificate_is_changed(self, place: int) -> None:
        """cryptography raises more kinds of errors than ``ValueError``, and reads keys lazily."""
        chain = (leaf(), middle())
        der = bytearray(chain[place % 2].public_bytes(Encoding.DER))
        der[place // 2 % len(der)] ^= 1 << place % 7
        credential = shown(*chain)
        credential.header["x5c"][place % 2] = base64.b64encode(der).decode()
        assert refusal(credential, issuers=ANCHORED) in ("malformed", "untrusted")

    def test_a_version_that_is_none(self) -> None:
        # Found by fuzzing: the version's error is no ValueError.
        der = leaf().public_bytes(Encoding.DER)
        assert der.count(b"\xa0\x03\x02\x01\x02") == 1
        credential = shown(leaf(), middle())
        changed = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x1a")
        credential.header["x5c"][0] = base64.b64encode(changed).decode()
        assert refusal(credential, issuers=ANCHORED) == "malformed"
        text = b"-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n"
        with pytest.raises(ConfigurationError):
            TrustAnchors.from_pem(text % base64.b64encode(changed))

    def test_without_anchors_no_certificate_is_believed(self) -> None:
        pinned = TrustedIssuers({"https://other.example": KEY.public_set()})
        assert refusal(shown(leaf(), middle()), issuers=pinned) == "untrusted"

    def test_without_a_certificate_no_anchor_helps(self) -> None:
        assert refusal(adult(), issuers=ANCHORED) == "untrusted"

    def test_a_pinned_issuer_is_checked_with_its_own_keys(self) -> None:
        both = TrustedIssuers({ISSUER: KEY.public_set()}, anchors=TrustAnchors([ROOT]))
        credential = shown(leaf(), middle())
        assert refusal(credential, issuers=both) == "untrusted"
        credential.key = KEY
        assert interval(credential, issuers=both) == (18, 65)

    def test_anchors_in_pem(self) -> None:
        text = ROOT.public_bytes(Encoding.PEM) + middle().public_bytes(Encoding.PEM)
        anchors = TrustAnchors.from_pem(text)
        assert interval(shown(leaf()), issuers=TrustedIssuers(anchors=anchors)) == (18, 65)

    @pytest.mark.parametrize("text", [b"", b"x", "text", None])
    def test_no_anchors_in_pem(self, text: Any) -> None:
        with pytest.raises(ConfigurationError) as caught:
            TrustAnchors.from_pem(text)
        assert caught.value.__context__ is None

    @pytest.mark.parametrize("anchors", [[], ["text"], [None]])
    def test_no_anchors(self, anchors: Any) -> None:
        with pytest.raises(ConfigurationError):
            TrustAnchors(anchors)


class Source:
    """A key source that is told what to give."""

    def __init__(self, first: object, then: object = None) -> None:
        self.gives: dict[str | None, object] = {None: first}
        self.then = then
        self.asked: list[str | None] = []

    def key_set(self, missing: str | None = None) -> Any:
        self.asked.append(missing)
        answer = self.gives.get(missing, self.then)
        if isinstance(answer, Exception):
            raise answer
        return answer


class TestSources:
    def test_a_key_at_hand(self) -> None:
        source = Source(KEY.public_set())
        assert interval(adult(), issuers=TrustedIssuers({ISSUER: source})) == (18, 65)
        assert source.asked == [None]

    def test_a_key_that_is_looked_for(self) -> None:
        source = Source(OTHER.public_set(), KEY.public_set())
        assert interval(adult(), issuers=TrustedIssuers({ISSUER: source})) == (18, 65)
        assert source.asked == [None, KEY.kid]

    def test_a_key_that_is_nowhere(self) -> None:
        source = Source(OTHER.public_set(), OTHER.public_set())
        assert refusal(adult(), issuers=TrustedIssuers({ISSUER: source})) == "untrusted"

    @pytest.mark.parametrize("first", [KeySetUnavailableError("x"), OSError("secret"), None, "x"])
    def test_keys_that_cannot_be_had(self, first: object) -> None:
        trusted = TrustedIssuers({ISSUER: Source(first)})
        assert refusal(adult(), issuers=trusted) == "unverifiable"

    def test_a_name_that_is_too_long_is_not_looked_for(self) -> None:
        source = Source(KEY.public_set(), KEY.public_set())
        credential = adult()
        credential.header["kid"] = "k" * 257
        assert refusal(credential, issuers=TrustedIssuers({ISSUER: source})) == "untrusted"
        assert source.asked == []
        credential.header["kid"] = "k" * 256
        assert refusal(credential, issuers=TrustedIssuers({ISSUER: source})) == "untrusted"
        assert source.asked == [None, "k" * 256]


class TestSetup:
    @pytest.mark.parametrize(
        "issuers",
        [
            None,
            {},
            [ISSUER],
            {"http://issuer.example": KEY.public_set()},
            {ISSUER: None},
            {ISSUER: KEY.public},
        ],
    )
    def test_bad_issuers(self, issuers: Any) -> None:
        with pytest.raises(ConfigurationError):
            TrustedIssuers(issuers)

    def test_the_mapping_is_copied(self) -> None:
        mapping = {ISSUER: JWKSet(keys=(KEY.public,))}
        trusted = TrustedIssuers(mapping)
        mapping.clear()
        assert interval(adult(), issuers=trusted) == (18, 65)


def test_a_refusal_holds_no_certificate() -> None:
    anchors = TrustAnchors([ROOT])
    assert code_of(lambda: anchors.key({"x5c": ["AAAA"]}, issuer=None, at=NOW)) == "malformed"
