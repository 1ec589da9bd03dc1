"""Keys of issuers of other credentials, and the metadata that name them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ageassure.errors import ConfigurationError, KeySetError, KeySetUnavailableError
from ageassure.tokens import SigningKey
from ageassure.tokens.keys import MAX_KEY_SET_BYTES
from ageassure.verifier import JWKSetClient
from ageassure.verifier.jwks import (
    IssuerMetadataFetcher,
    KeySetResponse,
    metadata_uri,
    read_foreign_set,
)

ISSUER = "https://issuer.example/tenant/1"
KEYS_URI = "https://keys.example/my.jwks"
KEY, OTHER = SigningKey.generate(), SigningKey.generate()
# The example of draft-ietf-oauth-sd-jwt-vc, "JWT VC Issuer Metadata Response".
PUBLISHED: dict[str, Any] = {
    "issuer": "https://example.com",
    "jwks": {
        "keys": [
            {
                "kid": "doc-signer-05-25-2022",
                "kty": "EC",
                "crv": "P-256",
                "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
                "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
            }
        ]
    },
}


class Host:
    """A fetcher that serves documents, and counts."""

    def __init__(self, **documents: Any) -> None:
        self.documents = documents
        self.asked: list[tuple[str, str | None]] = []

    def fetch(self, uri: str, *, etag: str | None, timeout_seconds: float) -> KeySetResponse:
        assert timeout_seconds > 0
        self.asked.append((uri, etag))
        name = "keys" if uri == KEYS_URI else "metadata"
        document = self.documents[name]
        if isinstance(document, Exception):
            raise document
        if document is None:
            return KeySetResponse(body=None)
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return KeySetResponse(body=body, max_age_seconds=self.documents.get(f"{name}_age"))


def fetched(issuer: str = ISSUER, **documents: Any) -> KeySetResponse:
    host = Host(**documents)
    fetcher = IssuerMetadataFetcher(issuer, fetcher=host)
    return fetcher.fetch(metadata_uri(issuer), etag='"x"', timeout_seconds=5)


def refused(**documents: Any) -> str:
    with pytest.raises(KeySetUnavailableError) as caught:
        fetched(**documents)
    assert caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    ("issuer", "uri"),
    [
        ("https://example.com", "https://example.com/.well-known/jwt-vc-issuer"),
        ("https://example.com/", "https://example.com/.well-known/jwt-vc-issuer"),
        (
            "https://example.com/tenant/1234",
            "https://example.com/.well-known/jwt-vc-issuer/tenant/1234",
        ),
        ("https://example.com:8443/a/", "https://example.com:8443/.well-known/jwt-vc-issuer/a"),
        ("http://localhost:80/a", "http://localhost:80/.well-known/jwt-vc-issuer/a"),
    ],
)
def test_where_metadata_are(issuer: str, uri: str) -> None:
    assert metadata_uri(issuer) == uri


@pytest.mark.parametrize("issuer", ["http://example.com", "https://example.com/?q", "x", None])
def test_issuers_without_metadata(issuer: Any) -> None:
    with pytest.raises(ConfigurationError):
        metadata_uri(issuer)
    with pytest.raises(ConfigurationError):
        IssuerMetadataFetcher(issuer)


def test_the_published_example() -> None:
    response = fetched("https://example.com", metadata=PUBLISHED, metadata_age=60)
    assert response.body is not None
    assert [key.kid for key in read_foreign_set(response.body)] == ["doc-signer-05-25-2022"]
    assert response.max_age_seconds == 60


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ({}, None),
        ({"metadata_age": 9}, 9),
        ({"metadata_age": 9, "keys_age": 5}, 5),
        ({"metadata_age": 5, "keys_age": 9}, 5),
    ],
)
def test_a_key_set_elsewhere(ages: dict[str, int], expected: int | None) -> None:
    named = {"issuer": ISSUER, "jwks_uri": KEYS_URI}
    host = Host(metadata=named, keys=KEY.public_set().to_dict(), **ages)
    fetcher = IssuerMetadataFetcher(ISSUER, fetcher=host)
    response = fetcher.fetch(metadata_uri(ISSUER), etag='"x"', timeout_seconds=5)
    assert host.asked == [(metadata_uri(ISSUER), None), (KEYS_URI, None)]
    assert response.body is not None
    assert read_foreign_set(response.body).get(KEY.kid) is not None
    assert response.max_age_seconds == expected
    assert response.etag is None


@pytest.mark.parametrize(
    "metadata",
    [
        b"",
        b"[]",
        None,
        b"x" * (MAX_KEY_SET_BYTES + 1),
        b'{"issuer":1,"issuer":1}',
        {"issuer": "https://issuer.example/tenant/2", "jwks": {"keys": []}},
        {"issuer": ISSUER + "/", "jwks": {"keys": []}},
        {"jwks": {"keys": []}},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks": {"keys": []}, "jwks_uri": KEYS_URI},
        {"issuer": ISSUER, "jwks": []},
        {"issuer": ISSUER, "jwks_uri": None},
        {"issuer": ISSUER, "jwks_uri": "http://keys.example/my.jwks"},
        {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
        {"issuer": ISSUER, "jwks_uri": 1},
    ],
)
def test_other_metadata_are_refused(metadata: Any) -> None:
    assert "metadata" in refused(metadata=metadata)


def test_the_longest_metadata() -> None:
    metadata = json.dumps({"issuer": ISSUER, "jwks": {"keys": []}}).encode()
    assert fetched(metadata=metadata.ljust(MAX_KEY_SET_BYTES)).body == b'{"keys":[]}'
    assert "not those of the issuer" in refused(metadata=metadata.ljust(MAX_KEY_SET_BYTES + 1))


def test_an_issuer_whose_host_cannot_be_fetched_from() -> None:
    named = {"issuer": "https://Issuer.example", "jwks_uri": "https://127.0.0.1/keys"}
    with pytest.raises(KeySetUnavailableError, match="name no key set"):
        fetched("https://Issuer.example", metadata=named)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:8500/v1/agent/leave",
        "http://localhost:2375/containers/json",
        "http://[::1]/",
        "https://127.0.0.1/keys",
        "https://localhost:8443/keys",
    ],
)
def test_metadata_cannot_lead_into_this_machine(uri: str) -> None:
    host = Host(metadata={"issuer": ISSUER, "jwks_uri": uri}, keys=KEY.public_set().to_dict())
    fetcher = IssuerMetadataFetcher(ISSUER, fetcher=host)
    with pytest.raises(KeySetUnavailableError, match="name no key set"):
        fetcher.fetch(metadata_uri(ISSUER), etag=None, timeout_seconds=5)
    assert host.asked == [(metadata_uri(ISSUER), None)]


def test_metadata_of_this_machine_may_stay_in_it() -> None:
    issuer, uri = "http://localhost:8000", "http://localhost:8000/keys"
    host = Host(metadata={"issuer": issuer, "jwks_uri": uri})
    IssuerMetadataFetcher(issuer, fetcher=host).fetch(
        metadata_uri(issuer), etag=None, timeout_seconds=5
    )
    assert host.asked == [(metadata_uri(issuer), None), (uri, None)]


def test_a_key_host_that_fails() -> None:
    failure = KeySetUnavailableError("down")
    assert refused(metadata=failure) == "down"
    assert refused(metadata={"issuer": ISSUER, "jwks_uri": KEYS_URI}, keys=failure) == "down"


@pytest.mark.parametrize("seconds", [5.0, 6.0])
def test_the_time_is_for_both(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    moments = iter([0.0, seconds])
    monkeypatch.setattr("ageassure.verifier.jwks.foreign.time.monotonic", lambda: next(moments))
    assert "took too long" in refused(metadata={"issuer": ISSUER, "jwks_uri": KEYS_URI})


def test_a_client_on_metadata() -> None:
    host = Host(metadata=PUBLISHED)
    client = JWKSetClient(
        metadata_uri("https://example.com"),
        fetcher=IssuerMetadataFetcher("https://example.com", fetcher=host),
        read=read_foreign_set,
    )
    assert client.key_set().get("doc-signer-05-25-2022") is not None
    strict = JWKSetClient(
        metadata_uri("https://example.com"),
        fetcher=IssuerMetadataFetcher("https://example.com", fetcher=host),
    )
    with pytest.raises(KeySetUnavailableError):  # its kid is no thumbprint
        strict.key_set()


def test_a_key_with_a_name_of_its_own_is_denied_by_its_thumbprint() -> None:
    other = SigningKey.generate()
    keys = [{**KEY.public.to_dict(), "kid": "one"}, {**other.public.to_dict(), "kid": "two"}]
    host = Host(metadata={"issuer": ISSUER, "jwks": {"keys": keys}})
    client = JWKSetClient(
        metadata_uri(ISSUER),
        fetcher=IssuerMetadataFetcher(ISSUER, fetcher=host),
        read=read_foreign_set,
        denied_kids=[KEY.public.thumbprint],
    )
    assert [key.kid for key in client.key_set()] == ["two"]
    client.deny(other.public.thumbprint)
    with pytest.raises(KeySetUnavailableError):
        client.key_set()


class TestForeignSets:
    def test_keys_of_other_kinds_are_left_out(self) -> None:
        others = [
            {"kty": "EC", "crv": "P-384", "x": "AAAA", "y": "AAAA"},
            {**KEY.public.to_dict(), "kid": "enc", "use": "enc"},
            {"kty": "AKP"},
            {},
            "text",
            None,
        ]
        text = json.dumps({"keys": [*others, KEY.public.to_dict()]}).encode()
        assert [key.kid for key in read_foreign_set(text)] == [KEY.kid]

    def test_a_key_without_a_name_has_its_thumbprint(self) -> None:
        members = KEY.public.to_dict()
        del members["kid"]
        text = json.dumps({"keys": [members]}).encode()
        assert [key.kid for key in read_foreign_set(text)] == [KEY.kid]

    @pytest.mark.parametrize(
        "keys",
        [
            None,
            {},
            [],
            ["text"],
            [KEY.to_jwk()],
            [{"kty": "oct", "k": "AAAA"}],
            [KEY.public.to_dict(), OTHER.to_jwk()],
            [KEY.public.to_dict(), {"kty": "oct", "k": "AAAA"}],
            [KEY.public.to_dict(), KEY.public.to_dict()],
            [{}] * 101,
            [KEY.public.to_dict(), *[{}] * 100],
        ],
    )
    def test_sets_that_must_not_be_used(self, keys: Any) -> None:
        with pytest.raises(KeySetError):
            read_foreign_set(json.dumps({"keys": keys}).encode())

    def test_the_longest_sets(self) -> None:
        many = json.dumps({"keys": [KEY.public.to_dict(), *[{}] * 99]}).encode()
        for body in (many, many.ljust(MAX_KEY_SET_BYTES)):
            assert [key.kid for key in read_foreign_set(body)] == [KEY.kid]
        with pytest.raises(KeySetError):
            read_foreign_set(many.ljust(MAX_KEY_SET_BYTES + 1))

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b"x" * (MAX_KEY_SET_BYTES + 1)])
    def test_no_sets(self, body: bytes) -> None:
        with pytest.raises(KeySetError):
            read_foreign_set(body)
