"""What must be accepted, with the result: a verifier that refuses everything is no verifier."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kit.build import (
    DROP,
    EXPIRES,
    ISSUED,
    ISSUER,
    LIFETIME,
    NONCE,
    Json,
    Setup,
    Vector,
    accepted,
    claims,
    compact,
    header,
    only,
    token,
)
from kit.context import LEEWAY, MAX_LEEWAY, TWO_ISSUERS
from kit.crypto import KEYS, Key
from kit.form import MAX_CHARACTERS, of_length
from kit.holder import BOUND, HOLDER, proof, proof_claims, proof_head
from kit.replay import malleated

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY = KEYS["issuer"]
_POLICY = "https://age.example/practice/2030-01"


def vectors() -> Iterator[Vector]:
    yield accepted("plain", "18 or over, ES256", token())
    yield from _keys()
    yield from _spellings()
    yield from _times()
    yield from _ages()
    yield from _told()
    yield from _holders()


def _without(key: Key, *names: str) -> Setup:
    jwk = {name: value for name, value in key.jwk.items() if name not in names}
    return Setup(issuers={ISSUER: [jwk]})


def _keys() -> Iterator[Vector]:
    for name, alg in [
        ("issuer_ed25519", "EdDSA"),
        ("issuer_rs256", "RS256"),
        ("issuer_ps256", "PS256"),
    ]:
        key = KEYS[name]
        yield accepted(alg.lower(), f"signed with {alg}", token(key=key), setup=only(key))
    key = KEYS["issuer_ed25519"]
    text = token(head=header(key, alg="Ed25519"), key=key)
    fully_named = Setup(issuers={ISSUER: [key.jwk | {"alg": "Ed25519"}]})
    description = "signed with Ed25519 under its RFC 9864 name"
    yield accepted("ed25519", description, text, setup=fully_named)
    yield accepted(
        "es256_key_without_alg", "the JWK has no alg", token(), setup=_without(_KEY, "alg", "use")
    )
    operations: Json = {name: value for name, value in _KEY.jwk.items() if name != "use"}
    operations["key_ops"] = ["verify"]
    yield accepted(
        "key_ops", "the JWK has key_ops", token(), setup=Setup(issuers={ISSUER: [operations]})
    )
    rotation = Setup(issuers={ISSUER: [_KEY.jwk, KEYS["issuer_next"].jwk]})
    text = token(key=KEYS["issuer_next"])
    yield accepted("rotation", "signed with the second of two keys", text, setup=rotation)
    key = KEYS["other_issuer"]
    other = "https://other-age.example"
    text = token(claims(iss=other), key=key)
    yield accepted(
        "second_issuer",
        "the second of two issuers",
        text,
        setup=TWO_ISSUERS,
        result={"issuer": other},
    )
    for name, issuer in [
        ("loopback_name", "http://localhost:8080"),
        ("loopback_v4", "http://127.0.0.1:8080"),
        ("path_issuer", "https://age.example/tenant/1"),
    ]:
        yield accepted(
            name,
            f"the issuer {issuer}",
            token(claims(iss=issuer)),
            setup=Setup(issuers={issuer: [_KEY.jwk]}),
            result={"issuer": issuer},
        )
    yield accepted("malleated", "the other ES256 signature, the first to come", malleated(token()))


def _spellings() -> Iterator[Vector]:
    full = token(head=header(_KEY, typ="application/age-result+jwt"))
    yield accepted("typ_application", "typ with application/ before it", full)
    spaced = json.dumps(header(_KEY), indent=2).encode()
    yield accepted("header_white_space", "white space in the header", token(head=spaced))
    spaced = ("\r\n\t " + json.dumps(claims(), indent=2) + "\n").encode()
    yield accepted("payload_white_space", "white space in and around the claims", token(spaced))
    reordered = compact(dict(reversed(claims().items())))
    yield accepted("claims_reordered", "claims in another order", token(reordered))
    reordered = compact(dict(reversed(header(_KEY).items())))
    yield accepted("header_reordered", "header members in another order", token(head=reordered))
    slashes = compact(claims()).replace(b"/", rb"\/")
    yield accepted("escaped_slashes", "escaped slashes", token(slashes))
    names = compact(claims()).replace(b'"aud"', rb'"\u0061ud"').replace(b'"18"', rb'"\u0031\u0038"')
    yield accepted("escaped_names", "member names with escaped letters", token(names))
    typ = compact(header(_KEY)).replace(b"+jwt", rb"\u002bjwt")
    yield accepted("escaped_typ", "typ with an escaped +", token(head=typ))
    longest = of_length(MAX_CHARACTERS)
    yield accepted("longest", "8,192 characters", longest)
    for name, audience in [
        ("audience_client_id", "shop-1.client"),
        ("audience_words", "a shop"),
        ("audience_unicode", "https://caf\u00e9.example"),
    ]:
        yield accepted(
            name,
            f"the audience {audience!a}",
            token(claims(aud=audience)),
            setup=Setup(audience=audience),
            result={"audience": audience},
        )
    raw_utf8 = json.dumps(claims(aud="https://caf\u00e9.example"), ensure_ascii=False).encode()
    yield accepted(
        "audience_raw_utf8",
        "an audience in UTF-8 without escapes",
        token(raw_utf8),
        setup=Setup(audience="https://caf\u00e9.example"),
        result={"audience": "https://caf\u00e9.example"},
    )
    for name, nonce in [("shortest_nonce", NONCE[:22]), ("longest_nonce", (NONCE * 3)[:128])]:
        text = token(claims(nonce=nonce))
        yield accepted(name, f"a nonce of {len(nonce)} characters", text, nonce=nonce)


def _times() -> Iterator[Vector]:
    for name, description, now, setup in [
        ("at_iat", "the clock stands at iat", ISSUED, Setup()),
        ("last_second", "a second before exp", EXPIRES - 1, Setup()),
        ("early_within_leeway", "iat - the leeway of 60 s", ISSUED - MAX_LEEWAY, LEEWAY),
        ("late_within_leeway", "exp + the leeway - 1 s", EXPIRES + MAX_LEEWAY - 1, LEEWAY),
    ]:
        yield accepted(name, description, token(), now=now, setup=setup)
    yield accepted(
        "ten_minutes",
        "a life of ten minutes",
        token(claims(exp=ISSUED + 600)),
        result={"expires_at": ISSUED + 600},
    )
    far = 4_102_444_800  # 2100-01-01, beyond 31 bits
    yield accepted(
        "year_2100",
        "times beyond 31 bits",
        token(claims(iat=far, exp=far + LIFETIME)),
        now=far + 1,
        result={"issued_at": far, "expires_at": far + LIFETIME},
    )


def _ages() -> Iterator[Vector]:
    for limit, said in [(18, 21), (18, 19), (18, 99), (9, 10), (1, 1), (1, 99), (99, 99), (5, 18)]:
        yield accepted(
            f"over_{limit}_from_{said}",
            f"over {limit} is asked, {said}: true is said",
            token(claims(age_equal_or_over={str(said): True})),
            age_over=limit,
            result={"age_over": limit, "proven_limit": said},
        )
    for limit, said in [(18, 18), (18, 16), (18, 1), (10, 9), (1, 1), (99, 99), (18, 9)]:
        yield accepted(
            f"under_{limit}_from_{said}",
            f"under {limit} is asked, {said}: false is said",
            token(claims(age_equal_or_over={str(said): False})),
            age_over=DROP,
            age_under=limit,
            result={"age_over": None, "age_under": limit, "proven_limit": said},
        )


def _told() -> Iterator[Vector]:
    for method in ("verification", "estimation", "inference"):
        text = token(claims(age_method=method))
        result = {"method_class": method}
        yield accepted(f"told_{method}", f"{method} is told, nothing demanded", text, result=result)
        yield accepted(
            f"demanded_{method}",
            f"{method} is told and demanded",
            text,
            methods=[method],
            result=result,
        )
    for name, methods in [
        ("declaration_named", ["declaration"]),
        ("declaration_among", ["verification", "declaration"]),
    ]:
        yield accepted(
            name,
            "a declaration, and declarations are named",
            token(claims(age_method="declaration")),
            methods=methods,
            result={"method_class": "declaration"},
        )
    levels = ["asserted", "standard", "enhanced", "strict"]
    for index, level in enumerate(levels):
        text = token(claims(age_assurance=level))
        yield accepted(
            f"told_{level}", f"{level} is told, nothing demanded", text, result={"level": level}
        )
        for demanded in levels[: index + 1]:
            yield accepted(
                f"{level}_for_{demanded}",
                f"{level} is told, {demanded} demanded",
                text,
                minimum_level=demanded,
                result={"level": level},
            )
    everything = claims(
        age_method="verification",
        age_assurance="strict",
        policy=_POLICY,
        cnf={"jkt": HOLDER.kid},
    )
    text = token(everything)
    yield accepted(
        "everything",
        "every claim there is, everything demanded",
        text,
        methods=["verification"],
        minimum_level="strict",
        holder_jkt=HOLDER.kid,
        holder_proof=proof(text),
        result={
            "method_class": "verification",
            "level": "strict",
            "policy_uri": _POLICY,
            "holder_jkt": HOLDER.kid,
        },
    )
    text = token(claims(policy=_POLICY))
    yield accepted("policy", "a practice statement", text, result={"policy_uri": _POLICY})


def _holders() -> Iterator[Vector]:
    result = {"holder_jkt": HOLDER.kid}
    yield accepted(
        "holder_not_asked", "a bound token, no proof asked or given", BOUND, result=result
    )
    yield accepted(
        "holder_proof", "a right proof, given", BOUND, holder_proof=proof(), result=result
    )
    yield accepted(
        "holder_proof_demanded",
        "a right proof, demanded and given",
        BOUND,
        holder_jkt=HOLDER.kid,
        holder_proof=proof(),
        result=result,
    )
    key = KEYS["holder_ed25519"]
    text = token(claims(cnf={"jkt": key.kid}))
    yield accepted(
        "holder_proof_ed25519",
        "a proof by an Ed25519 key",
        text,
        holder_proof=proof(text, key=key),
        result={"holder_jkt": key.kid},
    )
    spaced = proof(
        head=json.dumps(proof_head(HOLDER), indent=1).encode(),
        payload=json.dumps(proof_claims(BOUND), indent=1).encode(),
    )
    yield accepted(
        "holder_proof_white_space",
        "white space in the proof",
        BOUND,
        holder_proof=spaced,
        result=result,
    )
