"""Public keys that are well formed and yet must not be used."""

from __future__ import annotations

from typing import Final

from ageassure.errors import KeySetError

MIN_RSA_BITS: Final = 2048
"""NIST SP 800-131A, RFC 7518, 3.3."""

MAX_RSA_BITS: Final = 8192
"""Verification with larger keys is slow enough to be an attack."""

MAX_RSA_EXPONENT_BITS: Final = 64
"""OpenSSL's own limit for large moduli; practice is 65537."""

# The library by Infineon (CVE-2017-15361, "ROCA") made primes k*M + (65537^a mod M), M the product
# of the first primes: modulo each of these the modulus is a power of 65537. Of healthy keys one in
# about 2^27 looks like that. (Nemec et al., CCS 2017.)
_ROCA_PRIMES: Final = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)

_ED25519_P: Final = 2**255 - 19
_ED25519_D: Final = -121665 * pow(121666, -1, _ED25519_P) % _ED25519_P
# y of the eight points of order 1, 2, 4 and 8: signatures under such a key hold for any message.
_ED25519_ORDER_8_Y: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_ED25519_SMALL_ORDER_Y: Final = frozenset(
    {0, 1, _ED25519_P - 1, _ED25519_ORDER_8_Y, _ED25519_P - _ED25519_ORDER_8_Y}
)


def check_rsa(modulus: int, exponent: int) -> None:
    """Refuse RSA keys that are too small, too large or known to be breakable.

    Not checked: that the modulus is a product of two primes.

    Raises:
        KeySetError: If the modulus has not 2048 to 8192 bits or is even, the exponent is not odd
            and 3 to 2^64, or the modulus has the fingerprint of CVE-2017-15361.
    """
    bits = modulus.bit_length()
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS or not modulus & 1:
        raise KeySetError(
            f"got an RSA modulus of {bits} bits, expected an odd one of "
            f"{MIN_RSA_BITS} to {MAX_RSA_BITS}"
        )
    if exponent < 3 or not exponent & 1 or exponent.bit_length() > MAX_RSA_EXPONENT_BITS:
        raise KeySetError("got an RSA exponent that is even, below 3 or over 64 bits")
    if all(_is_power_of_65537(modulus % prime, prime) for prime in _ROCA_PRIMES):
        raise KeySetError("got an RSA key with the fingerprint of CVE-2017-15361")


def _is_power_of_65537(value: int, prime: int) -> bool:
    return any(pow(65537, exponent, prime) == value for exponent in range(prime - 1))


def check_ed25519(public_bytes: bytes) -> None:
    """Refuse Ed25519 keys that are no point of the curve, not canonical, or of small order.

    OpenSSL accepts any 32 bytes as a key (RFC 8032, 5.1.3 and 5.1.7, leave the rest to us).

    Raises:
        KeySetError: If so.
    """
    y = int.from_bytes(public_bytes, "little") & (2**255 - 1)
    numerator = (y * y - 1) % _ED25519_P
    denominator = (_ED25519_D * y * y + 1) % _ED25519_P
    # x^2 = numerator/denominator has a root if and only if their product is a square (Euler).
    on_curve = pow(numerator * denominator, (_ED25519_P - 1) // 2, _ED25519_P) <= 1
    if y >= _ED25519_P or not on_curve or y in _ED25519_SMALL_ORDER_Y:
        raise KeySetError("got an Ed25519 key that is not a canonical point of large order")
