"""Public keys and signatures of Doc 9303-12, 4.4: RSA (PKCS #1 1.5 and PSS) and ECDSA.

Hashes are SHA-224 to SHA-512; SHA-1, which the first passports with chips had, is refused. RSA keys
have 2048 to 8192 bits. The algorithm comes out of the signed object, and must be of the key's kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from ageassure.errors import DocumentError, KeySetError
from ageassure.estimators.document.chip import der
from ageassure.estimators.document.chip.curves import curve_of
from ageassure.tokens.keys.strength import check_rsa

if TYPE_CHECKING:
    from ageassure.estimators.document.chip.der import Element, Reader

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "2.16.840.1.101.3.4.2.4": hashes.SHA224(),
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
_PKCS1: Final[dict[str, hashes.HashAlgorithm]] = {
    "1.2.840.113549.1.1.14": hashes.SHA224(),
    "1.2.840.113549.1.1.11": hashes.SHA256(),
    "1.2.840.113549.1.1.12": hashes.SHA384(),
    "1.2.840.113549.1.1.13": hashes.SHA512(),
}
_ECDSA: Final[dict[str, hashes.HashAlgorithm]] = {
    "1.2.840.10045.4.3.1": hashes.SHA224(),
    "1.2.840.10045.4.3.2": hashes.SHA256(),
    "1.2.840.10045.4.3.3": hashes.SHA384(),
    "1.2.840.10045.4.3.4": hashes.SHA512(),
}
_RSA_ENCRYPTION: Final = "1.2.840.113549.1.1.1"
_RSASSA_PSS: Final = "1.2.840.113549.1.1.10"
_MGF1: Final = "1.2.840.113549.1.1.8"
_EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"
_SALT_BYTES: Final = range(20, 65)


def untrusted(message: str) -> DocumentError:
    """An error of code ``document_untrusted``."""
    return DocumentError(message, code="document_untrusted")


def altered(message: str) -> DocumentError:
    """An error of code ``document_altered``."""
    return DocumentError(message, code="document_altered")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureAlgorithm:
    """How something was signed.

    Attributes:
        rsa_padding: None for ECDSA.
        hash: None where the identifier leaves it to another one (``rsaEncryption`` in CMS).
    """

    rsa_padding: padding.PKCS1v15 | padding.PSS | None
    hash: hashes.HashAlgorithm | None


def hash_of(identifier: Element) -> hashes.HashAlgorithm:
    """The hash function that an algorithm identifier names.

    Raises:
        DocumentError: ``document_untrusted`` if it is not SHA-224 to SHA-512.
    """
    fields = der.sequence(identifier)
    found = _HASHES.get(der.oid(fields.take(der.OID)))
    _no_parameters(fields)
    if found is None:
        raise untrusted("got a hash function that is not SHA-224 to SHA-512")
    return found


def digest(function: hashes.HashAlgorithm, data: memoryview) -> bytes:
    """The hash of ``data``."""
    running = hashes.Hash(function)
    running.update(data)
    return running.finalize()


def algorithm_of(identifier: Element) -> SignatureAlgorithm:
    """The signature algorithm that an algorithm identifier names.

    Raises:
        DocumentError: ``document_untrusted`` if it is not taken.
    """
    fields = der.sequence(identifier)
    name = der.oid(fields.take(der.OID))
    if name == _RSASSA_PSS:
        pss = _pss(fields.take(der.SEQUENCE))
        fields.end()
        return pss
    _no_parameters(fields)
    if name == _RSA_ENCRYPTION:
        return SignatureAlgorithm(rsa_padding=padding.PKCS1v15(), hash=None)
    if name in _PKCS1:
        return SignatureAlgorithm(rsa_padding=padding.PKCS1v15(), hash=_PKCS1[name])
    if name in _ECDSA:
        return SignatureAlgorithm(rsa_padding=None, hash=_ECDSA[name])
    raise untrusted("got a signature algorithm that is not taken")


def _no_parameters(fields: Reader) -> None:
    """Absent or NULL: RFC 5754 lets both be read."""
    if fields.more and len(fields.take(der.NULL).content):
        raise untrusted("got parameters where there should be none")
    fields.end()


def _pss(parameters: Element) -> SignatureAlgorithm:
    """RSASSA-PSS-params (RFC 4055, 3.1); its defaults are SHA-1 and refused by being spelt out."""
    fields = der.sequence(parameters)
    hash_field, mgf_field = fields.take(0xA0), fields.take(0xA1)
    salt_field, trailer = fields.take_if(0xA2), fields.take_if(0xA3)
    fields.end()
    function = hash_of(der.read(hash_field.content, der.SEQUENCE))
    mgf = der.sequence(der.read(mgf_field.content, der.SEQUENCE))
    if der.oid(mgf.take(der.OID)) != _MGF1:
        raise untrusted("got PSS with another mask generation than MGF1")
    mgf_hash = hash_of(mgf.take(der.SEQUENCE))
    mgf.end()
    salt = 20 if salt_field is None else der.integer(der.read(salt_field.content, der.INTEGER))
    if mgf_hash.name != function.name or salt not in _SALT_BYTES:
        raise untrusted("got PSS with two hash functions, or a salt outside 20 to 64 bytes")
    if trailer is not None and der.integer(der.read(trailer.content, der.INTEGER)) != 1:
        raise untrusted("got PSS with another trailer field than 1")
    return SignatureAlgorithm(
        rsa_padding=padding.PSS(mgf=padding.MGF1(function), salt_length=salt), hash=function
    )


def public_key_of(info: Element) -> PublicKey:
    """The key in a SubjectPublicKeyInfo.

    A key that is restricted to PSS (RFC 4055) is taken as an RSA key.

    Raises:
        DocumentError: ``document_untrusted`` if the key is of another kind, too weak, or not on
            its curve; ``document_malformed`` if it cannot be read.
    """
    fields = der.sequence(info)
    identifier = der.sequence(fields.take(der.SEQUENCE))
    bits = der.bit_string(fields.take(der.BIT_STRING))
    fields.end()
    name = der.oid(identifier.take(der.OID))
    if name in {_RSA_ENCRYPTION, _RSASSA_PSS}:
        return _rsa_key(bits)
    if name != _EC_PUBLIC_KEY:
        raise untrusted("got a public key that is neither RSA nor of an elliptic curve")
    curve = curve_of(identifier.take_any())
    identifier.end()
    key: PublicKey | None = None
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, bytes(bits))
    except (ValueError, UnsupportedAlgorithm, InternalError):
        key = None
    if key is None:
        raise untrusted("got a public key that is no point of its curve")
    return key


def _rsa_key(bits: memoryview) -> rsa.RSAPublicKey:
    numbers = der.sequence(der.read(bits, der.SEQUENCE))
    modulus, exponent = (der.integer(numbers.take(der.INTEGER)) for _ in range(2))
    numbers.end()
    key: rsa.RSAPublicKey | None = None
    try:
        check_rsa(abs(modulus), abs(exponent))
        # A negative modulus, whose leading zero was forgotten, is an OverflowError.
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except (KeySetError, ValueError, OverflowError, InternalError):
        key = None
    if key is None:
        raise untrusted("got an RSA key that is too small, too large or known to be weak")
    return key


def is_signature(
    key: PublicKey,
    algorithm: SignatureAlgorithm,
    function: hashes.HashAlgorithm,
    signature: memoryview,
    data: bytes,
) -> bool:
    """Is this the key's signature over ``data``, by this algorithm and hash function?"""
    octets = bytes(signature)
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm.rsa_padding is not None:
            key.verify(octets, data, algorithm.rsa_padding, function)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm.rsa_padding is None:
            key.verify(octets, data, ec.ECDSA(function))
        else:
            return False
    except (InvalidSignature, ValueError, UnsupportedAlgorithm, InternalError):
        return False
    return True
