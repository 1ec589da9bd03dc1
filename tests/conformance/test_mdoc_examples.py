"""The published examples of the EU proof of age and of OpenID4VP's handovers, and altered ones.

The device's signature of the published response cannot be checked: the request that it answers is
not published. What the issuer says in it can.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import CredentialError
from ageassure.estimators.credential.mdoc import (
    EU_PROOF_OF_AGE,
    BrowserSession,
    DocumentAuthorities,
    MdocEstimator,
    MdocPresentation,
    RedirectSession,
    open_answer,
    request_age,
)
from ageassure.estimators.credential.mdoc.cbor import decode, encode
from ageassure.estimators.credential.mdoc.document import (
    authenticated_issuer_data,
    only_document,
)
from ageassure.estimators.credential.mdoc.estimator import age_statements
from ageassure.tokens import base64url

if TYPE_CHECKING:
    from pathlib import Path

    from ageassure.estimators.credential.mdoc.document import IssuedDocument

VALID = datetime(2025, 11, 20, tzinfo=UTC)


@pytest.fixture
def folder(shared_dir: Path) -> Path:
    return shared_dir / "vectors" / "eu-av"


@pytest.fixture
def authorities(folder: Path) -> DocumentAuthorities:
    pem = (folder / "AgeVerificationIssuer.IACA.01.EU.pem").read_bytes()
    return DocumentAuthorities.from_pem(pem)


def _issued(
    issuer_signed: object, authorities: DocumentAuthorities, now: datetime = VALID
) -> IssuedDocument:
    return authenticated_issuer_data(
        issuer_signed, document_type=EU_PROOF_OF_AGE, authorities=authorities, now=now
    )


def _example_18(folder: Path) -> Any:
    response = decode((folder / "annexA_example_18.cbor").read_bytes())
    return only_document(response, EU_PROOF_OF_AGE)["issuerSigned"]


def test_example_18_chains_to_the_published_root(
    folder: Path, authorities: DocumentAuthorities
) -> None:
    issued = _issued(_example_18(folder), authorities)
    assert age_statements(issued.elements) == {18: True}
    assert isinstance(issued.security_object.others["status"], dict)


def test_example_2_is_of_another_authority(folder: Path, authorities: DocumentAuthorities) -> None:
    issuer_signed = decode((folder / "annexA_example_2.cbor").read_bytes())
    with pytest.raises(CredentialError) as caught:
        _issued(issuer_signed, authorities, datetime(2025, 7, 15, tzinfo=UTC))
    assert caught.value.code == "credential_untrusted"


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (datetime(2026, 1, 18, tzinfo=UTC), "credential_expired"),
        (datetime(2025, 10, 20, 16, 2, 51, tzinfo=UTC), "credential_not_yet_valid"),
        (datetime(2026, 9, 25, tzinfo=UTC), "credential_untrusted"),
        (datetime(2025, 6, 1, tzinfo=UTC), "credential_untrusted"),
    ],
)
def test_example_18_at_other_times(
    folder: Path, authorities: DocumentAuthorities, now: datetime, code: str
) -> None:
    with pytest.raises(CredentialError) as caught:
        _issued(_example_18(folder), authorities, now)
    assert caught.value.code == code


def test_every_altered_byte_of_what_the_issuer_signed_is_refused(
    folder: Path, authorities: DocumentAuthorities
) -> None:
    whole = encode(_example_18(folder))
    _issued(decode(whole), authorities)
    # One octet is signed by nobody and says nothing: how many bits of the certificate's own
    # signature are unused (X.690, 8.6.2). The signature itself still has to fit.
    unused_bits = whole.index(b"\x03\x48\x00\x30\x45") + 2
    for at in range(len(whole)):
        altered = bytearray(whole)
        altered[at] ^= 0x01
        if at == unused_bits:
            issued = _issued(decode(bytes(altered)), authorities)
            assert age_statements(issued.elements) == {18: True}
            continue
        with pytest.raises(CredentialError):
            age_statements(_issued(decode(bytes(altered)), authorities).elements)


def test_the_response_is_refused_for_a_request_that_it_does_not_answer(
    folder: Path, authorities: DocumentAuthorities
) -> None:
    estimator = MdocEstimator(
        document_type=EU_PROOF_OF_AGE, authorities=authorities, status=None, now=lambda: VALID
    )
    session = BrowserSession(origin="https://age.example", nonce="n" * 22, key_thumbprint=None)
    response = (folder / "annexA_example_18.cbor").read_bytes()
    with pytest.raises(CredentialError) as caught:
        estimator.estimate(MdocPresentation(device_response=response, session=session))
    assert caught.value.code == "credential_not_bound"


def test_the_request_is_the_published_one(folder: Path) -> None:
    published = json.loads((folder / "annexA_dcapi_example.json").read_text())
    ours = request_age([18], document_type=EU_PROOF_OF_AGE, origin="https://age.example")
    assert ours.device_request == published["deviceRequest"]
    kind, theirs = decode(base64url.decode_text(published["encryptionInfo"]) or b"")
    own_kind, own = decode(base64url.decode_text(ours.encryption_info) or b"")
    assert (kind, theirs.keys(), theirs["recipientPublicKey"].keys()) == (
        own_kind,
        own.keys(),
        own["recipientPublicKey"].keys(),
    )
    assert len(theirs["nonce"]) == len(own["nonce"])
    with pytest.raises(CredentialError) as caught:
        open_answer(published["response"], ours)
    assert caught.value.code == "credential_wrong_transaction"


def test_session_transcripts_of_openid4vp(shared_dir: Path) -> None:
    file = shared_dir / "vectors" / "openid4vp" / "session_transcript_vectors.json"
    vectors = json.loads(file.read_text())["vectors"]
    info = decode(bytes.fromhex(vectors["OpenID4VPHandoverInfo"]))
    redirect = RedirectSession(
        client_id=info[0], nonce=info[1], key_thumbprint=info[2], response_uri=info[3]
    )
    assert encode(redirect.transcript()).hex() == vectors["SessionTranscript_redirect"]
    info = decode(bytes.fromhex(vectors["OpenID4VPDCAPIHandoverInfo"]))
    browser = BrowserSession(origin=info[0], nonce=info[1], key_thumbprint=info[2])
    assert encode(browser.transcript()).hex() == vectors["SessionTranscript_dcapi"]
