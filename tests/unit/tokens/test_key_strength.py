"""Keys that are well formed and yet must not be used."""

from __future__ import annotations

import math

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from ageassure.errors import KeySetError
from ageassure.tokens import PublicJWK
from ageassure.tokens.keys import strength

P = 2**255 - 19


def raw(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def multiples_of_order_8_point() -> set[int]:
    """y of all multiples of a point of order 8, by the curve's own addition law (RFC 8032)."""
    d, y = strength._ED25519_D, strength._ED25519_ORDER_8_Y
    square = (y * y - 1) * pow(d * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert x * x % P == square
    point, found = (0, 1), set()
    for _ in range(8):
        (x1, y1), (x2, y2) = point, (x, y)
        k = d * x1 * x2 * y1 * y2
        point = (
            (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P,
            (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P,
        )
        found.add(point[1])
    assert point == (0, 1)
    return found


def test_the_small_order_points_are_all_there_are() -> None:
    assert multiples_of_order_8_point() == strength._ED25519_SMALL_ORDER_Y


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", sorted(strength._ED25519_SMALL_ORDER_Y))
def test_small_order(y: int, sign: int) -> None:
    with pytest.raises(KeySetError):
        strength.check_ed25519(raw(y, sign))


@pytest.mark.parametrize("y", range(P, 2**255))
def test_not_canonical(y: int) -> None:
    with pytest.raises(KeySetError):
        strength.check_ed25519(raw(y))


def test_half_of_all_y_are_on_the_curve() -> None:
    accepted = 0
    for y in range(2, 102):
        try:
            strength.check_ed25519(raw(y))
        except KeySetError:
            continue
        accepted += 1
    assert 30 < accepted < 70


def test_good_keys() -> None:
    for _ in range(20):
        key = ed25519.Ed25519PrivateKey.generate().public_key()
        strength.check_ed25519(key.public_bytes_raw())


def test_a_key_under_which_everything_is_signed() -> None:
    neutral = ed25519.Ed25519PublicKey.from_public_bytes(raw(1))
    # R = 1, s = 0: OpenSSL takes this as a signature of any message under the neutral element.
    neutral.verify(raw(1) + bytes(32), b"any message")
    with pytest.raises(KeySetError):
        PublicJWK(kid="k", alg="EdDSA", key=neutral)


def test_the_fingerprint_of_roca() -> None:
    # A modulus that is 65537^a modulo every one of the primes, as those keys' are.
    product = math.prod(strength._ROCA_PRIMES)
    power = pow(65537, 12345, product)
    modulus = power + product * 2 * (2**2047 // (2 * product))
    modulus += 0 if modulus % 2 else product
    with pytest.raises(KeySetError, match="CVE-2017-15361"):
        strength.check_rsa(modulus, 65537)
    strength.check_rsa(modulus + 2, 65537)


@pytest.mark.parametrize("exponent", [0, 1, 2, 4, 65536, -3, 2**64 + 1])
def test_bad_exponents(exponent: int) -> None:
    with pytest.raises(KeySetError, match="exponent"):
        strength.check_rsa(2**2048 - 1, exponent)
