"""The fetcher against real servers on loopback: what it refuses, and how soon."""

from __future__ import annotations

import gzip
import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import ConfigurationError, KeySetUnavailableError
from ageassure.tokens.keys import MAX_KEY_SET_BYTES
from ageassure.verifier.fetching import resolve_by_system
from ageassure.verifier.fetching.exchange import MAX_HEAD_BYTES
from ageassure.verifier.jwks.fetch import HTTPSFetcher, checked_jwks_uri

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from ageassure.verifier.jwks import KeySetResponse

METADATA = "http://169.254.169.254/latest/meta-data/"


def fetched(
    host: Any,
    fetcher: HTTPSFetcher | None = None,
    *,
    name: str = "127.0.0.1",
    etag: str | None = None,
    seconds: float = 5,
) -> KeySetResponse:
    fetcher = HTTPSFetcher() if fetcher is None else fetcher
    return fetcher.fetch(host.uri(name), etag=etag, timeout_seconds=seconds)


def refused(host: Any, match: str, **arguments: Any) -> None:
    with pytest.raises(KeySetUnavailableError, match=match) as caught:
        fetched(host, **arguments)
    assert caught.value.code == "key_set_unavailable"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
def test_redirects_are_not_followed(
    key_host: Any, make_answer: Callable[..., bytes], status: int
) -> None:
    for target in (METADATA, key_host.uri()):
        headers = f"Location: {target}\r\n"
        key_host.sends(make_answer(status=f"{status} Elsewhere", headers=headers))
        refused(key_host, "redirect")
    assert key_host.connections == 2


@pytest.mark.parametrize("status", [201, 204, 206, 400, 401, 403, 404, 429, 500, 503])
def test_other_statuses_are_refused(
    key_host: Any, make_answer: Callable[..., bytes], status: int
) -> None:
    key_host.sends(make_answer(status=f"{status} Whatever"))
    refused(key_host, f"status {status}")


@pytest.mark.parametrize(
    "content_type", [None, "text/html", "text/plain", "application/jsonp", "json", "", "a/b/c"]
)
def test_what_is_not_announced_as_json_is_refused(
    key_host: Any, make_answer: Callable[..., bytes], content_type: str | None
) -> None:
    key_host.sends(make_answer(content_type=content_type))
    refused(key_host, "something else than JSON")


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "identity, gzip", "x"])
def test_content_encodings_are_refused(
    key_host: Any, make_answer: Callable[..., bytes], encoding: str
) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    key_host.sends(make_answer(bomb, headers=f"Content-Encoding: {encoding}\r\n"))
    refused(key_host, "content encoding")


def test_an_announced_huge_body_is_not_read(
    key_host: Any, make_answer: Callable[..., bytes]
) -> None:
    for length in (MAX_KEY_SET_BYTES + 1, 400_000_000, 10**30):
        key_host.sends(make_answer(b"{", length=length))
        refused(key_host, "too much")


@pytest.mark.parametrize("frame", [b"10000\r\n" + b" " * 65536 + b"\r\n", b"1;" + b"x" * 999])
def test_an_endless_chunked_body_is_left_early(
    key_host: Any, make_answer: Callable[..., bytes], frame: bytes
) -> None:
    sent = 0

    def behave(peer: socket.socket) -> None:
        nonlocal sent
        head = make_answer(b"", length=None, headers="Transfer-Encoding: chunked\r\n")
        peer.sendall(head)
        while not key_host.ended.is_set() and sent < 400_000_000:
            peer.sendall(frame if frame[0] == ord("1") and b" " in frame else frame + b"\r\n \r\n")
            sent += len(frame)

    key_host.behave = behave
    refused(key_host, "too much")
    key_host.close()
    assert sent < 30_000_000  # what the kernel's buffers hold, not 400 MB


def test_wrong_lengths_are_refused(key_host: Any, make_answer: Callable[..., bytes]) -> None:
    key_host.sends(make_answer(length=10_000))
    refused(key_host, "another length")
    key_host.sends(make_answer(length=None))
    refused(key_host, "no length")
    key_host.sends(make_answer(length=None, headers="Content-Length: 5x\r\n"))
    refused(key_host, "no length")


def test_several_lengths_are_refused(key_host: Any, make_answer: Callable[..., bytes]) -> None:
    key_host.sends(make_answer(headers="Content-Length: 7\r\n"))
    refused(key_host, "several lengths")


