"""Fetching a key set over https: one address, one request, one deadline, no detours.

The only module that speaks HTTP or TLS. It stands on the standard library, so that it decides
itself which address is connected to. Environment variables for proxies are not read.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from io import BufferedReader, RawIOBase
from ipaddress import ip_address
from threading import Thread
from typing import TYPE_CHECKING, Final, NamedTuple, cast, final

from ageassure.errors import ConfigurationError, KeySetUnavailableError
from ageassure.tokens.keys import MAX_KEY_SET_BYTES
from ageassure.verifier.jwks.addresses import checked_addresses, read_networks
from ageassure.verifier.jwks.cache_control import max_age_seconds
from ageassure.verifier.jwks.source import KeySetResponse

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from ageassure.verifier.jwks.addresses import Address

Resolver = Callable[[str, int], Sequence[str]]
"""Gives all addresses of a host, as text, for a port."""

MAX_HEAD_BYTES: Final = 32 * 1024
"""Status line and headers, interim responses included."""

_MAX_ADDRESSES: Final = 16
_MAX_URI_CHARACTERS: Final = 512
_URI: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<target>/[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)"
)
_TYPES: Final = frozenset({"application/jwk-set+json", "application/json"})
_ETAG: Final = re.compile(r'(?:W/)?"[!#-~]{0,256}"')


class _Target(NamedTuple):
    """A pinned address taken apart."""

    secure: bool
    host: str
    port: int
    target: str
    authority: str
    loopback: bool


def checked_jwks_uri(uri: object) -> str:
    """Return the address of a key set: https, or http for loopback; no user, no fragment.

    Raises:
        ConfigurationError: If it is anything else. Host names are written in lower-case ASCII.
    """
    _take_apart(uri)
    return str(uri)


def _take_apart(uri: object) -> _Target:
    match = None
    if isinstance(uri, str) and len(uri) <= _MAX_URI_CHARACTERS:
        match = _URI.fullmatch(uri)
    if match is None:
        raise ConfigurationError("got a malformed jwks_uri, expected an https URL with a path")
    secure = match["scheme"] == "https"
    host = match["host"].strip("[]")
    port = int(match["port"] or (443 if secure else 80))
    address = _as_address(host)
    if address is None and (":" in host or re.fullmatch(r"[0-9.]+", host)):
        # 127.1 and 2130706433 are addresses to some resolvers, too.
        raise ConfigurationError("got a jwks_uri with a malformed address")
    loopback = host == "localhost" if address is None else address.is_loopback
    if not 1 <= port <= 65535:
        raise ConfigurationError("got a jwks_uri with another port, expected 1 to 65535")
    if not secure and not loopback:
        raise ConfigurationError("got a jwks_uri with http, expected https (http for loopback)")
    authority = match["host"] if match["port"] is None else f"{match['host']}:{port}"
    return _Target(secure, host, port, match["target"], authority, loopback)


def _as_address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def resolve_by_system(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@final
class HTTPSFetcher:
    """Fetches a key set with the standard library; the key client's own fetcher.

    In this order: the host is resolved; if any of its addresses is not a global one, nothing is
    connected to; one of these very addresses is connected to; TLS with the host's name; one GET.
    Refused are redirects, every other status than 200 (304 where it was asked for), other content
    types than JSON, content encodings, bodies over 256 KiB or of another length than announced,
    and whatever takes longer than the time given for all of it together.

    Args:
        allowed_networks: Networks in CIDR notation that may be connected to beside global
            addresses, for a key host inside your own network. Loopback needs none where the
            address names it (``localhost``, ``127.0.0.1``, ``[::1]``).
        ssl_context: For a certificate authority of your own. It must check certificates and host
            names. By default the system's authorities are trusted, with TLS 1.2 at least.
        resolve: Name resolution; the system's by default. It may block: it runs in a thread.

    Raises:
        ConfigurationError: If a network is malformed, or the context does not check.
    """

    __slots__ = ("_allowed", "_context", "_resolve")

    def __init__(
        self,
        *,
        allowed_networks: Collection[str] = (),
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolver = resolve_by_system,
    ) -> None:
        if ssl_context is not None and (
            ssl_context.verify_mode is not ssl.CERT_REQUIRED or not ssl_context.check_hostname
        ):
            raise ConfigurationError("got an ssl_context that does not check the other side")
        self._allowed = read_networks(allowed_networks)
        self._context = ssl_context
        self._resolve = resolve

    def fetch(self, uri: str, *, etag: str | None, timeout_seconds: float) -> KeySetResponse:
        """Fetch the document once; see the class.

        Raises:
            KeySetUnavailableError: If anything is not as it must be.
            ConfigurationError: If ``uri`` is malformed.
        """
        target = _take_apart(uri)
        deadline = time.monotonic() + timeout_seconds
        reason = "the key host broke the connection or the protocol"
        try:
            addresses = self._addresses(target, deadline)
            with self._connected(target, addresses, deadline) as connection:
                return _exchange(connection, target, etag, deadline)
        except KeySetUnavailableError as error:
            reason = str(error)
        except TimeoutError:
            reason = "the key host did not answer in time"
        except ssl.SSLError as error:
            reason = f"TLS with the key host failed: {error.reason}"
        except (OSError, HTTPException, ValueError):
            pass
        raise KeySetUnavailableError(reason)

    def _addresses(self, target: _Target, deadline: float) -> tuple[Address, ...]:
        literal = _as_address(target.host)
        found: Sequence[str] = [] if literal is None else [target.host]
        if literal is None:
            answers: list[Sequence[str]] = []
            # A resolver cannot be given a time limit, but it can be left behind.
            asking = Thread(
                target=_ask, args=(self._resolve, target, answers), daemon=True, name="jwks-resolve"
            )
            asking.start()
            asking.join(_remaining(deadline))
            if asking.is_alive():
                raise KeySetUnavailableError("the key host's name was not resolved in time")
            found = answers[0] if answers else []
        if not found:
            raise KeySetUnavailableError("the key host's name was not resolved")
        addresses = checked_addresses(found, loopback=target.loopback, allowed=self._allowed)
        if addresses is None:
            raise KeySetUnavailableError("the key host has an address that must not be used")
        return addresses[:_MAX_ADDRESSES]

    def _connected(
        self, target: _Target, addresses: tuple[Address, ...], deadline: float
    ) -> socket.socket:
        connection = _first_to_answer(addresses, target.port, deadline)
        if not target.secure:
            return connection
        try:
            if self._context is None:
                self._context = ssl.create_default_context()
            connection.settimeout(_remaining(deadline))
            return self._context.wrap_socket(
                connection, server_hostname=target.host, suppress_ragged_eofs=False
            )
        except BaseException:
            connection.close()
            raise


def _ask(resolve: Resolver, target: _Target, answers: list[Sequence[str]]) -> None:
    try:
        answers.append(list(resolve(target.host, target.port)))
    except Exception:  # noqa: BLE001 - resolvers raise many things, UnicodeError among them
        return


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    return remaining


def _first_to_answer(addresses: tuple[Address, ...], port: int, deadline: float) -> socket.socket:
    """Connect to the first address that answers; each gets its share of the time that is left."""
    *others, last = addresses
    for place, address in enumerate(others):
        with suppress(OSError):
            share = _remaining(deadline) / (len(addresses) - place)
            return socket.create_connection((str(address), port), share)
    return socket.create_connection((str(last), port), _remaining(deadline))


class _BoundedReader(RawIOBase):
    """The incoming bytes, under one deadline and one limit for all of them.

    A timeout of a socket is for one operation: a byte every second would never end.
    """

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = deadline
        self.left_bytes = MAX_HEAD_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        if self.left_bytes <= 0:
            raise KeySetUnavailableError("the key host sent too much")
        view = memoryview(buffer)[: self.left_bytes]
        self._connection.settimeout(_remaining(self._deadline))
        count = self._connection.recv_into(view)
        self.left_bytes -= count
        return count

    def makefile(self, _mode: str) -> BufferedReader:
        """What ``HTTPResponse`` asks a socket for."""
        return BufferedReader(self)


def _exchange(
    connection: socket.socket, target: _Target, etag: str | None, deadline: float
) -> KeySetResponse:
    lines = [
        f"GET {target.target} HTTP/1.1",
        f"Host: {target.authority}",
        "Accept: application/jwk-set+json, application/json",
        "Accept-Encoding: identity",
        "User-Agent: ageassure",
        "Connection: close",
        *([] if etag is None else [f"If-None-Match: {etag}"]),
    ]
    connection.settimeout(_remaining(deadline))
    connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
    reader = _BoundedReader(connection, deadline)
    response = HTTPResponse(cast("socket.socket", reader), method="GET")
    with response:
        response.begin()
        told = ", ".join(response.headers.get_all("Cache-Control", []))
        max_age = max_age_seconds(told, response.getheader("Age"))
        if response.status == 304 and etag is not None:
            return KeySetResponse(body=None, etag=etag, max_age_seconds=max_age)
        _check_head(response)
        body = _read_body(response, reader)
        new_etag = response.getheader("ETag", "")
        return KeySetResponse(
            body=body,
            etag=new_etag if _ETAG.fullmatch(new_etag) else None,
            max_age_seconds=max_age,
        )


def _check_head(response: HTTPResponse) -> None:
    if 300 <= response.status < 400:
        raise KeySetUnavailableError("the key host answered with a redirect")
    if response.status != 200:
        raise KeySetUnavailableError(f"the key host answered with status {response.status}")
    if response.headers.get_content_type() not in _TYPES:  # none counts as text/plain
        raise KeySetUnavailableError("the key host answered with something else than JSON")
    if response.getheader("Content-Encoding", "identity").strip().lower() != "identity":
        raise KeySetUnavailableError("the key host answered with a content encoding")
    if len(response.headers.get_all("Content-Length", [])) > 1:
        raise KeySetUnavailableError("the key host announced several lengths")
    if response.length is None and not response.chunked:
        raise KeySetUnavailableError("the key host announced no length")
    if (response.length or 0) > MAX_KEY_SET_BYTES:
        raise KeySetUnavailableError("the key host sent too much")


def _read_body(response: HTTPResponse, reader: _BoundedReader) -> bytes:
    announced = response.length
    reader.left_bytes = 2 * MAX_KEY_SET_BYTES  # with room for the framing of sensible chunks
    body = response.read(MAX_KEY_SET_BYTES + 1)
    if len(body) > MAX_KEY_SET_BYTES:
        raise KeySetUnavailableError("the key host sent too much")
    if announced is not None and len(body) != announced:
        raise KeySetUnavailableError("the key host sent another length than announced")
    return body
