"""Every bound, as a number, and what lies on either side of it."""

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from ageassure.errors import ConfigurationError, CredentialError
from ageassure.estimators import credential
from ageassure.estimators.credential import (
    PlayAgeSignals,
    PlayTier,
    SystemSignalEstimator,
    certificates,
    issuers,
    key_binding,
    sd_jwt,
    sd_jwt_vc,
    statements,
    system_signals,
    times,
)
from ageassure.estimators.credential.openid4vp import (
    AgeQuery,
    BrowserAnswer,
    DirectPostAnswer,
    WalletRequest,
    answers,
    encryption,
    query,
    request,
)
from ageassure.estimators.credential.openid4vp.answers import presented

from .wallets import (
    HOLDER,
    KEY,
    SECONDS,
    Credential,
    adult,
    clock,
    digest,
    dumped,
    estimator,
    evidence,
    interval,
    jws,
    refusal,
)


def test_the_numbers() -> None:
    assert (sd_jwt.MAX_CHARACTERS, sd_jwt.MAX_DISCLOSURES, sd_jwt.MAX_CLAIMS_DEPTH) == (
        65_536,
        200,
        16,
    )
    assert key_binding.MAX_KEY_BINDING_AGE_SECONDS == 300
    assert key_binding._MAX_CHARACTERS == 8192
    assert sd_jwt_vc.LEEWAY_SECONDS == 30
    assert statements.MAX_UNDER_AGE_SECONDS == 7_776_000
    assert statements._YEAR_SECONDS == 31_536_000
    assert times._LAST_SECOND == 9_007_199_254_740_992
    assert (certificates.MAX_CHAIN, certificates._MAX_CERTIFICATE_BYTES) == (4, 8192)
    assert issuers._MAX_KID_CHARACTERS == 256
    assert (system_signals.MAX_SIGNAL_BYTES, system_signals.GOOGLE_MAX_YEARS) == (4096, 18)
    assert (answers.MAX_ANSWER_BYTES, answers._MAX_FIELDS) == (262_144, 16)
    assert encryption.MAX_JWE_CHARACTERS == 262_144
    assert encryption.KEY_BYTES == {"A128GCM": 16, "A256GCM": 32}
    assert (query._MAX_TYPES, query._MAX_TYPE_CHARACTERS) == (20, 512)
    assert request._MAX_STORED_BYTES == 32_768


def said(text: Any) -> str:
    """Why a presentation is refused, in words: several checks share a code."""
    with pytest.raises(CredentialError) as caught:
        estimator().estimate(evidence(text))
    return str(caught.value)


class TestPresentations:
    SIGNED = jws({"alg": "ES256", "typ": "dc+sd-jwt"}, b"{}", KEY)

    @pytest.mark.parametrize("text", ["", "a.b.c", SIGNED, f"{SIGNED}~~", f"{SIGNED}~x~~"])
    def test_no_form(self, text: str) -> None:
        assert "no SD-JWT with at most 200 disclosures" in said(text)

    def test_too_many(self) -> None:
        assert "at most 200 disclosures" in said(f"{self.SIGNED}~{'x~' * 201}")
        assert "at most 200 disclosures" not in said(f"{self.SIGNED}~{'x~' * 200}")

    def test_too_long(self) -> None:
        room = 65_536 - len(self.SIGNED) - 2
        assert "ASCII text of at most 65536" not in said(f"{self.SIGNED}~{'x' * room}~")
        assert "ASCII text of at most 65536" in said(f"{self.SIGNED}~{'x' * (room + 1)}~")

    @pytest.mark.parametrize("text", [f"{SIGNED}~\u00e9~", f"{SIGNED}~\u00e9", None, b"x~"])
    def test_no_text(self, text: Any) -> None:
        assert "ASCII text" in said(text)

    def test_a_long_one_is_read(self) -> None:
        credential_ = adult()
        credential_.payload["decoys"] = {"_sd": [digest(str(each)) for each in range(700)]}
        assert len(credential_.presented()) > 40_000
        assert interval(credential_) == (18, 65)


class TestKeyBindings:
    @staticmethod
    def of_length(length: int) -> Credential:
        """base64url knows no length of one more than a multiple of four, so both parts grow."""
        held = adult()
        room = (length - len(held.presented().rpartition("~")[2])) * 3 // 4 - 30
        for one, other in itertools.product(range(40), range(4)):
            held.binding["filler"] = "x" * (room + one)
            held.binding_header["filler"] = "x" * other
            if len(held.presented().rpartition("~")[2]) == length:
                return held
        raise AssertionError("no such length can be made")

    def test_its_length(self) -> None:
        assert interval(self.of_length(8192)) == (18, 65)
        assert refusal(self.of_length(8193)) == "not_bound"