BROKEN = {
    "nothing": b"",
    "half a status line": b"HTTP/1.1 2",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Type: appli",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/0.9": b'{"keys":[]}',
    "another version": b"HTTP/9.9 200 OK\r\n\r\n",
    "no number": b"HTTP/1.1 abc OK\r\n\r\n",
    "a chunk too short": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"100\r\n{}"
    ),
    "a chunk size that is none": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"zz\r\n{}\r\n0\r\n\r\n"
    ),
    "two hundred headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_protocol_is_refused(key_host: Any, name: str) -> None:
    key_host.sends(BROKEN[name])
    refused(key_host, "broke|something else than JSON")


@pytest.mark.parametrize(
    "part", [b"A: " + b"b" * 1000 + b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["long", "100"]
)
def test_a_head_without_end_is_refused(key_host: Any, part: bytes) -> None:
    first = b"" if part.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\n"
    key_host.sends(first + part * (2 * MAX_HEAD_BYTES // len(part)))
    refused(key_host, "too much|broke")


@pytest.mark.parametrize(("size", "fits"), [(32_768, True), (32_769, False)])
def test_the_longest_head(
    key_host: Any, make_answer: Callable[..., bytes], body: bytes, size: int, *, fits: bool
) -> None:
    short = len(make_answer(headers="A: \r\n")) - len(body)
    key_host.sends(make_answer(headers=f"A: {'a' * (size - short)}\r\n"))
    if fits:
        assert fetched(key_host).body == body
    else:
        refused(key_host, "too much")


def test_nobody_listening_is_a_refusal(key_host: Any) -> None:
    key_host.close()
    refused(key_host, "broke")


# -- time -----------------------------------------------------------------------------------------


def assert_ends_in_time(host: Any, **arguments: Any) -> None:
    start = time.monotonic()
    refused(host, "in time", seconds=0.4, **arguments)
    assert 0.3 < time.monotonic() - start < 2


def test_silence_ends(key_host: Any) -> None:
    key_host.behave = lambda _: key_host.ended.wait(10)
    assert_ends_in_time(key_host)


def test_a_drip_of_head_or_body_ends(key_host: Any, make_answer: Callable[..., bytes]) -> None:
    key_host.drips(make_answer(), 0.05)
    assert_ends_in_time(key_host)
    head, _, tail = make_answer().partition(b"\r\n\r\n")

    def behave(peer: socket.socket) -> None:
        peer.sendall(head + b"\r\n\r\n")
        for byte in tail:
            if key_host.ended.wait(0.05):
                return
            peer.sendall(bytes([byte]))

    key_host.behave = behave
    assert_ends_in_time(key_host)


def test_a_drip_through_tls_ends(
    secure_host: Any, authority: Any, make_answer: Callable[..., bytes]
) -> None:
    secure_host.drips(make_answer(), 0.05)
    assert_ends_in_time(secure_host, fetcher=HTTPSFetcher(ssl_context=authority.trusted()))


def test_a_tls_handshake_that_never_comes_ends(key_host: Any) -> None:
    uri = key_host.uri().replace("http:", "https:")
    start = time.monotonic()
    with pytest.raises(KeySetUnavailableError, match="in time"):
        HTTPSFetcher().fetch(uri, etag=None, timeout_seconds=0.4)
    assert time.monotonic() - start < 2


def test_a_resolver_that_hangs_is_left_behind(key_host: Any) -> None:
    def hanging(host: str, port: int) -> list[str]:
        key_host.ended.wait(10)
        return []

    assert_ends_in_time(key_host, fetcher=HTTPSFetcher(resolve=hanging), name="localhost")


def test_no_time_at_all_is_a_refusal(key_host: Any) -> None:
    refused(key_host, "in time", seconds=0)
    assert key_host.connections == 0


# -- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["8.8.8.8", "10.0.0.1"],
        ["no address"],
        [None],
    ],
)
def test_a_name_with_an_inner_address_is_never_connected_to(
    secure_host: Any, authority: Any, addresses: list[str]
) -> None:
    fetcher = HTTPSFetcher(ssl_context=authority.trusted(), resolve=lambda *_: addresses)
    refused(secure_host, "must not be used", fetcher=fetcher, name="keys.example")
    assert secure_host.connections == 0


@pytest.mark.parametrize("name", ["10.1.2.3", "169.254.169.254", "[fe80::1]", "[::ffff:a00:1]"])
def test_an_inner_address_that_is_pinned_needs_its_network_too(key_host: Any, name: str) -> None:
    with pytest.raises(KeySetUnavailableError, match="must not be used"):
        HTTPSFetcher().fetch(f"https://{name}/jwks.json", etag=None, timeout_seconds=1)


def test_localhost_must_be_loopback(key_host: Any) -> None:
    refused(
        key_host,
        "must not be used",
        fetcher=HTTPSFetcher(resolve=lambda *_: ["8.8.8.8"]),
        name="localhost",
    )


def test_the_name_is_resolved_once_and_that_address_connected_to(
    secure_host: Any, authority: Any
) -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    fetcher = HTTPSFetcher(
        allowed_networks=["127.0.0.0/8"],
        ssl_context=authority.trusted(),
        resolve=lambda *_: answers.pop(0),
    )
    assert fetched(secure_host, fetcher, name="keys.example").body is not None
    assert len(answers) == 1
    refused(secure_host, "must not be used", fetcher=fetcher, name="keys.example")
    assert secure_host.connections == 1


def test_the_next_address_is_tried_where_one_does_not_answer(key_host: Any) -> None:
    fetcher = HTTPSFetcher(resolve=lambda *_: ["::1", "127.0.0.9", "127.0.0.1", "127.0.0.1"])
    assert fetched(key_host, fetcher, name="localhost").body is not None
    assert key_host.connections == 1


@pytest.mark.parametrize(("place", "reached"), [(16, True), (17, False)])
def test_sixteen_addresses_are_tried(key_host: Any, place: int, *, reached: bool) -> None:
    silent = [f"127.0.1.{number}" for number in range(1, place)]
    fetcher = HTTPSFetcher(resolve=lambda *_: [*silent, "127.0.0.1"])
    if reached:
        assert fetched(key_host, fetcher, name="localhost", seconds=20).body is not None
    else:
        refused(key_host, "broke", fetcher=fetcher, name="localhost", seconds=20)


@pytest.mark.parametrize("error", [OSError, UnicodeError, ValueError, RuntimeError])
def test_a_resolver_that_fails_is_a_refusal(key_host: Any, error: type[Exception]) -> None:
    def failing(host: str, port: int) -> list[str]:
        raise error

    resolvers: list[Any] = [failing, lambda *_: [], lambda *_: None]
    for resolve in resolvers:
        refused(
            key_host,
            "not resolved",
            fetcher=HTTPSFetcher(resolve=resolve),
            name="localhost",
        )


def test_the_system_resolves_localhost() -> None:
    assert set(resolve_by_system("localhost", 443)) <= {"127.0.0.1", "::1"}


# -- TLS ------------------------------------------------------------------------------------------


def test_an_unknown_authority_is_refused(secure_host: Any) -> None:
    refused(secure_host, "CERTIFICATE_VERIFY_FAILED")
    assert secure_host.requests == []


@pytest.mark.parametrize(("names", "days"), [(["other.example"], 1), (["127.0.0.1"], -1)])
def test_a_certificate_for_another_name_or_time_is_refused(
    secure_host: Any, authority: Any, names: list[str], days: int
) -> None:
    secure_host.context = authority.server(*names, days=days)
    fetcher = HTTPSFetcher(ssl_context=authority.trusted())
    refused(secure_host, "CERTIFICATE_VERIFY_FAILED", fetcher=fetcher)
    assert secure_host.requests == []


def test_old_tls_is_refused(secure_host: Any, authority: Any) -> None:
    secure_host.context.maximum_version = ssl.TLSVersion.TLSv1_2
    fetcher = HTTPSFetcher(ssl_context=authority.trusted())
    assert fetched(secure_host, fetcher).body is not None
    secure_host.context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLS"):
        secure_host.context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLS"):
        secure_host.context.maximum_version = ssl.TLSVersion.TLSv1_1
    refused(secure_host, "the key host failed in TLS", fetcher=fetcher)


def test_a_context_that_does_not_check_is_refused() -> None:
    no_name = ssl.create_default_context()
    no_name.check_hostname = False
    nothing = ssl.create_default_context()
    nothing.check_hostname = False
    nothing.verify_mode = ssl.CERT_NONE
    for context in (no_name, nothing):
        with pytest.raises(ConfigurationError, match="does not check"):
            HTTPSFetcher(ssl_context=context)


# -- the good case --------------------------------------------------------------------------------


def test_a_set_is_fetched_over_tls(
    secure_host: Any, authority: Any, make_answer: Callable[..., bytes], body: bytes
) -> None:
    headers = 'ETag: "v1"\r\nCache-Control: public, max-age=600\r\nAge: 100\r\n'
    secure_host.sends(make_answer(headers=headers))
    response = fetched(secure_host, HTTPSFetcher(ssl_context=authority.trusted()))
    assert (response.body, response.etag, response.max_age_seconds) == (body, '"v1"', 500)


def test_the_request_says_no_more_than_it_must(key_host: Any) -> None:
    fetched(key_host, etag='"v1"')
    assert key_host.requests == [
        b"GET /jwks.json HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n"
        % key_host.port
        + b"Accept: application/jwk-set+json, application/json\r\n"
        b"Accept-Encoding: identity\r\nUser-Agent: ageassure\r\nConnection: close\r\n"
        b'If-None-Match: "v1"\r\n\r\n'
    ]


def test_unchanged_is_understood_where_it_was_asked_for(
    key_host: Any, make_answer: Callable[..., bytes]
) -> None:
    headers = "Cache-Control: max-age=60\r\n"
    key_host.sends(make_answer(b"", status="304 Not Modified", headers=headers))
    response = fetched(key_host, etag='"v1"')
    assert (response.body, response.etag, response.max_age_seconds) == (None, '"v1"', 60)


def test_changed_is_understood_where_it_was_asked_for(
    key_host: Any, make_answer: Callable[..., bytes], body: bytes
) -> None:
    key_host.sends(make_answer(headers='ETag: "v2"\r\n'))
    response = fetched(key_host, etag='"v1"')
    assert (response.body, response.etag) == (body, '"v2"')
    key_host.sends(make_answer(status="404 Not Found"))
    refused(key_host, "status 404", etag='"v1"')


def test_a_chunked_body_is_read(
    key_host: Any, make_answer: Callable[..., bytes], body: bytes
) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:]))
    headers = "Transfer-Encoding: chunked\r\n"
    key_host.sends(make_answer(chunks + b"0\r\n\r\n", length=None, headers=headers))
    assert fetched(key_host).body == body


