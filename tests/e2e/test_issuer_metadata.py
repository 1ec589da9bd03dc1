"""An issuer's metadata over HTTP on loopback, through the key client, to a verified credential."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import CredentialError
from ageassure.estimators.credential import SDJWTEstimator, SDJWTPresentation, TrustedIssuers
from ageassure.tokens import SigningKey, base64url
from ageassure.tokens.jws import sign_compact
from ageassure.verifier import JWKSetClient
from ageassure.verifier.jwks import IssuerMetadataFetcher, metadata_uri, read_foreign_set

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
AUDIENCE, NONCE, TYPE = "origin:https://provider.example", "n" * 43, "urn:example:pid:1"
KEY, HOLDER = SigningKey.generate(), SigningKey.generate()


class Host:
    """Serves JSON documents by path; counts what is asked for."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}
        self.asked: list[str] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked.append(self.path)
                document = host.documents.get(self.path)
                body = json.dumps(document).encode()
                self.send_response(404 if document is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


def presentation(issuer: str, kid: str) -> SDJWTPresentation:
    holder = HOLDER.public.to_dict()
    payload = {
        "iss": issuer,
        "vct": TYPE,
        "iat": SECONDS,
        "exp": SECONDS + 60,
        "cnf": {"jwk": {name: holder[name] for name in ("kty", "crv", "x", "y")}},
        "age_equal_or_over": {"18": True},
    }
    header = {"alg": "ES256", "typ": "dc+sd-jwt", "kid": kid}
    issued = sign_compact(header, json.dumps(payload).encode(), KEY) + "~"
    digest = base64url.encode(hashlib.sha256(issued.encode()).digest())
    claims = {"aud": AUDIENCE, "nonce": NONCE, "iat": SECONDS, "sd_hash": digest}
    binding = sign_compact({"alg": "ES256", "typ": "kb+jwt"}, json.dumps(claims).encode(), HOLDER)
    return SDJWTPresentation(presentation=issued + binding, audience=AUDIENCE, nonce=NONCE)


def estimator(issuer: str) -> SDJWTEstimator:
    client = JWKSetClient(
        metadata_uri(issuer), fetcher=IssuerMetadataFetcher(issuer), read=read_foreign_set
    )
    return SDJWTEstimator(
        issuers=TrustedIssuers({issuer: client}), types=[TYPE], status=None, now=lambda: NOW
    )


@pytest.mark.parametrize("inline", [True, False])
def test_keys_come_from_the_issuers_own_host(host: Host, inline: bool) -> None:
    issuer = f"{host.url}/tenant/1"
    keys = {"keys": [{**KEY.public.to_dict(), "kid": "signer-1"}]}
    named = {"jwks": keys} if inline else {"jwks_uri": f"{host.url}/keys"}
    host.documents["/.well-known/jwt-vc-issuer/tenant/1"] = {"issuer": issuer, **named}
    host.documents["/keys"] = keys
    reader = estimator(issuer)
    for _ in range(3):
        estimate = reader.estimate(presentation(issuer, "signer-1"))
        assert estimate.interval(0.5) == (18, 121)
    paths = ["/.well-known/jwt-vc-issuer/tenant/1", *([] if inline else ["/keys"])]
    assert host.asked == paths  # once, and kept
    with pytest.raises(CredentialError) as caught:
        reader.estimate(presentation(issuer, "signer-2"))
    assert caught.value.code == "credential_untrusted"


def test_another_issuers_metadata_are_not_believed(host: Host) -> None:
    issuer = f"{host.url}/tenant/1"
    keys = {"keys": [{**KEY.public.to_dict(), "kid": "signer-1"}]}
    host.documents["/.well-known/jwt-vc-issuer/tenant/1"] = {"issuer": host.url, "jwks": keys}
    with pytest.raises(CredentialError) as caught:
        estimator(issuer).estimate(presentation(issuer, "signer-1"))
    assert caught.value.code == "credential_unverifiable"


def test_a_host_without_metadata(host: Host) -> None:
    with pytest.raises(CredentialError) as caught:
        estimator(host.url).estimate(presentation(host.url, "signer-1"))
    assert caught.value.code == "credential_unverifiable"