class TestTimes:
    @pytest.mark.parametrize(("name", "value"), [("exp", 2**53), ("nbf", 0), ("iat", 0)])
    def test_ends_of_what_a_time_may_be(self, name: str, value: int) -> None:
        assert interval(Credential(payload={name: value}).state(_18=True)) == (18, 121)

    @pytest.mark.parametrize(("name", "value"), [("exp", 2**53 + 1), ("nbf", -1), ("iat", -1)])
    def test_beyond(self, name: str, value: int) -> None:
        assert refusal(Credential(payload={name: value}).state(_18=True)) == "malformed"

    @pytest.mark.parametrize(
        ("seconds", "upper"),
        [
            (7_776_000, 18),
            (7_776_001, 19),
            (31_535_999, 19),
            (31_536_000, 20),
            (2 * 31_536_000, 21),
        ],
    )
    def test_false_grows_by_every_birthday_that_may_have_passed(
        self, seconds: int, upper: int
    ) -> None:
        held = Credential(payload={"iat": SECONDS - seconds}).state(_18=False)
        assert interval(held) == (0, upper)

    @pytest.mark.parametrize(("years", "upper"), [(20, 120), (21, None)])
    def test_until_it_says_nothing(self, years: int, upper: int | None) -> None:
        held = Credential(payload={"iat": SECONDS - years * 31_536_000}).state(_99=False)
        if upper is None:
            assert refusal(held) == "no_age"
        else:
            assert interval(held) == (0, upper)


class TestSignals:
    READER = SystemSignalEstimator(play_tiers=list(PlayTier), apple_declarations=[], now=clock)

    @pytest.mark.parametrize(("length", "read"), [(4096, True), (4097, False)])
    def test_its_length(self, length: int, read: bool) -> None:
        text = dumped({"ageSignalsStatus": "SHARED", "ageRangeSource": "TIER_A", "ageLower": 18})
        signal = PlayAgeSignals(answer=text + b" " * (length - len(text)))
        if read:
            assert self.READER.estimate(signal).interval(0.5) == (18, 121)
            return
        with pytest.raises(CredentialError, match="at most 4096 bytes"):
            self.READER.estimate(signal)


class TestAnswers:
    ASKED = WalletRequest.by_direct_post(
        AgeQuery(age_limit=18, sd_jwt_types=("x",)),
        client_id="c",
        response_uri="https://a.example/x",
        response_key=None,
    )

    def form(self, fields: int, length: int | None = None) -> bytes:
        members = {"vp_token": '{"age_sd_jwt":["x"]}', "state": str(self.ASKED.state)}
        members |= {f"f{each}": "" for each in range(fields - 2)}
        body = urlencode(members)
        return (body if length is None else body + "x" * (length - len(body))).encode()

    @pytest.mark.parametrize("form", [(16, None), (16, 262_144), (3, 262_144)])
    def test_within(self, form: tuple[int, int | None]) -> None:
        answer = DirectPostAnswer(request=self.ASKED, form=self.form(*form))
        assert presented(answer).content == "x"

    @pytest.mark.parametrize("form", [(17, None), (3, 262_145)])
    def test_beyond(self, form: tuple[int, int | None]) -> None:
        answer = DirectPostAnswer(request=self.ASKED, form=self.form(*form))
        with pytest.raises(CredentialError, match="16 fields and 262144 bytes"):
            presented(answer)

    @pytest.mark.parametrize(("length", "read"), [(262_144, True), (262_145, False)])
    def test_the_length_of_a_browsers_data(self, length: int, read: bool) -> None:
        asked = WalletRequest.by_browser(
            self.ASKED.query, origin="https://a.example", response_key=None
        )
        text = b'{"vp_token":{"age_sd_jwt":["x"]}}'
        answer = BrowserAnswer(
            request=asked,
            protocol="openid4vp-v1-unsigned",
            data=text + b" " * (length - len(text)),
        )
        if read:
            assert presented(answer).content == "x"
            return
        with pytest.raises(CredentialError, match="at most 262144 bytes"):
            presented(answer)


class TestRequests:
    def test_as_many_and_as_long_types_as_may_be(self) -> None:
        types = tuple(f"{each:0>512}" for each in range(20))
        asked = AgeQuery(age_limit=99, sd_jwt_types=types)
        assert asked.sd_jwt_types == types
        for beyond in (tuple("x" + each for each in types), (*types, "y")):
            with pytest.raises(ConfigurationError):
                AgeQuery(age_limit=99, sd_jwt_types=beyond)

    @pytest.mark.parametrize(("length", "read"), [(32_768, True), (32_769, False)])
    def test_the_length_of_what_is_stored(self, length: int, read: bool) -> None:
        stored = TestAnswers.ASKED.to_json()
        padded = stored + b" " * (length - len(stored))
        if read:
            assert WalletRequest.from_json(padded) == TestAnswers.ASKED
            return
        with pytest.raises(ConfigurationError):
            WalletRequest.from_json(padded)

    def test_a_query_for_mdocs_alone(self) -> None:
        asked = WalletRequest.by_browser(
            AgeQuery(age_limit=18, mdoc_types=("eu.europa.ec.av.1",)),
            origin="https://a.example",
            response_key=None,
        )
        formats = asked.parameters()["client_metadata"]["vp_formats_supported"]
        assert formats == {
            "mso_mdoc": {
                "issuerauth_alg_values": [-7, -35, -36, -8],
                "deviceauth_alg_values": [-7, -35, -36, -8],
            }
        }
        assert "credential_sets" not in asked.query.to_dict()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Oracle'"):
        credential.Oracle  # noqa: B018


def test_every_name_can_be_had() -> None:
    for name in credential.__all__:
        assert getattr(credential, name).__name__ == name
    assert sorted(credential.__all__) == credential.__all__
    assert json.dumps(sorted(credential._HOMES)) == json.dumps(credential.__all__)
    assert HOLDER.alg == "ES256"
