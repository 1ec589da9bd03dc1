"""Answers of wallets: read against the request, and handed to who reads their format."""

from __future__ import annotations

import json
import traceback
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from ageassure.errors import ConfigurationError, CredentialError
from ageassure.estimators.credential.mdoc import (
    EU_PROOF_OF_AGE,
    BrowserSession,
    MdocEstimator,
    RedirectSession,
    Session,
)
from ageassure.estimators.credential.openid4vp import (
    AgeQuery,
    BrowserAnswer,
    DirectPostAnswer,
    ResponseKey,
    WalletAgeEstimator,
    WalletRequest,
)
from ageassure.estimators.credential.openid4vp.answers import MAX_ANSWER_BYTES, presented
from ageassure.estimators.credential.openid4vp.query import MDOC_NAMESPACES
from ageassure.tokens import base64url

from . import mdoc_wallets
from .test_openid4vp_encryption import encrypted
from .wallets import TYPE, Credential, adult, clock, code_of, estimator

CLIENT_ID = "x509_san_dns:provider.example"
KEY = ResponseKey.generate()


EU = "eu.europa.ec.av.1"
QUERY = AgeQuery(age_limit=18, sd_jwt_types=(TYPE,), mdoc_types=(EU,))
MOBILE = mdoc_wallets.Wallet(mdoc_wallets.Signer(AUTHORITY := mdoc_wallets.Authority()))
MDOCS = {
    EU: MdocEstimator(
        document_type=EU_PROOF_OF_AGE,
        authorities=AUTHORITY.authorities(),
        status=None,
        now=clock,
    )
}


def device_response(session: Session, **elements: bool) -> str:
    mobile = replace(MOBILE, elements=elements or {"age_over_18": True})
    return base64url.encode(mobile.present(session))


def wallet(**changes: Any) -> WalletAgeEstimator:
    arguments: dict[str, Any] = {"sd_jwt": estimator(), "mdocs": {}}
    return WalletAgeEstimator(**(arguments | changes))


def post_request(key: ResponseKey | None = None) -> WalletRequest:
    return WalletRequest.by_direct_post(
        QUERY,
        client_id=CLIENT_ID,
        response_uri="https://provider.example/answers",
        response_key=key,
    )


def browser_request(key: ResponseKey | None = None, **changes: Any) -> WalletRequest:
    return WalletRequest.by_browser(
        QUERY, origin="https://provider.example", response_key=key, **changes
    )


def shown(request: WalletRequest, credential: Credential | None = None) -> str:
    credential = adult() if credential is None else credential
    credential.binding |= {"aud": request.audience, "nonce": request.nonce}
    return credential.presented()


def token(request: WalletRequest) -> dict[str, Any]:
    return {"age_sd_jwt": [shown(request)]}


def post(request: WalletRequest, key: ResponseKey | None = None, **fields: Any) -> DirectPostAnswer:
    members = {
        "vp_token": json.dumps(token(request)),
        "state": request.state,
        **fields,
    }
    body = urlencode({name: value for name, value in members.items() if value is not None})
    return DirectPostAnswer(request=request, form=body.encode(), response_key=key)


def browse(
    request: WalletRequest, key: ResponseKey | None = None, data: Any = None, protocol: Any = None
) -> BrowserAnswer:
    data = {"vp_token": token(request)} if data is None else data
    return BrowserAnswer(
        request=request,
        protocol=str(request.protocol) if protocol is None else protocol,
        data=data if isinstance(data, bytes) else json.dumps(data).encode(),
        response_key=key,
    )


def refusal(answer: DirectPostAnswer | BrowserAnswer, **changes: Any) -> str:
    return code_of(lambda: wallet(**changes).estimate(answer))