def test_a_body_of_the_greatest_size_is_read(
    key_host: Any, make_answer: Callable[..., bytes]
) -> None:
    key_host.sends(make_answer(b" " * MAX_KEY_SET_BYTES, content_type="application/json;a=b"))
    assert len(fetched(key_host).body or b"") == MAX_KEY_SET_BYTES


@pytest.mark.parametrize("etag", ["v1", '"a b"', '"' + "x" * 300 + '"', '"a"b"', "W/v1", '"\x7f"'])
def test_a_malformed_entity_tag_is_dropped(
    key_host: Any, make_answer: Callable[..., bytes], etag: str
) -> None:
    key_host.sends(make_answer(headers=f"ETag: {etag}\r\n"))
    assert fetched(key_host).etag is None


def test_proxies_of_the_environment_are_not_used(
    key_host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetched(key_host).body is not None


@pytest.mark.parametrize(
    "uri",
    [
        None,
        b"https://keys.example/jwks",
        "",
        "https://keys.example",
        "http://keys.example/jwks",
        "http://127.0.0.1.example/jwks",
        "http://10.0.0.1/jwks",
        "ftp://keys.example/jwks",
        "https://user@keys.example/jwks",
        "https://user:word@keys.example/jwks",
        "https://keys.example/jwks#fragment",
        "https://keys.example/jw ks",
        "https://keys.example/jwks\r\nHost: other",
        "https://KEYS.example/jwks",
        "https://k\u00e9ys.example/jwks",
        "https://keys.example:0/jwks",
        "https://keys.example:65536/jwks",
        "https://keys.example:/jwks",
        "https://-keys.example/jwks",
        "https://2130706433/jwks",
        "https://127.1/jwks",
        "https://[::1/jwks",
        "https://[::g]/jwks",
        "https://[]/jwks",
        "https://[1::2::3]/jwks",
        "https://[1.2.3.4.5]/jwks",
        "https://[a.b]/jwks",
        "https://[93.184.216.34]/jwks",
        "http://[127.0.0.1]/jwks",
        "https://keys.example/" + "x" * 492,
    ],
)
def test_malformed_addresses_are_refused(uri: Any) -> None:
    with pytest.raises(ConfigurationError, match="jwks_uri"):
        checked_jwks_uri(uri)
    with pytest.raises(ConfigurationError, match="jwks_uri"):
        HTTPSFetcher().fetch(uri, etag=None, timeout_seconds=1)


@pytest.mark.parametrize(
    "uri",
    [
        "https://keys.example/jwks.json",
        "https://keys.example:8443/a/b?c=d",
        "https://[2001:4860::1]:8443/jwks",
        "https://93.184.216.34/jwks",
        "http://localhost/jwks",
        "http://127.0.0.2:80/jwks",
        "http://[::1]:80/jwks",
        "https://keys.example/" + "x" * 491,
        "https://keys.example:1/",
        "https://keys.example:65535/",
    ],
)
def test_well_formed_addresses_are_taken(uri: str) -> None:
    assert checked_jwks_uri(uri) == uri
