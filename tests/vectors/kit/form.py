"""Step 1: what is no compact JWS (``malformed_token``).

Every token here is signed as it stands, so that only the check of the form refuses it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kit.build import Vector, claims, compact, header, refused, sign_text, signing_input, token
from kit.crypto import KEYS, b64url, b64url_decode

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = "malformed_token"
_KEY = KEYS["issuer"]
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
MAX_CHARACTERS = 8192


def vectors() -> Iterator[Vector]:
    for name, description, text in [*_parts(), *_padding(), *_characters(), *_wrappings()]:
        yield refused(CODE, name, description, text)


def _parts() -> list[tuple[str, str, str]]:
    plain = token()
    head, payload, signature = plain.split(".")
    return [
        ("empty", "the empty string", ""),
        ("no_dot", "one part", head + payload + signature),
        ("two_parts", "header and payload without a signature part", f"{head}.{payload}"),
        ("four_parts", "a fourth part", f"{plain}.{signature}"),
        ("five_parts", "five parts, as an encrypted JWE has", f"{plain}.{payload}.{signature}"),
        ("trailing_dot", "a dot after the signature", plain + "."),
        ("leading_dot", "a dot before the header", "." + plain),
        ("double_dot", "two dots between payload and signature", f"{head}.{payload}..{signature}"),
        ("only_dots", "three dots", "..."),
        ("too_long", "8,193 characters, otherwise right", of_length(MAX_CHARACTERS + 1)),
        ("far_too_long", "20,000 letters A", "A" * 20_000),
    ]


def of_length(characters: int) -> str:
    """A right token of exactly so many characters, filled up with white space in its JSON."""
    fill = characters - len(token())
    for in_header in range(4):
        spaces = b" " * in_header
        head = compact(header(_KEY)) + spaces
        start = max(0, fill * 3 // 4 - 8)
        for in_payload in range(start, start + 16):
            text = sign_text(signing_input(head, compact(claims()) + b" " * in_payload, _KEY), _KEY)
            if len(text) == characters:
                return text
    raise AssertionError("no such length")


def _padding() -> list[tuple[str, str, str]]:
    head = b64url(_filled(compact(header(_KEY)), 1))
    payload = b64url(_filled(compact(claims()), 1))
    whole = b64url(_filled(compact(header(_KEY)), 0))
    plain = sign_text(f"{head}.{payload}", _KEY)
    unsigned, _, signature = plain.rpartition(".")
    texts = [
        ("padded_header", "== after the header", f"{head}==.{payload}"),
        ("padded_payload", "== after the payload", f"{head}.{payload}=="),
        ("superfluous_padding", "==== after a header that needs none", f"{whole}====.{payload}"),
        (
            "trailing_bits_header",
            "an unused bit set in the header's last character",
            f"{_unused_bit_set(head)}.{payload}",
        ),
        (
            "trailing_bits_payload",
            "an unused bit set in the payload's last character",
            f"{head}.{_unused_bit_set(payload)}",
        ),
        ("impossible_length_header", "a header of 4n + 1 characters", f"{whole}A.{payload}"),
        ("impossible_length_payload", "a payload of 4n + 1 characters", f"{head}.{whole}A"),
    ]
    return [
        *((name, description, sign_text(text, _KEY)) for name, description, text in texts),
        ("padded_signature", "== after the signature", plain + "=="),
        ("half_padded_signature", "one = where base64 would put two", plain + "="),
        ("escaped_padding", "%3D%3D after the signature", plain + "%3D%3D"),
        (
            "trailing_bits_signature",
            "an unused bit set in the signature's last character",
            f"{unsigned}.{_unused_bit_set(signature)}",
        ),
        ("impossible_length_signature", "a signature of 85 characters", plain[:-1]),
        ("standard_alphabet", "+ and / in place of - and _", _standard_alphabet()),
    ]


def _filled(text: bytes, remainder: int) -> bytes:
    """Add spaces until the length is ``remainder`` modulo 3."""
    return text + b" " * ((remainder - len(text)) % 3)


def _unused_bit_set(part: str) -> str:
    """Set the lowest bit of the last character, which no byte of the value uses."""
    return part[:-1] + _ALPHABET[_ALPHABET.index(part[-1]) + 1]


def _standard_alphabet() -> str:
    """A right token, with white space added until both - and _ occur, in the other alphabet."""
    texts = (token(compact(claims()) + b" " * spaces) for spaces in range(100))
    return next(t for t in texts if "-" in t and "_" in t).replace("-", "+").replace("_", "/")


def _characters() -> list[tuple[str, str, str]]:
    plain = token()
    head, payload, signature = plain.split(".")
    middle = len(payload) // 2

    def inside(character: str) -> str:
        return sign_text(f"{head}.{payload[:middle]}{character}{payload[middle:]}", _KEY)

    return [
        ("space_before", "a space before the token", " " + plain),
        ("space_after", "a space after the token", plain + " "),
        ("newline_after", "a line feed after the token", plain + "\n"),
        ("crlf_after", "carriage return and line feed after the token", plain + "\r\n"),
        ("tab_after", "a tab after the token", plain + "\t"),
        ("nul_after", "a NUL after the token", plain + "\0"),
        ("newline_after_header", "a line feed after the header", f"{head}\n.{payload}.{signature}"),
        ("space_inside", "a space inside the payload", inside(" ")),
        ("newline_inside", "a line feed inside the payload", inside("\n")),
        ("nul_inside", "a NUL inside the payload", inside("\0")),
        ("question_mark_inside", "? inside the payload", inside("?")),
        ("percent_inside", "% inside the payload", inside("%")),
        ("letter_with_accent", "é inside the payload", inside("é")),
        ("cyrillic_letter", "Cyrillic а inside the payload", inside("\u0430")),
        ("arabic_digit", "the digit U+0661 inside the payload", inside("\u0661")),
        ("fullwidth_letter", "the letter U+FF21 inside the payload", inside("\uff21")),
        ("kelvin_sign", "U+212A, which folds to k, inside the payload", inside("\u212a")),
        ("zero_width_space", "U+200B inside the payload", inside("\u200b")),
        ("surrogate_pair", "a character beyond 16 bits inside the payload", inside("\U0001d400")),
        ("byte_order_mark", "U+FEFF before the token", "\ufeff" + plain),
        ("fullwidth_dots", "U+FF0E in place of the dots", plain.replace(".", "\uff0e")),
        ("middle_dots", "U+00B7 in place of the dots", plain.replace(".", "\u00b7")),
    ]


def _wrappings() -> list[tuple[str, str, str]]:
    plain = token()
    head, payload, signature = plain.split(".")
    flattened = {"protected": head, "payload": payload, "signature": signature}
    general = {"payload": payload, "signatures": [{"protected": head, "signature": signature}]}
    claims_text = b64url_decode(payload).decode("ascii")
    return [
        ("bearer", "the word Bearer before the token", "Bearer " + plain),
        ("quoted", "the token in quotation marks", f'"{plain}"'),
        ("json_flattened", "the flattened JSON serialisation", json.dumps(flattened)),
        ("json_general", "the general JSON serialisation", json.dumps(general)),
        ("sd_jwt", "a tilde after the token, as in an SD-JWT", plain + "~"),
        ("two_tokens", "two tokens and a comma", f"{plain},{plain}"),
        ("url_fragment", "the token with a fragment", plain + "#x"),
        ("claims_only", "the claims as plain JSON", claims_text),
        (
            "unencoded_payload",
            "a payload that is not base64url (RFC 7797)",
            sign_text(f"{head}.{claims_text.replace('.', '')}", _KEY),
        ),
        ("detached", "a detached payload marked with an asterisk", f"{head}.*.{signature}"),
    ]
