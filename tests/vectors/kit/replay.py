"""Step 14: replay (``replayed``) and a store that cannot answer (``replay_store_unavailable``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.build import (
    DROP,
    EXPIRES,
    ISSUER,
    JTI,
    NONCE,
    NOW,
    OTHER_ISSUER,
    OTHER_JTI,
    Json,
    Setup,
    Vector,
    call,
    claims,
    compact,
    header,
    refused,
    sequence,
    token,
    verified,
)
from kit.context import LEEWAY, MAX_LEEWAY, TWO_ISSUERS
from kit.crypto import KEYS, P256_ORDER, b64url, b64url_decode, p1363
from kit.holder import BOUND, HOLDER, proof

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY = KEYS["issuer"]
_REPLAYED: Json = {"refuse": "replayed"}
_UNAVAILABLE: Json = {"refuse": "replay_store_unavailable"}


def malleated(text: str) -> str:
    """The other valid ES256 signature of the same message: n - s in place of s."""
    message, _, signature = text.rpartition(".")
    raw = b64url_decode(signature)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    return f"{message}.{b64url(p1363(r, P256_ORDER - s))}"


def vectors() -> Iterator[Vector]:
    yield from _replayed()
    yield from _replayed_other_expectation()
    yield from _unavailable()
    yield from _not_replayed()


def _replayed() -> Iterator[Vector]:
    plain = token()
    reencoded = token(head=b" " + compact(header(_KEY)))
    full_typ = token(head=header(_KEY, typ="application/age-result+jwt"))
    reordered = token(compact(dict(reversed(claims().items()))))
    escaped = token(compact(claims()).replace(b"https://", rb"https:\/\/"))
    later = token(claims(iat=claims()["iat"] - 300, exp=EXPIRES - 300))
    other_limit = token(claims(age_equal_or_over={"21": True}))
    next_key = token(key=KEYS["issuer_next"])
    rotation = Setup(issuers={ISSUER: [_KEY.jwk, KEYS["issuer_next"].jwk]})
    for name, description, text, setup in [
        ("same_token", "the same token again", plain, None),
        ("malleated_signature", "the same token with n - s in place of s", malleated(plain), None),
        ("header_reencoded", "the same jti, white space in the header", reencoded, None),
        ("header_full_typ", "the same jti, the other spelling of typ", full_typ, None),
        ("payload_reordered", "the same jti, members in another order", reordered, None),
        ("payload_escaped", "the same jti, escaped slashes in iss", escaped, None),
        ("other_times", "the same jti, other times", later, None),
        ("other_limit", "the same jti, another limit", other_limit, None),
        ("other_key", "the same jti, signed by the issuer's next key", next_key, rotation),
    ]:
        again = call(text, _REPLAYED, now=NOW + 1)
        yield sequence("replayed", name, description, call(plain, verified()), again, setup=setup)
    yield sequence(
        "replayed",
        "third_time",
        "the same token, three times",
        call(plain, verified()),
        call(plain, _REPLAYED),
        call(plain, _REPLAYED),
    )
    yield sequence(
        "replayed",
        "malleated_first",
        "the malleated token first, then the one that was issued",
        call(malleated(plain), verified()),
        call(plain, _REPLAYED),
    )
    last = EXPIRES + MAX_LEEWAY - 1
    yield sequence(
        "replayed",
        "within_leeway_of_exp",
        "again a second before exp + leeway: not forgotten before it has expired for certain",
        call(plain, verified()),
        call(plain, _REPLAYED, now=last),
        call(plain, {"refuse": "expired"}, now=last + 1),
        setup=LEEWAY,
    )


def _replayed_other_expectation() -> Iterator[Vector]:
    plain = token()
    nonce = NONCE.swapcase()
    renewed = token(claims(nonce=nonce))
    yield sequence(
        "replayed",
        "other_nonce",
        "the same jti, another session's nonce",
        call(plain, verified()),
        call(renewed, _REPLAYED, nonce=nonce),
    )
    yield sequence(
        "replayed",
        "other_limit_asked",
        "the same token, another limit is asked",
        call(plain, verified()),
        call(plain, _REPLAYED, age_over=16),
    )
    under = token(claims(age_equal_or_over={"18": False}))
    yield sequence(
        "replayed",
        "other_direction",
        "the same jti, the other direction",
        call(plain, verified()),
        call(under, _REPLAYED, age_over=DROP, age_under=18),
    )
    bound = verified(holder_jkt=HOLDER.kid)
    yield sequence(
        "replayed",
        "with_holder_proof",
        "the same token and the same proof",
        call(BOUND, bound, holder_proof=proof()),
        call(BOUND, _REPLAYED, holder_proof=proof()),
    )


def _unavailable() -> Iterator[Vector]:
    code = "replay_store_unavailable"
    plain, other = token(), token(claims(jti=OTHER_JTI))
    yield refused(
        code, "no_answer", "the store gives no answer", plain, setup=Setup(replay_available=False)
    )
    full = Setup(replay_capacity=1)
    yield sequence(
        code,
        "full",
        "a full store refuses; it forgets no unexpired entry",
        call(plain, verified()),
        call(other, _UNAVAILABLE),
        call(plain, _REPLAYED),
        setup=full,
    )
    yield sequence(
        code,
        "full_until_leeway_is_over",
        "the one entry is kept until exp + leeway",
        call(plain, verified()),
        call(other, _UNAVAILABLE, now=EXPIRES + MAX_LEEWAY - 1),
        setup=Setup(replay_capacity=1, leeway_seconds=MAX_LEEWAY),
    )


def _not_replayed() -> Iterator[Vector]:
    plain, other = token(), token(claims(jti=OTHER_JTI))
    yield sequence(
        "valid",
        "other_jti_is_no_replay",
        "two tokens that differ in jti only",
        call(plain, verified()),
        call(other, verified()),
    )
    foreign = token(claims(iss=OTHER_ISSUER, jti=JTI), key=KEYS["other_issuer"])
    yield sequence(
        "valid",
        "jti_of_other_issuer_is_no_replay",
        "another issuer uses the same jti: it cannot burn this one's tokens",
        call(foreign, verified(issuer=OTHER_ISSUER)),
        call(plain, verified()),
        setup=TWO_ISSUERS,
    )
    later = EXPIRES + 600
    text = token(claims(jti=OTHER_JTI, iat=later, exp=later + 900))
    yield sequence(
        "valid",
        "full_store_frees_expired",
        "a full store takes a new token ten minutes after the old entry has expired",
        call(plain, verified()),
        call(text, verified(issued_at=later, expires_at=later + 900), now=later),
        setup=Setup(replay_capacity=1),
    )
    bound = verified(holder_jkt=HOLDER.kid)
    yield sequence(
        "valid",
        "refusal_does_not_consume",
        "a token refused at steps 8 to 13 is not used up",
        call(BOUND, {"refuse": "wrong_nonce"}, nonce=NONCE.swapcase()),
        call(BOUND, {"refuse": "not_yet_valid"}, now=NOW - 900),
        call(BOUND, {"refuse": "age_not_met"}, age_over=19),
        call(BOUND, {"refuse": "assurance_not_met"}, minimum_level="asserted"),
        call(BOUND, {"refuse": "holder_proof"}, holder_jkt=HOLDER.kid),
        call(BOUND, bound, holder_jkt=HOLDER.kid, holder_proof=proof()),
    )
