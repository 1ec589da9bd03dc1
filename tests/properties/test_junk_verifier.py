"""Whatever is presented, the verifier answers with its own errors, or with what was signed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from ageassure.errors import ConfigurationError, HolderProofError, VerificationError
from ageassure.results import AgeRequest, AssuranceLevel, MethodClass, Outcome
from ageassure.tokens import SigningKey, TokenIssuer, base64url, make_holder_proof
from ageassure.tokens.jws import parse_compact, sign_compact
from ageassure.verifier import MemoryReplayStore, TokenVerifier, VerifiedAge

ISSUER = "https://age.example"
AUDIENCE = "https://shop.example"
NONCE = "n" * 43
ISSUED = datetime(2030, 1, 1, tzinfo=UTC)
NOW = ISSUED + timedelta(minutes=2)
KEY = SigningKey.generate()
HOLDER = SigningKey.generate("EdDSA")


def clock() -> datetime:
    return NOW


TOKEN_ISSUER = TokenIssuer(issuer=ISSUER, signing_key=KEY, now=clock)
VERIFIER = TokenVerifier(
    issuers={ISSUER: KEY.public_set()},
    audience=AUDIENCE,
    replay_store=MemoryReplayStore(now=clock),
    now=clock,
)


def issued(**changes: Any) -> str:
    request = AgeRequest(audience=AUDIENCE, nonce=NONCE, age_over=18, **changes)
    return TOKEN_ISSUER.issue(
        request,
        outcome=Outcome.OVER,
        method_class=MethodClass.ESTIMATION,
        level=AssuranceLevel.STANDARD,
    )


def verify(token: object, **changes: Any) -> VerifiedAge | None:
    """The result, or None where the verifier refused; any other exception fails the test."""
    try:
        return VERIFIER.verify(token, **({"nonce": NONCE, "age_over": 18} | changes))  # type: ignore[arg-type]
    except VerificationError:
        return None


PLAIN = issued()
HEADER = dict(parse_compact(PLAIN).header)
CLAIMS: dict[str, Any] = json.loads(parse_compact(PLAIN).payload)
BOUND = issued(holder_jkt=HOLDER.kid)
PROOF = make_holder_proof(BOUND, holder_key=HOLDER, audience=AUDIENCE, nonce=NONCE, now=clock)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
TIMES = st.integers(-2000, 2000).map(lambda delta: int(ISSUED.timestamp()) + delta)
AGES = st.dictionaries(
    st.integers(-1, 101).map(str) | st.sampled_from(["018", "18 ", "\u0661\u0668"]),
    st.booleans() | st.integers(0, 1),
    max_size=2,
)
CLAIM_VALUES = st.one_of(
    JSON,
    TIMES,
    AGES,
    st.sampled_from([member.value for member in (*MethodClass, *AssuranceLevel)]),
    st.fixed_dictionaries({"jkt": st.just(HOLDER.kid) | JSON}),
    st.binary(min_size=16, max_size=16).map(base64url.encode),
    st.sampled_from([ISSUER, AUDIENCE, NONCE, "https://age.example/practice", "http://x"]),
)
CLAIM_NAMES = st.sampled_from(
    [*CLAIMS, "age_method", "age_assurance", "policy", "cnf", "sub", "nbf", "Aud", ""]
)
HEADER_NAMES = st.sampled_from([*HEADER, "jku", "jwk", "crit", "b64", "TYP"])
HEADER_VALUES = st.one_of(
    JSON,
    st.sampled_from(["age-result+jwt", "application/age-result+jwt", "JWT", KEY.kid]),
    st.sampled_from(["none", "HS256", "EdDSA", "ES256"]),
)


def signed(header: dict[str, Any], payload: bytes) -> str:
    """A JWS by the issuer's key with any header; ``sign_compact`` insists on a right ``alg``."""
    text = f"{base64url.encode(json.dumps(header).encode())}.{base64url.encode(payload)}"
    return f"{text}.{base64url.encode(KEY.sign(text.encode()))}"


@given(st.text() | st.binary() | JSON | st.text(alphabet="ey.AQgw_-=", max_size=200))
def test_junk_is_refused(token: object) -> None:
    assert verify(token) is None


@given(st.lists(st.binary(max_size=100).map(base64url.encode), max_size=5).map(".".join))
def test_junk_parts_are_refused(token: str) -> None:
    assert verify(token) is None


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_signed_junk_is_refused(payload: bytes) -> None:
    assert verify(sign_compact(HEADER, payload, KEY)) is None


POSITION = st.integers(0, len(PLAIN) - 1)


@given(POSITION, st.characters() | st.sampled_from("AQgwBZaz09-_=.+/ \n"))
def test_replaced_character_is_refused(position: int, character: str) -> None:
    assume(character != PLAIN[position])
    assert verify(PLAIN[:position] + character + PLAIN[position + 1 :]) is None


@given(POSITION, st.text(min_size=1, max_size=3) | st.sampled_from(["A", "=", ".", "\n", "\0"]))
def test_inserted_text_is_refused(position: int, text: str) -> None:
    assume(text != "" and PLAIN[:position] + text + PLAIN[position:] != PLAIN)
    assert verify(PLAIN[:position] + text + PLAIN[position:]) is None
    assert verify(PLAIN + text) is None


