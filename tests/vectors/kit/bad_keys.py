"""Keys that must not be used: ill-formed, weak, secret, or for another purpose."""

from __future__ import annotations

import hashlib

from kit.build import Json
from kit.crypto import KEYS, Key, b64url, b64url_decode, b64url_uint

_EC = KEYS["issuer"]
_OKP = KEYS["issuer_ed25519"]
_RSA = KEYS["issuer_rs256"]
_P256_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
_ED25519_PRIME = 2**255 - 19
_ORDER_8_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
"""y of a point of order 8 on edwards25519; -y belongs to the others."""


def without(key: Key, *names: str) -> Json:
    return {name: value for name, value in key.jwk.items() if name not in names}


Keys = list[tuple[str, str, Json]]


def ec_keys() -> Keys:
    x, y = _EC.jwk["x"], _EC.jwk["y"]
    raw = b64url_decode(x)
    beyond = b64url_uint(_P256_PRIME + 5)
    return [
        (
            "off_curve",
            "a point that is not on the curve",
            _EC.jwk | {"y": KEYS["stranger"].jwk["y"]},
        ),
        ("swapped", "x and y swapped", _EC.jwk | {"x": y, "y": x}),
        ("zero", "the point (0, 0)", _EC.jwk | {"x": b64url(bytes(32)), "y": b64url(bytes(32))}),
        ("x_beyond_prime", "x not below the prime", _EC.jwk | {"x": beyond}),
        ("x_padded", "x with =", _EC.jwk | {"x": x + "="}),
        ("x_trailing_bits", "x with an unused bit set", _EC.jwk | {"x": _unused_bit(x)}),
        ("x_31_bytes", "x of 31 bytes", _EC.jwk | {"x": b64url(raw[1:])}),
        ("x_33_bytes", "x with a zero byte in front", _EC.jwk | {"x": b64url(b"\0" + raw)}),
        ("x_hexadecimal", "x in hexadecimal", _EC.jwk | {"x": raw.hex()}),
        ("x_number", "x as a number", _EC.jwk | {"x": int.from_bytes(raw[:7], "big")}),
        ("x_missing", "no x", without(_EC, "x")),
        ("y_missing", "no y", without(_EC, "y")),
        ("crv_missing", "no crv", without(_EC, "crv")),
        ("crv_p384", "the curve P-384", _EC.jwk | {"crv": "P-384"}),
        ("crv_secp256k1", "the curve secp256k1", _EC.jwk | {"crv": "secp256k1"}),
        ("crv_lower_case", "p-256 in lower case", _EC.jwk | {"crv": "p-256"}),
        ("alg_es384", "alg ES384", _EC.jwk | {"alg": "ES384"}),
        ("alg_rs256", "alg RS256", _EC.jwk | {"alg": "RS256"}),
        ("alg_ecdh", "an alg for key agreement", _EC.jwk | {"alg": "ECDH-ES"}),
        ("private", "a private key", _EC.jwk | {"d": _EC.private["d"]}),
        ("private_null", "a member d that is null", _EC.jwk | {"d": None}),
    ]