class TestPosted:
    def test_an_age(self) -> None:
        assert wallet().estimate(post(post_request())).interval(0.5) == (18, 65)

    def test_an_encrypted_one(self) -> None:
        request = post_request(KEY)
        for enc in ("A128GCM", "A256GCM"):
            text = json.dumps({"vp_token": token(request), "state": request.state, "more": []})
            jwe = encrypted(text.encode(), key=KEY, enc=enc)
            answer = post(request, KEY, vp_token=None, state=None, response=jwe)
            assert wallet().estimate(answer).interval(0.5) == (18, 65)

    def test_unknown_parameters_are_ignored(self) -> None:
        answer = post(post_request(), iss="https://wallet.example", presentation_submission="x")
        assert wallet().estimate(answer).interval(0.5) == (18, 65)

    @pytest.mark.parametrize("state", [None, "", "other", "\u00e9"])
    def test_another_state(self, state: str | None) -> None:
        assert refusal(post(post_request(), state=state)) == "wrong_transaction"

    @pytest.mark.parametrize("state", [None, "other", 1])
    def test_another_state_inside(self, state: Any) -> None:
        request = post_request(KEY)
        text = json.dumps({"vp_token": token(request), "state": state})
        jwe = encrypted(text.encode(), key=KEY)
        # The state outside is not the answer's.
        answer = post(request, KEY, vp_token=None, response=jwe)
        assert refusal(answer) == "wrong_transaction"

    def test_an_answer_to_another_request(self) -> None:
        one, other = post_request(), post_request()
        answer = post(other, vp_token=json.dumps(token(one)))
        assert refusal(answer) == "wrong_transaction"

    def test_an_answer_for_another_verifier(self) -> None:
        request = post_request()
        credential = adult()
        credential.binding |= {"aud": "x509_san_dns:evil.example", "nonce": request.nonce}
        text = json.dumps({"age_sd_jwt": [credential.presented()]})
        assert refusal(post(request, vp_token=text)) == "wrong_transaction"

    def test_an_error(self) -> None:
        answer = post(post_request(), vp_token=None, error="access_denied", error_description="no")
        assert refusal(answer) == "declined"
        forged = post(post_request(), vp_token=None, error="access_denied", state="x")
        assert refusal(forged) == "wrong_transaction"

    def test_an_error_in_the_clear_and_an_encrypted_one(self) -> None:
        request = post_request(KEY)
        assert refusal(post(request, KEY, vp_token=None, error="invalid_request")) == "declined"
        text = json.dumps({"error": "access_denied", "state": request.state})
        jwe = encrypted(text.encode(), key=KEY)
        assert refusal(post(request, KEY, vp_token=None, response=jwe)) == "declined"

    def test_an_answer_in_the_clear_to_a_request_for_an_encrypted_one(self) -> None:
        request = post_request(KEY)
        assert refusal(post(request, KEY)) == "malformed"
        jwe = encrypted(json.dumps({"vp_token": token(request)}).encode(), key=KEY)
        assert refusal(post(request, KEY, response=jwe)) == "malformed"

    def test_an_encrypted_answer_to_another_key(self) -> None:
        request = post_request(KEY)
        jwe = encrypted(b"{}", key=ResponseKey.generate(), kid=None)
        assert refusal(post(request, KEY, vp_token=None, response=jwe)) == "malformed"

    @pytest.mark.parametrize(
        "form",
        [
            b"",
            b"x",
            b"a=%",
            b"vp_token=%FF&state=x",
            b"\xff=1",
            b"a=1&a=2",
            b"&".join(b"a%d=1" % place for place in range(17)),
            b"a=" + b"x" * MAX_ANSWER_BYTES,
            "text",
            None,
        ],
    )
    def test_no_form(self, form: Any) -> None:
        answer = DirectPostAnswer(request=post_request(), form=form)
        assert refusal(answer) in ("malformed", "wrong_transaction")

    def test_a_state_that_is_given_twice(self) -> None:
        request = post_request()
        good = post(request).form
        twice = DirectPostAnswer(request=request, form=good + b"&state=other")
        assert refusal(twice) == "malformed"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{}",
            "{",
            '"x"',
            '{"age_sd_jwt":"x"}',
            '{"age_sd_jwt":1}',
            '{"age_sd_jwt":null}',
            '{"age_sd_jwt":[]}',
            '{"age_sd_jwt":["x","x"]}',
            '{"age_sd_jwt":["x"],"age_mdoc_0":["x"]}',
            '{"age_sd_jwt":[{}]}',
            '{"age_sd_jwt":[1]}',
            '{"other":["x"]}',
            '{"age_sd_jwt":["x"],"age_sd_jwt":["x"]}',
            '{"age_sd_jwt":["\\ud800"]}',
            "\u00e9",
        ],
    )
    def test_no_vp_token(self, text: str) -> None:
        assert refusal(post(post_request(), vp_token=text)) == "malformed"
        assert refusal(post(post_request(), vp_token=None)) == "malformed"

    @pytest.mark.parametrize("text", ['{"age_sd_jwt":[{}]}', '{"age_sd_jwt":[1]}'])
    def test_a_presentation_is_text(self, text: str) -> None:
        with pytest.raises(CredentialError, match="a presentation that is no text"):
            presented(post(post_request(), vp_token=text))


