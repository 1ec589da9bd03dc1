from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ageassure.errors import ConfigurationError, CredentialError
from ageassure.estimators.credential.mdoc import (
    EU_PROOF_OF_AGE,
    PROTOCOL,
    IsoRequest,
    IsoSession,
    MdocEstimator,
    open_answer,
    request_age,
)
from ageassure.tokens import base64url

from .mdoc_wallets import NOW, Authority, Signer, Wallet

ORIGIN = "https://age.example"


def _request() -> IsoRequest:
    return request_age([18], document_type=EU_PROOF_OF_AGE, origin=ORIGIN)


def _session(request: IsoRequest, origin: str = ORIGIN) -> IsoSession:
    return IsoSession(origin=origin, encryption_info=request.encryption_info)


def _answer(request: IsoRequest, wallet: Wallet, origin: str = ORIGIN) -> str:
    """What a browser gives back: the wallet takes key and nonce from the request."""
    _, info = cbor2.loads(base64url.decode_text(request.encryption_info) or b"")
    key = info["recipientPublicKey"]
    public = ec.EllipticCurvePublicNumbers(
        int.from_bytes(key[-2], "big"), int.from_bytes(key[-3], "big"), ec.SECP256R1()
    ).public_key()
    session = _session(request, origin)
    sealed = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_128_GCM).encrypt(
        wallet.present(session), public, info=cbor2.dumps(session.transcript())
    )
    return base64url.encode(cbor2.dumps(["dcapi", {"enc": sealed[:65], "cipherText": sealed[65:]}]))


def test_an_answer_is_opened_and_assessed() -> None:
    authority = Authority()
    request = _request()
    presented = open_answer(_answer(request, Wallet(Signer(authority))), request)
    estimator = MdocEstimator(
        document_type=EU_PROOF_OF_AGE,
        authorities=authority.authorities(),
        status=None,
        now=lambda: NOW,
    )
    assert estimator.estimate(presented).interval(0.9) == (18, 121)


def test_a_request_asks_for_ages_and_to_keep_nothing() -> None:
    request = request_age([21, 18, 18], document_type=EU_PROOF_OF_AGE, origin=ORIGIN)
    asked = cbor2.loads(base64url.decode_text(request.device_request) or b"")
    items = cbor2.loads(asked["docRequests"][0]["itemsRequest"].value)
    assert asked.keys() == {"version", "docRequests"}
    assert items == {
        "docType": "eu.europa.ec.av.1",
        "nameSpaces": {"eu.europa.ec.av.1": {"age_over_18": False, "age_over_21": False}},
    }
    assert request.data == {
        "deviceRequest": request.device_request,
        "encryptionInfo": request.encryption_info,
    }
    assert PROTOCOL == "org-iso-mdoc"


def test_a_nonce_has_16_bytes() -> None:
    _, info = cbor2.loads(base64url.decode_text(_request().encryption_info) or b"")
    assert len(info["nonce"]) == 16


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()])
def test_a_stored_key_is_on_p_256(curve: ec.EllipticCurve) -> None:
    request = _request()
    secret = ec.generate_private_key(curve).private_bytes(
        Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(ConfigurationError, match="no P-256 key"):
        open_answer(
            _answer(request, Wallet(Signer(Authority()))), replace(request, private_key=secret)
        )


@pytest.mark.parametrize("answer", [None, b"gA", "A" * 524_289])
def test_an_answer_is_a_short_text(answer: Any) -> None:
    with pytest.raises(CredentialError, match="no short text"):
        open_answer(answer, _request())
    with pytest.raises(CredentialError, match="no CBOR of 1 to"):
        open_answer("A" * 524_288, _request())


def test_requests_differ_and_hide_their_keys() -> None:
    one, other = _request(), _request()
    assert one.encryption_info != other.encryption_info
    assert one.encryption_info not in repr(one)
    assert repr(one.private_key) not in repr(one)


def test_an_answer_to_another_request_or_origin_is_refused() -> None:
    request, wallet = _request(), Wallet(Signer(Authority()))
    elsewhere = _answer(request, wallet, origin="https://hostile.invalid")
    for answer in (_answer(_request(), wallet), elsewhere):
        with pytest.raises(CredentialError) as caught:
            open_answer(answer, request)
        assert caught.value.code == "credential_wrong_transaction"
        assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"gA",
        "",
        "!",
        "gA",
        "A" * 600_000,
        base64url.encode(cbor2.dumps(["dcapi", {}])),
        base64url.encode(cbor2.dumps(["dcapi", {"enc": b"x", "cipherText": b"x"}])),
        base64url.encode(cbor2.dumps(["other", {"enc": bytes(65), "cipherText": b"x"}])),
        base64url.encode(cbor2.dumps(["dcapi", {"enc": 65, "cipherText": b"x"}])),
    ],
)
def test_something_else_than_an_answer_is_malformed(answer: Any) -> None:
    with pytest.raises(CredentialError) as caught:
        open_answer(answer, _request())
    assert caught.value.code == "credential_malformed"


def test_a_point_off_the_curve_is_refused() -> None:
    answer = base64url.encode(
        cbor2.dumps(["dcapi", {"enc": b"\x04" + bytes(64), "cipherText": bytes(32)}])
    )
    with pytest.raises(CredentialError) as caught:
        open_answer(answer, _request())
    assert caught.value.code == "credential_wrong_transaction"


@pytest.mark.parametrize("key", [b"", b"no key"])
def test_a_stored_key_that_is_none_is_a_fault_of_the_set_up(key: bytes) -> None:
    request = _request()
    answer = _answer(request, Wallet(Signer(Authority())))
    with pytest.raises(ConfigurationError):
        open_answer(answer, replace(request, private_key=key))


@pytest.mark.parametrize(("limits", "origin"), [([], ORIGIN), ([0], ORIGIN), ([18], "")])
def test_a_request_for_nothing_is_refused(limits: list[int], origin: str) -> None:
    with pytest.raises(ConfigurationError):
        request_age(limits, document_type=EU_PROOF_OF_AGE, origin=origin)
