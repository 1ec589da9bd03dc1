"""A host on loopback, in the clear and with TLS, that behaves as a test wants."""

from __future__ import annotations

import json
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ageassure.tokens import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = SigningKey.generate()
BODY = json.dumps(KEY.public_set().to_dict()).encode()


def answer(
    body: bytes = BODY,
    *,
    status: str = "200 OK",
    content_type: str | None = "application/jwk-set+json",
    length: int | None = -1,
    headers: str = "",
) -> bytes:
    """A response; ``length`` None leaves the header out, -1 tells the truth."""
    lines = [f"HTTP/1.1 {status}"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    if length is not None:
        lines.append(f"Content-Length: {len(body) if length == -1 else length}")
    return ("\r\n".join(lines) + "\r\n" + headers + "\r\n").encode() + body


class KeyHost:
    """Answers each request with ``behave(connection)`` and closes. Counts what comes in."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.behave: Callable[[socket.socket], None] = lambda peer: peer.sendall(answer())
        self.connections = 0
        self.requests: list[bytes] = []
        self.ended = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[Thread] = []
        self._start(self._listen)

    def uri(self, host: str = "127.0.0.1", path: str = "/jwks.json") -> str:
        scheme = "http" if self.context is None else "https"
        return f"{scheme}://{host}:{self.port}{path}"

    def sends(self, response: bytes) -> None:
        self.behave = lambda peer: peer.sendall(response)

    def drips(self, response: bytes, seconds: float) -> None:
        """One byte every so often, until the test is over."""

        def behave(peer: socket.socket) -> None:
            for byte in response:
                if self.ended.wait(seconds):
                    return
                peer.sendall(bytes([byte]))

        self.behave = behave

    def close(self) -> None:
        self.ended.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while not self.ended.is_set():
            try:
                peer, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            self._start(self._serve, peer)

    def _serve(self, peer: socket.socket) -> None:
        peer.settimeout(5)
        with suppress(OSError), peer:
            if self.context is None:
                self._answer(peer)
                return
            with self.context.wrap_socket(peer, server_side=True) as secure:
                self._answer(secure)
                secure.unwrap()

    def _answer(self, peer: socket.socket) -> None:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            received = peer.recv(4096)
            if not received:
                return
            request += received
        self.requests.append(request)
        self.behave(peer)


class Authority:
    """A certificate authority to be thrown away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self._path = folder / "authority.pem"
        certificate = self._signed(self._name, self._key.public_key(), [], ca=True, days=1)
        self._path.write_bytes(certificate)

    def trusted(self) -> ssl.SSLContext:
        """What a client uses that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self._path))

    def server(self, *names: str, days: int = 1) -> ssl.SSLContext:
        """What a server with these names uses; negative days have passed."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "key host")])
        path = self._folder / f"{'-'.join(names)}{days}.pem".replace(":", "_")
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + self._signed(subject, key.public_key(), list(names), ca=False, days=days)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _signed(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        names: list[str],
        *,
        ca: bool,
        days: int,
    ) -> bytes:
        end = datetime.now(UTC) + timedelta(days=days)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - timedelta(days=2))
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            # What follows is demanded by Python 3.13's stricter default.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .add_extension(_key_usage(ca=ca), critical=True)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general_name(name) for name in names]),
                critical=False,
            )
        certificate = builder.sign(self._key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def key_host() -> Iterator[KeyHost]:
    host = KeyHost()
    yield host
    host.close()


@pytest.fixture
def secure_host(authority: Authority) -> Iterator[KeyHost]:
    host = KeyHost(authority.server("127.0.0.1", "localhost", "keys.example"))
    yield host
    host.close()


@pytest.fixture
def make_answer() -> Callable[..., bytes]:
    return answer


@pytest.fixture
def body() -> bytes:
    return BODY