class TestBrowser:
    @pytest.mark.parametrize("client_id", [None, CLIENT_ID])
    def test_an_age(self, client_id: str | None) -> None:
        answer = browse(browser_request(client_id=client_id))
        assert wallet().estimate(answer).interval(0.5) == (18, 65)

    def test_an_encrypted_one(self) -> None:
        request = browser_request(KEY)
        jwe = encrypted(json.dumps({"vp_token": token(request)}).encode(), key=KEY)
        answer = browse(request, KEY, {"response": jwe})
        assert wallet().estimate(answer).interval(0.5) == (18, 65)

    def test_the_audience_is_the_origin_also_where_the_request_was_signed(self) -> None:
        request = browser_request(client_id=CLIENT_ID)
        credential = adult()
        credential.binding |= {"aud": CLIENT_ID, "nonce": request.nonce}
        answer = browse(request, data={"vp_token": {"age_sd_jwt": [credential.presented()]}})
        assert refusal(answer) == "wrong_transaction"

    @pytest.mark.parametrize(
        "protocol", ["openid4vp-v1-signed", "openid4vp", "org-iso-mdoc", "", 1]
    )
    def test_another_protocol(self, protocol: Any) -> None:
        assert refusal(browse(browser_request(), protocol=protocol)) == "malformed"

    def test_the_published_error(self) -> None:
        assert refusal(browse(browser_request(), data={"error": "invalid_request"})) == "declined"
        encrypted_request = browser_request(KEY)
        assert refusal(browse(encrypted_request, KEY, {"error": "invalid_request"})) == "declined"

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"[]",
            b"{}",
            b'{"vp_token":"x"}',
            b'{"vp_token":null}',
            b'{"response":"x"}',
            b" " * (MAX_ANSWER_BYTES + 1),
        ],
    )
    def test_no_answer(self, data: bytes) -> None:
        assert refusal(browse(browser_request(), data=data)) == "malformed"
        assert refusal(browse(browser_request(KEY), KEY, data)) == "malformed"

    def test_data_that_are_no_bytes(self) -> None:
        answer = BrowserAnswer(
            request=browser_request(),
            protocol="openid4vp-v1-unsigned",
            data="{}",  # type: ignore[arg-type]
        )
        assert refusal(answer) == "malformed"


