"""Step 5: signatures that are not the key's over these bytes (``bad_signature``)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes

from kit.build import (
    ISSUER,
    OTHER_ISSUER,
    Json,
    Setup,
    Vector,
    claims,
    compact,
    header,
    only,
    refused,
    signing_input,
    token,
    with_signature,
)
from kit.crypto import ED25519_ORDER, KEYS, P256_ORDER, Key, b64url, p1363

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY = KEYS["issuer"]
_STRANGER = KEYS["stranger"]


def vectors() -> Iterator[Vector]:
    yield from _es256_values()
    yield from _es256_forms()
    yield from _other_messages()
    yield from _ed25519()
    yield from _rs256()
    yield from _ps256()


def _bad(name: str, description: str, text: str, *, key: Key = _KEY) -> Vector:
    return refused("bad_signature", name, description, text, setup=only(key))


def _es256_values() -> Iterator[Vector]:
    r, s = _KEY.es256_numbers(signing_input(None, None, _KEY).encode())
    n = P256_ORDER
    values = [
        ("r_zero", 0, s),
        ("s_zero", r, 0),
        ("both_zero", 0, 0),
        ("both_one", 1, 1),
        ("r_order", n, s),
        ("s_order", r, n),
        ("both_order", n, n),
        ("r_negated", n - r, s),
        ("both_negated", n - r, n - s),
        ("s_plus_one", r, (s + 1) % n),
        ("all_ones", 2**256 - 1, 2**256 - 1),
        ("swapped", s, r),
    ]
    for name, first, second in values:
        text = with_signature(p1363(first, second))
        yield _bad(f"es256_{name}", f"ES256: r and s, {name.replace('_', ' ')}", text)


def _es256_forms() -> Iterator[Vector]:
    message = signing_input(None, None, _KEY).encode()
    right = _KEY.sign(message)
    forms = [
        ("der", "DER in place of r and s", _KEY.es256_der(message)),
        ("missing", "an empty signature", b""),
        ("63_bytes", "the last byte is missing", right[:-1]),
        ("63_bytes_front", "the first byte is missing", right[1:]),
        ("65_bytes", "a zero byte more at the end", right + b"\0"),
        ("65_bytes_front", "a zero byte more at the front", b"\0" + right),
        ("65_bytes_inside", "a zero byte more before s", right[:32] + b"\0" + right[32:]),
        ("66_bytes", "r and s of 33 bytes each", b"\0" + right[:32] + b"\0" + right[32:]),
        ("twice", "the signature twice", right + right),
        ("half", "r only", right[:32]),
        ("flipped_first_bit", "the first bit flipped", bytes([right[0] ^ 0x80]) + right[1:]),
        ("flipped_last_bit", "the last bit flipped", right[:-1] + bytes([right[-1] ^ 1])),
        ("little_endian", "r and s in little endian", right[31::-1] + right[:31:-1]),
        ("sha512", "made with SHA-512", _der_to_raw(_KEY.es256_der(message, hashes.SHA512()))),
        ("long", "600 bytes", bytes(600)),
    ]
    for name, description, signature in forms:
        yield _bad(f"es256_{name}", f"ES256: {description}", with_signature(signature))
    yield _bad("es256_s_trimmed", "ES256: s without its leading zero byte", _trimmed())


def _trimmed() -> str:
    """A token whose s begins with a zero byte, which is left out.

    White space is added to the payload until its signature is like that, one in 256.
    """
    for spaces in range(4096):
        text = signing_input(None, compact(claims()) + b" " * spaces, _KEY)
        signature = _KEY.sign(text.encode())
        if signature[32] == 0:
            return f"{text}.{b64url(signature[:32] + signature[33:])}"
    raise AssertionError("no such signature")


def _der_to_raw(der: bytes) -> bytes:
    length = der[3]
    r = int.from_bytes(der[4 : 4 + length], "big")
    return p1363(r, int.from_bytes(der[6 + length :], "big"))


def _other_messages() -> Iterator[Vector]:
    """Right signatures by the right key, over something else than was sent."""
    plain = token()
    head, payload, signature = plain.split(".")
    other_head = b64url(b" " + compact(header(_KEY)))
    other_payload = b64url(compact(claims(age_equal_or_over={"21": True})))
    decoded = compact(header(_KEY)) + b"." + compact(claims())
    stranger = b64url(_STRANGER.sign(f"{head}.{payload}".encode()))
    yield _bad(
        "header_reencoded", "white space added to the header", f"{other_head}.{payload}.{signature}"
    )
    yield _bad(
        "payload_changed", "another limit in the payload", f"{head}.{other_payload}.{signature}"
    )
    yield _bad(
        "payload_reencoded",
        "white space added to the payload",
        f"{head}.{b64url(compact(claims()) + b' ')}.{signature}",
    )
    yield _bad("payload_empty", "no payload", f"{head}..{signature}")
    yield _bad(
        "stranger", "signed by a stranger under the pinned kid", f"{head}.{payload}.{stranger}"
    )
    over = [
        ("decoded_message", "over the decoded header and payload", decoded),
        ("payload_only", "over the payload alone", payload.encode()),
        ("header_only", "over the header alone", head.encode()),
        ("with_trailing_dot", "over header, payload and a dot", f"{head}.{payload}.".encode()),
        (
            "digest_as_message",
            "over the digest of the message",
            hashlib.sha256(f"{head}.{payload}".encode()).digest(),
        ),
    ]
    for name, description, message in over:
        yield _bad(name, f"signed {description}", with_signature(_KEY.sign(message)))
    holder_typed: Json = header(_KEY, typ="age-holder+jwt")
    other = token(head=holder_typed).rsplit(".", 1)[1]
    yield _bad(
        "other_type", "the issuer's signature over another type", f"{head}.{payload}.{other}"
    )
    setup = Setup(issuers={ISSUER: [_KEY.jwk], OTHER_ISSUER: [KEYS["other_issuer"].jwk]})
    text = token(head=header(KEYS["other_issuer"]), key=_KEY)
    yield refused(
        "bad_signature",
        "kid_of_other_issuer",
        "signed by one pinned issuer, the kid of another",
        text,
        setup=setup,
    )


def _ed25519() -> Iterator[Vector]:
    key = KEYS["issuer_ed25519"]
    right = key.sign(signing_input(None, None, key).encode())
    s = int.from_bytes(right[32:], "little")
    forms = [
        ("flipped", "a bit flipped", right[:-1] + bytes([right[-1] ^ 1])),
        (
            "s_plus_order",
            "s + L, which RFC 8032 refuses",
            right[:32] + (s + ED25519_ORDER).to_bytes(32, "little"),
        ),
        ("zero", "64 zero bytes", bytes(64)),
        ("identity", "R the identity and s zero", b"\1" + bytes(63)),
        ("63_bytes", "the last byte is missing", right[:-1]),
        ("65_bytes", "a zero byte more", right + b"\0"),
        ("missing", "an empty signature", b""),
    ]
    for name, description, signature in forms:
        yield _bad(
            f"ed25519_{name}",
            f"Ed25519: {description}",
            with_signature(signature, key=key),
            key=key,
        )


def _rs256() -> Iterator[Vector]:
    key = KEYS["issuer_rs256"]
    message = signing_input(None, None, key).encode()
    good = key.pkcs1_encoding(message)
    right = key.sign_rsa_encoding(good)
    digest = hashlib.sha256(message).digest()
    without_null = bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20" + digest
    sha1 = bytes.fromhex("3021300906052b0e03021a05000414") + hashlib.sha1(message).digest()
    short = b"\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00" + good[-51:]
    encodings = [
        (
            "garbage_after_digest",
            "eight bytes of padding, garbage after the digest",
            short + bytes(key.modulus_bytes - len(short)),
        ),
        ("block_type_2", "block type 2", good[:1] + b"\x02" + good[2:]),
        ("padding_byte", "a padding byte that is not 0xff", good[:9] + b"\xfe" + good[10:]),
        ("no_null", "a DigestInfo without NULL", key.pkcs1_encoding(message, without_null)),
        ("sha1", "SHA-1", key.pkcs1_encoding(message, sha1)),
        ("bare_digest", "the digest without a DigestInfo", key.pkcs1_encoding(message, digest)),
    ]
    signatures = [(name, text, key.sign_rsa_encoding(encoded)) for name, text, encoded in encodings]
    signatures += [
        ("zero", "256 zero bytes", bytes(key.modulus_bytes)),
        ("one", "the number 1", bytes(key.modulus_bytes - 1) + b"\1"),
        ("modulus", "the modulus", key.modulus.to_bytes(key.modulus_bytes, "big")),
        ("zero_in_front", "a zero byte more at the front", b"\0" + right),
        ("zero_at_end", "a zero byte more at the end", right + b"\0"),
        ("truncated", "the last byte is missing", right[:-1]),
        ("pss", "a PS256 signature", key.sign_rsa_encoding(key.pss_encoding(message))),
    ]
    for name, description, signature in signatures:
        text = with_signature(signature, key=key)
        yield _bad(f"rs256_{name}", f"RS256: {description}", text, key=key)


def _ps256() -> Iterator[Vector]:
    key = KEYS["issuer_ps256"]
    message = signing_input(None, None, key).encode()
    good = key.pss_encoding(message)
    encodings = [
        ("salt_0", "no salt", key.pss_encoding(message, salt_bytes=0)),
        ("salt_20", "a salt of 20 bytes", key.pss_encoding(message, salt_bytes=20)),
        ("salt_64", "a salt of 64 bytes", key.pss_encoding(message, salt_bytes=64)),
        ("mgf1_sha1", "MGF1 with SHA-1", key.pss_encoding(message, mask_hash="sha1")),
        ("trailer", "another trailer byte", good[:-1] + b"\xcc"),
        ("pkcs1", "an RS256 signature", key.pkcs1_encoding(message)),
    ]
    signatures = [(name, text, key.sign_rsa_encoding(encoded)) for name, text, encoded in encodings]
    signatures.append(("truncated", "the last byte is missing", key.sign(message)[:-1]))
    for name, description, signature in signatures:
        text = with_signature(signature, key=key)
        yield _bad(f"ps256_{name}", f"PS256: {description}", text, key=key)
