"""The claim set is closed, typed, and shown to nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ageassure.errors import ConfigurationError, IssuanceError, MalformedTokenError
from ageassure.results import AssuranceLevel, MethodClass
from ageassure.tokens.claims import (
    CONFIRMATION,
    LEVEL,
    METHOD,
    POLICY,
    REQUIRED_CLAIMS,
    AgeClaims,
    checked_issuer,
    checked_policy_uri,
    parse_claims,
    token_header,
)

LEAST = AgeClaims(
    issuer="https://age.example",
    audience="https://platform.example",
    nonce="n" * 43,
    token_id="AAAAAAAAAAAAAAAAAAAAAA",
    issued_at=1780315200,
    expires_at=1780316100,
    age_limit=18,
    at_or_over=True,
)
FULL = LEAST._replace(
    method_class=MethodClass.ESTIMATION,
    level=AssuranceLevel.STANDARD,
    policy_uri="https://age.example/practice/1?lang=en#limits",
    holder_jkt="h" * 43,
)


@pytest.mark.parametrize("claims", [LEAST, FULL, FULL._replace(at_or_over=False, age_limit=1)])
def test_round_trip(claims: AgeClaims) -> None:
    assert parse_claims(claims.to_json()) == claims


def test_exactly_these_members_are_written() -> None:
    assert json.loads(LEAST.to_json()) == {
        "iss": "https://age.example",
        "aud": "https://platform.example",
        "nonce": "n" * 43,
        "jti": "AAAAAAAAAAAAAAAAAAAAAA",
        "iat": 1780315200,
        "exp": 1780316100,
        "age_equal_or_over": {"18": True},
    }
    assert json.loads(FULL.to_json()) == json.loads(LEAST.to_json()) | {
        "age_method": "estimation",
        "age_assurance": "standard",
        "policy": "https://age.example/practice/1?lang=en#limits",
        "cnf": {"jkt": "h" * 43},
    }
    assert json.loads(FULL.to_json()).keys() == set(REQUIRED_CLAIMS) | {
        METHOD,
        LEVEL,
        POLICY,
        CONFIRMATION,
    }
    assert json.loads(LEAST.to_json()).keys() == set(REQUIRED_CLAIMS)


@pytest.mark.parametrize("limit", range(1, 100))
def test_every_limit(limit: int) -> None:
    assert parse_claims(LEAST._replace(age_limit=limit).to_json()).age_limit == limit


@pytest.mark.parametrize("method", MethodClass)
@pytest.mark.parametrize("level", AssuranceLevel)
def test_every_method_and_level(method: MethodClass, level: AssuranceLevel) -> None:
    parsed = parse_claims(LEAST._replace(method_class=method, level=level).to_json())
    assert parsed.method_class is method
    assert parsed.level is level


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": None},
        {"audience": ["x"]},
        {"nonce": 1},
        {"token_id": "A" * 21 + "B"},
        {"token_id": None},
        {"issued_at": True},
        {"issued_at": 1.0},
        {"expires_at": "1"},
        {"age_limit": 0},
        {"age_limit": 100},
        {"age_limit": True},
        {"age_limit": "18"},
        {"at_or_over": 1},
        {"at_or_over": None},
        {"method_class": "estimation"},
        {"level": "standard"},
        {"policy_uri": ""},
        {"policy_uri": "http://age.example/"},
        {"policy_uri": 1},
        {"holder_jkt": ""},
        {"holder_jkt": 1},
    ],
    ids=repr,
)
def test_checked_when_written(change: dict[str, Any]) -> None:
    with pytest.raises(IssuanceError) as caught:
        FULL._replace(**change).to_json()
    assert not any(str(value) in str(caught.value) for value in change.values() if value)


def test_shown_to_nobody() -> None:
    assert repr(FULL) == str(FULL) == "<AgeClaims (content hidden)>"


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", FULL.to_json()[:-1]])
def test_refusals_say_nothing_of_the_content(payload: bytes) -> None:
    with pytest.raises(MalformedTokenError) as caught:
        parse_claims(payload)
    assert caught.value.code == "malformed_claims"
    assert caught.value.__context__ is None


def test_header() -> None:
    assert token_header(alg="ES256", kid="k") == {
        "typ": "age-result+jwt",
        "alg": "ES256",
        "kid": "k",
    }


@pytest.mark.parametrize(
    "issuer",
    [
        None,
        1,
        "",
        "age.example",
        "https://",
        "https:///path",
        "https://age.example?x",
        "https://age.example#x",
        "https://user@age.example",
        "https://age.example:",
        "https://age.example:port",
        "https://age.example\n",
        "https://\u00e9.example",
        "https://age.example/" + "p" * 493,
        "HTTPS://age.example",
        "ftp://age.example",
        "http://age.example",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://10.0.0.1",
        "http://[::2]",
    ],
)
def test_bad_issuers(issuer: object) -> None:
    with pytest.raises(ConfigurationError):
        checked_issuer(issuer)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://age.example",
        "https://age.example/",
        "https://age.example:443/tenants/a-b_c.d~e%20",
        "https://[2001:db8::1]:8443",
        "https://xn--ge-0ja.example",
        "http://localhost",
        "http://localhost:8000/x",
        "http://127.0.0.1:1",
        "http://127.1.2.3",
        "http://[::1]",
        "https://age.example/" + "p" * 492,
    ],
)
def test_good_issuers(issuer: str) -> None:
    assert checked_issuer(issuer) == issuer


def test_good_policy_uris() -> None:
    assert checked_policy_uri(FULL.policy_uri) == FULL.policy_uri


@pytest.mark.parametrize("uri", [None, "", "http://localhost/", "https://a b", "https://a.b x"])
def test_bad_policy_uris(uri: object) -> None:
    with pytest.raises(ConfigurationError):
        checked_policy_uri(uri)
