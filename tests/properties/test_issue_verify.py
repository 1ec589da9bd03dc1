"""Issuing and verifying are each other's inverse, over all requests and outcomes."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ageassure.errors import AgeRequirementNotMetError, IssuanceError, ReplayedTokenError
from ageassure.results import (
    AgeRequest,
    AssuranceLevel,
    Direction,
    MethodClass,
    Outcome,
    checked_audience,
)
from ageassure.tokens import JWKSet, SigningKey, TokenIssuer, make_holder_proof
from ageassure.tokens.jws import parse_compact
from ageassure.verifier import MemoryReplayStore, TokenVerifier

KEYS = {alg: SigningKey.generate(alg) for alg in ("ES256", "EdDSA", "Ed25519")}
HOLDERS = {alg: SigningKey.generate(alg) for alg in ("ES256", "EdDSA")}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NONCES = st.from_regex(r"[A-Za-z0-9_-]{22,128}", fullmatch=True)
AUDIENCES = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=60)
URLS = st.sampled_from(
    ["https://age.example", "https://age.example:8443/a/b", "http://localhost:8000", "http://[::1]"]
)


def printable(audience: str) -> bool:
    return audience.isprintable() and bool(checked_audience(audience))


@dataclass(frozen=True, kw_only=True)
class Case:
    """One request, what was decided, and by whom it is signed."""

    request: AgeRequest
    outcome: Outcome
    method_class: MethodClass
    level: AssuranceLevel
    issuer: str
    alg: str
    holder: str | None
    lifetime_seconds: int
    policy_uri: str | None
    made_at: datetime
    later: float


@st.composite
def cases(draw: st.DrawFn) -> Case:
    over = draw(st.booleans())
    limit = draw(st.integers(1, 99))
    holder = draw(st.none() | st.sampled_from(sorted(HOLDERS)))
    request = AgeRequest(
        audience=draw(AUDIENCES.filter(printable)),
        nonce=draw(NONCES),
        age_over=limit if over else None,
        age_under=None if over else limit,
        methods=draw(st.none() | st.frozensets(st.sampled_from(MethodClass), min_size=1)),
        minimum_level=draw(st.none() | st.sampled_from(AssuranceLevel)),
        tell_method=draw(st.booleans()),
        tell_level=draw(st.booleans()),
        holder_jkt=None if holder is None else HOLDERS[holder].kid,
    )
    return Case(
        request=request,
        # Mostly the outcome that settles the request, so that most examples reach the verifier.
        outcome=draw(st.sampled_from([Outcome(request.direction.value)] * 4 + list(Outcome))),
        method_class=draw(st.sampled_from(MethodClass)),
        level=draw(st.sampled_from(AssuranceLevel)),
        issuer=draw(URLS),
        alg=draw(st.sampled_from(sorted(KEYS))),
        holder=holder,
        lifetime_seconds=draw(st.integers(600, 900)),
        policy_uri=draw(st.none() | st.just("https://age.example/practice/1")),
        made_at=datetime(1970, 1, 2, tzinfo=UTC)
        + timedelta(seconds=draw(st.integers(0, 4 * 10**9))),
        # A token is rounded down by up to 300 of its at least 600 seconds.
        later=draw(st.floats(0, 299)),
    )


def issue(case: Case) -> str:
    issuer = TokenIssuer(
        issuer=case.issuer,
        signing_key=KEYS[case.alg],
        lifetime_seconds=case.lifetime_seconds,
        policy_uri=case.policy_uri,
        now=lambda: case.made_at,
    )
    return issuer.issue(
        case.request, outcome=case.outcome, method_class=case.method_class, level=case.level
    )


def may_be_signed(case: Case) -> bool:
    """The rules of issuing, said once more."""
    request = case.request
    return (
        case.outcome.value == request.direction.value
        and (request.methods is None or case.method_class in request.methods)
        and (request.minimum_level is None or case.level.rank >= request.minimum_level.rank)
        and (case.method_class is not MethodClass.DECLARATION or request.tell_method)
    )


def verifier(case: Case) -> TokenVerifier:
    moment = case.made_at + timedelta(seconds=case.later)
    return TokenVerifier(
        issuers={case.issuer: JWKSet.from_dict(KEYS[case.alg].public_set().to_dict())},
        audience=case.request.audience,
        replay_store=MemoryReplayStore(now=lambda: moment),
        now=lambda: moment,
        leeway_seconds=0,
    )


def expectation(case: Case, token: str) -> dict[str, Any]:
    """The strictest expectation that the token must meet."""
    request = case.request
    methods = request.methods or frozenset({case.method_class})
    expected: dict[str, Any] = {
        "nonce": request.nonce,
        "age_over": request.age_over,
        "age_under": request.age_under,
        "methods": methods if request.tell_method else None,
        "minimum_level": case.level if request.tell_level else None,
        "holder_jkt": request.holder_jkt,
    }
    if case.holder is not None:
        expected["holder_proof"] = make_holder_proof(
            token,
            holder_key=HOLDERS[case.holder],
            audience=request.audience,
            nonce=request.nonce,
            now=lambda: case.made_at + timedelta(seconds=case.later),
        )
    return expected


@given(cases())
def test_what_is_issued_is_what_is_verified(case: Case) -> None:
    request = case.request
    if not may_be_signed(case):
        with pytest.raises(IssuanceError):
            issue(case)
        return
    token = issue(case)
    checker, expected = verifier(case), expectation(case, token)
    result = checker.verify(token, **expected)
    assert (result.issuer, result.audience) == (case.issuer, request.audience)
    assert (result.age_over, result.age_under) == (request.age_over, request.age_under)
    assert result.proven_limit == request.age_limit
    assert result.method_class is (case.method_class if request.tell_method else None)
    assert result.level is (case.level if request.tell_level else None)
    assert (result.policy_uri, result.holder_jkt) == (case.policy_uri, request.holder_jkt)
    assert result.expires_at - result.issued_at == timedelta(seconds=case.lifetime_seconds)
    assert timedelta(0) <= case.made_at - result.issued_at < timedelta(minutes=5)
    assert result.issued_at.timestamp() % 300 == 0
    with pytest.raises(ReplayedTokenError):
        checker.verify(token, **expected)


REQUIRED = ["iss", "aud", "nonce", "jti", "iat", "exp", "age_equal_or_over"]
PYJWT_NAMES = {"ES256": "ES256", "EdDSA": "EdDSA"}


@given(cases().filter(lambda case: may_be_signed(case) and case.alg in PYJWT_NAMES))
def test_pyjwt_reads_what_is_issued(case: Case) -> None:
    """PyJWT as an oracle: a library that others use finds the same claims."""
    token = issue(case)
    key = jwt.PyJWK(
        KEYS[case.alg].public.to_dict() | {"alg": "EdDSA"}
        if case.alg != "ES256"
        else KEYS[case.alg].public.to_dict()
    )
    claims = jwt.decode(
        token,
        key,
        algorithms=[PYJWT_NAMES[case.alg]],
        audience=case.request.audience,
        issuer=case.issuer,
        options={
            "require": ["exp", "iat", "jti", "nonce"],
            "verify_exp": False,
            "verify_iat": False,
        },
    )
    assert claims == json.loads(parse_compact(token).payload)
    told = {
        "age_method": case.request.tell_method,
        "age_assurance": case.request.tell_level,
        "policy": case.policy_uri is not None,
        "cnf": case.request.holder_jkt is not None,
    }
    assert claims.keys() == set(REQUIRED) | {name for name, present in told.items() if present}


_token_ids = itertools.count()


@given(
    st.integers(1, 99), st.sampled_from(Direction), st.integers(1, 99), st.sampled_from(Direction)
)
@example(18, Direction.OVER, 18, Direction.OVER)
@example(18, Direction.UNDER, 18, Direction.UNDER)
@example(9, Direction.UNDER, 10, Direction.UNDER)
@example(10, Direction.OVER, 9, Direction.OVER)
def test_a_limit_proves_the_weaker_limits_only(
    said: int, direction: Direction, asked: int, asked_direction: Direction
) -> None:
    """At or over 21 proves at or over 18; under 16 proves under 18; neither proves the other."""
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    issuer = TokenIssuer(
        issuer="https://age.example",
        signing_key=KEYS["ES256"],
        now=lambda: moment,
        random_bytes=lambda size: next(_token_ids).to_bytes(size, "big"),
    )
    names = {Direction.OVER: "age_over", Direction.UNDER: "age_under"}
    limits: dict[str, Any] = {names[direction]: said}
    token = issuer.issue(
        AgeRequest(audience="shop", nonce="n" * 22, **limits),
        outcome=Outcome(direction.value),
        method_class=MethodClass.VERIFICATION,
        level=AssuranceLevel.STRICT,
    )
    checker = TokenVerifier(
        issuers={"https://age.example": issuer.jwks},
        audience="shop",
        replay_store=MemoryReplayStore(now=lambda: moment),
        now=lambda: moment,
    )
    expected: dict[str, Any] = {"nonce": "n" * 22, names[asked_direction]: asked}
    proves = direction is asked_direction and (
        said >= asked if direction is Direction.OVER else said <= asked
    )
    if proves:
        assert checker.verify(token, **expected).proven_limit == said
    else:
        with pytest.raises(AgeRequirementNotMetError):
            checker.verify(token, **expected)
