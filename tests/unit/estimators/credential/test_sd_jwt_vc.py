"""An SD-JWT VC as evidence: RFC 9901, 7.1 and 7.3, and SD-JWT VC's own rules."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from ageassure.errors import ConfigurationError, CredentialError
from ageassure.estimators.credential import SDJWTEstimator, SDJWTPresentation, TrustedIssuers
from ageassure.results import MethodClass, PresentationAttack
from ageassure.tokens import JWKSet, SigningKey

from .wallets import (
    AUDIENCE,
    HOLDER,
    ISSUER,
    KEY,
    NONCE,
    NOW,
    OTHER,
    SECONDS,
    STATUS_INDEX,
    STATUS_URI,
    Credential,
    adult,
    code_of,
    dumped,
    estimator,
    evidence,
    interval,
    jwk_of,
    jws,
    refusal,
    refusal_of,
    status_checker,
)

DAY = 24 * 3600


def test_what_an_estimate_says() -> None:
    estimate = estimator().estimate(evidence(adult().presented()))
    assert estimate.interval(0.5) == (18, 65)
    assert estimate.method_class is MethodClass.VERIFICATION
    assert estimate.bound
    assert estimate.presentation_attack is PresentationAttack.NOT_APPLICABLE
    assert estimate.as_of == NOW
    assert estimate.pipeline_digest is None


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ({"_16": True}, (16, 121)),
        ({"_12": True, "_14": True, "_16": True, "_18": True, "_21": True, "_65": False}, (21, 65)),
        ({"_16": False, "_18": False}, (0, 16)),
        ({"_99": True}, (99, 121)),
        ({"_1": True}, (1, 121)),
    ],
)
def test_the_nearest_statements_count(ages: dict[str, bool], expected: tuple[int, int]) -> None:
    assert interval(Credential().state(**ages)) == expected


def test_a_statement_for_every_limit() -> None:
    every = {str(limit): limit <= 18 for limit in range(1, 100)}
    assert interval(Credential(payload={"age_equal_or_over": every})) == (18, 19)


def test_statements_that_are_not_hidden() -> None:
    assert interval(Credential(payload={"age_equal_or_over": {"18": True}})) == (18, 121)


@pytest.mark.parametrize("ages", [{"_18": True, "_16": False}, {"_65": True, "_18": False}])
def test_contradictory_statements(ages: dict[str, bool]) -> None:
    assert refusal(Credential().state(**ages)) == "contradictory"


@pytest.mark.parametrize(
    "statements",
    [
        {"18": 1},
        {"18": "true"},
        {"18": None},
        {"018": True},
        {"0": True},
        {"100": True},
        {"eighteen": True},
        {"\u0661\u0668": True},
        ["18"],
        "18",
        None,
        True,
    ],
)
def test_malformed_statements(statements: Any) -> None:
    assert refusal(Credential(payload={"age_equal_or_over": statements})) == "malformed"


@pytest.mark.parametrize("disclosed", [{}, {"nationalities": ["XY"]}, {"age_in_years": 40}])
def test_no_age(disclosed: dict[str, Any]) -> None:
    credential = Credential()
    for name, value in disclosed.items():
        credential.disclose(name, value)
    assert refusal(credential) == "no_age"


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0, (0, 18)), (90, (0, 18)), (91, (0, 19)), (366, (0, 20)), (40_000, None)],
)
def test_false_ages(days: int, expected: tuple[int, int] | None) -> None:
    credential = Credential(payload={"iat": max(0, SECONDS - days * DAY)}).state(_18=False)
    if days == 40_000:
        credential.payload["iat"] = 0
        expected = (0, 75)  # from 1970 to 2026
    assert interval(credential) == expected


def test_false_that_is_as_old_as_a_life_says_nothing() -> None:
    credential = Credential(payload={"iat": 0}).state(_90=False)
    assert refusal(credential) == "no_age"


def test_false_of_an_unknown_moment_says_nothing() -> None:
    credential = Credential().state(_18=False)
    del credential.payload["iat"]
    assert refusal(credential) == "no_age"
    credential = adult()
    del credential.payload["iat"]
    assert interval(credential) == (18, 121)


def test_a_birth_date_where_no_statement_is_disclosed() -> None:
    assert interval(Credential().disclose("birthdate", "2000-01-31")) == (26, 27)
    assert interval(Credential().disclose("birthdate", "2008-06-02")) == (17, 19)
    assert interval(Credential().state().disclose("birthdate", "1990")) == (35, 37)


def test_a_birth_date_is_not_read_where_a_statement_is_disclosed() -> None:
    assert interval(adult().disclose("birthdate", "no date")) == (18, 65)


@pytest.mark.parametrize(
    "birth", ["2026-06-03", "1850-01-01", "31.12.2000", "2000-02-30", 20000131, None, ["2000"]]
)
def test_impossible_birth_dates(birth: Any) -> None:
    assert refusal(Credential().disclose("birthdate", birth)) == "malformed"


@pytest.mark.parametrize("typ", ["vc+sd-jwt", "application/dc+sd-jwt", "jwt", "DC+SD-JWT", None, 1])
def test_another_type_of_token(typ: Any) -> None:
    credential = adult()
    credential.header["typ"] = typ
    assert refusal(credential) == "untrusted"


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "RS256", "ES384", "", None])
def test_another_algorithm(alg: Any) -> None:
    credential = adult()
    credential.header["alg"] = alg
    assert refusal(credential) == "untrusted"


def test_no_signature() -> None:
    head, _, rest = adult().presented().partition("~")
    unsigned = head.rpartition(".")[0]
    assert refusal_of(f"{unsigned}.~{rest}") == "untrusted"


def test_a_wrong_signature() -> None:
    credential = adult()
    credential.key = OTHER
    assert refusal(credential) == "untrusted"


def test_another_issuer() -> None:
    credential = adult()
    credential.payload["iss"] = "https://issuer.example/other"
    assert refusal(credential) == "untrusted"
    del credential.payload["iss"]
    assert refusal(credential) == "untrusted"


@pytest.mark.parametrize("kid", ["other", "", None, 1, "k" * 300])
def test_another_key_name(kid: Any) -> None:
    credential = adult()
    credential.header["kid"] = kid
    assert refusal(credential) == "untrusted"


def test_no_key_name() -> None:
    credential = adult()
    del credential.header["kid"]
    assert interval(credential) == (18, 65)
    eddsa = SigningKey.generate("EdDSA").public
    mixed = TrustedIssuers({ISSUER: JWKSet(keys=(KEY.public, eddsa))})
    assert interval(credential, issuers=mixed) == (18, 65)
    several = TrustedIssuers({ISSUER: JWKSet(keys=(KEY.public, OTHER.public))})
    assert refusal(credential, issuers=several) == "untrusted"


@pytest.mark.parametrize("kind", ["urn:example:pid:2", "", None, [], ["urn:example:pid:1"]])
def test_another_kind_of_credential(kind: Any) -> None:
    assert refusal(Credential(payload={"vct": kind}).state(_18=True)) == "untrusted"


@pytest.mark.parametrize("name", ["vct", "cnf", "exp", "nbf", "status", "vct#integrity"])
def test_claims_that_may_not_be_disclosed_selectively(name: str) -> None:
    credential = adult()
    value = credential.payload.pop(name, SECONDS - 10)
    assert refusal(credential.disclose(name, value)) == "malformed"


def test_an_issuer_that_is_disclosed_selectively() -> None:
    credential = adult()
    del credential.payload["iss"]
    assert refusal(credential.disclose("iss", ISSUER)) == "untrusted"


@pytest.mark.parametrize(
    ("times", "code"),
    [
        ({"exp": SECONDS - 30}, "expired"),
        ({"nbf": SECONDS + 31}, "not_yet_valid"),
        ({"iat": SECONDS + 31}, "not_yet_valid"),
        ({"exp": "tomorrow"}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"exp": -1}, "malformed"),
        ({"exp": 2**60}, "malformed"),
        ({"nbf": None}, "malformed"),
        ({"iat": []}, "malformed"),
    ],
)
def test_times(times: dict[str, Any], code: str) -> None:
    assert refusal(Credential(payload=times).state(_18=True)) == code


@pytest.mark.parametrize("times", [{"exp": SECONDS - 29}, {"nbf": SECONDS + 30}, {"nbf": SECONDS}])
def test_clocks_may_differ_a_little(times: dict[str, Any]) -> None:
    assert interval(Credential(payload=times).state(_18=True)) == (18, 121)


class TestKeyBinding:
    def test_none(self) -> None:
        assert refusal_of(adult().issued()) == "not_bound"
        with pytest.raises(CredentialError, match="without proof of possession"):
            estimator().estimate(evidence(adult().issued()))

    @pytest.mark.parametrize(
        "confirmation",
        [
            None,
            {},
            {"kid": "x"},
            {"jwk": None},
            {"jwk": {"kty": "EC"}},
            {"jwk": {"kty": "oct", "k": "AAAA"}},
            {"jwk": {**jwk_of(HOLDER), "d": "AAAA"}},
            {"jwk": {**jwk_of(HOLDER), "use": "enc"}},
            {"jwk": {**jwk_of(HOLDER), "x": "AAAA"}},
            {"jwk": {"kty": "RSA", "n": "0vx7agoebGcQSu....-csFCur", "e": "AQAB"}},
        ],
    )
    def test_no_key_of_the_holder(self, confirmation: Any) -> None:
        credential = adult()
        credential.payload["cnf"] = confirmation
        assert refusal(credential) == "not_bound"
        del credential.payload["cnf"]
        assert refusal(credential) == "not_bound"

    def test_another_key(self) -> None:
        credential = adult()
        credential.holder = OTHER
        assert refusal(credential) == "not_bound"

    @pytest.mark.parametrize("alg", ["none", "HS256", "EdDSA", None])
    def test_another_algorithm(self, alg: Any) -> None:
        credential = adult()
        credential.binding_header["alg"] = alg
        assert refusal(credential) == "not_bound"

    @pytest.mark.parametrize("typ", ["jwt", "KB+JWT", "application/kb+jwt", "dc+sd-jwt", None])
    def test_another_type(self, typ: Any) -> None:
        credential = adult()
        credential.binding_header["typ"] = typ
        assert refusal(credential) == "not_bound"

    @pytest.mark.parametrize("name", ["aud", "nonce", "sd_hash"])
    @pytest.mark.parametrize("value", [None, "other", "\u00e9", 1, ["x"]])
    def test_another_transaction(self, name: str, value: Any) -> None:
        credential = adult()
        credential.binding[name] = value
        assert refusal(credential) == "wrong_transaction"

    def test_an_audience_in_an_array(self) -> None:
        credential = adult()
        credential.binding["aud"] = [AUDIENCE]
        assert refusal(credential) == "wrong_transaction"

    def test_another_selection_than_was_signed(self) -> None:
        credential = adult().disclose("given_name", "Somebody")
        parts = credential.presented().split("~")
        assert refusal_of("~".join([*parts[:-2], parts[-1]])) == "wrong_transaction"

    def test_another_credential_of_the_same_holder(self) -> None:
        *_, binding = adult().presented().split("~")
        assert refusal_of(adult().issued() + binding) == "wrong_transaction"

    @pytest.mark.parametrize(
        ("moment", "code"),
        [
            (SECONDS - 331, "expired"),
            (SECONDS + 31, "not_yet_valid"),
            (None, "malformed"),
            ("now", "malformed"),
            (True, "malformed"),
        ],
    )
    def test_another_moment(self, moment: Any, code: str) -> None:
        credential = adult()
        credential.binding["iat"] = moment
        assert refusal(credential) == code

    @pytest.mark.parametrize("moment", [SECONDS - 330, SECONDS + 30])
    def test_clocks_may_differ_a_little(self, moment: int) -> None:
        credential = adult()
        credential.binding["iat"] = moment
        assert interval(credential) == (18, 65)

    @pytest.mark.parametrize(
        ("claim", "code"),
        [
            ({"exp": SECONDS - 30}, "expired"),
            ({"nbf": SECONDS + 31}, "not_yet_valid"),
            ({"exp": "x"}, "malformed"),
        ],
    )
    def test_its_own_times(self, claim: dict[str, Any], code: str) -> None:
        credential = adult()
        credential.binding |= claim
        assert refusal(credential) == code

    def test_claims_that_are_not_understood_are_ignored(self) -> None:
        credential = adult()
        credential.binding |= {"transaction_data_hashes": ["x"], "exp": SECONDS}
        assert interval(credential) == (18, 65)

    @pytest.mark.parametrize("payload", [b"[]", b"{", b'{"aud":1,"aud":1}'])
    def test_no_strict_object(self, payload: bytes) -> None:
        credential = adult()
        binding = jws(credential.binding_header, payload, HOLDER)
        assert refusal_of(credential.issued() + binding) == "malformed"

    @pytest.mark.parametrize("text", ["x", "a.b.c", "a.b.c.d", "..", "A" * 9000])
    def test_no_jws(self, text: str) -> None:
        assert refusal_of(adult().issued() + text) == "not_bound"

    def test_eddsa(self) -> None:
        holder = SigningKey.generate("EdDSA")
        credential = adult()
        credential.holder = holder
        credential.payload["cnf"] = {"jwk": jwk_of(holder)}
        credential.binding_header["alg"] = "EdDSA"
        assert interval(credential) == (18, 65)


class TestStatus:
    def credential(self) -> Credential:
        claim = {"status_list": {"uri": STATUS_URI, "idx": STATUS_INDEX}}
        return Credential(payload={"status": claim}).state(_18=True)

    def test_valid(self) -> None:
        assert interval(self.credential(), status=status_checker(0)) == (18, 121)

    @pytest.mark.parametrize("status", [1, 2, 3])
    def test_revoked(self, status: int) -> None:
        assert refusal(self.credential(), status=status_checker(status)) == "revoked"

    def test_not_known(self) -> None:
        assert refusal(self.credential(), status=status_checker(0, down=True)) == "unverifiable"
        assert refusal(self.credential()) == "unverifiable"

    @pytest.mark.parametrize("claim", [None, {}, {"status_list": {"uri": "x", "idx": 0}}, "valid"])
    def test_no_reference(self, claim: Any) -> None:
        credential = Credential(payload={"status": claim}).state(_18=True)
        assert refusal(credential, status=status_checker(0)) == "unverifiable"

    def test_without_a_status_nothing_is_asked(self) -> None:
        assert interval(adult(), status=status_checker(1, down=True)) == (18, 65)


class TestSetup:
    @pytest.mark.parametrize(
        "changes",
        [
            {"issuers": {ISSUER: KEY.public_set()}},
            {"issuers": None},
            {"types": []},
            {"types": "urn:example:pid:1"},
            {"types": [1]},
            {"status": lambda _: None},
            {"now": lambda: NOW.replace(tzinfo=None)},
        ],
    )
    def test_bad_estimators(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            estimator(**changes)

    @pytest.mark.parametrize("name", ["issuers", "types", "status"])
    def test_what_must_be_thought_about_has_no_default(self, name: str) -> None:
        arguments: dict[str, Any] = {
            "issuers": TrustedIssuers({ISSUER: KEY.public_set()}),
            "types": ["x"],
            "status": None,
        }
        del arguments[name]
        with pytest.raises(TypeError, match=name):
            SDJWTEstimator(**arguments)

    @pytest.mark.parametrize(
        "changes", [{"nonce": "short"}, {"nonce": None}, {"nonce": "n" * 129}, {"audience": ""}]
    )
    def test_bad_evidence(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            evidence("x", **changes)

    @pytest.mark.parametrize("other", [None, "text", b"bytes", {"presentation": "x"}])
    def test_evidence_of_another_type(self, other: Any) -> None:
        with pytest.raises(ConfigurationError, match="SDJWTPresentation"):
            estimator().estimate(other)

    def test_another_nonce_or_audience_than_was_asked_with(self) -> None:
        text = adult().presented()
        for changes in ({"nonce": "m" * 43}, {"audience": "origin:https://provider.example"}):
            assess = partial(estimator().estimate, evidence(text, **changes))
            assert code_of(assess) == "wrong_transaction"

    def test_a_clock_moves_on(self) -> None:
        later = estimator(now=lambda: NOW + timedelta(hours=2))
        assert code_of(lambda: later.estimate(evidence(adult().presented()))) == "expired"

    def test_evidence_is_frozen_and_shows_nothing(self) -> None:
        held = SDJWTPresentation(presentation="secret", audience=AUDIENCE, nonce=NONCE)
        assert repr(held) == "<SDJWTPresentation (content hidden)>"
        with pytest.raises(AttributeError):
            held.nonce = "x"  # type: ignore[misc]


def test_issuer_metadata_is_no_matter_of_the_credential() -> None:
    """Addresses of keys in the header are never followed."""
    credential = adult()
    credential.key = OTHER
    credential.header |= {"jku": "https://evil.example", "jwk": jwk_of(OTHER), "x5c": ["AAAA"]}
    assert refusal(credential) == "untrusted"
    assert dumped(credential.header)
