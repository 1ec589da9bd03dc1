"""Keys that are public, and deterministic signatures with them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from chip_kit.asn1 import NULL, bits, integer, octets, oid, sequence, tlv

if TYPE_CHECKING:
    from collections.abc import Callable

HASHES = {
    "sha1": (hashes.SHA1(), "1.3.14.3.2.26", "5", "1"),
    "sha224": (hashes.SHA224(), "2.16.840.1.101.3.4.2.4", "14", "3.1"),
    "sha256": (hashes.SHA256(), "2.16.840.1.101.3.4.2.1", "11", "3.2"),
    "sha384": (hashes.SHA384(), "2.16.840.1.101.3.4.2.2", "12", "3.3"),
    "sha512": (hashes.SHA512(), "2.16.840.1.101.3.4.2.3", "13", "3.4"),
}
CURVES: dict[str, tuple[ec.EllipticCurve, str]] = {
    "p224": (ec.SECP224R1(), "1.3.132.0.33"),
    "p256": (ec.SECP256R1(), "1.2.840.10045.3.1.7"),
    "p384": (ec.SECP384R1(), "1.3.132.0.34"),
    "p521": (ec.SECP521R1(), "1.3.132.0.35"),
    "k256": (ec.SECP256K1(), "1.3.132.0.10"),
    "bp256": (ec.BrainpoolP256R1(), "1.3.36.3.3.2.8.1.1.7"),
    "bp384": (ec.BrainpoolP384R1(), "1.3.36.3.3.2.8.1.1.11"),
    "bp512": (ec.BrainpoolP512R1(), "1.3.36.3.3.2.8.1.1.13"),
}
_FILE = Path(__file__).with_name("public_test_keys.json")
PARAMETERS: dict[str, dict[str, str]] = json.loads(_FILE.read_text("ascii"))["curves"]
_PRIMES: dict[str, list[str]] = json.loads(_FILE.read_text("ascii"))["rsa"]


def digest(name: str, data: bytes) -> bytes:
    return hashlib.new(name, data, usedforsecurity=False).digest()


def hash_identifier(name: str) -> bytes:
    return sequence(oid(HASHES[name][1]))


@dataclass(frozen=True, kw_only=True)
class Key:
    """A private key, and how it is written into a certificate."""

    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    info: bytes


def rsa_key(name: str, *, sign: int = 1, exponent: int = 65537, more: bytes = b"") -> Key:
    p, q = (int(text, 16) for text in _PRIMES[name])
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(65537, p * q)
    )
    info = sequence(
        sequence(oid("1.2.840.113549.1.1.1"), NULL),
        bits(sequence(integer(sign * p * q), integer(exponent), more)),
    )
    return Key(private=numbers.private_key(), info=info)


def ec_key(curve_name: str, seed: int, parameters: bytes | None = None) -> Key:
    curve, dotted = CURVES[curve_name]
    private = ec.derive_private_key(seed, curve)
    numbers, size = private.public_key().public_numbers(), (curve.key_size + 7) // 8
    point = b"\x04" + numbers.x.to_bytes(size, "big") + numbers.y.to_bytes(size, "big")
    info = sequence(
        sequence(oid("1.2.840.10045.2.1"), oid(dotted) if parameters is None else parameters),
        bits(point),
    )
    return Key(private=private, info=info)


def explicit(
    curve_name: str,
    *,
    compressed: bool = False,
    cofactor: int | None = 1,
    seed: bytes = b"",
    change_base: Callable[[bytes], bytes] = bytes,
    **changed: int,
) -> bytes:
    """ECParameters that spell a curve out (SEC 1, C.2)."""
    text = PARAMETERS[curve_name]
    p, a, b, x, y, n = (changed.get(k, int(text[k], 16)) for k in ("p", "a", "b", "x", "y", "n"))
    size = (p.bit_length() + 7) // 8
    base = bytes([2 + (y & 1)]) + x.to_bytes(size, "big")
    if not compressed:
        base = b"\x04" + base[1:] + y.to_bytes(size, "big")
    return sequence(
        integer(1),
        sequence(oid("1.2.840.10045.1.1"), integer(p)),
        sequence(octets(a.to_bytes(size, "big")), octets(b.to_bytes(size, "big")), seed),
        octets(change_base(base)),
        integer(n),
        b"" if cofactor is None else integer(cofactor),
    )


def sign(key: Key, scheme: str, data: bytes) -> tuple[bytes, bytes]:
    """Algorithm identifier and signature; ``scheme`` is e.g. ``pkcs1-sha256``."""
    kind, _, hash_name = scheme.partition("-")
    function, _, pkcs1, ecdsa = HASHES[hash_name]
    if isinstance(key.private, ec.EllipticCurvePrivateKey):
        identifier = sequence(oid(f"1.2.840.10045.4.{ecdsa}"))
        algorithm = ec.ECDSA(function, deterministic_signing=True)
        return identifier, key.private.sign(data, algorithm)
    if kind == "pss":
        return pss_identifier(hash_name), _pss(key.private, hash_name, data)
    identifier = sequence(oid(f"1.2.840.113549.1.1.{pkcs1 if kind == 'pkcs1' else '1'}"), NULL)
    return identifier, key.private.sign(data, padding.PKCS1v15(), function)


def pss_identifier(
    hash_name: str,
    mgf_hash: str = "",
    salt: int | None = None,
    mgf_type: str = "1.2.840.113549.1.1.8",
    trailer: int | None = None,
) -> bytes:
    size = len(digest(hash_name, b"")) if salt is None else salt
    mgf = sequence(oid(mgf_type), hash_identifier(mgf_hash or hash_name))
    parameters = sequence(
        tlv(0xA0, hash_identifier(hash_name)),
        tlv(0xA1, mgf),
        tlv(0xA2, integer(size)) if size != 20 else b"",
        b"" if trailer is None else tlv(0xA3, integer(trailer)),
    )
    return sequence(oid("1.2.840.113549.1.1.10"), parameters)


def _pss(private: rsa.RSAPrivateKey, hash_name: str, data: bytes) -> bytes:
    """EMSA-PSS (RFC 8017, 9.1.1) with a salt derived from the message, so that it can be remade."""
    numbers = private.private_numbers()
    n = numbers.public_numbers.n
    em_bits = n.bit_length() - 1
    em_bytes = (em_bits + 7) // 8
    hashed = digest(hash_name, data)
    salt = digest(hash_name, b"salt" + hashed)
    h = digest(hash_name, bytes(8) + hashed + salt)
    block = bytes(em_bytes - 2 * len(h) - 2) + b"\x01" + salt
    mask, counter = b"", 0
    while len(mask) < len(block):
        mask += digest(hash_name, h + counter.to_bytes(4, "big"))
        counter += 1
    masked = bytearray(a ^ b for a, b in zip(block, mask, strict=False))
    masked[0] &= 0xFF >> (8 * em_bytes - em_bits)
    encoded = int.from_bytes(bytes(masked) + h + b"\xbc", "big")
    return pow(encoded, numbers.d, n).to_bytes((n.bit_length() + 7) // 8, "big")
