"""The issuer signs what was asked and decided, from an allow-list, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ageassure.errors import ConfigurationError, IssuanceError
from ageassure.results import AgeRequest, AssuranceLevel, MethodClass, Outcome
from ageassure.tokens import JWKSet, SigningKey, TokenIssuer
from ageassure.tokens.claims import AgeClaims
from ageassure.tokens.jws import parse_compact

NOW = datetime(2026, 6, 1, 12, 4, 59, 900_000, tzinfo=UTC)
IAT = int(datetime(2026, 6, 1, 12, 0, tzinfo=UTC).timestamp())
ISSUER, AUDIENCE, NONCE = "https://age.example", "https://platform.example", "n" * 43
KEY = SigningKey.generate()


def issuer(**changes: Any) -> TokenIssuer:
    arguments: dict[str, Any] = {"issuer": ISSUER, "signing_key": KEY, "now": lambda: NOW}
    return TokenIssuer(**(arguments | changes))


def request(**changes: Any) -> AgeRequest:
    arguments: dict[str, Any] = {"audience": AUDIENCE, "nonce": NONCE, "age_over": 18}
    return AgeRequest(**(arguments | changes))


UNDER = {"age_over": None, "age_under": 18}


def issue(asked: AgeRequest, by: TokenIssuer | None = None, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "outcome": Outcome.OVER,
        "method_class": MethodClass.ESTIMATION,
        "level": AssuranceLevel.STANDARD,
    }
    jws = parse_compact((by or issuer()).issue(asked, **(arguments | changes)))
    assert jws.header == {"typ": "age-result+jwt", "alg": KEY.alg, "kid": KEY.kid}
    claims: dict[str, Any] = json.loads(jws.payload)
    return claims


def test_only_what_was_asked() -> None:
    claims = issue(request())
    assert len(claims.pop("jti")) == 22
    assert claims == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "nonce": NONCE,
        "iat": IAT,
        "exp": IAT + 900,
        "age_equal_or_over": {"18": True},
    }


def test_all_that_may_be_asked() -> None:
    claims = issue(
        request(tell_method=True, tell_level=True, holder_jkt=KEY.kid),
        issuer(policy_uri="https://age.example/practice/1", lifetime_seconds=600),
    )
    del claims["jti"], claims["nonce"], claims["aud"], claims["iss"]
    assert claims == {
        "iat": IAT,
        "exp": IAT + 600,
        "age_equal_or_over": {"18": True},
        "age_method": "estimation",
        "age_assurance": "standard",
        "policy": "https://age.example/practice/1",
        "cnf": {"jkt": KEY.kid},
    }


def test_under() -> None:
    claims = issue(request(**UNDER), outcome=Outcome.UNDER)
    assert claims["age_equal_or_over"] == {"18": False}


def test_token_ids_are_fresh_and_taken_from_the_source() -> None:
    subject = issuer()
    assert len({issue(request(), subject)["jti"] for _ in range(20)}) == 20
    fixed = issuer(random_bytes=lambda size: bytes(range(size)))
    assert issue(request(), fixed)["jti"] == "AAECAwQFBgcICQoLDA0ODw"


@pytest.mark.parametrize("offset", [0, 1, 299, 299.999])
def test_times_are_rounded_down(offset: float) -> None:
    start = datetime.fromtimestamp(IAT, UTC)
    claims = issue(request(), issuer(now=lambda: start + timedelta(seconds=offset)))
    assert (claims["iat"], claims["exp"]) == (IAT, IAT + 900)


@pytest.mark.parametrize(("left", "lifetime"), [(901, 900), (900, 900), (899, 600), (300, 300)])
def test_it_does_not_outlive_what_it_stands_on(left: int, lifetime: int) -> None:
    end = datetime.fromtimestamp(IAT + left, UTC)
    assert issue(request(), not_after=end)["exp"] == IAT + lifetime


@pytest.mark.parametrize("left", [299, 0, -3600])
def test_nothing_stands_on_what_has_ended(left: int) -> None:
    with pytest.raises(IssuanceError, match="no time left"):
        issue(request(), not_after=datetime.fromtimestamp(IAT + left, UTC))


def test_nothing_stands_on_what_ends_this_moment() -> None:
    end = datetime.fromtimestamp(IAT + 300, UTC)
    for moment, refused in ((end - timedelta(seconds=1), False), (end, True)):
        by = issuer(now=lambda moment=moment: moment)
        if refused:
            with pytest.raises(IssuanceError, match="no time left"):
                issue(request(), by, not_after=end)
        else:
            assert issue(request(), by, not_after=end)["exp"] == IAT + 300


def test_an_end_without_zone() -> None:
    with pytest.raises(ConfigurationError):
        issue(request(), not_after=datetime(2026, 6, 1, 12, 10))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("asked", "changes"),
    [
        ({}, {"outcome": Outcome.INCONCLUSIVE}),
        ({}, {"outcome": Outcome.UNDER}),
        ({}, {"outcome": "over"}),
        ({}, {"outcome": None}),
        ({}, {"outcome": True}),
        (UNDER, {"outcome": Outcome.OVER}),
        (UNDER, {"outcome": Outcome.INCONCLUSIVE}),
        ({}, {"method_class": MethodClass.DECLARATION}),
        ({}, {"method_class": "estimation"}),
        ({}, {"method_class": None}),
        ({}, {"level": "standard"}),
        ({}, {"level": None}),
        ({"methods": frozenset({MethodClass.VERIFICATION})}, {}),
        ({"minimum_level": AssuranceLevel.ENHANCED}, {}),
    ],
    ids=repr,
)
def test_never_signed(asked: dict[str, Any], changes: dict[str, Any]) -> None:
    with pytest.raises(IssuanceError):
        issue(request(**asked), **changes)


def test_signed_where_insisted_and_met() -> None:
    asked = request(
        methods=frozenset({MethodClass.DECLARATION}),
        minimum_level=AssuranceLevel.STANDARD,
        tell_method=True,
    )
    claims = issue(asked, method_class=MethodClass.DECLARATION)
    assert claims["age_method"] == "declaration"


@pytest.mark.parametrize("member", ["sub", "age", "email"])
def test_an_unknown_claim_is_never_signed(member: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = AgeClaims.to_json

    def more(claims: AgeClaims) -> bytes:
        return right(claims)[:-1] + f',"{member}":"x"}}'.encode()

    monkeypatch.setattr(AgeClaims, "to_json", more)
    with pytest.raises(IssuanceError, match="unknown") as caught:
        issue(request())
    assert caught.value.__context__ is None


def test_other_claims_than_decided_are_never_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = AgeClaims.to_json
    monkeypatch.setattr(AgeClaims, "to_json", lambda c: right(c).replace(b'"18"', b'"21"'))
    with pytest.raises(IssuanceError):
        issue(request())


@pytest.mark.parametrize("random", [b"", bytes(15), bytes(17), None, "A" * 16, bytearray(16)])
def test_bad_randomness(random: Any) -> None:
    with pytest.raises(IssuanceError):
        issue(request(), issuer(random_bytes=lambda _size: random))


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://age.example"},
        {"issuer": ""},
        {"issuer": None},
        {"lifetime_seconds": 599},
        {"lifetime_seconds": 901},
        {"lifetime_seconds": 600.0},
        {"lifetime_seconds": True},
        {"policy_uri": ""},
        {"policy_uri": "http://age.example/practice"},
    ],
    ids=repr,
)
def test_bad_setups(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        issuer(**changes)


def test_bad_clock() -> None:
    with pytest.raises(ConfigurationError):
        issue(request(), issuer(now=lambda: NOW.replace(tzinfo=None)))


class Service:
    """A signing service with names of its own."""

    def __init__(self, **changes: Any) -> None:
        self.public: Any = KEY.public
        self.kid, self.alg = KEY.kid, KEY.alg
        vars(self).update(changes)

    def sign(self, data: bytes) -> bytes:
        return KEY.sign(data)


def test_a_signing_service() -> None:
    service = Service()
    assert issue(request(), issuer(signing_key=service))["iss"] == ISSUER


@pytest.mark.parametrize(
    "changes",
    [
        {"kid": "another"},
        {"alg": "EdDSA"},
        {"public": SigningKey.generate().public},
        {"kid": "named", "public": type(KEY.public)(kid="named", alg="ES256", key=KEY.public.key)},
    ],
)
def test_a_service_whose_names_differ(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        issuer(signing_key=Service(**changes))


def test_what_is_public() -> None:
    subject = issuer()
    assert subject.issuer == ISSUER
    assert subject.jwks == KEY.public_set() == JWKSet(keys=(KEY.public,))
    assert repr(subject) == f"<TokenIssuer issuer={ISSUER} kid={KEY.kid}>"


class _Signer:
    def __init__(self, **members: Any) -> None:
        self.__dict__ |= members


_WHOLE = {"public": KEY.public, "kid": KEY.kid, "alg": KEY.alg, "sign": KEY.sign}


@pytest.mark.parametrize(
    "change",
    [
        {"signing_key": None},
        {"signing_key": "key"},
        {"signing_key": KEY.public},
        {"signing_key": _Signer()},
        *({"signing_key": _Signer(**(_WHOLE | {name: None}))} for name in _WHOLE),
        {"now": None},
        {"now": lambda: 5},
        {"random_bytes": None},
        {"random_bytes": b"16 random bytes."},
        {"issuer": None},
        {"policy_uri": 5},
    ],
)
def test_what_no_issuer_is_made_of(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        issuer(**change)
    assert caught.value.__context__ is None


def test_a_signer_that_is_whole() -> None:
    assert issuer(signing_key=_Signer(**_WHOLE)).jwks.get(KEY.kid) is not None


@pytest.mark.parametrize("asked", [None, {}, "request"])
def test_what_is_no_request(asked: Any) -> None:
    with pytest.raises(IssuanceError, match="AgeRequest"):
        issue(asked)


def test_a_source_of_random_bytes_that_fails() -> None:
    def fail(_count: int) -> bytes:
        raise OSError

    with pytest.raises(IssuanceError, match="random") as caught:
        issue(request(), by=issuer(random_bytes=fail))
    assert caught.value.__context__ is None