class TestFormats:
    def test_an_mdoc_by_a_browser(self) -> None:
        request = browser_request()
        session = BrowserSession(
            origin="https://provider.example", nonce=request.nonce, key_thumbprint=None
        )
        data = {"vp_token": {"age_mdoc_0": [device_response(session, age_over_18=True)]}}
        answer = browse(request, data=data)
        assert wallet(mdocs=MDOCS).estimate(answer).interval(0.5) == (18, 121)
        assert refusal(answer) == "malformed"  # without its reader

    def test_an_mdoc_by_post_encrypted(self) -> None:
        request = post_request(KEY)
        session = RedirectSession(
            client_id=CLIENT_ID,
            nonce=request.nonce,
            response_uri="https://provider.example/answers",
            key_thumbprint=base64url.decode_text(KEY.thumbprint),
        )
        members = {"vp_token": {"age_mdoc_0": [device_response(session)]}, "state": request.state}
        jwe = encrypted(json.dumps(members).encode(), key=KEY)
        answer = post(request, KEY, vp_token=None, response=jwe)
        assert wallet(mdocs=MDOCS).estimate(answer).interval(0.5) == (18, 121)

    @pytest.mark.parametrize(
        "changes",
        [{"origin": "https://evil.example"}, {"nonce": "m" * 43}, {"key_thumbprint": bytes(32)}],
    )
    def test_an_mdoc_for_another_session(self, changes: dict[str, Any]) -> None:
        request = browser_request()
        members: dict[str, Any] = {
            "origin": "https://provider.example",
            "nonce": request.nonce,
            "key_thumbprint": None,
        }
        session = BrowserSession(**(members | changes))
        data = {"vp_token": {"age_mdoc_0": [device_response(session)]}}
        assert refusal(browse(request, data=data), mdocs=MDOCS) == "not_bound"

    @pytest.mark.parametrize("text", ["", "!", "AB", "o2d2ZXJzaW9u", "a" * 100])
    def test_no_mdoc(self, text: str) -> None:
        answer = browse(browser_request(), data={"vp_token": {"age_mdoc_0": [text]}})
        assert refusal(answer, mdocs=MDOCS) == "malformed"

    def test_an_sd_jwt_without_its_reader(self) -> None:
        answer = browse(browser_request())
        assert refusal(answer, sd_jwt=None, mdocs=MDOCS) == "malformed"

    def test_one_format_is_not_read_as_another(self) -> None:
        request = browser_request()
        answer = browse(request, data={"vp_token": {"age_mdoc_0": [shown(request)]}})
        assert refusal(answer, mdocs=MDOCS) == "malformed"

    def test_a_query_that_was_not_asked(self) -> None:
        request = WalletRequest.by_browser(
            AgeQuery(age_limit=18, sd_jwt_types=(TYPE,)),
            origin="https://provider.example",
            response_key=None,
        )
        answer = browse(request, data={"vp_token": {"age_mdoc_0": ["x"]}})
        assert refusal(answer, mdocs=MDOCS) == "malformed"

    def test_refusals_of_the_credential_itself(self) -> None:
        request = browser_request()
        credential = Credential().state(_18=True, _16=False)
        answer = browse(request, data={"vp_token": {"age_sd_jwt": [shown(request, credential)]}})
        assert refusal(answer) == "contradictory"


class TestSetup:
    def test_the_way_must_be_the_requests(self) -> None:
        with pytest.raises(ConfigurationError):
            DirectPostAnswer(request=browser_request(), form=b"")
        with pytest.raises(ConfigurationError):
            BrowserAnswer(request=post_request(), protocol="x", data=b"")
        other: Any = None
        with pytest.raises(ConfigurationError):
            DirectPostAnswer(request=other, form=b"")

    @pytest.mark.parametrize(
        ("asked", "given"), [(None, KEY), (KEY, None), (KEY, ResponseKey.generate()), (None, "x")]
    )
    def test_the_key_must_be_the_requests(self, asked: Any, given: Any) -> None:
        with pytest.raises(ConfigurationError):
            DirectPostAnswer(request=post_request(asked), form=b"", response_key=given)

    @pytest.mark.parametrize(
        "changes",
        [
            {"sd_jwt": None},
            {"sd_jwt": MDOCS[EU]},
            {"mdocs": "x"},
            {"mdocs": {EU: None}},
            {"mdocs": {"org.example.other": MDOCS[EU]}},
        ],
    )
    def test_readers(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            wallet(**changes)

    def test_a_reader_of_every_type(self) -> None:
        every = dict.fromkeys(MDOC_NAMESPACES, MDOCS[EU])
        answer = browse(browser_request())
        assert wallet(mdocs=every).estimate(answer).interval(0.5) == (18, 65)

    def test_evidence_of_another_type(self) -> None:
        other: Any = b"vp_token=x"
        with pytest.raises(ConfigurationError):
            wallet().estimate(other)


def test_nothing_is_shown() -> None:
    answer = browse(browser_request())
    assert repr(answer) == "<BrowserAnswer (content hidden)>"
    assert repr(post(post_request())) == "<DirectPostAnswer (content hidden)>"
    assert repr(presented(answer)) == "<Presented (content hidden)>"


def test_a_refusal_of_the_inner_estimator_has_no_frames_of_the_outer() -> None:
    answer = browse(browser_request(), data={"vp_token": {"age_sd_jwt": ["x~"]}})
    with pytest.raises(CredentialError) as caught:
        wallet().estimate(answer)
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert frames[1:] == ["estimate", "assess_alone"]
