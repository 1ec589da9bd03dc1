"""OpenID4VP 1.0's own examples, as far as JSON goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import CredentialError
from ageassure.estimators.credential.openid4vp import AgeQuery, BrowserAnswer, WalletRequest
from ageassure.estimators.credential.openid4vp.answers import presented
from ageassure.estimators.credential.openid4vp.encryption import ResponseKey
from ageassure.tokens import base64url
from ageassure.tokens.keys import jwk_thumbprint

if TYPE_CHECKING:
    from pathlib import Path

QUERY = AgeQuery(
    age_limit=18,
    sd_jwt_types=("https://credentials.example.com/identity_credential",),
    mdoc_types=("org.iso.18013.5.1.mDL",),
)


def example(shared_dir: Path, name: str) -> Any:
    path = shared_dir / "vectors/openid4vp/1.0/examples" / name
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_keys_thumbprint_in_the_session_transcripts(shared_dir: Path) -> None:
    """Both handovers hold the thumbprint that a request's key has here."""
    path = shared_dir / "vectors/openid4vp/session_transcript_vectors.json"
    vectors = json.loads(path.read_text(encoding="utf-8"))["vectors"]
    jwk = vectors["input_jwk_for_OpenID4VPHandoverInfo"]
    digest = base64url.decode_text(jwk_thumbprint(jwk))
    assert digest is not None
    for name in ("OpenID4VPHandoverInfo", "OpenID4VPDCAPIHandoverInfo"):
        assert digest in bytes.fromhex(vectors[name])
    assert ResponseKey.generate().public_jwk.keys() == jwk.keys()


def test_the_query_is_of_the_published_form(shared_dir: Path) -> None:
    ours = {each["format"]: each for each in QUERY.to_dict()["credentials"]}
    for name in ("simple.json", "simple_mdoc.json"):
        (theirs,) = example(shared_dir, f"query_lang/{name}")["credentials"]
        mine = ours[theirs["format"]]
        assert mine.keys() == theirs.keys()
        assert mine["meta"].keys() == theirs["meta"].keys()
        assert all(claim["path"] for claim in mine["claims"])
    sets = example(shared_dir, "query_lang/complex_mdoc.json")["credential_sets"]
    assert QUERY.to_dict()["credential_sets"][0].keys() <= sets[0].keys()


def test_the_metadata_are_of_the_published_form(shared_dir: Path) -> None:
    request = WalletRequest.by_browser(QUERY, origin="https://a.example", response_key=None)
    formats = request.parameters()["client_metadata"]["vp_formats_supported"]
    for name in ("sd_jwt_vc_verifier_metadata.json", "mso_mdoc_verifier_metadata.json"):
        theirs = example(shared_dir, f"client_metadata/{name}")["vp_formats_supported"]
        for form, members in theirs.items():
            assert formats[form].keys() == members.keys()


def test_a_signed_request_has_the_published_members(shared_dir: Path) -> None:
    path = "digital_credentials_api/signed_request_payload_compact.json"
    text = (shared_dir / "vectors/openid4vp/1.0/examples" / path).read_text(encoding="utf-8")
    theirs = json.loads(text.replace("{...}", "{}"))
    request = WalletRequest.by_browser(
        QUERY,
        origin="https://origin1.example.com",
        client_id="x509_san_dns:rp.example.com",
        response_key=None,
    )
    assert request.parameters().keys() == theirs.keys()


def test_the_published_error(shared_dir: Path) -> None:
    data = example(shared_dir, "digital_credentials_api/error_invalid_request.json")
    request = WalletRequest.by_browser(QUERY, origin="https://a.example", response_key=None)
    answer = BrowserAnswer(
        request=request, protocol=str(request.protocol), data=json.dumps(data).encode()
    )
    with pytest.raises(CredentialError) as caught:
        presented(answer)
    assert caught.value.code == "credential_declined"
