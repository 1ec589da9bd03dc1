"""Step 13: the proof that the presenter holds the token's key (``holder_proof``).

The proof is a compact JWS by the holder's one-time key: header ``typ`` (``age-holder+jwt``),
``alg`` and ``jwk`` (public, the members of its thumbprint only), claims ``aud``, ``nonce``,
``iat`` and ``token_hash`` (base64url of SHA-256 over the token's characters).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from kit.build import (
    AUDIENCE,
    DROP,
    NONCE,
    NOW,
    OTHER_JTI,
    Json,
    Vector,
    claims,
    compact,
    members,
    refused,
    segment,
    sign_text,
    token,
)
from kit.crypto import KEYS, Key, b64url, p1363

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = "holder_proof"
HOLDER = KEYS["holder"]
OTHER = KEYS["other_holder"]
HOUR = 3600

BOUND_CLAIMS = claims(cnf={"jkt": HOLDER.kid})
BOUND = token(BOUND_CLAIMS)


def proof_head(key: Key, **changes: object) -> Json:
    return members({"typ": "age-holder+jwt", "alg": key.alg, "jwk": key.bare_jwk}, changes)


def proof_claims(text: str, **changes: object) -> Json:
    digest = b64url(hashlib.sha256(text.encode()).digest())
    base = {"aud": AUDIENCE, "nonce": NONCE, "iat": NOW, "token_hash": digest}
    return members(base, changes)


def proof(
    text: str = BOUND,
    *,
    key: Key = HOLDER,
    head: Json | bytes | None = None,
    payload: Json | bytes | None = None,
) -> str:
    """A right proof for a token, with another header or payload where given."""
    first = segment(head if head is not None else proof_head(key))
    second = segment(payload if payload is not None else proof_claims(text))
    return sign_text(f"{first}.{second}", key)


def vectors() -> Iterator[Vector]:
    yield from _absent()
    for name, description, text in [*_forms(), *_heads(), *_payloads(), *_signatures()]:
        yield refused(CODE, name, description, BOUND, holder_proof=text)


def _absent() -> Iterator[Vector]:
    yield refused(
        CODE, "absent", "a proof is demanded, none is given", BOUND, holder_jkt=HOLDER.kid
    )
    unbound = token()
    yield refused(
        CODE,
        "token_not_bound",
        "a right proof for a token without cnf",
        unbound,
        holder_proof=proof(unbound),
    )
    yield refused(
        CODE,
        "token_not_bound_demanded",
        "a proof is demanded, the token has no cnf",
        unbound,
        holder_jkt=HOLDER.kid,
        holder_proof=proof(unbound),
    )
    yield refused(
        CODE,
        "other_key_demanded",
        "a right proof, but another key is demanded",
        BOUND,
        holder_jkt=OTHER.kid,
        holder_proof=proof(),
    )
    other = token(claims(cnf={"jkt": OTHER.kid}))
    yield refused(
        CODE,
        "other_key_in_token",
        "the demanded key's proof, the token is bound to another key",
        other,
        holder_jkt=HOLDER.kid,
        holder_proof=proof(other),
    )


Named = list[tuple[str, str, str]]


def _forms() -> Named:
    plain = proof()
    head, payload, _ = plain.split(".")
    return [
        ("empty", "an empty proof", ""),
        ("two_parts", "a proof without its signature", f"{head}.{payload}"),
        ("padded", "a proof with ==", plain + "=="),
        ("newline", "a line feed after the proof", plain + "\n"),
        ("token_itself", "the token in place of the proof", BOUND),
        ("non_ascii", "é after the proof", plain + "é"),
        ("no_signature", "an empty signature", f"{head}.{payload}."),
        ("far_too_long", "20,000 letters A", "A" * 20_000),
        ("signature_of_token", "the token's signature", f"{head}.{payload}.{BOUND.split('.')[2]}"),
        ("garbage", "no JWS at all", "holder"),
    ]


def _heads() -> Named:
    private = HOLDER.bare_jwk | {"d": HOLDER.private["d"]}
    symmetric = {"kty": "oct", "k": b64url(HOLDER.public_point())}
    off_curve = HOLDER.bare_jwk | {"y": OTHER.bare_jwk["y"]}
    heads: list[tuple[str, str, Json]] = [
        ("typ_absent", "no typ", {"typ": DROP}),
        ("typ_token", "the token's typ", {"typ": "age-result+jwt"}),
        ("typ_dpop", "the typ of DPoP", {"typ": "dpop+jwt"}),
        ("alg_none", "alg none", {"alg": "none"}),
        ("alg_absent", "no alg", {"alg": DROP}),
        ("alg_hs256", "alg HS256", {"alg": "HS256"}),
        ("alg_other_type", "alg of another key type", {"alg": "EdDSA"}),
        ("jwk_absent", "no jwk", {"jwk": DROP}),
        ("jwk_null", "jwk null", {"jwk": None}),
        ("jwk_private", "a private key in the header", {"jwk": private}),
        ("jwk_symmetric", "a symmetric key in the header", {"jwk": symmetric}),
        ("jwk_with_kid", "a jwk with a kid", {"jwk": HOLDER.bare_jwk | {"kid": HOLDER.kid}}),
        (
            "jwk_with_x5u",
            "a jwk with a URL",
            {"jwk": HOLDER.bare_jwk | {"x5u": "https://x.example"}},
        ),
        ("jwk_off_curve", "a point that is not on the curve", {"jwk": off_curve}),
        ("kid_in_place_of_jwk", "the thumbprint only", {"jwk": DROP, "kid": HOLDER.kid}),
        ("unknown_member", "an unknown header member", {"jku": "https://stranger.example"}),
        ("crit", "an empty list of critical members", {"crit": []}),
    ]
    texts = [(name, text, proof(head=proof_head(HOLDER, **change))) for name, text, change in heads]
    swapped = proof_head(OTHER, jwk=HOLDER.bare_jwk)
    return [
        *((f"head_{name}", f"proof header: {text}", value) for name, text, value in texts),
        ("other_key", "a proof by another key", proof(key=OTHER)),
        (
            "other_key_claims_holder",
            "signed by another key, the holder's jwk",
            proof(key=OTHER, head=swapped),
        ),
        (
            "head_duplicate",
            "typ twice",
            proof(head=b'{"typ":"x",' + compact(proof_head(HOLDER))[1:]),
        ),
        ("head_not_json", "a header that is not JSON", proof(head=b"holder")),
    ]


def _payloads() -> Named:
    other_token = token(BOUND_CLAIMS | {"jti": OTHER_JTI})
    changes: list[tuple[str, str, Json]] = [
        ("aud_other", "another audience", {"aud": "https://other-shop.example"}),
        ("aud_array", "an array of audiences", {"aud": [AUDIENCE]}),
        ("aud_absent", "no audience", {"aud": DROP}),
        ("nonce_other", "another nonce", {"nonce": NONCE.swapcase()}),
        ("nonce_prefix", "a prefix of the nonce", {"nonce": NONCE[:-1]}),
        ("nonce_absent", "no nonce", {"nonce": DROP}),
        ("iat_old", "made an hour ago", {"iat": NOW - HOUR}),
        ("iat_future", "made in an hour", {"iat": NOW + HOUR}),
        ("iat_absent", "no iat", {"iat": DROP}),
        ("iat_float", "a fractional iat", {"iat": NOW + 0.5}),
        ("iat_string", "iat as a string", {"iat": str(NOW)}),
        ("iat_true", "iat true", {"iat": True}),
        ("iat_huge", "the largest signed 64-bit integer", {"iat": 2**63 - 1}),
        ("hash_absent", "no token_hash", {"token_hash": DROP}),
        ("hash_empty", "an empty token_hash", {"token_hash": ""}),
        (
            "hash_padded",
            "a padded token_hash",
            {"token_hash": proof_claims(BOUND)["token_hash"] + "="},
        ),
        ("hash_half", "half of the hash", {"token_hash": proof_claims(BOUND)["token_hash"][:22]}),
        (
            "hash_of_payload",
            "the hash of the payload part",
            {"token_hash": _hash(BOUND.split(".")[1])},
        ),
        ("unknown_member", "an unknown claim", {"exp": NOW + HOUR}),
    ]
    texts = [
        (name, text, proof(payload=proof_claims(BOUND, **change))) for name, text, change in changes
    ]
    return [
        *((f"claims_{name}", f"proof claims: {text}", value) for name, text, value in texts),
        ("other_token", "a right proof for another token", proof(other_token)),
        ("claims_not_json", "claims that are not JSON", proof(payload=b"holder")),
        (
            "claims_duplicate",
            "aud twice",
            proof(payload=b'{"aud":"x",' + compact(proof_claims(BOUND))[1:]),
        ),
    ]


def _hash(text: str) -> str:
    return b64url(hashlib.sha256(text.encode()).digest())


def _signatures() -> Named:
    message = proof().rpartition(".")[0]
    signatures = [
        ("der", "in DER", HOLDER.es256_der(message.encode())),
        ("zero", "r and s zero", p1363(0, 0)),
        ("65_bytes", "a byte too long", HOLDER.sign(message.encode()) + b"\0"),
        ("by_other", "by another key", OTHER.sign(message.encode())),
        ("over_token", "over the token", HOLDER.sign(BOUND.encode())),
    ]
    return [
        (f"signature_{name}", f"proof signature: {description}", f"{message}.{b64url(value)}")
        for name, description, value in signatures
    ]