@given(POSITION, st.integers(1, 40))
def test_deleted_text_is_refused(position: int, length: int) -> None:
    assert verify(PLAIN[:position] + PLAIN[position + length :]) is None


@given(st.dictionaries(HEADER_NAMES, HEADER_VALUES, min_size=1))
def test_no_other_header_is_accepted(changes: dict[str, Any]) -> None:
    header = HEADER | changes
    token_id = base64url.encode(bytes(16))
    if verify(signed(header, json.dumps(CLAIMS | {"jti": token_id}).encode())) is not None:
        assert header | {"typ": "age-result+jwt"} == HEADER
        assert header["typ"] in ("age-result+jwt", "application/age-result+jwt")


@given(
    st.dictionaries(CLAIM_NAMES, CLAIM_VALUES, max_size=3),
    st.sets(CLAIM_NAMES, max_size=1),
    st.integers(1, 99),
    st.booleans(),
)
@example({}, set(), 18, True)
@example({"age_equal_or_over": {"21": True}}, set(), 18, True)
@example({"age_equal_or_over": {"16": False}}, set(), 18, False)
@example({"age_equal_or_over": {"18": 1}}, set(), 18, True)
@example({"cnf": {"jkt": HOLDER.kid}}, set(), 18, True)
def test_what_is_accepted_is_what_was_signed(
    changes: dict[str, Any], dropped: set[str], limit: int, over: bool
) -> None:
    changed = CLAIMS | {"jti": _fresh_token_id()} | changes
    claims = {name: value for name, value in changed.items() if name not in dropped}
    asked: dict[str, Any] = {
        "age_over": limit if over else None,
        "age_under": None if over else limit,
    }
    result = verify(sign_compact(HEADER, json.dumps(claims).encode(), KEY), **asked)
    if result is not None:
        _assert_said(result, claims, limit, over=over)


def _assert_said(result: VerifiedAge, claims: dict[str, Any], limit: int, *, over: bool) -> None:
    """What a careful reader of the format would find in the claims."""
    ((said, value),) = claims["age_equal_or_over"].items()
    assert value is over
    assert int(said) == result.proven_limit
    assert int(said) >= limit if over else int(said) <= limit
    assert (result.age_over, result.age_under) == ((limit, None) if over else (None, limit))
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (ISSUER, AUDIENCE, NONCE)
    now = NOW.timestamp()
    assert claims["iat"] - 30 <= now < claims["exp"] + 30
    assert 0 < claims["exp"] - claims["iat"] <= 900
    assert (result.issued_at.timestamp(), result.expires_at.timestamp()) == (
        claims["iat"],
        claims["exp"],
    )
    assert result.method_class == claims.get("age_method") != "declaration"
    assert result.level == claims.get("age_assurance")
    assert result.policy_uri == claims.get("policy")
    assert result.holder_jkt == claims.get("cnf", {}).get("jkt")
    assert claims.keys() <= {*CLAIMS, "age_method", "age_assurance", "policy", "cnf"}


_token_ids = iter(range(2**62))


def _fresh_token_id() -> str:
    return base64url.encode(next(_token_ids).to_bytes(16, "big"))


@given(st.text() | st.binary() | JSON | st.none())
def test_junk_proofs_are_refused(proof: object) -> None:
    _assert_holder_refuses(proof)


@given(st.integers(0, len(PROOF) - 1), st.text(max_size=2))
def test_changed_proofs_are_refused(position: int, text: str) -> None:
    changed = PROOF[:position] + text + PROOF[position + 1 :]
    assume(changed != PROOF)
    _assert_holder_refuses(changed)


PROOF_JWS = parse_compact(PROOF)
PROOF_CLAIMS: dict[str, Any] = json.loads(PROOF_JWS.payload)


@given(
    st.dictionaries(
        st.sampled_from([*PROOF_CLAIMS, "exp", "jti", ""]), JSON | TIMES, min_size=1, max_size=2
    )
)
def test_signed_junk_proofs_are_refused(changes: dict[str, Any]) -> None:
    claims = PROOF_CLAIMS | changes
    near = claims | {"iat": PROOF_CLAIMS["iat"]} == PROOF_CLAIMS and type(claims["iat"]) is int
    assume(not (near and abs(claims["iat"] - NOW.timestamp()) <= 330))
    _assert_holder_refuses(sign_compact(PROOF_JWS.header, json.dumps(claims).encode(), HOLDER))


def _assert_holder_refuses(proof: object) -> None:
    try:
        VERIFIER.verify(
            BOUND,
            nonce=NONCE,
            age_over=18,
            holder_jkt=HOLDER.kid,
            holder_proof=proof,  # type: ignore[arg-type]
        )
    except HolderProofError:
        return
    raise AssertionError("a junk proof was accepted")


@given(
    st.fixed_dictionaries(
        {"nonce": JSON | st.text(min_size=22)},
        optional={
            "age_over": JSON | st.integers(0, 100),
            "age_under": JSON | st.integers(0, 100),
            "methods": JSON | st.sets(st.sampled_from(MethodClass)),
            "minimum_level": JSON | st.sampled_from(AssuranceLevel),
            "holder_jkt": JSON,
        },
    )
)
def test_junk_expectations_are_the_callers_mistake(expectation: dict[str, Any]) -> None:
    try:
        result = VERIFIER.verify(PLAIN, **expectation)
    except (ConfigurationError, VerificationError):
        return
    raise AssertionError(f"accepted for another nonce: {result}")