def _unused_bit(text: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


def _little(value: int) -> str:
    return b64url(value.to_bytes(32, "little"))


def okp_keys() -> Keys:
    prime = _ED25519_PRIME
    sign = 2**255
    small = {
        "y_zero": 0,
        "y_zero_signed": sign,
        "identity": 1,
        "identity_signed": 1 + sign,
        "order_2": prime - 1,
        "order_8": _ORDER_8_Y,
        "order_8_signed": _ORDER_8_Y + sign,
        "order_8_negated": prime - _ORDER_8_Y,
        "order_8_negated_signed": prime - _ORDER_8_Y + sign,
        "y_prime": prime,
        "y_prime_plus_1": prime + 1,
    }
    raw = b64url_decode(_OKP.jwk["x"])
    return [
        *(
            (
                f"small_{name}",
                f"a point of small order: {name.replace('_', ' ')}",
                _OKP.jwk | {"x": _little(y)},
            )
            for name, y in small.items()
        ),
        ("not_on_curve", "y = 2, which no point has", _OKP.jwk | {"x": _little(2)}),
        ("31_bytes", "31 bytes", _OKP.jwk | {"x": b64url(raw[:-1])}),
        ("33_bytes", "33 bytes", _OKP.jwk | {"x": b64url(raw + b"\0")}),
        ("padded", "x with =", _OKP.jwk | {"x": _OKP.jwk["x"] + "="}),
        ("x_missing", "no x", without(_OKP, "x")),
        ("crv_ed448", "the curve Ed448", _OKP.jwk | {"crv": "Ed448"}),
        ("crv_x25519", "the curve X25519", _OKP.jwk | {"crv": "X25519"}),
        ("alg_es256", "alg ES256", _OKP.jwk | {"alg": "ES256"}),
        ("alg_lower_case", "alg eddsa", _OKP.jwk | {"alg": "eddsa"}),
        ("private", "a private key", _OKP.jwk | {"d": _OKP.private["d"]}),
    ]


def _modulus(bits: int) -> str:
    """An odd number of so many bits, made from a hash; it need not be a product of two primes."""
    raw = hashlib.shake_256(f"modulus of {bits} bits".encode()).digest((bits + 7) // 8)
    return b64url_uint(int.from_bytes(raw, "big") % 2 ** (bits - 1) | 2 ** (bits - 1) | 1)


def _fingerprinted() -> str:
    """A number with the fingerprint of CVE-2017-15361: a power of 65537 modulo many primes."""
    primes = [p for p in range(3, 168) if all(p % q for q in range(2, p))]
    primorial = 1
    for prime in primes:
        primorial *= prime
    low = pow(65537, 12_345, primorial)
    multiple = (2**2047 // primorial + 1) // 2 * 2
    value = multiple * primorial + low
    return b64url_uint(value if value % 2 else value + primorial)


def rsa_keys() -> Keys:
    n = b64url_decode(_RSA.jwk["n"])
    return [
        ("1024", "a modulus of 1,024 bits", _RSA.jwk | {"n": _modulus(1024)}),
        ("2047", "a modulus of 2,047 bits", _RSA.jwk | {"n": _modulus(2047)}),
        ("8193", "a modulus of 8,193 bits", _RSA.jwk | {"n": _modulus(8193)}),
        ("16384", "a modulus of 16,384 bits", _RSA.jwk | {"n": _modulus(16384)}),
        (
            "even_modulus",
            "an even modulus",
            _RSA.jwk | {"n": b64url(n[:-1] + bytes([n[-1] & 0xFE]))},
        ),
        ("roca", "the fingerprint of CVE-2017-15361", _RSA.jwk | {"n": _fingerprinted()}),
        (
            "n_leading_zero",
            "a modulus with a zero byte in front",
            _RSA.jwk | {"n": b64url(b"\0" + n)},
        ),
        ("n_padded", "n with =", _RSA.jwk | {"n": _RSA.jwk["n"] + "="}),
        ("n_missing", "no n", without(_RSA, "n")),
        ("n_empty", "an empty n", _RSA.jwk | {"n": ""}),
        ("e_0", "exponent 0", _RSA.jwk | {"e": "AA"}),
        ("e_1", "exponent 1", _RSA.jwk | {"e": "AQ"}),
        ("e_2", "exponent 2", _RSA.jwk | {"e": "Ag"}),
        ("e_65536", "exponent 65,536", _RSA.jwk | {"e": "AQAA"}),
        ("e_huge", "an exponent of 256 bits", _RSA.jwk | {"e": b64url_uint(2**255 + 1)}),
        ("e_modulus", "an exponent as large as the modulus", _RSA.jwk | {"e": _RSA.jwk["n"]}),
        ("e_missing", "no e", without(_RSA, "e")),
        ("e_number", "e as a number", _RSA.jwk | {"e": 65537}),
        ("alg_missing", "no alg: RS256 or PS256?", without(_RSA, "alg")),
        ("alg_rs1", "alg RS1", _RSA.jwk | {"alg": "RS1"}),
        ("alg_rs512", "alg RS512", _RSA.jwk | {"alg": "RS512"}),
        ("alg_oaep", "an alg for encryption", _RSA.jwk | {"alg": "RSA-OAEP"}),
        ("alg_es256", "alg ES256", _RSA.jwk | {"alg": "ES256"}),
        ("private", "a private key", _RSA.jwk | {"d": _RSA.private["d"]}),
        ("private_prime", "one prime only", _RSA.jwk | {"p": _RSA.private["p"]}),
    ]


def other_keys() -> Keys:
    secret = b64url(hashlib.sha256(b"a symmetric key").digest())
    return [
        (
            "symmetric",
            "a symmetric key",
            {"kty": "oct", "k": secret, "alg": "HS256", "kid": "secret"},
        ),
        ("symmetric_member", "a public key with a member k", _EC.jwk | {"k": secret}),
        ("kty_missing", "no kty", without(_EC, "kty")),
        ("kty_unknown", "an unknown kty", _EC.jwk | {"kty": "AKP"}),
        ("kty_lower_case", "kty ec", _EC.jwk | {"kty": "ec"}),
        ("kty_null", "kty null", _EC.jwk | {"kty": None}),
        ("kty_array", "kty as an array", _EC.jwk | {"kty": ["EC"]}),
        ("kid_missing", "no kid", without(_EC, "kid")),
        ("kid_empty", "an empty kid", _EC.jwk | {"kid": ""}),
        ("kid_number", "kid as a number", _EC.jwk | {"kid": 1}),
        ("kid_null", "kid null", _EC.jwk | {"kid": None}),
        ("kid_control", "a kid with a line feed", _EC.jwk | {"kid": "a\nb"}),
        ("kid_very_long", "a kid of 10,000 characters", _EC.jwk | {"kid": "k" * 10_000}),
        ("alg_none", "alg none", _EC.jwk | {"alg": "none"}),
        ("alg_null", "alg null", _EC.jwk | {"alg": None}),
        ("alg_number", "alg as a number", _EC.jwk | {"alg": 256}),
        ("use_enc", "a key for encryption", _EC.jwk | {"use": "enc"}),
        ("use_null", "use null", _EC.jwk | {"use": None}),
        ("use_array", "use as an array", _EC.jwk | {"use": ["sig"]}),
        ("key_ops_sign", "key_ops sign", _EC.jwk | {"key_ops": ["sign"]}),
        ("key_ops_encrypt", "key_ops encrypt", _EC.jwk | {"key_ops": ["encrypt"]}),
        (
            "key_ops_more",
            "key_ops verify and encrypt",
            _EC.jwk | {"key_ops": ["verify", "encrypt"]},
        ),
        ("key_ops_empty", "empty key_ops", _EC.jwk | {"key_ops": []}),
        ("key_ops_string", "key_ops as a string", _EC.jwk | {"key_ops": "verify"}),
    ]
