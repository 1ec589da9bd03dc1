"""A document check service as a real HTTP server, and its calls."""

from __future__ import annotations

import hashlib
import hmac
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

API_KEY = "test-key-that-protects-nothing"
SECRET = b"a secret of the webhook, 32 bytes long or more"


class Vendor(ThreadingHTTPServer):
    """Keeps checks by reference; a test sets what they come to.

    ``broken`` answers the next requests with status 500, ``raw`` with these bytes.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.checks: dict[str, dict[str, Any]] = {}
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.broken = 0
        self.raw: bytes | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def started(self, reference: str) -> dict[str, Any]:
        for check in self.checks.values():
            if check["reference"] == reference:
                return check
        check = {
            "check_id": f"check_{len(self.checks):04}",
            "reference": reference,
            "state": "pending",
        }
        self.checks[check["check_id"]] = check
        return check

    def decide(self, check_id: str, **members: object) -> bytes:
        """What the check comes to; returns the body of the service's call."""
        self.checks[check_id] |= members
        return json.dumps(self.checks[check_id]).encode()

    def handle_error(self, *_arguments: object) -> None:
        """A client that hangs up is no trouble of the server's."""


class _Handler(BaseHTTPRequestHandler):
    server: Vendor

    def log_message(self, *_arguments: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        check = self.server.checks.get(self.path.rpartition("/")[2])
        self._answer(200 if check else 404, check)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reference = self.headers["Idempotency-Key"]
        assert body["reference"] == reference
        check = self.server.started(reference)
        self._answer(201, {"check_id": check["check_id"], "address": "https://vendor.example/go"})

    def _answer(self, status: int, document: object) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        if self.headers["Authorization"] != f"Bearer {API_KEY}":
            status, document = 401, None
        if self.server.broken:
            self.server.broken -= 1
            status, document = 500, None
        body = json.dumps(document).encode() if self.server.raw is None else self.server.raw
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running() -> Iterator[Vendor]:
    with Vendor() as vendor:
        thread = Thread(target=vendor.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield vendor
        finally:
            vendor.shutdown()
            thread.join()


def signature(body: bytes, timestamp: str, secret: bytes = SECRET) -> str:
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
