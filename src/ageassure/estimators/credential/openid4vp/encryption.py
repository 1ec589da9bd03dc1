"""Encrypted answers (OpenID4VP 1.0, 8.3): the only module that decrypts a JWE.

Compact JWE (RFC 7516), ECDH-ES in direct key agreement on P-256 (RFC 7518, 4.6) with AES-GCM. The
header never chooses beyond these; compression and extensions are refused.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from ageassure.errors import ConfigurationError, KeySetError
from ageassure.estimators.credential.refusal import malformed
from ageassure.tokens import base64url
from ageassure.tokens.keys import PublicJWK, jwk_thumbprint
from ageassure.tokens.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_BYTES: Final = {"A128GCM": 16, "A256GCM": 32}
"""Content encryption algorithms, with the bytes of their keys."""

MAX_JWE_CHARACTERS: Final = 256 * 1024
_HEADER_MEMBERS: Final = frozenset({"alg", "enc", "epk", "kid", "apu", "apv", "typ", "cty"})
_EPHEMERAL_MEMBERS: Final = ("kty", "crv", "x", "y")
_PRIVATE_BYTES: Final = 32
_IV_BYTES: Final = 12
_TAG_BYTES: Final = 16
_REFUSED: Final = "got an answer that is not encrypted to this request's key"


@final
class ResponseKey:
    """A key for one request's answer: generate one for each, and store it beside the request.

    It is shown by no ``repr`` and is not pickled; :meth:`private_bytes` is for your own store.

    Args:
        key: A P-256 private key.

    Raises:
        ConfigurationError: If it is anything else.
    """

    __slots__ = ("_key", "_thumbprint", "public_jwk")

    public_jwk: dict[str, str]
    """The JWK for the request's ``client_metadata``."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        given: object = key
        if not (
            isinstance(given, ec.EllipticCurvePrivateKey) and isinstance(given.curve, ec.SECP256R1)
        ):
            raise ConfigurationError("got another kind of key, expected one on P-256")
        self._key = key
        public = PublicJWK.from_key(key.public_key(), alg="ES256").to_dict()
        members = {name: public[name] for name in _EPHEMERAL_MEMBERS}
        self._thumbprint = jwk_thumbprint(members)
        self.public_jwk = {**members, "use": "enc", "alg": "ECDH-ES", "kid": self._thumbprint}

    @classmethod
    def generate(cls) -> ResponseKey:
        """A fresh key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_private_bytes(cls, secret: bytes) -> ResponseKey:
        """Read what :meth:`private_bytes` gave.

        Raises:
            ConfigurationError: If it is no such key.
        """
        key, given = None, bytes(secret) if type(secret) is bytes else b""
        if len(given) == _PRIVATE_BYTES:
            with suppress(ValueError):  # raised below, without the secret in a traceback
                key = ec.derive_private_key(int.from_bytes(given, "big"), ec.SECP256R1())
        if key is None:
            raise ConfigurationError("got no private key of 32 bytes on P-256")
        return cls(key)

    def private_bytes(self) -> bytes:
        """The secret scalar, 32 bytes: as confidential as the answer, and of no use after it."""
        return self._key.private_numbers().private_value.to_bytes(_PRIVATE_BYTES, "big")

    @property
    def thumbprint(self) -> str:
        """RFC 7638 thumbprint, the key's ``kid``; part of an mdoc's session transcript."""
        return self._thumbprint

    def decrypt(self, text: object) -> bytes:
        """Decrypt an answer.

        Raises:
            CredentialError: ``credential_malformed`` if it is no JWE of this kind to this key.
        """
        if not isinstance(text, str) or len(text) > MAX_JWE_CHARACTERS or not text.isascii():
            raise malformed(f"got no encrypted answer of at most {MAX_JWE_CHARACTERS} characters")
        segments = text.encode("ascii").split(b".")
        parts = [base64url.decode(segment) for segment in segments]
        if len(parts) != 5:
            raise malformed(_REFUSED)
        header, encrypted_key, iv, ciphertext, tag = parts
        members = None if header is None else parse_object(header)
        if (
            members is None
            or encrypted_key != b""
            or iv is None
            or len(iv) != _IV_BYTES
            or ciphertext is None
            or tag is None
            or len(tag) != _TAG_BYTES
        ):
            raise malformed(_REFUSED)
        key = self._content_key(members)
        plaintext = None
        with suppress(InvalidTag):  # raised below, without its frames
            plaintext = AESGCM(key).decrypt(iv, ciphertext + tag, segments[0])
        if plaintext is None:
            raise malformed(_REFUSED)
        return plaintext

    def _content_key(self, header: Mapping[str, object]) -> bytes:
        enc = header.get("enc")
        length = KEY_BYTES.get(enc) if isinstance(enc, str) else None
        infos = [_party_info(header, name) for name in ("apu", "apv")]
        epk = header.get("epk")
        if (
            not header.keys() <= _HEADER_MEMBERS
            or header.get("alg") != "ECDH-ES"
            or length is None
            or header.get("kid", self._thumbprint) != self._thumbprint
            or not isinstance(epk, dict)
            or None in infos
        ):
            raise malformed(_REFUSED)
        other_info = _length_prefixed(str(enc).encode("ascii"))
        other_info += b"".join(_length_prefixed(info or b"") for info in infos)
        other_info += (8 * length).to_bytes(4, "big")
        shared = self._key.exchange(ec.ECDH(), _ephemeral(epk))
        return ConcatKDFHash(hashes.SHA256(), length, other_info).derive(shared)

    def __repr__(self) -> str:
        return f"<ResponseKey kid={self._thumbprint} (key hidden)>"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a ResponseKey is secret and is neither pickled nor copied")


def _ephemeral(epk: Mapping[str, object]) -> ec.EllipticCurvePublicKey:
    key: object = None
    members = {name: epk.get(name) for name in _EPHEMERAL_MEMBERS}
    with suppress(KeySetError):  # raised below, without its frames
        key = PublicJWK.from_dict({**members, "kid": "epk"}).key
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise malformed("got an encrypted answer without a good ephemeral key")
    return key


def _party_info(header: Mapping[str, object], name: str) -> bytes | None:
    return base64url.decode_text(header[name]) if name in header else b""


def _length_prefixed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
