"""Steps 7 to 10: issuer, audience, nonce and time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.build import (
    AUDIENCE,
    EXPIRES,
    ISSUED,
    ISSUER,
    NONCE,
    OTHER_ISSUER,
    Setup,
    Vector,
    claims,
    header,
    refused,
    token,
)
from kit.crypto import KEYS, b64url

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LIFETIME = 900
MAX_LEEWAY = 60

TWO_ISSUERS = Setup(
    issuers={ISSUER: [KEYS["issuer"].jwk], OTHER_ISSUER: [KEYS["other_issuer"].jwk]}
)
LEEWAY = Setup(leeway_seconds=MAX_LEEWAY)


def vectors() -> Iterator[Vector]:
    yield from _issuers()
    yield from _audiences()
    yield from _nonces()
    yield from _times()


def _issuers() -> Iterator[Vector]:
    code = "wrong_issuer"
    text = token(claims(iss=OTHER_ISSUER))
    yield refused(code, "other_pinned", "names another pinned issuer", text, setup=TWO_ISSUERS)
    key = KEYS["other_issuer"]
    text = token(claims(), head=header(key), key=key)
    yield refused(
        code,
        "other_pinned_signs",
        "another pinned issuer signs in its name",
        text,
        setup=TWO_ISSUERS,
    )
    names = [
        ("unknown", "https://unknown.example"),
        ("trailing_slash", ISSUER + "/"),
        ("path", ISSUER + "/tenant"),
        ("default_port", ISSUER + ":443"),
        ("capital_host", "https://AGE.example"),
        ("trailing_dot", "https://age.example."),
        ("subdomain", "https://www.age.example"),
        ("suffix", ISSUER + ".evil.example"),
        ("prefix", ISSUER[:-1]),
        ("http", "http://age.example"),
        ("no_url", "age"),
        ("empty", ""),
    ]
    for name, issuer in names:
        yield refused(code, name, f'iss is "{issuer}"', token(claims(iss=issuer)))


def _audiences() -> Iterator[Vector]:
    names = [
        ("other", "https://other-shop.example"),
        ("trailing_slash", AUDIENCE + "/"),
        ("default_port", AUDIENCE + ":443"),
        ("http", "http://shop.example"),
        ("host_only", "shop.example"),
        ("capital_host", "https://SHOP.example"),
        ("subdomain", "https://www.shop.example"),
        ("suffix", AUDIENCE + ".evil.example"),
        ("prefix", AUDIENCE[:-1]),
        ("two_in_one", f"{AUDIENCE} https://other-shop.example"),
        ("space_after", AUDIENCE + " "),
        ("percent", "https://shop%2Eexample"),
        ("cyrillic", "https://sh\u043ep.example"),
        ("decomposed", "https://sho\u0301p.example"),
        ("issuer", ISSUER),
        ("empty", ""),
    ]
    for name, audience in names:
        yield refused("wrong_audience", name, f"aud: {name}", token(claims(aud=audience)))


def _nonces() -> Iterator[Vector]:
    names = [
        ("other", "the nonce of another session", b64url(b"another session of the shop, 32.")),
        ("prefix", "the nonce without its last character", NONCE[:-1]),
        ("longer", "the nonce and one character", NONCE + "A"),
        ("other_case", "the nonce in another letter case", NONCE.swapcase()),
        ("twice", "the nonce twice", NONCE + NONCE),
        ("padded", "the nonce with =", NONCE + "="),
        ("newline_after", "the nonce with a line feed", NONCE + "\n"),
        ("non_ascii", "the nonce with an accent", NONCE + "\u00e9"),
        ("short", "five characters", NONCE[:5]),
        ("empty", "an empty nonce", ""),
        (
            "last_character",
            "another last character",
            NONCE[:-1] + ("A" if NONCE[-1] != "A" else "B"),
        ),
        (
            "first_character",
            "another first character",
            ("A" if NONCE[0] != "A" else "B") + NONCE[1:],
        ),
    ]
    for name, description, nonce in names:
        yield refused("wrong_nonce", name, description, token(claims(nonce=nonce)))
    text = token()
    other = b64url(b"the nonce of a new session, 32 b")
    yield refused("wrong_nonce", "new_session", "a right token, another session", text, nonce=other)


def _times() -> Iterator[Vector]:
    plain = token()
    day = 86_400
    for name, description, now, setup in [
        ("at_exp", "the clock stands at exp", EXPIRES, Setup()),
        ("a_second_late", "a second after exp", EXPIRES + 1, Setup()),
        ("at_exp_plus_leeway", "exp + the leeway of 60 s", EXPIRES + MAX_LEEWAY, LEEWAY),
        ("a_day_late", "a day after exp", EXPIRES + day, LEEWAY),
    ]:
        yield refused("expired", name, description, plain, now=now, setup=setup)
    for name, description, payload in [
        ("no_lifetime", "exp is iat", claims(exp=ISSUED)),
        ("epoch", "exp and iat at the epoch", claims(iat=0, exp=900)),
        ("negative", "exp and iat before the epoch", claims(iat=-901, exp=-1)),
        ("smallest", "exp is the smallest signed 64-bit integer", claims(exp=-(2**63))),
        ("long_and_expired", "expired, and too long a life", claims(iat=ISSUED - day)),
    ]:
        now = EXPIRES if name == "long_and_expired" else ISSUED
        yield refused("expired", name, description, token(payload), now=now)
    for name, description, now, setup in [
        ("a_second_early", "a second before iat", ISSUED - 1, Setup()),
        ("beyond_leeway", "iat - the leeway of 60 s - 1 s", ISSUED - MAX_LEEWAY - 1, LEEWAY),
        ("a_day_early", "a day before iat", ISSUED - day, LEEWAY),
    ]:
        yield refused("not_yet_valid", name, description, plain, now=now, setup=setup)
    text = token(claims(exp=ISSUED + day))
    yield refused(
        "not_yet_valid",
        "long_and_early",
        "iat in the future, and too long a life",
        text,
        now=ISSUED - 1,
    )
    for name, description, exp, setup in [
        ("901_seconds", "901 seconds", ISSUED + MAX_LIFETIME + 1, Setup()),
        ("901_seconds_leeway", "901 seconds, leeway 60 s", ISSUED + MAX_LIFETIME + 1, LEEWAY),
        ("a_day", "a day", ISSUED + day, Setup()),
        ("year_3000", "until the year 3000", 32_503_680_000, Setup()),
        ("year_10000", "until the year 10000", 253_402_300_800, Setup()),
        ("milliseconds", "exp in milliseconds", EXPIRES * 1000, Setup()),
        ("largest", "exp is the largest signed 64-bit integer", 2**63 - 1, Setup()),
    ]:
        text = token(claims(exp=exp))
        yield refused("lifetime_too_long", name, f"lifetime: {description}", text, setup=setup)
    text = token(claims(iat=0))
    yield refused("lifetime_too_long", "iat_epoch", "lifetime: since the epoch", text)
    text = token(claims(iat=-(2**63)))
    yield refused("lifetime_too_long", "iat_smallest", "iat is the smallest 64-bit integer", text)
    text = token(claims(iat=ISSUED - 300, exp=EXPIRES))
    yield refused("lifetime_too_long", "early_iat", "lifetime: 20 minutes, 10 of them left", text)
