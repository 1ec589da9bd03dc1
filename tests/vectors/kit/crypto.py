"""The public test keys, and signatures that come out the same on every run.

ES256 signs with the deterministic nonce of RFC 6979, RS256 (RFC 8017, 8.2) and Ed25519 (RFC 8032)
are deterministic anyway. PS256 is randomised by design, so its encoding (EMSA-PSS, RFC 8017,
9.1.1) is done here with a salt derived from the message; the result is an ordinary PS256 signature.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

KEYS_FILE = Path(__file__).resolve().parent.parent / "public_test_keys.json"

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order n of P-256 (SP 800-186, 3.2.1.3)."""

ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
"""Order L of edwards25519's base point (RFC 8032, 5.1)."""

_THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
_SHA256_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""DER prefix of a SHA-256 DigestInfo (RFC 8017, 9.2, note 1)."""


def b64url(data: bytes) -> str:
    """Encode without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64url_decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def integer(text: str) -> int:
    return int.from_bytes(b64url_decode(text), "big")


def b64url_uint(value: int) -> str:
    """Encode an unsigned integer (RFC 7518, section 2, Base64urlUInt)."""
    return b64url(value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def thumbprint(jwk: dict[str, str]) -> str:
    """Compute the RFC 7638 thumbprint with SHA-256."""
    members = _THUMBPRINT_MEMBERS.get(jwk["kty"], ("e", "kty", "n"))
    text = json.dumps({name: jwk[name] for name in sorted(members)}, separators=(",", ":"))
    return b64url(hashlib.sha256(text.encode("ascii")).digest())


@dataclass(frozen=True)
class Key:
    """One of the public test keys.

    Attributes:
        private: The private JWK as it stands in ``public_test_keys.json``.
    """

    private: dict[str, str]

    @cached_property
    def alg(self) -> str:
        return self.private["alg"]

    @cached_property
    def kid(self) -> str:
        return thumbprint(self.private)

    @cached_property
    def jwk(self) -> dict[str, str]:
        """The public JWK with its thumbprint as ``kid``."""
        names = ("kty", "crv", "x", "y", "n", "e", "alg", "use")
        return {"kid": self.kid} | {
            name: self.private[name] for name in names if name in self.private
        }

    @property
    def bare_jwk(self) -> dict[str, str]:
        """The members of the thumbprint only."""
        return {
            name: value for name, value in self.jwk.items() if name not in ("kid", "alg", "use")
        }

    def sign(self, message: bytes) -> bytes:
        """Sign in the form that JOSE gives the key's algorithm (RFC 7518, section 3)."""
        match self.alg:
            case "ES256":
                return self.sign_es256(message)
            case "RS256":
                return self.sign_rsa_encoding(self.pkcs1_encoding(message))
            case "PS256":
                return self.sign_rsa_encoding(self.pss_encoding(message))
            case _:
                return self._ed25519.sign(message)

    @cached_property
    def _ec(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(integer(self.private["d"]), ec.SECP256R1())

    @cached_property
    def _ed25519(self) -> ed25519.Ed25519PrivateKey:
        return ed25519.Ed25519PrivateKey.from_private_bytes(b64url_decode(self.private["d"]))

    def es256_der(
        self, message: bytes, algorithm: hashes.SHA256 | hashes.SHA512 | None = None
    ) -> bytes:
        """Sign in DER, which JOSE does not allow, with SHA-256 unless told otherwise."""
        scheme = ec.ECDSA(algorithm or hashes.SHA256(), deterministic_signing=True)
        return self._ec.sign(message, scheme)

    def es256_numbers(self, message: bytes) -> tuple[int, int]:
        return decode_dss_signature(self.es256_der(message))

    def sign_es256(self, message: bytes) -> bytes:
        return p1363(*self.es256_numbers(message))

    def public_point(self) -> bytes:
        """The uncompressed point (SEC 1, 2.3.3)."""
        return b"\x04" + b64url_decode(self.private["x"]) + b64url_decode(self.private["y"])

    @property
    def modulus(self) -> int:
        return integer(self.private["n"])

    @property
    def modulus_bytes(self) -> int:
        return (self.modulus.bit_length() + 7) // 8

    def sign_rsa_encoding(self, encoded: bytes) -> bytes:
        """RSASP1 (RFC 8017, 5.2.1) on whatever encoding it is given, good or bad."""
        message = int.from_bytes(encoded, "big")
        signature = pow(message, integer(self.private["d"]), self.modulus)
        return signature.to_bytes(self.modulus_bytes, "big")

    def pkcs1_encoding(self, message: bytes, digest_info: bytes | None = None) -> bytes:
        """EMSA-PKCS1-v1_5 (RFC 8017, 9.2); SHA-256 unless another DigestInfo is given."""
        tail = digest_info or _SHA256_DIGEST_INFO + hashlib.sha256(message).digest()
        return b"\x00\x01" + b"\xff" * (self.modulus_bytes - 3 - len(tail)) + b"\x00" + tail

    def pss_encoding(
        self, message: bytes, *, salt_bytes: int = 32, mask_hash: str = "sha256"
    ) -> bytes:
        """EMSA-PSS (RFC 8017, 9.1.1) with SHA-256 and a salt made from the message.

        JOSE wants a salt of 32 bytes and MGF1 with SHA-256 (RFC 7518, 3.5); others are for the
        vectors that must be refused.
        """
        length = self.modulus_bytes
        salt = hashlib.shake_256(b"salt" + message).digest(salt_bytes)
        digest = hashlib.sha256(message).digest()
        hashed = hashlib.sha256(bytes(8) + digest + salt).digest()
        block = bytes(length - salt_bytes - 34) + b"\x01" + salt
        mask = _mgf1(hashed, len(block), mask_hash)
        masked = bytearray(a ^ b for a, b in zip(block, mask, strict=True))
        masked[0] &= 0x7F  # the modulus has 8 · length bits, the encoding one bit less
        return bytes(masked) + hashed + b"\xbc"


def _mgf1(seed: bytes, length: int, hash_name: str) -> bytes:
    """RFC 8017, B.2.1."""
    output = b""
    counter = 0
    while len(output) < length:
        output += hashlib.new(hash_name, seed + counter.to_bytes(4, "big")).digest()
        counter += 1
    return output[:length]


def p1363(r: int, s: int) -> bytes:
    """r and s as two times 32 bytes (RFC 7518, 3.4)."""
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _load() -> dict[str, Key]:
    keys = json.loads(KEYS_FILE.read_text(encoding="utf-8"))["keys"]
    return {name: Key(private) for name, private in keys.items()}


KEYS = _load()
