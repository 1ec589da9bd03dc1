"""Requests to wallets: about an age alone, and data that is stored and read back."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.errors import ConfigurationError, IssuanceError
from ageassure.estimators.credential.openid4vp import (
    AgeQuery,
    ResponseKey,
    ResponseMode,
    WalletRequest,
    signed_request,
)
from ageassure.estimators.credential.openid4vp.query import MDOC_NAMESPACES
from ageassure.tokens import SigningKey
from ageassure.tokens.jws import parse_compact, verify_signature

CLIENT_ID = "x509_san_dns:provider.example"
RESPONSE_URI = "https://provider.example/wallet/answers"
ORIGIN = "https://provider.example"
QUERY = AgeQuery(age_limit=18, sd_jwt_types=("urn:eudi:pid:1",))
BOTH = AgeQuery(age_limit=16, sd_jwt_types=("urn:eudi:pid:1",), mdoc_types=("eu.europa.ec.av.1",))
KEY = ResponseKey.generate()


def posted(query: AgeQuery = QUERY, **changes: Any) -> WalletRequest:
    arguments: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "response_uri": RESPONSE_URI,
        "response_key": None,
    }
    return WalletRequest.by_direct_post(query, **(arguments | changes))


def browsed(query: AgeQuery = QUERY, **changes: Any) -> WalletRequest:
    arguments: dict[str, Any] = {"origin": ORIGIN, "response_key": None}
    return WalletRequest.by_browser(query, **(arguments | changes))


class TestQuery:
    def test_sd_jwt(self) -> None:
        assert QUERY.to_dict() == {
            "credentials": [
                {
                    "id": "age_sd_jwt",
                    "format": "dc+sd-jwt",
                    "meta": {"vct_values": ["urn:eudi:pid:1"]},
                    "claims": [{"path": ["age_equal_or_over", "18"]}],
                }
            ]
        }

    def test_any_one_of_several_is_enough(self) -> None:
        query = BOTH.to_dict()
        assert query["credential_sets"] == [{"options": [["age_sd_jwt"], ["age_mdoc_0"]]}]
        assert query["credentials"][1] == {
            "id": "age_mdoc_0",
            "format": "mso_mdoc",
            "meta": {"doctype_value": "eu.europa.ec.av.1"},
            "claims": [{"path": ["eu.europa.ec.av.1", "age_over_16"], "intent_to_retain": False}],
        }
        assert BOTH.document_types == {"age_sd_jwt": None, "age_mdoc_0": "eu.europa.ec.av.1"}

    def test_a_limit_of_one_digit(self) -> None:
        query = AgeQuery(age_limit=7, sd_jwt_types=("x",), mdoc_types=("org.iso.18013.5.1.mDL",))
        first, second = query.to_dict()["credentials"]
        assert first["claims"] == [{"path": ["age_equal_or_over", "7"]}]
        assert second["claims"][0]["path"] == ["org.iso.18013.5.1", "age_over_07"]

    @given(
        st.integers(1, 99),
        st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)),
        st.sets(st.sampled_from(sorted(MDOC_NAMESPACES))),
    )
    def test_never_more_than_one_statement_of_one_limit(
        self, limit: int, sd_jwt: list[str], mdoc: set[str]
    ) -> None:
        if not sd_jwt and not mdoc:
            return
        query = AgeQuery(
            age_limit=limit, sd_jwt_types=tuple(sd_jwt[:20]), mdoc_types=tuple(mdoc)
        ).to_dict()
        assert query.keys() <= {"credentials", "credential_sets"}
        for credential in query["credentials"]:
            assert credential.keys() == {"id", "format", "meta", "claims"}
            (claim,) = credential["claims"]
            assert claim.keys() <= {"path", "intent_to_retain"}
            _, last = claim["path"]
            assert last in (str(limit), f"age_over_{limit:02d}")
            assert claim.get("intent_to_retain", False) is False
        options = itertools.chain.from_iterable(
            each["options"] for each in query.get("credential_sets", [])
        )
        assert all(len(option) == 1 for option in options)

    @pytest.mark.parametrize(
        "changes",
        [
            {"sd_jwt_types": ()},
            {"age_limit": 0},
            {"age_limit": 100},
            {"age_limit": True},
            {"age_limit": "18"},
            {"sd_jwt_types": "urn:eudi:pid:1"},
            {"sd_jwt_types": ("",)},
            {"sd_jwt_types": ("\u00e9",)},
            {"sd_jwt_types": ("a\n",)},
            {"sd_jwt_types": (1,)},
            {"sd_jwt_types": 5},
            {"sd_jwt_types": tuple(map(str, range(21)))},
            {"sd_jwt_types": ("x" * 513,)},
            {"mdoc_types": ("org.example.other",)},
            {"mdoc_types": "eu.europa.ec.av.1"},
        ],
    )
    def test_malformed(self, changes: dict[str, Any]) -> None:
        members: dict[str, Any] = {"age_limit": 18, "sd_jwt_types": ("x",)}
        with pytest.raises(ConfigurationError):
            AgeQuery(**(members | changes))


class TestRequest:
    def test_a_posted_answer(self) -> None:
        request = posted()
        assert request.parameters() == {
            "client_id": CLIENT_ID,
            "response_type": "vp_token",
            "response_mode": "direct_post",
            "response_uri": RESPONSE_URI,
            "nonce": request.nonce,
            "state": request.state,
            "dcql_query": QUERY.to_dict(),
            "client_metadata": {
                "vp_formats_supported": {
                    "dc+sd-jwt": {
                        "sd-jwt_alg_values": ["ES256", "PS256", "RS256", "EdDSA", "Ed25519"],
                        "kb-jwt_alg_values": ["ES256", "EdDSA", "Ed25519"],
                    }
                }
            },
        }
        assert request.audience == CLIENT_ID
        assert request.protocol is None

    def test_an_encrypted_answer(self) -> None:
        request = posted(BOTH, response_key=KEY)
        assert request.mode is ResponseMode.DIRECT_POST_ENCRYPTED
        metadata = request.parameters()["client_metadata"]
        assert metadata["jwks"] == {"keys": [KEY.public_jwk]}
        assert metadata["encrypted_response_enc_values_supported"] == ["A128GCM", "A256GCM"]
        assert metadata["vp_formats_supported"].keys() == {"dc+sd-jwt", "mso_mdoc"}
        assert KEY.public_jwk["use"] == "enc"
        assert KEY.public_jwk["alg"] == "ECDH-ES"

    def test_an_unsigned_request_through_a_browser(self) -> None:
        request = browsed()
        assert request.protocol == "openid4vp-v1-unsigned"
        assert request.audience == "origin:https://provider.example"
        names = {"response_type", "response_mode", "nonce", "dcql_query", "client_metadata"}
        assert request.parameters().keys() == names
        assert request.parameters()["response_mode"] == "dc_api"

    def test_a_signed_one(self) -> None:
        request = browsed(client_id=CLIENT_ID, response_key=KEY)
        assert request.protocol == "openid4vp-v1-signed"
        assert request.audience == "origin:https://provider.example"  # also where it is signed
        assert request.parameters()["expected_origins"] == [ORIGIN]
        assert request.parameters()["client_id"] == CLIENT_ID
        assert request.parameters()["response_mode"] == "dc_api.jwt"

    def test_nonce_and_state_are_fresh_and_taken_from_the_source(self) -> None:
        one, other = posted(), posted()
        assert len({one.nonce, one.state, other.nonce, other.state}) == 4
        texts = iter(["a" * 22, "b" * 22])
        request = posted(random_text=lambda: next(texts))
        assert (request.nonce, request.state) == ("a" * 22, "b" * 22)
        with pytest.raises(ConfigurationError):
            posted(random_text=lambda: "short")

    def test_its_repr_shows_no_secret(self) -> None:
        request = posted()
        assert request.nonce not in repr(request)
        assert str(request.state) not in repr(request)

    @pytest.mark.parametrize(
        "client_id",
        [
            "redirect_uri:https://provider.example/wallet/answers",
            "x509_hash:Uvo3HtuIxuhC92rShpgqcT3YXwrqRxWEviRiA0OZszk",
            "decentralized_identifier:did:example:123",
            "registered-client",
            "origin",
            "redirect_uri",
            "https://provider.example",
        ],
    )
    def test_names_of_a_verifier(self, client_id: str) -> None:
        assert posted(client_id=client_id).audience == client_id

    @pytest.mark.parametrize(
        "changes",
        [
            {"client_id": None},
            {"client_id": ""},
            {"client_id": "origin:https://provider.example"},
            {"client_id": "redirect_uri:https://provider.example/other"},
            {"response_uri": None},
            {"response_uri": "http://provider.example/x"},
            {"response_uri": "https://provider.example/x?y"},
        ],
    )
    def test_malformed_posts(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            posted(**changes)

    @pytest.mark.parametrize(
        "origin",
        [None, "", "http://provider.example", "https://provider.example/", "HTTPS://P.EXAMPLE", 1],
    )
    def test_malformed_origins(self, origin: Any) -> None:
        with pytest.raises(ConfigurationError):
            browsed(origin=origin)

    @pytest.mark.parametrize(
        "changes",
        [
            {"state": None},
            {"origin": ORIGIN},
            {"nonce": "short"},
            {"mode": ResponseMode.DIRECT_POST_ENCRYPTED},
            {"mode": "direct_post"},
            {"mode": ResponseMode.BROWSER},
            {"query": QUERY.to_dict()},
            {"encryption_jwk": KEY.public_jwk},
            {"mode": ResponseMode.DIRECT_POST_ENCRYPTED, "encryption_jwk": {}},
            {"mode": ResponseMode.DIRECT_POST_ENCRYPTED, "encryption_jwk": "x"},
            {
                "mode": ResponseMode.DIRECT_POST_ENCRYPTED,
                "encryption_jwk": {**KEY.public_jwk, "d": "AAAA"},
            },
            {
                "mode": ResponseMode.DIRECT_POST_ENCRYPTED,
                "encryption_jwk": {**KEY.public_jwk, "kid": "x"},
            },
            {
                "mode": ResponseMode.DIRECT_POST_ENCRYPTED,
                "encryption_jwk": {**KEY.public_jwk, "kid": 1},
            },
        ],
    )
    def test_members_that_do_not_fit(self, changes: dict[str, Any]) -> None:
        request = posted()
        members = {name: getattr(request, name) for name in WalletRequest.__dataclass_fields__}
        with pytest.raises(ConfigurationError):
            WalletRequest(**(members | changes))

    def test_a_browser_brings_no_state(self) -> None:
        members = {name: getattr(browsed(), name) for name in WalletRequest.__dataclass_fields__}
        with pytest.raises(ConfigurationError):
            WalletRequest(**(members | {"state": "s" * 22}))
        with pytest.raises(ConfigurationError):
            WalletRequest(**(members | {"response_uri": RESPONSE_URI}))


class TestStoring:
    @pytest.mark.parametrize(
        "request_",
        [
            posted(),
            posted(BOTH, response_key=KEY),
            browsed(),
            browsed(BOTH, response_key=KEY, client_id=CLIENT_ID),
        ],
    )
    def test_it_comes_back_as_it_was(self, request_: WalletRequest) -> None:
        stored = request_.to_json()
        assert WalletRequest.from_json(stored) == request_
        assert b'"d"' not in stored

    @pytest.mark.parametrize(
        "change",
        [
            {"format": "ageassure-wallet-request-2"},
            {"mode": "fragment"},
            {"mode": ["direct_post"]},
            {"query": None},
            {"query": {"age_limit": 18}},
            {"query": {"age_limit": 18, "sd_jwt_types": ["x"]}},
            {"query": {"age_limit": 18, "sd_jwt_types": ["x"], "mdoc_types": [], "more": 1}},
            {"nonce": 1},
            {"state": 1},
            {"client_id": 1},
            {"response_uri": 1},
            {"more": 1},
        ],
    )
    def test_anything_else_does_not(self, change: dict[str, Any]) -> None:
        members = json.loads(posted().to_json())
        with pytest.raises(ConfigurationError):
            WalletRequest.from_json(json.dumps(members | change).encode())

    @pytest.mark.parametrize("stored", [b"", b"[]", b"{}", b" " * 40_000, "text", None])
    def test_nor_what_is_no_object(self, stored: Any) -> None:
        with pytest.raises(ConfigurationError):
            WalletRequest.from_json(stored)


class TestSigning:
    def test_with_a_certificate(self) -> None:
        key = SigningKey.generate()
        request = browsed(client_id=CLIENT_ID)
        jws = parse_compact(signed_request(request, signing_key=key, certificates=[b"\xff\xfe"]))
        verify_signature(jws, key.public)
        assert jws.header == {"typ": "oauth-authz-req+jwt", "alg": "ES256", "x5c": ["//4="]}
        payload = json.loads(jws.payload)
        assert payload == {
            "iss": CLIENT_ID,
            "aud": "https://self-issued.me/v2",
            **request.parameters(),
        }

    def test_with_a_named_key(self) -> None:
        key = SigningKey.generate()
        jws = parse_compact(signed_request(posted(), signing_key=key))
        assert jws.header["kid"] == key.kid

    def test_an_unsigned_request_stays_so(self) -> None:
        with pytest.raises(ConfigurationError):
            signed_request(browsed(), signing_key=SigningKey.generate())

    def test_a_key_that_fails(self) -> None:
        class Down:
            alg, kid, public = "ES256", "x", SigningKey.generate().public

            def sign(self, data: bytes) -> bytes:
                raise OSError(data)

        with pytest.raises(IssuanceError):
            signed_request(posted(), signing_key=Down())
