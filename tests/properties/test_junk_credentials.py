"""Whatever is presented as a credential, only our own refusals come out; and what ages mean."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.errors import CredentialError, EvidenceError
from ageassure.estimators.credential import (
    AppleAgeRange,
    AppleDeclaration,
    PlayAgeSignals,
    PlayTier,
    SDJWTEstimator,
    SDJWTPresentation,
    SelfDeclaration,
    SelfDeclarationEstimator,
    SystemSignalEstimator,
    TrustedIssuers,
)
from ageassure.estimators.credential.openid4vp import (
    AgeQuery,
    BrowserAnswer,
    DirectPostAnswer,
    ResponseKey,
    WalletAgeEstimator,
    WalletRequest,
)
from ageassure.estimators.credential.sd_jwt import parse_sd_jwt, processed_claims
from ageassure.estimators.credential.statements import interval_of_statements
from ageassure.results import AgeEstimate, MethodClass, PresentationAttack, Provenance
from ageassure.tokens import SigningKey, base64url
from ageassure.tokens.jws import sign_compact

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ISSUER, TYPE, AUDIENCE, NONCE = "https://issuer.example", "urn:x", "origin:https://a", "n" * 43
KEY, HOLDER = SigningKey.generate(), SigningKey.generate()
ESTIMATOR = SDJWTEstimator(
    issuers=TrustedIssuers({ISSUER: KEY.public_set()}),
    types=[TYPE],
    status=None,
    now=lambda: NOW,
)
WALLET = WalletAgeEstimator(sd_jwt=ESTIMATOR, mdocs={})
QUERY = AgeQuery(age_limit=18, sd_jwt_types=(TYPE,))
RESPONSE_KEY = ResponseKey.generate()
POSTED = WalletRequest.by_direct_post(
    QUERY, client_id="c", response_uri="https://a.example/x", response_key=None
)
ENCRYPTED = WalletRequest.by_browser(QUERY, origin="https://a.example", response_key=RESPONSE_KEY)
BROWSED = WalletRequest.by_browser(QUERY, origin="https://a.example", response_key=None)
SIGNALS = SystemSignalEstimator(
    play_tiers=list(PlayTier), apple_declarations=list(AppleDeclaration), now=lambda: NOW
)

NAMES = st.sampled_from(
    ["_sd", "...", "_sd_alg", "age_equal_or_over", "18", "birthdate", "iss", "exp", "cnf", "status"]
) | st.text(max_size=4)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=15,
)
ANYTHING = st.one_of(JSON, st.binary(), st.builds(object), st.text(alphabet="a.~eyJ{}\u00e9"))


def refuses(assess: Any, evidence: object) -> bool:
    """Whether it refuses; any other error, or a refusal that keeps another alive, fails."""
    refusal: EvidenceError | None = None
    try:
        assert isinstance(assess(evidence), AgeEstimate)
    except EvidenceError as error:
        refusal = error
    if refusal is not None:
        assert refusal.__context__ is refusal.__cause__ is None
    return refusal is not None


def presentation(text: Any) -> SDJWTPresentation:
    return SDJWTPresentation(presentation=text, audience=AUDIENCE, nonce=NONCE)


def signed(payload: bytes, disclosures: list[str]) -> str:
    """A presentation whose signatures are right, whatever it says."""
    header = {"alg": "ES256", "typ": "dc+sd-jwt"}
    issued = "~".join([sign_compact(header, payload, KEY), *disclosures]) + "~"
    digest = base64url.encode(hashlib.sha256(issued.encode()).digest())
    seconds = int(NOW.timestamp())
    claims = {"aud": AUDIENCE, "nonce": NONCE, "iat": seconds, "sd_hash": digest}
    binding = sign_compact({"alg": "ES256", "typ": "kb+jwt"}, json.dumps(claims).encode(), HOLDER)
    return issued + binding


@given(ANYTHING)
def test_junk_presentations(text: Any) -> None:
    assert refuses(ESTIMATOR.estimate, presentation(text))


@given(st.dictionaries(NAMES, JSON, max_size=6), st.lists(JSON, max_size=4), st.booleans())
def test_junk_behind_signatures(members: dict[str, Any], parts: list[Any], bound: bool) -> None:
    texts = [base64url.encode(json.dumps(part).encode()) for part in parts]
    digests = [base64url.encode(hashlib.sha256(each.encode()).digest()) for each in texts]
    holder = HOLDER.public.to_dict()
    good = {
        "iss": ISSUER,
        "vct": TYPE,
        "cnf": {"jwk": {name: holder[name] for name in ("kty", "crv", "x", "y")}},
    }
    payload = {"_sd": digests, **members, **(good if bound else {"iss": ISSUER})}
    refuses(ESTIMATOR.estimate, presentation(signed(json.dumps(payload).encode(), texts)))


@given(st.dictionaries(NAMES, JSON, max_size=6))
def test_processing_leaves_nothing_of_the_machinery(members: dict[str, Any]) -> None:
    text = sign_compact({"alg": "ES256"}, json.dumps(members).encode(), KEY) + "~"
    try:
        found = processed_claims(parse_sd_jwt(text)).members
    except CredentialError:
        return
    texts = json.dumps(found)
    assert '"_sd":' not in texts
    assert '"...":' not in texts
    assert '"_sd_alg":' not in texts


@given(ANYTHING)
def test_junk_answers(answer: Any) -> None:
    data = json.dumps(answer, default=str).encode() if not isinstance(answer, bytes) else answer
    protocol = "openid4vp-v1-unsigned"
    for evidence in (
        DirectPostAnswer(request=POSTED, form=answer),
        DirectPostAnswer(request=POSTED, form=data),
        BrowserAnswer(request=BROWSED, protocol=protocol, data=answer),
        BrowserAnswer(request=BROWSED, protocol=protocol, data=data),
        BrowserAnswer(request=BROWSED, protocol=answer, data=data),
        BrowserAnswer(request=ENCRYPTED, protocol=protocol, data=data, response_key=RESPONSE_KEY),
        BrowserAnswer(
            request=BROWSED,
            protocol=protocol,
            data=json.dumps({"vp_token": {"age_sd_jwt": [answer]}}, default=str).encode(),
        ),
    ):
        assert refuses(WALLET.estimate, evidence)


@given(ANYTHING)
def test_junk_encrypted(text: Any) -> None:
    with pytest.raises(CredentialError):
        RESPONSE_KEY.decrypt(text)


@given(st.dictionaries(st.sampled_from(["alg", "enc", "epk", "apu", "apv", "kid"]), JSON))
def test_junk_headers_of_what_is_encrypted(header: dict[str, Any]) -> None:
    head = base64url.encode(json.dumps(header).encode())
    with pytest.raises(CredentialError):
        RESPONSE_KEY.decrypt(f"{head}..{'A' * 16}.AAAA.{'A' * 22}")


FIELDS = st.sampled_from(
    ["ageSignalsStatus", "ageRangeSource", "ageLower", "ageUpper", "response", "lowerBound"]
)


@given(st.dictionaries(FIELDS, JSON | st.sampled_from(["SHARED", "TIER_A", "sharing"])) | ANYTHING)
def test_junk_signals(answer: Any) -> None:
    data = json.dumps(answer, default=str).encode()
    for kind in (PlayAgeSignals, AppleAgeRange):
        refuses(SIGNALS.estimate, kind(answer=data))
        refuses(SIGNALS.estimate, kind(answer=answer))


@given(st.text() | st.dates().map(str) | st.integers())
def test_junk_declarations(date: Any) -> None:
    refuses(SelfDeclarationEstimator(now=lambda: NOW).estimate, SelfDeclaration(birth_date=date))


# -- what age statements mean ---------------------------------------------------------------------

AGES = st.integers(0, 120)
LIMITS = st.sets(st.integers(1, 99), min_size=1, max_size=6)


def provenance(at: datetime = NOW) -> Provenance:
    return Provenance(
        method_class=MethodClass.VERIFICATION,
        bound=True,
        presentation_attack=PresentationAttack.NOT_APPLICABLE,
        as_of=at,
    )


def stated(statements: dict[int, bool], at: datetime = NOW) -> AgeEstimate | str:
    """What they prove, or the code by which they are refused."""
    try:
        return interval_of_statements(
            statements, issued_at_seconds=NOW.timestamp(), provenance=provenance(at)
        )
    except CredentialError as error:
        return error.code


@given(AGES, LIMITS)
def test_true_statements_about_an_age_never_exclude_it(age: int, limits: set[int]) -> None:
    statements = {limit: age >= limit for limit in limits}
    estimate = interval_of_statements(
        statements, issued_at_seconds=NOW.timestamp(), provenance=provenance()
    )
    for limit in range(1, 100):
        low, high = estimate.bounds_at_or_over(limit)
        assert low <= (age >= limit) <= high
    for limit in limits:  # and what is stated is known
        assert estimate.bounds_at_or_over(limit) == (float(age >= limit),) * 2


@given(AGES, LIMITS, st.integers(0, 20_000))
def test_nor_does_time_make_them_wrong(age: int, limits: set[int], days: int) -> None:
    """Whoever had this age at issuance, on whichever day, is never said to be under too long."""
    statements = {limit: age >= limit for limit in limits}
    later = NOW + timedelta(days=days)
    estimate = stated(statements, later)
    if days <= 90 or not isinstance(estimate, AgeEstimate):
        assert days <= 90 or estimate == "credential_no_age"
        return  # taken as it is, or worth nothing any more
    oldest = min(age + days // 365 + 1, 120)
    for limit in range(1, 100):
        low, high = estimate.bounds_at_or_over(limit)
        assert low <= (age >= limit)
        assert high >= (oldest >= limit)


@given(st.dictionaries(st.integers(1, 99), st.booleans(), min_size=1))
def test_a_contradiction_is_refused_and_nothing_else_is(statements: dict[int, bool]) -> None:
    true = [limit for limit, value in statements.items() if value]
    false = [limit for limit, value in statements.items() if not value]
    contradictory = bool(true and false and max(true) >= min(false))
    assert (stated(statements) == "credential_contradictory") == contradictory
